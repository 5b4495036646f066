"""Keeps what a task says: log records and printed lines of one attempt, masked, bounded, safe as text.

Records are heard where :mod:`logging` itself hands them out, not through a handler: no handler is
added and no level is changed, so that a user's own logging configuration works as if nobody listened
(``basicConfig`` in a task, ``dictConfig`` of a library, a logger that does not propagate).
"""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import Any, ParamSpec, TextIO, TypeVar

from orchestrator.secrets import Masker, masker

P = ParamSpec("P")
R = TypeVar("R")
Sink = Callable[[str, str], None]

MAX_LINE = 32_768  #: characters of one entry; the rest is cut
MAX_TOTAL = 16 * 2**20  #: characters of one attempt; the rest is dropped

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_formatter = logging.Formatter()
_current: ContextVar[Capture | None] = ContextVar("orchestrator_log_capture", default=None)
_install_lock = threading.Lock()


def get_logger(name: str | None = None) -> logging.Logger:
    """Return the orchestrator's logger, or one of that name below it.

    Example:
        >>> get_logger("shell").name
        'orchestrator.shell'
    """
    return logging.getLogger(f"orchestrator.{name}" if name else "orchestrator")


class Capture:
    """What one attempt says, on its way to a sink.

    Args:
        sink: Called as ``sink("INFO", text)``; one call at a time.
        masker: What hides secrets.
        level: Least level that is kept.
        max_line: Characters of one entry.
        max_total: Characters of all entries; after them one line says that the rest is dropped.

    Attributes:
        lost: Entries that the sink refused by raising; a log that fails must not fail the task.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        masker: Masker,
        level: int = logging.INFO,
        max_line: int = MAX_LINE,
        max_total: int = MAX_TOTAL,
    ) -> None:
        self.level = level
        self.lost = 0
        self._sink = sink
        self._masker = masker
        self._max_line = max_line
        self._left = max_total
        self._max_total = max_total
        self._lock = threading.RLock()

    def add(self, level: str, text: str) -> None:
        """Hand one entry to the sink."""
        safe = safe_text(text, self._masker, self._max_line)
        with self._lock:
            if self._left <= 0:
                return
            self._left -= len(safe) + 1
            self._give(level, safe)
            if self._left <= 0:
                self._give("WARNING", f"log truncated: more than {self._max_total:,} characters")

    def _give(self, level: str, text: str) -> None:
        token = _current.set(None)  # what the sink itself logs is not the task's
        try:
            self._sink(level, text)
        except Exception:
            self.lost += 1
        finally:
            _current.reset(token)


@contextmanager
def capture(
    sink: Sink,
    *,
    stdout: bool = False,
    masker: Masker | None = None,
    level: int = logging.INFO,
    max_line: int = MAX_LINE,
    max_total: int = MAX_TOTAL,
) -> Iterator[Capture]:
    """Send what is said within the block, and in this context only, to a sink.

    Heard are records of every logger from ``level`` up. A level that somebody set on a logger by name
    still holds; the default level of the root logger does not. Threads that the block starts belong
    to it if their function went through :func:`carried`.

    Args:
        sink: Called as ``sink("INFO", text)`` for each entry.
        stdout: Whether printed lines (stdout and stderr) are kept too, instead of shown.
        masker: What hides secrets; the process's if left out.
        level: Least level that is kept.
        max_line: Characters of one entry.
        max_total: Characters of all entries.

    Example:
        >>> with capture(lambda level, text: print(level, text)):
        ...     logging.getLogger("any").info("loaded %d rows", 3)
        INFO loaded 3 rows
    """
    _listen()
    heard = Capture(
        sink,
        masker=masker or _process_masker(),
        level=level,
        max_line=max_line,
        max_total=max_total,
    )
    token = _current.set(heard)
    try:
        if stdout:
            with _prints.of(heard):
                yield heard
        else:
            yield heard
    finally:
        _current.reset(token)


def carried(fn: Callable[P, R]) -> Callable[P, R]:
    """Return ``fn`` so that it runs, in whatever thread, in the context it is wrapped in.

    Example:
        >>> seen = []
        >>> with capture(lambda level, text: seen.append(text)):
        ...     thread = threading.Thread(target=carried(get_logger().info), args=["from a thread"])
        ...     thread.start(); thread.join()
        >>> seen
        ['from a thread']
    """
    context = copy_context()

    @wraps(fn)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context runs in one thread at a time; a copy for each call.
        return context.copy().run(fn, *args, **kwargs)

    return run


def safe_text(text: str, masker: Masker, limit: int = MAX_LINE) -> str:
    """Return text that can be stored and shown anywhere: no control codes, no secrets, bounded.

    Example:
        >>> safe_text("\\x1b[31mred\\x1b[0m\\x00", Masker())
        'red\\ufffd'
    """
    size = len(text)
    text = text[:limit]
    if not text.isprintable():
        text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
        text = _UNSAFE.sub("\ufffd", text)
    text = masker.mask(text)
    if size > limit:
        # The cut may have gone through a secret, which the masker then did not know again.
        text = text[: max(0, len(text) - masker.longest)]
        return f"{text} … [cut: {size:,} characters]"
    return text


def _process_masker() -> Masker:
    return masker()


# -- records ---------------------------------------------------------------------------------


def _listen() -> None:
    """Wrap the two methods of ``logging.Logger`` that every record passes; once per process."""
    with _install_lock:
        if getattr(logging.Logger, "_orchestrator_listens", False):
            return
        logging.Logger._orchestrator_listens = True  # type: ignore[attr-defined]
        enabled, hand_out = logging.Logger.isEnabledFor, logging.Logger.callHandlers

        def is_enabled_for(self: logging.Logger, level: int) -> bool:
            return enabled(self, level) or _is_heard(self, level)

        def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
            heard = _current.get()
            if heard is None or not _is_heard(self, record.levelno):
                hand_out(self, record)
                return
            heard.add(record.levelname, _text(record))
            # Without any handler, logging's last resort would print it a second time.
            if enabled(self, record.levelno) and self.hasHandlers():
                token = _current.set(None)  # a handler that prints must not be heard again
                try:
                    hand_out(self, record)
                finally:
                    _current.reset(token)

        logging.Logger.isEnabledFor = is_enabled_for  # type: ignore[method-assign]
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def _is_heard(logger: logging.Logger, level: int) -> bool:
    heard = _current.get()
    if heard is None or level < heard.level or logger.disabled or logger.manager.disable >= level:
        return False
    named: logging.Logger | None = logger
    while named is not None and named.parent is not None:  # the root has no parent
        if named.level:
            return level >= named.level
        named = named.parent
    return True


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{record.msg!r} with {record.args!r} (cannot be formatted: {error})"
    if record.exc_info:
        text += "\n" + _formatter.formatException(record.exc_info)
    if record.stack_info:
        text += "\n" + record.stack_info
    return text


# -- printed lines ---------------------------------------------------------------------------


class _Printed(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr``: lines of a captured context go to its capture."""

    def __init__(self, shown: TextIO) -> None:
        super().__init__()
        self.shown = shown
        self.rests: dict[Capture, str] = {}
        self._lock = threading.Lock()

    def _capture(self) -> Capture | None:
        heard = _current.get()
        return heard if heard in self.rests else None

    def write(self, text: str) -> int:
        heard = self._capture()
        if heard is None:
            return self.shown.write(text)
        with self._lock:
            *lines, rest = (self.rests.get(heard, "") + text).split("\n")
            if len(rest) > MAX_LINE or heard not in self.rests:
                lines.append(rest)
                rest = ""
            if heard in self.rests:
                self.rests[heard] = rest
        for line in lines:
            heard.add("INFO", _last_drawn(line))
        return len(text)

    def flush(self) -> None:
        if self._capture() is None:
            self.shown.flush()

    def isatty(self) -> bool:
        return self._capture() is None and self.shown.isatty()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.shown.fileno()

    def forget(self, heard: Capture) -> None:
        with self._lock:
            rest = self.rests.pop(heard)
        if rest:
            heard.add("INFO", _last_drawn(rest))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shown, name)


class _Prints:
    """Puts the stand-ins in place while at least one capture wants printed lines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._stands: dict[str, _Printed] = {}

    @contextmanager
    def of(self, heard: Capture) -> Iterator[None]:
        with self._lock:
            if self._count == 0:
                for name in ("stdout", "stderr"):
                    self._stands[name] = _Printed(getattr(sys, name))
                    setattr(sys, name, self._stands[name])
            self._count += 1
            stands = tuple(self._stands.values())
            for stand in stands:
                stand.rests[heard] = ""
        try:
            yield
        finally:
            for stand in stands:
                stand.forget(heard)
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._restore()

    def _restore(self) -> None:
        for name, stand in self._stands.items():
            if getattr(sys, name) is stand:
                setattr(sys, name, stand.shown)


_prints = _Prints()


def _last_drawn(line: str) -> str:
    """Return what a terminal would show of a line that was drawn over itself (a progress bar)."""
    return line.rstrip("\r").rpartition("\r")[2]
