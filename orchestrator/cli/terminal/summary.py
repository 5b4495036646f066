"""The end of a run: what came of it, what was slow, what was skipped and why, and each failure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from orchestrator.cli.terminal import undeclared
from orchestrator.cli.terminal.failure import brief, picture
from orchestrator.cli.terminal.progress import Progress, Title
from orchestrator.cli.terminal.text import (
    counted,
    duration,
    first_line,
    listed,
    one_line,
    padded,
    shorten,
)
from orchestrator.cli.terminal.words import word
from orchestrator.model.events import TaskChanged
from orchestrator.model.state import StateType

_IN_FULL = 10
_IN_BRIEF = 20
_WARNINGS = 10
_CAUSES = 8
_COUNTS: tuple[tuple[StateType | str, str], ...] = (
    (StateType.SUCCESS, "ok"),
    ("warn", "warned"),
    (StateType.CACHED, "cached"),
    (StateType.FAILED, "failed"),
    (StateType.TIMED_OUT, "timed out"),
    (StateType.SKIPPED, "skipped"),
    (StateType.CANCELLED, "stopped"),
)


def report(progress: Progress, width: int, *, quiet: bool = False) -> list[Text]:
    """Draw the end of a run.

    Args:
        progress: The run.
        width: Columns.
        quiet: Leave out what is no trouble.
    """
    parts = [list(_failures(progress, width)), list(_warnings(progress, width))]
    parts.append(list(undeclared.of_run(progress, width)))
    if not quiet:
        parts = [list(_slowest(progress, width)), *parts]
    parts += [list(_skipped(progress, width)), [_result(progress), *_next(progress)]]
    lines: list[Text] = []
    for part in parts:
        if part:
            lines += [Text(), *part]
    return lines


def counts(progress: Progress) -> str:
    """Say how many tasks ended how.

    Example:
        >>> counts(Progress())
        'no tasks'
    """
    words = [f"{progress.tally[kind]:,} {name}" for kind, name in _COUNTS if progress.tally[kind]]
    if progress.total > progress.finished:
        words.append(f"{progress.total - progress.finished:,} not run")
    return ", ".join(words) or "no tasks"


def _result(progress: Progress) -> Text:
    end = progress.ended
    if end is None:
        return Text(f"the run has not ended: {counts(progress)}")
    shown, style = word(end.state)
    took = f" in {duration(end.seconds)}: {counts(progress)}"
    text = Text.assemble((shown, style), f"  {progress.flow}", took)
    said = first_line(end.state.message)
    told = end.state.is_successful() or bool(progress.failed()) or not said
    return text if told else text.append(f"  ({said})")


def _next(progress: Progress) -> Iterator[Text]:
    if progress.ended is None or progress.ended.state.is_successful():
        return
    if (other := progress.followed_by) is not None:
        yield Text(f"next  run {other} finishes it: orchestrator runs show {other}")
        return
    stopped = progress.ended.state.type is StateType.CANCELLED
    first = "to finish it" if stopped and not progress.failed() else "put it right, then"
    yield Text(f"next  {first}: orchestrator runs retry {progress.run_id}")


def _slowest(progress: Progress, width: int) -> Iterator[Text]:
    slow = progress.slowest()
    if len(progress.done) < 2 or not slow:
        return
    titles = [str(progress.title(event.key)) for event in slow]
    column = min(max(len(title) for title in titles), max(width - 40, 12))
    yield Text("slowest", style="bold")
    for event, title in zip(slow, titles, strict=True):
        usual = progress.expected.get(event.key)
        took = f"   {padded(title, column)}  {duration(event.seconds or 0):>8}"
        yield Text(took + (f"  usually {duration(usual)}" if usual is not None else ""))


def _warnings(progress: Progress, width: int) -> Iterator[Text]:
    warned = progress.warned()
    if warned:
        yield Text(counted(len(warned), "warning"), style="bold")
    for event in warned[:_WARNINGS]:
        said = first_line(event.state.message)
        said = said or (counted(event.failures, "failing row") if event.failures else "")
        yield Text(shorten(f"   {progress.title(event.key)}  {said}".rstrip(), width))
    if len(warned) > _WARNINGS:
        yield Text(f"   … {len(warned) - _WARNINGS:,} more")


def _skipped(progress: Progress, width: int) -> Iterator[Text]:
    groups = progress.skipped()
    if groups:
        yield Text(f"{sum(map(len, groups.values())):,} skipped", style="bold")
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    for cause, events in largest[:_CAUSES]:
        yield Text(shorten(f"   {because(cause, events, progress)}:", width))
        names = [progress.title(event.key).name for event in events]
        yield Text(shorten(f"      {listed(names, max(width // 24, 2))}", width))
    if len(largest) > _CAUSES:
        yield Text(f"   … for {counted(len(largest) - _CAUSES, 'more cause')}")


def because(cause: str | None, events: list[TaskChanged], progress: Progress) -> str:
    """Say what a group of tasks was skipped for."""
    if cause is None or cause in {event.key for event in events}:
        return first_line(events[0].state.message) or "no cause was given"
    end = progress.done.get(cause)
    if end is None:
        return f"because of {progress.title(cause)}"
    ends = {StateType.FAILED: "failed", StateType.TIMED_OUT: "timed out"}
    how = ends.get(end.state.type, f"was {word(end.state)[0]}")
    return f"because {progress.title(cause)} {how}"


def _failures(progress: Progress, width: int) -> Iterator[Text]:
    failed = progress.failed()
    shown = failed[:_IN_FULL]
    for number, event in enumerate(shown, 1):
        if number > 1:
            yield Text()
        place = f"{number} of {len(failed)}" if len(failed) > 1 else ""
        title = progress.title(event.key)
        log = _log(progress, event, title)
        yield from picture(event, title, log=log, width=width, place=place)
    rest = failed[_IN_FULL:]
    if rest:
        yield Text()
        yield Text(f"{len(rest):,} more failed", style="bold")
    for event in rest[:_IN_BRIEF]:
        yield brief(event, progress.title(event.key), width)
    if len(rest) > _IN_BRIEF:
        yield Text(f"   … {len(rest) - _IN_BRIEF:,} more: orchestrator runs show {progress.run_id}")


def _log(progress: Progress, event: TaskChanged, title: Title) -> str:
    """The path of a task's log, or the command that prints it."""
    path = event.detail.get("log_path")
    if path:
        return one_line(path)
    name = title.name if " " not in title.name else f"'{title.name}'"
    return f"orchestrator runs logs {progress.run_id} {name}"
