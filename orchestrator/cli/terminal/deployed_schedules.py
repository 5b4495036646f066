"""Schedules of deployed flows as people read them: what comes next, what became of the last, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import counted, moment, one_line, shorten
from orchestrator.service.scheduler.verdicts import wall

if TYPE_CHECKING:
    from orchestrator.service.scheduler.backfill import Progress
    from orchestrator.service.scheduler.listing import Listed
    from orchestrator.service.scheduler.scheduler import Tick
    from orchestrator.store.occurrences import Settled

_STYLES = {"run": "", "widened": "cyan", "missed": "yellow", "skipped": "yellow"}


def table(found: Sequence[Listed], width: int, *, whole: bool) -> list[Text]:
    """Draw schedules.

    Args:
        found: The schedules.
        width: Columns.
        whole: Show all occurrences, not only the last one.
    """
    if not found:
        return [Text("no schedule is deployed; orchestrator deploy registers flows")]
    lines: list[Text] = []
    for one in found:
        lines += [Text()] if lines and whole else []
        lines += _schedule(one, width, whole)
    return lines


def _schedule(one: Listed, width: int, whole: bool) -> Iterator[Text]:
    name = f"{one.state.flow}/{one.state.name}"
    head = Text.assemble((one_line(name), "bold"), f"  #{one.number}  {one_line(one.says)}")
    if one.paused:
        head.append(f"  paused ({one.paused})", style="yellow")
    head.truncate(width, overflow="ellipsis")
    yield head
    if one.note:
        yield Text(shorten(f"  {one_line(one.note)}", width), style="yellow")
    if one.next is not None:
        local = one.next.local
        yield Text(f"  next  {local:%a} {wall(local)} {one.next.timezone}")
    for row in one.last if whole else one.last[:1]:
        yield _settled(row, width)


def _settled(row: Settled, width: int) -> Text:
    nominal = datetime.fromisoformat(row.nominal)
    second = " (second)" if row.repeat else ""
    text = f"  {row.outcome.value:<8}{nominal:%a} {wall(nominal)}{second}"
    text += f"  {row.run_id}" if row.run_id else ""
    text += f"  {one_line(row.reason)}" if row.reason else ""
    return Text(shorten(text, width), style=_STYLES[row.outcome.value])


def progress(flow: str, found: Progress, *, cancelled: bool = False) -> list[Text]:
    """Draw a backfill.

    Args:
        flow: The flow.
        found: How far it is.
        cancelled: Whether it was asked to stop right now.
    """
    made = f"{counted(found.made, 'run')} made" if found.made else "nothing new to make"
    parts = ("succeeded", "failed", "cancelled", "running", "waiting")
    stands = {name: getattr(found, name) for name in parts}
    stands["no longer kept"] = found.total - sum(stands.values())
    stand = ", ".join(f"{number} {name}" for name, number in stands.items() if number)
    done = "asked to stop" if cancelled else made
    lines = [Text(f"backfill {one_line(found.id)} of {one_line(flow)}: {done}")]
    if found.total:
        lines.append(Text(f"  of {counted(found.total, 'run')}: {stand}"))
    if found.left_out:
        others = ", ".join(one_line(name) for name in found.filled_by)
        lines += [
            Text(
                f"  left out: {found.left_out}, made by backfill {others} (succeeded, or under way)"
            ),
            Text("  --id NAME, with a new name, makes them again"),
        ]
    if cancelled:
        lines.append(Text("  to go on: the same command without --cancel makes what was cancelled"))
    return lines


def step_lines(step: Tick) -> list[Text]:
    """Draw what one step of the scheduler did, if it did anything."""
    said = [f"run {run_id} made" for run_id in step.made]
    said += [f"{schedule_id} waits for run {run_id}" for schedule_id, run_id in step.held.items()]
    return [Text(f"{moment(step.at)}  {one_line(line)}") for line in said]
