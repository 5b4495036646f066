"""The SQL that a dbt command sent for its nodes: the files it compiled, and nobody else did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

_MOST = 20_000_000  #: characters of SQL that one attempt tells
_BLUR = 1.0  #: seconds that the clock of files may be behind


def compiled_by(target: Path, nodes: Iterable[str], since: float) -> dict[str, str]:
    """Return the compiled SQL of nodes, as far as dbt wrote it, by unique id.

    Args:
        target: dbt's target folder; where its files stand in it is the same for all versions.
        nodes: Unique ids of the nodes that ran.
        since: When the command began, in seconds since the epoch: an older file is not its own.
    """
    known = _nodes(target / "manifest.json")
    found: dict[str, str] = {}
    left = _MOST
    for unique_id in nodes:
        code = _code(target / "compiled", known.get(unique_id), since - _BLUR)
        if code and (left := left - len(code)) >= 0:
            found[unique_id] = code
    return found


def _nodes(file: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError, AttributeError):
        return dict(orjson.loads(file.read_bytes()).get("nodes") or {})
    return {}


def _code(compiled: Path, node: Any, since: float) -> str | None:
    """What dbt compiled of a node; one of many in a file has a file of its own below that name."""
    if not isinstance(node, Mapping) or node.get("resource_type") == "seed":
        return None
    place, name = str(node.get("original_file_path")), PurePosixPath(str(node.get("path"))).name
    file = compiled / str(node.get("package_name")) / place
    if PurePosixPath(place).name != name:
        file /= str(node["path"])
    with suppress(OSError):
        if file.stat().st_mtime >= since:
            return file.read_text(encoding="utf-8", errors="replace")
    return None
