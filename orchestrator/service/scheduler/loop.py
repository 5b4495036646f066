"""The loop around the scheduler's step: sleeps until something is due, and outlives a bad step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.service.scheduler.scheduler import Scheduler, Tick

LONGEST = 10.0  #: seconds: deployments, agents and leases are looked at so often

logger = logging.getLogger("orchestrator.scheduler")


def run_forever(
    scheduler: Scheduler,
    stop: threading.Event,
    *,
    told: Callable[[Tick], None] | None = None,
    longest: float = LONGEST,
) -> None:
    """Take one step after another until told to stop.

    Args:
        scheduler: Whose steps.
        stop: Set it to end the loop; a step under way is finished.
        told: Gets what each step did.
        longest: Seconds between two steps at most.
    """
    while not stop.is_set():
        due = None
        try:
            step = scheduler.tick()
        except StoreError as error:
            # A database that restarts comes back; what was due until then is caught up.
            logger.warning("the store cannot be reached, trying again: %s", error.what)
        else:
            due = step.next
            if told is not None:
                told(step)
        stop.wait(pause(instants.now(), due, longest))


def pause(now: datetime, due: datetime | None, longest: float) -> float:
    """Return how many seconds to sleep: exactly until something is due, and not for long.

    Example:
        >>> from datetime import UTC, timedelta
        >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        >>> pause(noon, noon + timedelta(seconds=3), 10), pause(noon, None, 10)
        (3.0, 10)
    """
    if due is None:
        return longest
    return min(max((due - now).total_seconds(), 0.0), longest)
