"""Two runs beside one another: what took longer, wrote more rows, or ran other SQL."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice

from orchestrator.server.runs.reported import reported_by
from orchestrator.server.runs.sql import hash_of, within
from orchestrator.shapes.values import Shape
from orchestrator.store.records import TaskRun
from orchestrator.store.texts import text_of

_LINES = 5000  #: of longer SQL only whether it changed is told
_DIFF = 200_000  #: characters of a difference
_SHOWN = 4_000_000  #: characters of changed SQL that one answer tells
_AT_ONCE = 20  #: tasks whose SQL is read together

#: Gives texts by their hashes.
Texts = Callable[[Collection[str]], Mapping[str, str]]


def compared(a: Sequence[TaskRun], b: Sequence[TaskRun], texts: Texts) -> list[Shape]:
    """Compare the tasks of two runs.

    Args:
        a: The tasks of the one run.
        b: Those of the other.
        texts: Gives the SQL that is kept in the run store.

    Returns:
        A row for each task, and for each dbt node that a task reported which runs dbt as a command
        (its key stands after that of the task), in ``a``'s order and then ``b``'s: ``a`` and ``b`` with ``state``,
        ``seconds``, ``rows`` and ``sql`` (None where the run has no such task), ``seconds_ratio``
        (b's by a's), ``rows_change`` (b's less a's), ``sql_changed``, ``sql_diff``. SQL is told
        where it changed, as far as one answer holds it.
    """
    first, second = (dict(_keyed(tasks)) for tasks in (a, b))
    rows: list[Shape] = []
    changed: list[tuple[Shape, TaskRun, TaskRun]] = []
    for key in dict.fromkeys([*first, *second]):
        one, other = first.get(key), second.get(key)
        rows.append(_row(key, one, other))
        if one and other and rows[-1]["sql_changed"]:
            changed.append((rows[-1], one, other))
    _show(changed, texts)
    return rows


def _keyed(tasks: Sequence[TaskRun]) -> Iterator[tuple[str, TaskRun]]:
    for task in tasks:
        yield task.key, task
        for node in reported_by(task):
            yield f"{task.key}/{node.key}", node


def _row(key: str, a: TaskRun | None, b: TaskRun | None) -> Shape:
    one, other = _side(a), _side(b)
    named = b or a
    assert named is not None
    return {
        "key": key,
        "name": named.name,
        "a": one,
        "b": other,
        "seconds_ratio": _ratio(one, other),
        "rows_change": _change(one, other),
        "sql_changed": _is_other(a, b),
        "sql_diff": None,
    }


def _side(task: TaskRun | None) -> Shape | None:
    if task is None:
        return None
    seconds = None
    if task.started is not None and task.finished is not None and task.attempt:
        seconds = max(0.0, (task.finished - task.started).total_seconds())
    return {"state": task.state, "seconds": seconds, "rows": task.rows, "sql": None}


def _ratio(a: Shape | None, b: Shape | None) -> float | None:
    if not a or not b or not a["seconds"] or b["seconds"] is None:
        return None
    return float(b["seconds"] / a["seconds"])


def _change(a: Shape | None, b: Shape | None) -> int | None:
    if not a or not b or a["rows"] is None or b["rows"] is None:
        return None
    return int(b["rows"] - a["rows"])


# -- SQL -------------------------------------------------------------------------------------------


def _is_other(a: TaskRun | None, b: TaskRun | None) -> bool | None:
    """Whether the SQL is another; None: of one side it is not known."""
    before, after = (_hash(task) for task in (a, b))
    return None if before is None or after is None else before != after


def _hash(task: TaskRun | None) -> str | None:
    if task is None:
        return None
    sql = within(task.detail)
    return hash_of(task.detail) or (text_of(sql).hash if sql else None)


def _show(changed: Sequence[tuple[Shape, TaskRun, TaskRun]], texts: Texts) -> None:
    """Tell the SQL of both sides, and the difference, as long as the answer does not get too long."""
    left = _SHOWN
    for row, before, after in _read(changed, texts):
        left -= len(before) + len(after)
        if left < 0:
            return
        row["a"]["sql"], row["b"]["sql"] = before, after
        row["sql_diff"] = _difference(before.splitlines(), after.splitlines())


def _read(
    changed: Sequence[tuple[Shape, TaskRun, TaskRun]], texts: Texts
) -> Iterator[tuple[Shape, str, str]]:
    waiting = iter(changed)
    while some := list(islice(waiting, _AT_ONCE)):
        sides = [side.detail for _, *both in some for side in both]
        kept = texts({name for detail in sides if (name := hash_of(detail))})
        for row, *both in some:
            before, after = (
                kept.get(name) if (name := hash_of(side.detail)) else within(side.detail)
                for side in both
            )
            if before is not None and after is not None:
                yield row, before, after


def _difference(before: Sequence[str], after: Sequence[str]) -> str | None:
    if max(len(before), len(after)) > _LINES:
        return None
    lines = difflib.unified_diff(before, after, "a", "b", lineterm="")
    return "\n".join(lines)[:_DIFF] or None
