"""How a run is ended hard: by the second Ctrl-C, or when its time to stop is over."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from orchestrator.model.state import State

#: Seconds that work has to end once a run is to stop. Who sends SIGTERM does not send it twice, but
#: kills: a container that is stopped is killed after ten.
GRACE = 8.0


class EndedHard(KeyboardInterrupt):
    """What was under way in a run is not waited for; the run is settled.

    Args:
        run_id: The run.
        state: How it ended.
        asked: Whether it was by Ctrl-C or SIGTERM, which are meant for the whole process.
    """

    def __init__(self, run_id: str, state: State, *, asked: bool) -> None:
        super().__init__(state.message)
        self.run_id, self.state, self.asked = run_id, state, asked


class Interrupts:
    """Counts the interrupts of a run.

    Args:
        grace: Seconds after which it is ended hard; who presses Ctrl-C decides it.

    Attributes:
        asked: Whether somebody pressed Ctrl-C, or told the process to end.
        terms: Until when what is under way is waited for, for people.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self.asked = False
        self.terms = "Ctrl-C again does not wait for it"
        self._grace = grace
        # Its put may be called by a signal handler, whatever the thread holds at that moment.
        self._told: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._ending = threading.Lock()
        self._over = False
        self._listens = False
        self._until: float | None = None

    @property
    def hurried(self) -> bool:
        """Whether the time to stop runs."""
        return self._until is not None

    def hurry(self) -> None:
        """Give the run its time to stop, from now: it is ended hard when that is over."""
        if not self.hurried:
            self.terms = f"after {self._grace:g} s it is not waited for"
            self._until = time.monotonic() + self._grace
            self._told.put(True)

    def heed(self) -> None:
        """End the run hard if it is time to, in a thread that cannot be interrupted from outside.

        Raises:
            KeyboardInterrupt: It is.
        """
        if not self._listens and self._until is not None and time.monotonic() > self._until:
            raise KeyboardInterrupt

    def over(self) -> None:
        """The run ends: interrupt it no more."""
        with self._ending:
            self._over = True

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked or (self._until is not None and time.monotonic() > self._until):
            raise KeyboardInterrupt
        self.asked = True
        if number == signal.SIGTERM:
            self.hurry()

    def _repeat(self, driver: int) -> None:
        """Interrupt the driver when its time to stop is over."""
        if not self._told.get():
            return
        with suppress(queue.Empty):
            self._told.get(timeout=self._grace)
        with self._ending:
            if not self._over:
                # To the thread itself, or what it sleeps in would end first.
                signal.pthread_kill(driver, signal.SIGINT)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take over for a block what stops a process; only its main thread can.

        SIGTERM as well (``timeout``, a container that is stopped), unless somebody else has it.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        free = signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.default_int_handler)
        taken = (signal.SIGINT, signal.SIGTERM) if free else (signal.SIGINT,)
        repeating = threading.Thread(
            target=self._repeat, args=(threading.get_ident(),), name="interrupts", daemon=True
        )
        repeating.start()
        self._listens = True
        before = {number: signal.signal(number, self._heard) for number in taken}
        try:
            yield
        finally:
            try:
                self.over()
                self._told.put(False)
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
