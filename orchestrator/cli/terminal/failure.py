"""One failed task as a picture of at most a screen: cause, the SQL around the failing line, the log."""

from __future__ import annotations

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
_TRACEBACK = "Traceback (most recent call last)"


def picture(event: TaskChanged, title: Title, *, log: str, width: int, place: str = "") -> list[Text]:
    """Draw a failed task.

    Args:
        event: Its last state.
        title: What people call it.
        log: How to read its whole log.
        width: Columns.
        place: Which of how many failures this is.
    """
    body = [*_cause(event, width)]
    code = list(_code(event.detail, width))
    # Beside SQL a traceback only tells how the driver was called.
    trace = [] if len(code) > 1 else list(_trace(event.detail, width))
    for part in (trace, code, list(_tail(event, width))):
        if part:
            body += [Text(), *part]
    return [_head(event, title, place, width), *body, Text(), Text(f"   log  {one_line(log)}")]


def brief(event: TaskChanged, title: Title, width: int) -> Text:
    """Say in one line that a task failed, and why."""
    shown, style = word(event.state)
    rest = f"  {title}  {_first_cause(event)}"
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


def _first_cause(event: TaskChanged) -> str:
    return first_line("\n".join(_cause_lines(event)))


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


def _code(detail: Mapping[str, Any], width: int) -> Iterator[Text]:
    """The SQL as it was sent, around the line that failed."""
    lines = (_text(detail, "compiled_code") or _text(detail, "sql")).rstrip().splitlines()
    paths = [one_line(detail[key]) for key in ("path", "compiled_path") if detail.get(key)]
    if paths:
        yield Text("   " + shorten("  compiled: ".join(paths), 2 * width), style="dim")
    if not any(line.strip() for line in lines):
        return
    failing = _line_number(detail.get("error_line"), len(lines))
    first, last = _window(lines, failing)
    digits = len(str(last))
    for number in range(first, last + 1):
        marked = number == failing
        text = f"   {'>' if marked else ' '} {number:>{digits}} │ {lines[number - 1]}"
        yield Text(shorten(text.rstrip(), max(width, 20)), style="bold red" if marked else "")
    if failing is None and last < len(lines):
        yield Text(f"     … {counted(len(lines) - last, 'more line')}", style="dim")


def _window(lines: list[str], failing: int | None) -> tuple[int, int]:
    if failing is not None:
        return max(failing - _SQL_AROUND, 1), min(failing + _SQL_AROUND, len(lines))
    first = next(number for number, line in enumerate(lines, 1) if line.strip())
    return first, min(first + _SQL_HEAD - 1, len(lines))


def _line_number(value: object, last: int) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= last else None


def _tail(event: TaskChanged, width: int) -> Iterator[Text]:
    tail = event.detail.get("log_tail")
    text = "\n".join(map(str, tail)) if isinstance(tail, (list, tuple)) else _text(event.detail, "log_tail")
    lines = [line for line in clean(text).splitlines() if line.strip()][-_LOG_LINES:]
    if lines:
        yield Text("   last output", style="dim")
    for line in lines:
        yield Text("   " + shorten(line, max(width - 3, 20)))


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    return clean(value) if value else ""
