"""The picture that stands at the foot of a terminal while a run goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from rich.text import Text

from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.text import clock, duration, padded, roughly, shorten
from orchestrator.model.events import TaskChanged
from orchestrator.model.state import StateType

_BAR = 30
_TROUBLE: tuple[tuple[tuple[StateType | str, ...], str, str], ...] = (
    (("warn",), "warned", "yellow"),
    ((StateType.FAILED, StateType.TIMED_OUT), "failed", "bold red"),
    ((StateType.SKIPPED,), "skipped", "dim"),
    ((StateType.CANCELLED,), "stopped", "yellow"),
)


def picture(
    progress: Progress, now: datetime, width: int, height: int, *, ascii_only: bool = False
) -> Text:
    """Draw a run under way, in time that grows only with what runs now.

    Args:
        progress: The run.
        now: Aware.
        width: Columns.
        height: Rows it may take.
        ascii_only: Whether the terminal cannot show more than ASCII.
    """
    room = max(height - 3, 1)
    running = list(progress.running.values())
    if len(running) > room:
        running = running[: room - 1]
    rows = [_head(progress, now, width), _counts(progress, now, width, ascii_only)]
    rows += [_running(event, progress, now, width) for event in running]
    hidden = len(progress.running) - len(running)
    if hidden:
        rows.append(Text(f"  … {hidden:,} more run", style="dim"))
    return Text("\n").join(rows)


def planning(flow: str, seconds: float, width: int) -> Text:
    """Draw the time before the first task is known."""
    return Text(shorten(f"{flow}  planning  {duration(seconds)}", width), style="bold")


def _head(progress: Progress, now: datetime, width: int) -> Text:
    since = (now - progress.started).total_seconds() if progress.started else 0.0
    text = f"{progress.flow}  run {progress.run_id}  {duration(since)}"
    left = progress.seconds_left(now)
    if left is not None:
        text += f"  ends about {clock(now + timedelta(seconds=left))} (in {roughly(left)})"
    return Text(shorten(text, width), style="bold")


def _counts(progress: Progress, now: datetime, width: int, ascii_only: bool) -> Text:
    total, done = progress.total, progress.finished
    size = min(_BAR, max(width - 40, 0))
    full = size * done // total if total else 0
    on, off = ("#", "-") if ascii_only else ("━", "─")
    text = Text.assemble((on * full, "green"), (off * (size - full), "dim"))
    text.append(f"  {done:,} of {total:,}" if size else f"{done:,} of {total:,}")
    text.append(f"  {len(progress.running):,} running")
    for kinds, name, style in _TROUBLE:
        number = sum(progress.tally[kind] for kind in kinds)
        if number:
            text.append(f"  {number:,} {name}", style=style)
    text.truncate(width, overflow="ellipsis")
    return text


def _running(event: TaskChanged, progress: Progress, now: datetime, width: int) -> Text:
    for_now = f"{duration((now - event.at).total_seconds()):>8}"
    usual = progress.expected.get(event.key)
    if usual is not None:
        for_now += f"  usually {duration(usual):>8}"
    if event.attempt > 1:
        for_now += f"  attempt {event.attempt}"
    column = max(min(width - len(for_now) - 5, 60), 8)
    name = padded(str(progress.title(event.key)), column)
    return Text(shorten(f"  {name}  {for_now}", width))
