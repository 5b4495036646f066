"""One failed task as a picture of at most a screen: cause, the SQL around the failing line, the log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from orchestrator.cli.terminal.progress import Title
from orchestrator.cli.terminal.text import clean, counted, duration, first_line, one_line, shorten
from orchestrator.cli.terminal.words import word
from orchestrator.model.events import TaskChanged

_CAUSE_LINES = 7
_TRACE_LINES = 7
_SQL_AROUND = 4
_SQL_HEAD = 8
_LOG_LINES = 5
#: dbt's first line, which names the task once more: "Runtime Error in model totals (models/…)".
_ONLY_WHERE = re.compile(r"[\w ]+ Error in .+ \(.+\)$")
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]+)[\"'`]")
_TRACEBACK = "Traceback (most recent call last)"


def picture(
    event: TaskChanged, title: Title, *, log: str, width: int, place: str = ""
) -> list[Text]:
    """Draw a failed task.

    Args:
        event: Its last state.
        title: What people call it.
        log: How to read its whole log.
        width: Columns.
        place: Which of how many failures this is.
    """
    body = [*_cause(event, width)]
    code = list(_code(event, width))
    # Beside SQL a traceback only tells how the driver was called.
    trace = [] if len(code) > 1 else list(_trace(event.detail, width))
    for part in (trace, code, list(_tail(event, width))):
        if part:
            body += [Text(), *part]
    return [_head(event, title, place, width), *body, Text(), Text(f"   log  {one_line(log)}")]


def brief(event: TaskChanged, title: Title, width: int) -> Text:
    """Say in one line that a task failed, and why."""
    shown, style = word(event.state)
    rest = f"  {title}  {first_cause(event)}"
    return Text.assemble("   ", (shown, style), shorten(rest.rstrip(), width - 3 - len(shown)))


def _head(event: TaskChanged, title: Title, place: str, width: int) -> Text:
    shown, style = word(event.state)
    facts = [duration(event.seconds)] if event.seconds is not None else []
    facts += [f"attempt {event.attempt}"] if event.attempt > 1 else []
    facts += [place] if place else []
    after = f"  {', '.join(facts)} " if facts else " "
    name = shorten(str(title), max(width - len(shown) - len(after) - 4, 12))
    head = Text.assemble((shown, style), "  ", (name, "bold"), after)
    return head.append("─" * max(width - head.cell_len, 0), style="dim")


def _cause(event: TaskChanged, width: int) -> Iterator[Text]:
    lines = cause_lines(event)
    for number, line in enumerate(lines[:_CAUSE_LINES]):
        yield Text("   " + shorten(line, 3 * width if number == 0 else width - 3))
    if len(lines) > _CAUSE_LINES:
        yield Text(f"   … {counted(len(lines) - _CAUSE_LINES, 'more line')}", style="dim")


def cause_lines(event: TaskChanged) -> list[str]:
    """The message, then the error as far as it says more."""
    message, error = clean(event.state.message).strip(), _text(event.detail, "error").strip()
    if _TRACEBACK in error:
        error = ""
    text = error if one_line(message) in one_line(error) else f"{message}\n{error}"
    if one_line(error) and one_line(error) in one_line(message):
        text = message
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if lines:
        return lines
    return [counted(event.failures, "failing row")] if event.failures else ["no message was given"]


def first_cause(event: TaskChanged) -> str:
    """The first line that says more than which task it is about."""
    lines = cause_lines(event)
    telling = lines[1:] if len(lines) > 1 and _ONLY_WHERE.match(lines[0].strip()) else lines
    return first_line(telling[0])


def _trace(detail: Mapping[str, Any], width: int) -> Iterator[Text]:
    lines = trace_lines(detail)
    if len(lines) > _TRACE_LINES:
        yield Text("   … the innermost calls:", style="dim")
    for line in lines[-_TRACE_LINES:]:
        yield Text("   " + shorten(line, max(width - 3, 20)))


def trace_lines(detail: Mapping[str, Any]) -> list[str]:
    """The frames of a Python traceback, the innermost last; its last line is the cause itself."""
    trace = _text(detail, "traceback")
    if not trace and _TRACEBACK in _text(detail, "error"):
        trace = _text(detail, "error")
    return [line for line in trace.rstrip().splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The SQL of a failed task as it was sent, around the line that failed.

    Args:
        paths: The file people edit, and the compiled one; empty if neither is known.
        lines: Number in the file and text of each.
        failing: Number of the line that failed, if it is known.
        rest: How many more lines there are below, where no line is known to have failed.
    """

    paths: str = ""
    lines: tuple[tuple[int, str], ...] = ()
    failing: int | None = None
    rest: int = 0


def excerpt(event: TaskChanged) -> Excerpt:
    """The SQL of a failed task around the line that failed; no lines if it has none."""
    detail = event.detail
    lines = (_text(detail, "compiled_code") or _text(detail, "sql")).rstrip().splitlines()
    failing = _failing(event, lines)
    paths = _paths(detail, failing)
    if not any(line.strip() for line in lines):
        return Excerpt(paths)
    first, last = _window(lines, failing)
    before = _start(detail) - 1
    shown = tuple((n + before, lines[n - 1]) for n in range(first, last + 1))
    marked = None if failing is None else failing + before
    return Excerpt(paths, shown, marked, len(lines) - last if failing is None else 0)


def _code(event: TaskChanged, width: int) -> Iterator[Text]:
    found = excerpt(event)
    if found.paths:
        yield Text("   " + shorten(found.paths, 2 * width), style="dim")
    digits = len(str(found.lines[-1][0])) if found.lines else 0
    for number, line in found.lines:
        marked = number == found.failing
        text = f"   {'>' if marked else ' '} {number:>{digits}} │ {line}"
        yield Text(shorten(text.rstrip(), max(width, 20)), style="bold red" if marked else "")
    if found.rest:
        yield Text(f"     … {counted(found.rest, 'more line')}", style="dim")


def _paths(detail: Mapping[str, Any], failing: int | None) -> str:
    """The file people edit, and the compiled one with the line that failed."""
    path, compiled = (_near(_text(detail, key)) for key in ("path", "compiled_path"))
    if compiled and failing is not None:
        compiled += f":{failing}"
    return "  compiled: ".join(filter(None, (path, compiled)))


def _near(path: str) -> str:
    """A path as it is said from the current folder, if it lies there."""
    here = os.getcwd() + os.sep
    return one_line(path.removeprefix(here))


def _failing(event: TaskChanged, lines: list[str]) -> int | None:
    """The line the database points at; else the only line that holds the name it complains of."""
    told = event.detail.get("error_line")
    if isinstance(told, int) and 1 <= told - _start(event.detail) + 1 <= len(lines):
        return told - _start(event.detail) + 1
    named = _QUOTED.search("\n".join(cause_lines(event)))
    if named is None:
        return None
    word = re.compile(rf"(?<!\w){re.escape(named[1])}(?!\w)", re.IGNORECASE)
    found = [number for number, line in enumerate(lines, 1) if word.search(line)]
    return found[0] if len(found) == 1 else None


def _start(detail: Mapping[str, Any]) -> int:
    """Line of the file that the text shown begins at: a statement may stand far down a script."""
    start = detail.get("start_line")
    return start if isinstance(start, int) else 1


def _window(lines: list[str], failing: int | None) -> tuple[int, int]:
    if failing is not None:
        return max(failing - _SQL_AROUND, 1), min(failing + _SQL_AROUND, len(lines))
    first = next(number for number, line in enumerate(lines, 1) if line.strip())
    return first, min(first + _SQL_HEAD - 1, len(lines))


def _tail(event: TaskChanged, width: int) -> Iterator[Text]:
    tail = event.detail.get("log_tail")
    text = (
        "\n".join(map(str, tail))
        if isinstance(tail, (list, tuple))
        else _text(event.detail, "log_tail")
    )
    lines = [line for line in clean(text).splitlines() if line.strip()][-_LOG_LINES:]
    if lines:
        yield Text("   last output", style="dim")
    for line in lines:
        yield Text("   " + shorten(line, max(width - 3, 20)))


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    return clean(value) if value else ""
