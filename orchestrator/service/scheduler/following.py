"""Runs that finish what another left: one whose driver was lost, or whose process was told to end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from orchestrator import instants
from orchestrator.errors import OrchestratorError
from orchestrator.model.state import StateType
from orchestrator.service.scheduler.policies import OnLost, Policies
from orchestrator.service.scheduler.stopping import ask_to_stop
from orchestrator.service.scheduler.watching import shape_of
from orchestrator.store.base import RunStore
from orchestrator.store.records import BY_SIGNAL, Action, FlowRun, new_run_id

ANOTHER = "; another run finishes it"  #: said of a run that is followed by one


def interrupt(store: RunStore, run_id: str, why: str) -> None:
    """Ask a run to stop because its process or its agent ends, which is nobody's wish.

    Where its schedule says that lost runs are retried, another run finishes it.

    Args:
        store: The store.
        run_id: The whole id.
        why: Said to people.
    """

    def followed(run: FlowRun) -> str:
        if who_cancelled(store, run) is not None:
            return ""
        return ANOTHER if follow(store, run, policies_of(store, run), instants.now()) else ""

    # The follower first: if this process is killed between the two, nothing is forgotten.
    ask_to_stop(store, run_id, why, by=BY_SIGNAL, before=followed)


def follow(store: RunStore, run: FlowRun, policies: Policies, now: datetime) -> bool:
    """Make the run that finishes another as soon as that has ended, once; return whether there is one.

    Args:
        store: The store.
        run: The run that ends before it is done.
        policies: What its schedule says.
        now: The present (aware).
    """
    if policies.on_lost is not OnLost.RETRY or run.deployment_id is None:
        return False
    depth, earlier = 0, run
    while earlier.retry_of is not None and depth <= policies.most_retries:
        depth, earlier = depth + 1, store.run(earlier.retry_of)
    if depth >= policies.most_retries:
        return False
    store.create_run(
        replace(
            run, id=new_run_id(), state=StateType.PENDING, message="", created=now, started=None,
            retry_of=run.id, pid=None, host=None, lease_expires=None, fence=1, agent=None, due=now,
            waits_for=run.id, idempotency_key=f"finishes {run.id}",
        )
    )  # fmt: skip
    return True


def who_cancelled(store: RunStore, run: FlowRun) -> str | None:
    """Name who asked the run to stop; what ends with its process or its agent is nobody's wish."""
    cancels = (ask for ask in store.asked(run.id) if ask.action is Action.CANCEL)
    return next((ask.by for ask in cancels if ask.by != BY_SIGNAL), None)


def policies_of(store: RunStore, run: FlowRun) -> Policies:
    """What a run's own deployment says of its schedule; the defaults where nothing is said."""
    if run.deployment_id is None or run.schedule_id is None:
        return Policies()
    try:
        deployment = store.deployment(run.deployment_id)
        return Policies.from_dict(shape_of(deployment, run.schedule_id.rsplit("/", 1)[-1]))
    except (OrchestratorError, LookupError):
        return Policies()
