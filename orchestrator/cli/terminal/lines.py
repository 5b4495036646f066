"""One line for each thing that happens in a run."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.terminal.failure import first_cause
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.text import clock, counted, duration, first_line, one_line, padded
from orchestrator.cli.terminal.words import WIDTH, word
from orchestrator.model.events import Event, LogEmitted, RunStarted, TaskChanged
from orchestrator.model.state import StateType

_LOUD = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_LONGEST_MESSAGE = 200


def line(event: Event, progress: Progress) -> Text | None:
    """Return the line of an event, or None if it is not worth one.

    Args:
        event: What happened.
        progress: The run, with the event applied.
    """
    if isinstance(event, TaskChanged):
        return _task(event, progress)
    if isinstance(event, LogEmitted):
        return _log(event, progress)
    if isinstance(event, RunStarted):
        return _started(event, progress)
    return None


def _started(event: RunStarted, progress: Progress) -> Text:
    text = f"{progress.flow}  run {event.run_id}  {counted(progress.total, 'task')}"
    if event.executor:
        text += f", {event.slots} at a time on {one_line(event.executor)}"
    return Text.assemble((clock(event.at), "dim"), "  ", text)


def _task(event: TaskChanged, progress: Progress) -> Text | None:
    if not (event.state.is_finished() or event.state.type is StateType.RETRYING):
        return None
    shown, style = word(event.state)
    place = f"{progress.finished:>{len(str(progress.total))}}/{progress.total}"
    text = Text.assemble(
        (clock(event.at), "dim"), "  ", place, "  ", (padded(shown, WIDTH), style), "  ",
        str(progress.title(event.key)),
    )  # fmt: skip
    if event.seconds is not None:
        text.append(f"  {duration(event.seconds)}")
    if event.rows is not None:
        text.append(f"  {counted(event.rows, 'row')}")
    why = said(event, progress)
    if why:
        text.append(f"  {why}", style="dim" if event.state.is_skipped() else "")
    return text


def said(event: TaskChanged, progress: Progress) -> str:
    """Why it did not simply succeed."""
    state = event.state
    if state.is_skipped() and state.cause and state.cause != event.key:
        return f"because of {progress.title(state.cause)}"
    if state.type is StateType.SUCCESS and state.status != "warn":
        return ""
    broke = state.is_failed() or state.type is StateType.RETRYING
    said = (first_cause(event) if broke else first_line(state.message))[:_LONGEST_MESSAGE]
    if state.type is StateType.RETRYING:
        return (
            f"attempt {event.attempt} failed: {said}" if said else f"attempt {event.attempt} failed"
        )
    if not said and event.failures:
        return counted(event.failures, "failing row")
    return said


def _log(event: LogEmitted, progress: Progress) -> Text | None:
    """What the run itself says, and what tasks warn of; the rest is in the store."""
    level = event.level.upper()
    if level == "DEBUG" or (event.key is not None and level not in _LOUD):
        return None
    text = Text.assemble((clock(event.at), "dim"), "  ")
    if level in _LOUD:
        text.append(f"{level.lower()}  ", style=_LOUD[level])
    text.append(one_line(event.text))
    if event.key is not None:
        text.append(f"  ({progress.title(event.key)})", style="dim")
    return text
