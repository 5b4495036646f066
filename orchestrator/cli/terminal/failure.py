"""One failed task as a picture of at most a screen: cause, the SQL around the failing line, the log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
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
    lines = _cause_lines(event)
    for number, line in enumerate(lines[:_CAUSE_LINES]):
        yield Text("   " + shorten(line, 3 * width if number == 0 else width - 3))
    if len(lines) > _CAUSE_LINES:
        yield Text(f"   … {counted(len(lines) - _CAUSE_LINES, 'more line')}", style="dim")


def _cause_lines(event: TaskChanged) -> list[str]:
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
    lines = _cause_lines(event)
    telling = lines[1:] if len(lines) > 1 and _ONLY_WHERE.match(lines[0].strip()) else lines
    return first_line(telling[0])


def _trace(detail: Mapping[str, Any], width: int) -> Iterator[Text]:
    """The innermost frames of a Python traceback; its last line is the cause itself."""
    trace = _text(detail, "traceback")
    if not trace and _TRACEBACK in _text(detail, "error"):
        trace = _text(detail, "error")
    lines = [line for line in trace.rstrip().splitlines() if line.strip()]
    if len(lines) > _TRACE_LINES:
        yield Text("   … the innermost calls:", style="dim")
    for line in lines[-_TRACE_LINES:]:
        yield Text("   " + shorten(line, max(width - 3, 20)))


def _code(event: TaskChanged, width: int) -> Iterator[Text]:
    """The SQL as it was sent, around the line that failed."""
    detail = event.detail
    lines = (_text(detail, "compiled_code") or _text(detail, "sql")).rstrip().splitlines()
    failing = _failing(event, lines)
    paths = _paths(detail, failing)
    if paths:
        yield Text("   " + shorten(paths, 2 * width), style="dim")
    if not any(line.strip() for line in lines):
        return
    first, last = _window(lines, failing)
    start = _start(detail)
    digits = len(str(last + start - 1))
    for number in range(first, last + 1):
        marked = number == failing
        text = f"   {'>' if marked else ' '} {number + start - 1:>{digits}} │ {lines[number - 1]}"
        yield Text(shorten(text.rstrip(), max(width, 20)), style="bold red" if marked else "")
    if failing is None and last < len(lines):
        yield Text(f"     … {counted(len(lines) - last, 'more line')}", style="dim")


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
    named = _QUOTED.search("\n".join(_cause_lines(event)))
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
