"""Settles what nobody looks after any more: late runs, runs without a driver, agents that are gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.model.state import StateType
from orchestrator.service.scheduler.following import ANOTHER, follow, who_cancelled
from orchestrator.service.scheduler.policies import Policies
from orchestrator.service.scheduler.stopping import end
from orchestrator.service.scheduler.verdicts import span
from orchestrator.service.scheduler.waiting import SILENT, could_begin, is_waiting, not_taken
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

LATE = timedelta(minutes=5)  #: a run that no agent has taken so long after it was due is late


def late_runs(
    store: RunStore,
    unfinished: Sequence[FlowRun],
    agents: Collection[AgentRecord],
    now: datetime,
) -> dict[str, str]:
    """Return the runs that no agent has taken though they could have begun, each with its cause.

    Args:
        store: The run store.
        unfinished: All unfinished runs.
        agents: The agents that are there.
        now: The present (aware).

    Example:
        >>> from datetime import UTC
        >>> from orchestrator.store.memory import MemoryStore
        >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        >>> run = FlowRun("a1", "nightly", created=noon, due=noon, labels=("gpu",))
        >>> late_runs(MemoryStore(), [run], [], noon + timedelta(hours=1))
        {'a1': 'due 1 h ago; no agent is there'}
    """
    open_ids = {run.id for run in unfinished}
    found = {}
    for run in unfinished:
        due = run.due or run.created  # what somebody asked for is due at once
        if not is_waiting(run) or run.waits_for in open_ids:
            continue
        if now - due > LATE and now - could_begin(store, run) > LATE:
            ago = span((now - due).total_seconds())
            found[run.id] = f"due {ago} ago; {not_taken(run, agents)}"
    return found


def late_causes(late: Mapping[str, str]) -> Counter[str]:
    """Return how many runs are late for each cause: without an agent all of them are.

    Args:
        late: What :func:`late_runs` found.

    Example:
        >>> late_causes({"a1": "due 1 h ago; no agent is there"})
        Counter({'no agent is there': 1})
    """
    return Counter(why.partition("; ")[2] for why in late.values())


def settle_lost_agents(store: RunStore, now: datetime) -> dict[str, str]:
    """Strike out the agents that were not heard of for three beats; return each with its cause.

    Their runs live on by their own leases: a driver may outlive its agent.
    """
    found = {}
    for agent in store.lost_agents(now - SILENT):
        if store.dismiss(agent.id):
            silent = span((now - agent.heartbeat).total_seconds())
            found[agent.name] = f"not heard of for {silent} (process {agent.pid} on {agent.host})"
    return found


def settle_stuck_run(
    store: RunStore, run: FlowRun, policies: Policies, now: datetime
) -> str | None:
    """Settle a run whose lease has run out.

    One that an agent claimed and never began goes back to any agent; one that somebody had asked to
    stop is cancelled; another one fails, and, where the schedule says so, is followed by a run that
    finishes it.

    Returns:
        What was done; None if somebody else was faster.
    """
    if run.state is StateType.PENDING and run.agent is not None:
        back = store.unclaim(run.id, run.fence)
        return f"agent {run.agent} never began it; any agent may take it" if back else None
    why = _lost(run, now)
    if (asker := who_cancelled(store, run)) is not None:
        why = f"cancelled by {asker}; {why}"
        return why if end(store, run, StateType.CANCELLED, why) else None
    # The follower first: if this process dies between the two, nothing is forgotten.
    why += ANOTHER if follow(store, run, policies, now) else ""
    return why if end(store, run, StateType.FAILED, why) else None


def _lost(run: FlowRun, now: datetime) -> str:
    place = f"process {run.pid} on {run.host}" if run.pid else "its process"
    if run.lease_expires is None:
        return f"its driver is lost: {place} said nothing since it began"
    silent = span((now - run.lease_expires).total_seconds())
    return f"its driver is lost: {place} should have been heard of {silent} ago"
