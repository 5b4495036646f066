"""Ctrl-C, or SIGTERM, while a run is driven: the first asks it to stop, the second ends it hard."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

#: Seconds that work has to end after SIGTERM. Who sends it does not send it twice, but kills: a
#: container that is stopped is killed after ten.
GRACE = 8.0


class Interrupts:
    """Counts the interrupts of a run.

    Args:
        grace: Seconds after which SIGTERM counts as said twice; who presses Ctrl-C decides it.

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

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if number == signal.SIGTERM:
            self.terms = f"after {self._grace:g} s it is not waited for"
            self._told.put(True)

    def _repeat(self, driver: int) -> None:
        """Say SIGTERM again, once it was heard and its time is over."""
        if not self._told.get():
            return
        with suppress(queue.Empty):
            self._told.get(timeout=self._grace)
        with self._ending:
            if not self._over:
                # To the thread itself, or what it sleeps in would end first.
                signal.pthread_kill(driver, signal.SIGTERM)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take over for a block what stops a process; only its main thread can.

        SIGTERM as well (``timeout``, a container that is stopped), unless somebody else has it.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        taken = (signal.SIGINT, signal.SIGTERM) if free else (signal.SIGINT,)
        repeating = threading.Thread(
            target=self._repeat, args=(threading.get_ident(),), name="interrupts", daemon=True
        )
        repeating.start()
        before = {number: signal.signal(number, self._heard) for number in taken}
        try:
            yield
        finally:
            try:
                with self._ending:
                    self._over = True
                self._told.put(False)
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
