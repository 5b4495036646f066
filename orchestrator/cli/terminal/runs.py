"""Runs as the store keeps them: a list of runs, one run with its tasks, log lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator import instants
from orchestrator.cli import replay
from orchestrator.cli.terminal.lines import said
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import counts, report
from orchestrator.cli.terminal.text import (
    clean,
    counted,
    duration,
    moment,
    one_line,
    padded,
    shorten,
)
from orchestrator.cli.terminal.words import WIDTH, word
from orchestrator.model.state import FINISHED, State, StateType
from orchestrator.shapes.values import level_name

if TYPE_CHECKING:
    from orchestrator.store.records import Ask, FlowRun, LogLine, TaskRun

_TASKS = 60
_LOST = "LOST"  #: of a run that nobody has ended, and nobody drives
#: Columns of a log line's instant and the space after it.
_INDENT = 21
_LEVELS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}


def table(runs: Sequence[FlowRun], width: int) -> list[Text]:
    """Draw a list of runs, as given."""
    if not runs:
        return [Text("no runs yet")]
    column = min(max(len(one_line(run.flow)) for run in runs), max(width - 60, 8))
    return [_run(run, column, width) for run in runs]


def _standing(run: FlowRun) -> tuple[str, str]:
    """The word for where a run stands, and its style; one whose driver is gone does not run."""
    begun = run.state not in FINISHED and run.state is not StateType.PENDING
    if begun and run.lease_expires is not None and run.lease_expires < instants.now():
        return _LOST, "bold red"
    return word(State(run.state))


def _run(run: FlowRun, column: int, width: int) -> Text:
    shown, style = _standing(run)
    took = ""
    if run.started is not None and run.finished is not None:
        took = duration((run.finished - run.started).total_seconds())
    text = Text.assemble(
        f"{run.id}  ", (padded(shown, WIDTH), style), "  ", padded(one_line(run.flow), column),
        f"  {moment(run.created)}  {took:>8}",
    )  # fmt: skip
    if run.retry_of:
        text.append(f"  retry of {one_line(run.retry_of)}", style="dim")
    text.rstrip()
    text.truncate(width, overflow="ellipsis")
    return text


def one(
    run: FlowRun,
    tasks: Sequence[TaskRun],
    width: int,
    *,
    whole: bool = False,
    asked: Sequence[Ask] = (),
    followed_by: str | None = None,
    waiting: str | None = None,
) -> list[Text]:
    """Draw a run: its facts, its tasks, and the report of its end.

    Args:
        run: The run.
        tasks: Its tasks.
        width: Columns.
        whole: Show every task, however many there are.
        asked: What people asked of it.
        followed_by: The last run that finishes it.
        waiting: Why it has not begun.
    """
    progress = Progress(followed_by=followed_by)
    for event in replay.whole(run, tasks):
        progress.apply(event)
    lines = [*_head(run, progress, width, waiting), *(_asked(each, width) for each in asked)]
    shown = tasks if whole else tasks[:_TASKS]
    column = max((len(str(progress.title(task.key))) for task in shown), default=0)
    lines += [Text(), *(_task(task, progress, column, width) for task in shown)]
    if len(shown) < len(tasks):
        lines.append(Text(f"… {len(tasks) - len(shown):,} more: --all", style="dim"))
    return [*lines, *report(progress, width)]


def _head(run: FlowRun, progress: Progress, width: int, waiting: str | None) -> Iterable[Text]:
    shown, style = _standing(run)
    yield Text.assemble((f"{progress.flow}  run {run.id}  ", "bold"), (shown, style))
    yield Text(f"   asked for  {moment(run.created)}")
    if run.retry_of:
        yield Text(f"   goes on from run {one_line(run.retry_of)}")
    if run.version:
        yield Text(f"   version    {one_line(run.version)}")
    if run.scheduled is not None:
        due = f"   scheduled  {moment(run.scheduled)} by {one_line(run.schedule_id)}"
        yield Text(shorten(due, width))
    if run.parameters:
        yield Text(shorten(f"   with       {_pairs(run.parameters)}", width))
    options = {key: value for key, value in run.options.items() if value}
    if options:
        yield Text(shorten(f"   options    {_pairs(options)}", width))
    if run.host:
        yield Text(shorten(f"   driver     process {run.pid} on {one_line(run.host)}", width))
    if waiting is not None:
        yield Text(shorten(f"   not begun  {one_line(waiting)}", width), style="yellow")
    if progress.ended is None:
        yield Text(f"   so far     {counts(progress)}")
    if shown is _LOST:
        yield Text(f"next  its driver is gone; to finish it: orchestrator runs retry {run.id}")


def _asked(asked: Ask, width: int) -> Text:
    words = [asked.action, asked.key, asked.data.get("state"), "by", asked.by or "somebody"]
    text = f"   asked      {moment(asked.at)}  {' '.join(one_line(w) for w in words if w)}"
    reason = asked.data.get("reason")
    return Text(shorten(text + (f": {one_line(reason)}" if reason else ""), width))


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{one_line(name)}={one_line(value)}" for name, value in values.items())


def _task(task: TaskRun, progress: Progress, column: int, width: int) -> Text:
    state = State(task.state, task.message, None, task.cause, task.status)
    shown, style = word(state)
    event = replay.changed(task, progress.started or task.started)  # type: ignore[arg-type]
    took = duration(event.seconds) if event.seconds is not None else ""
    text = Text.assemble(
        (padded(shown, WIDTH), style), "  ",
        padded(str(progress.title(task.key)), min(column, max(width - 32, 12))), f"  {took:>8}",
    )  # fmt: skip
    if task.rows is not None:
        text.append(f"  {counted(task.rows, 'row')}")
    if state.is_finished():
        text.append(f"  {said(event, progress)}", style="dim")
    text.rstrip()
    text.truncate(width, overflow="ellipsis")
    return text


def log(lines: Iterable[LogLine], titles: Mapping[str, str], *, one_task: bool) -> list[Text]:
    """Draw log lines; with the lines of several tasks each says whose it is."""
    drawn: list[Text] = []
    for entry in lines:
        level = level_name(entry.level)
        text = Text.assemble((moment(entry.at), "dim"), "  ")
        if level != "INFO":
            text.append(f"{level.lower()}  ", style=_LEVELS.get(level, "dim"))
        if not one_task and entry.key is not None:
            text.append(f"{one_line(titles.get(entry.key, entry.key))}  ", style="bold")
        text.append(clean(entry.text).replace("\n", "\n" + " " * _INDENT))
        drawn.append(text)
    return drawn
