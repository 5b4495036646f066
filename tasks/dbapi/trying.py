"""Waits between two tries to reach a server: told in the task's log, ended when it is cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from orchestrator.errors import InfrastructureError
from orchestrator.model import context

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  #: seconds between two tries


def pauses() -> Iterator[float]:
    """Yield how many seconds to wait after each try, without end.

    Example:
        >>> from itertools import islice
        >>> list(islice(pauses(), 6))
        [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    """
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE)


def rest(pause: float, place: str, said: str, tries: int) -> None:
    """Say that a try failed, and wait before the next.

    Args:
        pause: Seconds.
        place: The server.
        said: What went wrong, without secrets.
        tries: How many there were.

    Raises:
        InfrastructureError: The task was cancelled meanwhile.
    """
    logger().warning("%s: %s; trying again in %.1f s (%d so far)", place, said, pause, tries)
    running = context.active()
    (running.cancelled if running else threading.Event()).wait(pause)
    if running is not None and running.cancelled.is_set():
        raise InfrastructureError("cancelled while waiting for the server", where=place)


def tried(tries: int, seconds: float) -> str:
    """Tell how often and how long it was tried.

    Example:
        >>> tried(1, 0.25), tried(3, 1.6)
        ('tried once in 0.2 s', 'tried 3 times in 1.6 s')
    """
    return f"tried {'once' if tries == 1 else f'{tries} times'} in {seconds:.1f} s"


def logger() -> logging.Logger:
    """The log of the task that runs, or of warehouses."""
    running = context.active()
    return running.logger if running else logging.getLogger("orchestrator.warehouse")
