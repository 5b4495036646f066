"""Ctrl-C, or SIGTERM, while a run is driven: the first asks it to stop, the second ends it hard."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Counts the interrupts of a run.

    Attributes:
        asked: Whether somebody pressed Ctrl-C, or told the process to end.
    """

    def __init__(self) -> None:
        self.asked = False

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

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
        before = {number: signal.signal(number, self._heard) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
