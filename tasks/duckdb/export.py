"""Tables and queries of DuckDB as files: Parquet, CSV or JSON, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from tasks.duckdb.files import READERS, format_of, value_text
from tasks.sql.session import Data

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: What a query begins with, and a table's name does not.
_QUERY = re.compile(
    r"\s*(?:\(|(?:--|/\*|(?:select|with|from|values|table|pivot)\s))", re.IGNORECASE
)


def export(
    connection: DuckDBPyConnection,
    source: str,
    path: str | os.PathLike[str],
    data: Data,
    format: str | None,
    options: Mapping[str, Any],
) -> int:
    """Write a table or the rows of a query to a file; see :meth:`DuckDBSession.export`."""
    target = os.fspath(path)
    kind = format or format_of(target)
    if kind not in READERS:
        raise FlowError(
            f"a table cannot be exported to {target!r}: its format is not known",
            fix=f"give format = one of {', '.join(READERS)}",
        )
    query = source if _QUERY.match(source) else f"FROM {source}"
    said = "".join(f", {name.upper()} {_option(value)}" for name, value in options.items())
    start, end = f"COPY ({query.rstrip().rstrip(';')}\n) TO ", f" (FORMAT {kind}{said})"
    if "://" in target or any(name.lower() == "partition_by" for name in options):
        return _copied(connection, start + value_text(target) + end, data)
    folder, name = os.path.split(os.path.abspath(target))
    os.makedirs(folder, exist_ok=True)
    part = os.path.join(folder, f".{name}.{uuid.uuid4().hex}")
    try:
        rows = _copied(connection, start + value_text(part) + end, data)
        os.replace(part, os.path.join(folder, name))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)
    return rows


def _copied(connection: DuckDBPyConnection, statement: str, data: Data) -> int:
    return int(connection.execute(statement, data or None).fetchall()[0][0])


def _option(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(map(str, value)) + ")"
    return value_text(value)
