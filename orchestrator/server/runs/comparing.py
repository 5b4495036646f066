"""Two runs beside one another: what took longer, wrote more rows, or ran other SQL."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from orchestrator.shapes.values import Shape
from orchestrator.store.records import TaskRun

_LINES = 5000  #: of longer SQL only whether it changed is told
_DIFF = 200_000  #: characters of a difference


def compared(a: Sequence[TaskRun], b: Sequence[TaskRun]) -> list[Shape]:
    """Compare the tasks of two runs.

    Args:
        a: The tasks of the one run.
        b: Those of the other.

    Returns:
        A row for each key, in ``a``'s order and then ``b``'s: ``a`` and ``b`` with ``state``,
        ``seconds``, ``rows`` and ``sql`` (None where the run has no such task), ``seconds_ratio``
        (b's by a's), ``rows_change`` (b's less a's), ``sql_changed``, ``sql_diff``.
    """
    first, second = ({task.key: task for task in tasks} for tasks in (a, b))
    return [_row(key, first.get(key), second.get(key)) for key in dict.fromkeys([*first, *second])]


def _row(key: str, a: TaskRun | None, b: TaskRun | None) -> Shape:
    one, other = _side(a), _side(b)
    named = b or a
    assert named is not None
    changed, diff = _difference(one, other)
    return {
        "key": key,
        "name": named.name,
        "a": one,
        "b": other,
        "seconds_ratio": _ratio(one, other),
        "rows_change": _change(one, other),
        "sql_changed": changed,
        "sql_diff": diff,
    }


def _side(task: TaskRun | None) -> Shape | None:
    if task is None:
        return None
    seconds = None
    if task.started is not None and task.finished is not None and task.attempt:
        seconds = max(0.0, (task.finished - task.started).total_seconds())
    sql = task.detail.get("compiled_code") or task.detail.get("sql")
    return {
        "state": task.state,
        "seconds": seconds,
        "rows": task.rows,
        "sql": sql if isinstance(sql, str) else None,
    }


def _ratio(a: Shape | None, b: Shape | None) -> float | None:
    if not a or not b or not a["seconds"] or b["seconds"] is None:
        return None
    return float(b["seconds"] / a["seconds"])


def _change(a: Shape | None, b: Shape | None) -> int | None:
    if not a or not b or a["rows"] is None or b["rows"] is None:
        return None
    return int(b["rows"] - a["rows"])


def _difference(a: Shape | None, b: Shape | None) -> tuple[bool | None, str | None]:
    """Whether the SQL is another (None: of one side it is not known), and how."""
    if not a or not b or a["sql"] is None or b["sql"] is None:
        return None, None
    if a["sql"] == b["sql"]:
        return False, None
    before, after = a["sql"].splitlines(), b["sql"].splitlines()
    if max(len(before), len(after)) > _LINES:
        return True, None
    lines = difflib.unified_diff(before, after, "a", "b", lineterm="")
    return True, "\n".join(lines)[:_DIFF]
