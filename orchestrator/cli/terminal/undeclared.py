"""What ran and was not derived: findings under the report of a run, and of one task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.text import counted, one_line, shorten

_TASKS = 10
_PER_TASK = 5


def of_run(progress: Progress, width: int) -> Iterator[Text]:
    """Draw what was found in a run, task by task, and how much could not be looked at."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    seen: set[tuple[str, str]] = set()
    for key, event in progress.done.items():
        each = findings(event.detail)
        # Elements of a mapped task do much the same: what one of them showed is enough.
        same = (key.rpartition("[")[0] if key.endswith("]") else key, repr(each))
        if each and same not in seen:
            seen.add(same)
            found[key] = each
    unchecked = sum(_unchecked(event.detail) for event in progress.done.values())
    if unchecked:
        tasks = sum(_unchecked(event.detail) > 0 for event in progress.done.values())
        said = f"{counted(unchecked, 'statement')} of {counted(tasks, 'task')} not checked"
        yield Text(f"{said} for what they read and write", style="dim")
    if not found:
        return
    total = sum(map(len, found.values()))
    yield Text(f"{total:,} undeclared", style="bold")
    for key, each in list(found.items())[:_TASKS]:
        yield Text(shorten(f"   {progress.title(key)}", width))
        yield from pictures(each[:_PER_TASK], width, "      ")
        if len(each) > _PER_TASK:
            yield Text(f"      … {len(each) - _PER_TASK:,} more", style="dim")
    if len(found) > _TASKS:
        more = counted(len(found) - _TASKS, "more task")
        yield Text(f"   … in {more}: orchestrator runs show {progress.run_id} --format json")


def pictures(found: Iterable[Mapping[str, Any]], width: int, indent: str) -> Iterator[Text]:
    """Draw findings: what happened, the statement, and the line that declares it."""
    found = list(found)
    adds = [*(each.get("add") for each in found), None]
    for each, following in zip(found, adds[1:], strict=True):
        yield Text(shorten(f"{indent}{_said(each, 'text')}", 2 * width))
        where = "  ".join(filter(None, (_said(each, "place"), _said(each, "statement"))))
        if where:
            yield Text(shorten(f"{indent}   {where}", width), style="dim")
        if each.get("add") != following:  # one line may declare several
            yield Text(shorten(f"{indent}   add to {_said(each, 'add_to')}:", width), style="dim")
            yield Text(f"{indent}      {_said(each, 'add')}")  # whole: it is there to be copied


def findings(detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings that are kept with a task run."""
    kept = detail.get("undeclared")
    return [each for each in kept if isinstance(each, Mapping)] if isinstance(kept, list) else []


def _unchecked(detail: Mapping[str, Any]) -> int:
    """How many statements of a task run could not be looked at."""
    count = detail.get("unchecked")
    return count if isinstance(count, int) else 0


def _said(found: Mapping[str, Any], what: str) -> str:
    return one_line(found.get(what) or "")
