"""Cancels what runs on a connection by a word to the server, which may take its time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tasks.interrupts import interruptible

_END = 10.0  #: seconds that a cancel under way may take when the block is over
_log = logging.getLogger("orchestrator.warehouse")


@contextmanager
def cancellable(cancel: Callable[[], object]) -> Iterator[None]:
    """Call ``cancel`` while the block runs in a cancelled attempt, in a thread of its own.

    Args:
        cancel: Tells the server to stop what runs on a connection; it may block, and fail. It is
            called again and again until the block ends, never twice at the same time.

    Example:
        >>> with cancellable(lambda: print("stop")):
        ...     pass
    """
    calls = _Calls(cancel)
    try:
        with interruptible(calls.start):
            yield
    finally:
        calls.end()


class _Calls:
    """One call at a time: all of a process's interrupts wait for the one that is made."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        self._cancel = cancel
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="cancel", daemon=True)
            self._thread.start()

    def end(self) -> None:
        if self._thread is not None:
            self._thread.join(_END)

    def _run(self) -> None:
        try:
            self._cancel()
        except Exception as error:  # the next call may get through
            _log.debug("a cancel did not get through: %s", type(error).__name__)
