"""Tells who follows a run when all is written that was said in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestrator import instants
from orchestrator.model.state import FINISHED
from orchestrator.store.records import FlowRun

#: An agent passes on what the process of a run printed last when that has ended.
_LAST_WORDS = timedelta(seconds=3)


class Ending:
    """Whether a run is over; one for each run that is followed.

    Example:
        >>> from orchestrator.model.state import StateType
        >>> Ending().is_reached(FlowRun("a1", "nightly", state=StateType.RUNNING))
        False
    """

    def __init__(self) -> None:
        self._seen: datetime | None = None

    def is_reached(self, run: FlowRun) -> bool:
        """Whether the run has ended, and all is written that was said in it.

        Args:
            run: The run as it stands now.
        """
        if run.state not in FINISHED:
            return False
        if run.agent is None or run.finished is None:
            return True
        now = instants.now()
        # Clocks of machines differ: what ended in our future ended when we first saw it.
        self._seen = self._seen or now
        return now - min(run.finished, self._seen) >= _LAST_WORDS
