"""Why a task failed, with the place: its message, traceback, SQL with the failing line, and file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.model.state import BROKEN
from orchestrator.shapes.values import Shape
from orchestrator.store.records import TaskRun

_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r'^\s*File "(.+?)", line (\d+)', re.MULTILINE)
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]+)[\"'`]")
#: Frames of code that people did not write: what is installed, and what Python itself brings.
_INSTALLED = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python\d)|^<")
_PLACE = re.compile(r"^(.+?):(\d+)$")


def failure_of(task: TaskRun, root: Path | None = None, ran: str | None = None) -> Shape | None:
    """Say why a task failed; None if it did not.

    Args:
        task: The task.
        root: The project's folder: files in it are named relative to it.
        ran: The SQL it ran, told where it left behind none of what failed.

    Returns:
        ``message``, ``traceback``, ``sql``, ``sql_line`` (line of ``sql``, from 1), ``file``,
        ``line`` (of the file); what is not known is None.
    """
    if task.state not in BROKEN:
        return None
    detail = task.detail
    trace = _trace(detail)
    sql = _text(detail, "compiled_code") or _text(detail, "sql") or ran
    message = _message(task)
    file, line = _place(task, trace, root)
    return {
        "message": message,
        "traceback": trace or None,
        "sql": sql or None,
        "sql_line": _sql_line(detail, sql.splitlines(), message) if sql else None,
        "file": file,
        "line": line,
    }


def _message(task: TaskRun) -> str:
    """The message, and the error as far as it says more."""
    message, error = task.message.strip(), _text(task.detail, "error").strip()
    if _TRACEBACK in error or not error:
        return message or (f"{task.failures} failing rows" if task.failures else "")
    if _plain(error) in _plain(message):
        return message
    return error if _plain(message) in _plain(error) else f"{message}\n{error}"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _trace(detail: Mapping[str, Any]) -> str:
    trace = _text(detail, "traceback")
    error = _text(detail, "error")
    return trace or (error if _TRACEBACK in error else "")


def _sql_line(detail: Mapping[str, Any], lines: list[str], message: str) -> int | None:
    """The line the database points at; else the only line that holds the name it complains of."""
    told, start = detail.get("error_line"), detail.get("start_line")
    if isinstance(told, int):
        line = told - (start if isinstance(start, int) else 1) + 1
        if 1 <= line <= len(lines):
            return line
    named = _QUOTED.search(message)
    if named is None:
        return None
    word = re.compile(rf"(?<!\w){re.escape(named[1])}(?!\w)", re.IGNORECASE)
    found = [number for number, text in enumerate(lines, 1) if word.search(text)]
    return found[0] if len(found) == 1 else None


def _place(task: TaskRun, trace: str, root: Path | None) -> tuple[str | None, int | None]:
    """The file that people edit, and the line of it where that is known."""
    told = _text(task.detail, "path")
    if (placed := _PLACE.match(told)) is not None:
        return _near(placed[1], root), int(placed[2])
    frames = _FRAME.findall(trace)
    own = [frame for frame in frames if not _INSTALLED.search(frame[0])]
    if own:
        return _near(own[-1][0], root), int(own[-1][1])
    path = told or task.path
    return (_near(path, root) if path else None), None


def _near(path: str, root: Path | None) -> str:
    prefix = f"{root}/" if root is not None else None
    return path.removeprefix(prefix) if prefix else path


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    if isinstance(value, Mapping):  # several errors by what broke
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    return str(value) if value else ""
