"""What became of one dbt node: small, picklable, free of dbt's own classes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

OK_STATUSES = frozenset({"success", "pass", "warn", "no-op"})
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_DUCKDB_LINE = re.compile(r"^\s*LINE \d+: ?(.*)$", re.MULTILINE)
_NAMED = re.compile(r'(?:column(?: named)?|name|near) "?([^\s"]+)"?')


@dataclass(frozen=True)
class NodeResult:
    """The result of one node, in dbt's own words.

    Args:
        unique_id: The node in dbt's manifest, as ``model.shop.orders``.
        status: dbt's word: success, error, fail, warn, pass, skipped, no-op, partial success.
        message: dbt's message; the reason, for a skipped node.
        failures: Failing rows of a test.
        rows: Rows written, where the adapter or its cursor tells.
        started: Aware UTC; ``None`` for a node that never started.
        execution_time: Seconds.
        compiled_code: The SQL as sent.
        compiled_path: Absolute path of that SQL below ``target/compiled``.
        relation: The relation as SQL writes it.
        path: The node's file, relative to its project.
        error_line: Line of ``compiled_code`` that the database complained about, if it told.
        logs: What dbt and the project's macros logged at info level and above.

    Example:
        >>> NodeResult("test.shop.not_null_orders_id", "warn", failures=2).ok
        True
    """

    unique_id: str
    status: str
    message: str | None = None
    failures: int | None = None
    rows: int | None = None
    started: datetime | None = None
    completed: datetime | None = None
    execution_time: float = 0.0
    adapter_response: dict[str, Any] = field(default_factory=dict)
    compiled_code: str | None = None
    compiled_path: str | None = None
    relation: str | None = None
    path: str | None = None
    error_line: int | None = None
    logs: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether what depends on the node may run."""
        return self.status in OK_STATUSES


def from_run_result(
    result: Any,
    *,
    project_root: str,
    logs: Sequence[str] = (),
    reason: str | None = None,
    counted: int | None = None,
) -> NodeResult:
    """Turn dbt's ``RunResult`` into ours.

    Args:
        result: dbt's result.
        project_root: Absolute folder that dbt's compiled paths are relative to.
        logs: Lines logged while the node ran.
        reason: The message of a skipped node, to which dbt itself gives none.
        counted: Rows that the node wrote, for an adapter that does not tell.
    """
    node, status = result.node, str(result.status)
    ok = status in OK_STATUSES
    code = getattr(node, "compiled_code", None)
    compiled_path = getattr(node, "compiled_path", None)
    response = _plain(result.adapter_response or {})
    instants = [i for t in result.timing for i in (t.started_at, t.completed_at) if i]
    return NodeResult(
        unique_id=node.unique_id,
        status=status,
        message=_ANSI.sub("", result.message or "").strip() or reason,
        failures=result.failures,
        rows=_rows(response, counted),
        started=_aware(min(instants, default=None)),
        completed=_aware(max(instants, default=None)),
        execution_time=float(result.execution_time),
        adapter_response=response,
        compiled_code=code,
        compiled_path=os.path.join(project_root, compiled_path) if compiled_path else None,
        relation=getattr(node, "relation_name", None),
        path=getattr(node, "original_file_path", None),
        error_line=None if ok else error_line(result.message, code),
        logs=tuple(logs),
    )


def error_line(message: str | None, compiled_code: str | None) -> int | None:
    """Return the line of the compiled SQL that a database's message points at, if it can be told.

    The name the message complains about decides where it stands on one line only: DuckDB counts
    its ``LINE n: <text>`` in the whole statement, which wraps the compiled SQL in lines of its
    own, and miscounts, or leaves it out, after the comment dbt puts in front.

    Example:
        >>> error_line('Binder Error: Referenced column "nope" not found', "select\\n  nope as y")
        2
    """
    if not message or not compiled_code:
        return None
    lines = compiled_code.splitlines()
    name = _NAMED.search(message)
    if name is not None:
        word = re.compile(rf"\b{re.escape(name[1])}\b")
        holding = [number for number, line in enumerate(lines, 1) if word.search(line)]
        if len(holding) == 1:
            return holding[0]
    shown = _DUCKDB_LINE.search(message)
    text = shown[1].strip().removeprefix("...").removesuffix("...").strip() if shown else ""
    holding = [number for number, line in enumerate(lines, 1) if text and text in line]
    return holding[0] if len(holding) == 1 else None


def _rows(response: dict[str, Any], counted: int | None) -> int | None:
    rows = response.get("rows_affected", counted)
    return rows if isinstance(rows, int) and rows >= 0 else None


def _aware(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def _plain(value: Any) -> Any:
    """Keep JSON's types only, so that a result travels between processes and into the store."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
