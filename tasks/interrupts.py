"""Stops database work when its attempt is cancelled: one thread watches all of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.model import context

_POLL = 0.2  #: seconds between two looks at the cancel events


@contextmanager
def interruptible(interrupt: Callable[[], object]) -> Iterator[None]:
    """Call ``interrupt`` from another thread while the block runs in a cancelled attempt.

    It is called again and again until the block ends, since a database forgets an interrupt that
    comes between two statements. Outside an attempt nothing is watched.

    Args:
        interrupt: Stops the statement that runs; harmless if none does.

    Example:
        >>> with interruptible(lambda: print("stop")):
        ...     pass
    """
    running = context.active()
    if running is None:
        yield
        return
    entry = _watch.add(running.cancelled, interrupt)
    try:
        yield
    finally:
        _watch.remove(entry)


class _Watch:
    """The watching thread; it lives only while there is something to watch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[object, tuple[threading.Event, Callable[[], object]]] = {}
        self._thread: threading.Thread | None = None

    def add(self, cancelled: threading.Event, interrupt: Callable[[], object]) -> object:
        entry = object()
        with self._lock:
            self._entries[entry] = (cancelled, interrupt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="interrupts", daemon=True)
                self._thread.start()
        return entry

    def remove(self, entry: object) -> None:
        # Under the lock: once this returns, no interrupt reaches what uses the connection next.
        with self._lock:
            del self._entries[entry]

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(_POLL)
            with self._lock:
                if not self._entries:
                    self._thread = None
                    return
                self._look()

    def _look(self) -> None:
        # In a frame of its own: else the thread would hold a connection while it waits, and at the
        # end of the process for ever, which DuckDB complains of at length.
        for cancelled, interrupt in self._entries.values():
            if cancelled.is_set():
                interrupt()


_watch = _Watch()
