"""A preview of a schedule: local time, offset, UTC, and what changes of clocks did to each time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import listed, one_line, padded, shorten
from orchestrator.service.scheduler.verdicts import wall

if TYPE_CHECKING:
    from orchestrator.schedule import Occurrence, Schedule
    from orchestrator.schedule.preview import Change, Preview

_LOST = 4
_INDENT = "   "
_COLUMN = len("Sun 2026-03-08 03:00")


def picture(flow: str | None, schedule: Schedule, found: Preview, width: int) -> list[Text]:
    """Draw a preview.

    Args:
        flow: Whose schedule it is.
        schedule: The schedule.
        found: What to show of it.
        width: Columns.
    """
    names = schedule.timezones
    column = max(map(len, names)) if len(names) > 1 else 0
    lines = list(_head(flow, schedule, width))
    if found.occurrences:
        zone = f"{'zone':<{column}}  " if column else ""
        head = f"{'local':<{_COLUMN}}  offset  {'UTC':<{_COLUMN - 4}}  {zone}note"
        lines += [Text(), Text(head, style="dim")]
    else:
        lines += [Text(), Text("nothing comes any more")]
    lines += _rows(found, column, width)
    lines += [Text()] if found.coming else []
    for change in found.coming:
        lines += [Text(shorten(f"next: {change.note}", width), style="cyan"), *_lost(change)]
    return lines


def _head(flow: str | None, schedule: Schedule, width: int) -> Iterator[Text]:
    text = one_line(str(schedule))
    yield Text.assemble((one_line(flow), "bold"), f": {text}") if flow else Text(text, style="bold")
    for warning in schedule.warnings:
        for line in textwrap.wrap(
            f"warning: {one_line(warning)}", width, subsequent_indent=_INDENT
        ):
            yield Text(line, style="yellow")


def _rows(found: Preview, column: int, width: int) -> Iterator[Text]:
    changes = list(found.changes)
    for one in found.occurrences:
        while changes and changes[0].transition.at <= one.epoch:
            yield from _change(changes.pop(0), width)
        yield from _row(one, column, width)


def _change(change: Change, width: int) -> Iterator[Text]:
    yield Text(shorten(f"── {change.note}", width), style="cyan")
    yield from _lost(change)


def _lost(change: Change) -> Iterator[Text]:
    if change.lost:
        times = listed([f"{missing:%H:%M}" for missing in change.lost], _LOST)
        verb = "does" if len(change.lost) == 1 else "do"
        yield Text(f"   {times} {verb} not exist on this night; no run", style="yellow")


def _row(one: Occurrence, column: int, width: int) -> Iterator[Text]:
    local, instant = one.local, one.instant
    shown = f"{local:%a} {wall(local)}"
    row = f"{padded(shown, max(len(shown), _COLUMN))}  {_offset(one)}  {wall(instant)}"
    row += f"  {one.timezone:<{column}}" if column else ""
    said, style = _said(one)
    if not said:
        yield Text(row.rstrip())
    elif len(row) + 2 + len(said) <= width:
        yield Text.assemble(row, "  ", (said, style))
    else:
        yield Text(row.rstrip())
        yield from (Text(_INDENT + line, style) for line in textwrap.wrap(said, width - 3))


def _said(one: Occurrence) -> tuple[str, str]:
    """What is to be said of an occurrence, and its style."""
    from orchestrator.schedule.preview import note_of

    note = note_of(one)
    said = [note] if note else []
    if one.parameters:
        said.append(", ".join(f"{name}={value!r}" for name, value in one.parameters.items()))
    if one.labels:
        said.append(f"labels {', '.join(one.labels)}")
    return one_line("; ".join(said)), "yellow" if note else "dim"


def _offset(one: Occurrence) -> str:
    text = one.local.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
