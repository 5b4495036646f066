"""The dataset behind a dbt node: its relation, or the file that stands for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.model.dataset import Dataset, DatasetKind, fold, is_path

_QUOTED = re.compile(r"'([^']+)'")
_PART = re.compile(r"""("[^"]+"|`[^`]+`|\[[^\]]+\])|([^.\s"`\[\]]+)""")


def relation(node: Mapping[str, Any], dialect: str) -> Dataset | None:
    """The table that a node writes, or that a source names; None where it has none.

    Args:
        node: A manifest node with ``relation_name``, or ``database``/``schema``/``alias``.
        dialect: sqlglot's name of the adapter's dialect.
    """
    name = node.get("relation_name")
    if not name:
        return _by_parts(node, dialect)
    if "'" in name or "(" in name:  # dbt-duckdb's external sources: 'x.csv', read_csv('x.csv')
        return _external(name)
    plain = _quoted_parts(name)
    if plain:
        return _table([fold(part, True, dialect) for part in plain])
    parts = [fold(bare or quoted[1:-1], bool(quoted), dialect) for quoted, bare in _split(name)]
    return _table(parts)


def external_file(node: Mapping[str, Any]) -> Dataset | None:
    """The file that dbt-duckdb's ``external`` materialisation writes, if its place is given."""
    config = node.get("config") or {}
    location = config.get("location")
    if config.get("materialized") == "external" and isinstance(location, str) and location:
        return Dataset(None, None, location, DatasetKind.FILE)
    return None


def _external(name: str) -> Dataset | None:
    quoted = _QUOTED.search(name)
    if quoted and is_path(quoted[1]):
        return Dataset(None, None, quoted[1], DatasetKind.FILE)
    return None


def _by_parts(node: Mapping[str, Any], dialect: str) -> Dataset | None:
    name = node.get("identifier") or node.get("alias") or node.get("name")
    if not name or not node.get("schema"):
        return None
    # dbt quotes by default, and stores the names as it would write them.
    given = (node.get("database"), node["schema"], name)
    return _table([fold(part, True, dialect) for part in given if part])


def _quoted_parts(name: str) -> list[str]:
    """The parts of ``"a"."b"."c"``, as most adapters write all names; empty for any other form."""
    if name[0] != '"' or name[-1] != '"':
        return []
    parts = name[1:-1].split('"."')
    return parts if name.count('"') == 2 * len(parts) and all(parts) else []


def _split(name: str) -> list[tuple[str, str]]:
    return _PART.findall(name)


def _table(parts: list[str]) -> Dataset | None:
    if not 1 <= len(parts) <= 3:
        return None
    catalog, schema = ([None, None, *parts[:-1]])[-2:]
    return Dataset(catalog, schema, parts[-1])
