"""Attempts that run in this process, and how each is told to stop: by a time limit, or with its run."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.model.context import Cancellation

#: Seconds that a function has to stop by itself before an exception is raised in its thread, and
#: seconds until it is raised again, for a function that swallowed it.
_POLITE, _AGAIN = 0.25, 1.0

_live: dict[str, Cancellation] = {}
_cancelled_runs: set[str] = set()


class Stopped(BaseException):
    """Raised inside a task that is to stop; ``except Exception`` does not catch it."""


def cancel_run(run_id: str) -> None:
    """Ask every attempt of a run in this process to stop, and let no further one begin."""
    _cancelled_runs.add(run_id)
    for token, event in list(_live.items()):
        if token.startswith(run_id):
            event.set()


def is_cancelled(run_id: str) -> bool:
    """Whether a run was asked to stop in this process."""
    return run_id in _cancelled_runs


class Stop:
    """Why and when one attempt is to stop.

    Args:
        run_id: Its run.
        timeout: Seconds; None for no limit.

    Attributes:
        cancellation: Set when it is to stop.
        timed_out: Whether its time ran out.
    """

    def __init__(self, run_id: str, timeout: float | None) -> None:
        self.cancellation = Cancellation()
        self.timed_out = False
        self.timeout = timeout
        self._run_id = run_id
        self._timer: threading.Timer | None = None

    @property
    def cancelled(self) -> bool:
        """Whether its run was cancelled."""
        return self.cancellation.is_set() and self._run_id in _cancelled_runs

    @contextmanager
    def listening(self, token: str) -> Iterator[None]:
        """Hear for a block when the run is cancelled."""
        _live[token] = self.cancellation
        if self._run_id in _cancelled_runs:
            self.cancellation.set()
        try:
            yield
        finally:
            _live.pop(token, None)

    @contextmanager
    def limited(self, extra: float = 0.0) -> Iterator[None]:
        """Let the time limit hold for a block.

        Args:
            extra: Seconds it may take longer, until :meth:`begun` starts the time anew.
        """
        self._start(extra)
        try:
            yield
        finally:
            self._end()

    def begun(self) -> None:
        """The work begins only now: the time starts anew."""
        self._end()
        self._start(0.0)

    def _start(self, extra: float) -> None:
        if self.timeout:
            self._timer = threading.Timer(self.timeout + extra, self._time_is_out)
            self._timer.daemon = True
            self._timer.start()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _time_is_out(self) -> None:
        self.timed_out = True
        self.cancellation.set()


class Interruption:
    """Raises :class:`Stopped` in this thread once a cancellation is set, until :meth:`end`.

    It is raised between two steps of Python code: a call that blocks outside Python, as
    ``time.sleep``, ends first. It is raised again and again, for a function may swallow it.

    Args:
        cancellation: What to heed; None heeds nothing.
    """

    def __init__(self, cancellation: Cancellation | None) -> None:
        self._cancellation = cancellation
        self._thread = threading.get_ident()
        self._over = False
        if cancellation is not None:
            cancellation.call(self._start)

    def end(self) -> None:
        """Raise nothing any more; may be called twice."""
        while not self._over or self._cancellation is not None:
            try:
                with _raising:
                    self._over = True
                    if self._cancellation is not None and self._cancellation.is_set():
                        _raise_in(self._thread, None)
                if self._cancellation is not None:
                    self._cancellation.forget(self._start)
                self._cancellation = None
            except Stopped:  # it hit this thread on its way out
                continue

    def _start(self) -> None:
        threading.Thread(target=self._run, name="stopping", daemon=True).start()

    def _run(self) -> None:
        time.sleep(_POLITE)
        while not self._over:
            with _raising:
                if not self._over:
                    _raise_in(self._thread, Stopped)
            time.sleep(_AGAIN)


#: Held while an exception is put into a thread; re-entrant, for it may hit the thread that holds it.
_raising = threading.RLock()


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    raised = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
