"""Names in Snowflake's SQL: in quotes only where they need them, and read as Snowflake reads them."""

from __future__ import annotations

import re

from orchestrator.model.dataset import fold
from tasks.dbapi.lexing import SNOWFLAKE, Kind, pieces

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


def quoted(name: str) -> str:
    """Write a name exactly.

    Example:
        >>> quoted("total sum")
        '"total sum"'
    """
    return '"' + name.replace('"', '""') + '"'


def identifier(text: str) -> str:
    """Write what a setting names: as it stands where that is a name, else in quotes.

    Example:
        >>> identifier("Raw"), identifier('"Raw"'), identifier("raw data")
        ('Raw', '"Raw"', '"raw data"')
    """
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text if is_quoted or _PLAIN.fullmatch(text) else quoted(text)


def stored(text: str) -> str:
    """The name that Snowflake keeps of one that a setting gives.

    Example:
        >>> stored("Raw"), stored('"Raw"')
        ('RAW', 'Raw')
    """
    written = identifier(text)
    if written.startswith('"'):
        return written[1:-1].replace('""', '"')
    return fold(written, False, "snowflake")


def parts_of(table: str) -> list[str]:
    """The parts of a table's name, as Snowflake keeps them.

    Example:
        >>> parts_of('raw."my orders"')
        ['RAW', 'my orders']
    """
    found = [piece for piece in pieces(table, SNOWFLAKE) if piece.text != "."]
    return [stored(p.text) for p in found if p.kind in (Kind.WORD, Kind.NAME)]


def column(name: str) -> str:
    """The name of a new column: in capitals, as Snowflake compares names, unless it needs quotes.

    Example:
        >>> column("total"), column("total sum")
        ('TOTAL', 'total sum')
    """
    return name.upper() if _PLAIN.fullmatch(name) else name


def shown(name: str) -> str:
    """The name of a column for a frame: what is compared without case, in lower case.

    So the same Python reads frames of Snowflake, Postgres and DuckDB.

    Example:
        >>> shown("TOTAL"), shown("Total"), shown("TOTAL SUM")
        ('total', 'Total', 'TOTAL SUM')
    """
    return name.lower() if _PLAIN.fullmatch(name) and name == name.upper() else name
