"""What one step of the scheduler did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.errors import OrchestratorError


@dataclass(slots=True)
class Tick:
    """What one step did.

    Args:
        at: When (aware).
        made: Ids of the runs that were made.
        settled: How many occurrences were settled, those with a run counted as well.
        held: Schedules whose occurrences wait for a run that is under way, and which run.
        errors: What could not be done, by schedule or step.
        late: Runs that no agent takes, and why.
        stuck: Runs whose driver was lost, and what was done.
        lost: Agents that are gone, and what is known of them.
        next: When something is due again (aware); None: nothing is.
    """

    at: datetime
    made: list[str] = field(default_factory=list)
    settled: int = 0
    held: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    next: datetime | None = None

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Keep the error of one thing, so that it stops no other."""
        try:
            yield
        except Exception as failure:
            self.failed(what, failure)

    def failed(self, what: str, failure: Exception) -> None:
        """Keep an error."""
        self.errors[what] = one_line(failure)


def one_line(failure: Exception) -> str:
    """Say a failure in one line."""
    text = failure.what if isinstance(failure, OrchestratorError) else str(failure)
    return text or type(failure).__name__
