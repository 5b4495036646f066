"""Why a run has not begun: another one is in its way, it is not due, or no agent takes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from orchestrator.errors import NotFoundError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.scheduler.verdicts import span
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

BEAT = timedelta(seconds=10)  #: an agent says so often that it is there
SILENT = 3 * BEAT  #: after so long without a word it counts as lost
BUSY = "the agents that could take it are busy"


def is_waiting(run: FlowRun) -> bool:
    """Whether nobody has taken a run yet."""
    return run.state is StateType.PENDING and run.lease_expires is None


def why_waiting(store: RunStore, run: FlowRun, now: datetime) -> str | None:
    """Return why a run has not begun, in one line; None if it has, or an agent has taken it.

    Args:
        store: The run store.
        run: The run.
        now: The present (aware).

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> run = FlowRun("a1", "nightly")
        >>> why_waiting(MemoryStore(), run, run.created)
        'no agent is there'
    """
    if not is_waiting(run):
        return None
    if (other := _in_the_way(store, run)) is not None:
        return f"waits for run {other}"
    if run.due is not None and run.due > now:
        return f"due in {span((run.due - now).total_seconds())}"
    return not_taken(run, heard_of(store.agents(), now))


def heard_of(agents: Iterable[AgentRecord], now: datetime) -> tuple[AgentRecord, ...]:
    """Return the agents that are not lost, whether or not a scheduler has struck those out."""
    return tuple(agent for agent in agents if now - agent.heartbeat <= SILENT)


def not_taken(run: FlowRun, agents: Collection[AgentRecord]) -> str:
    """Return why no agent has taken a run that is due.

    Args:
        run: The run.
        agents: The agents that are there.
    """
    if not agents:
        return "no agent is there"
    if not any(set(run.labels) <= set(agent.labels) for agent in agents):
        return f"no agent has its labels {', '.join(run.labels)}"
    return BUSY


def could_begin(store: RunStore, run: FlowRun) -> datetime:
    """Return since when a run could have begun: it was made, due, and no other was in its way."""
    other = _before(store, run)
    ended = other.finished if other is not None else None
    return max(run.created, run.due or run.created, ended or run.created)


def _in_the_way(store: RunStore, run: FlowRun) -> str | None:
    """The unfinished run that must finish first."""
    other = _before(store, run)
    return other.id if other is not None and other.state not in FINISHED else None


def _before(store: RunStore, run: FlowRun) -> FlowRun | None:
    """The run that must finish first, as long as it is kept."""
    try:
        return store.run(run.waits_for) if run.waits_for is not None else None
    except NotFoundError:
        return None
