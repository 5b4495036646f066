"""Names one invocation of dbt: its id and its start, the same in all processes that run its nodes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator import instants


@dataclass(frozen=True, slots=True)
class Invocation:
    """What ``invocation_id`` and ``run_started_at`` say in the project's SQL.

    Args:
        id: A UUID.
        started: Aware UTC.

    Example:
        >>> len(Invocation().id)
        36
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime = field(default_factory=instants.now)
