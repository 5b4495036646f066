"""What people want to see of schedules: where each stands, what comes next, what became of the last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import NotFoundError, OrchestratorError
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.policies import RunOverlap
from orchestrator.service.scheduler.scheduler import UNFINISHED
from orchestrator.service.scheduler.timetables import Timetables
from orchestrator.service.scheduler.verdicts import span
from orchestrator.service.scheduler.watching import Watch, due_of, earlier, watch
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import DeployedFlow
from orchestrator.store.occurrences import ScheduleState, Settled

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A schedule of a deployed flow.

    Args:
        state: Where it stands.
        number: Number of the current deployment.
        says: Its clocks as text; empty if they cannot be read.
        paused: ``flow`` or ``schedule``, if that is paused.
        due: How many occurrences are due and not settled.
        next: What comes next; None if nothing does.
        last: What was settled last, the newest first.
        note: What people should know: an error, or what it waits for.
        since: When the first of those that are due came.
    """

    state: ScheduleState
    number: int
    says: str = ""
    paused: str = ""
    due: int = 0
    next: Occurrence | None = None
    last: tuple[Settled, ...] = ()
    note: str = ""
    since: datetime | None = None


def schedules(
    store: RunStore, project: str, now: datetime, *, flow: str | None = None, last: int = 1
) -> tuple[Listed, ...]:
    """Return the schedules of a project's deployed flows.

    Args:
        store: The store.
        project: The project.
        now: The present (aware).
        flow: Only of this flow.
        last: So many settled occurrences of each.

    Raises:
        NotFoundError: That flow is not deployed.
    """
    flows = {one.flow: one for one in store.deployed(project) if not one.deleted}
    if flow is not None and flow not in flows:
        raise NotFoundError(
            f"the flow {flow!r} is not deployed", fix=f"deploy it: orchestrator deploy {flow}"
        )
    states = [
        state
        for state in store.schedule_states(project)
        if state.flow in flows and flow in (None, state.flow)
    ]
    busy = {run.schedule_id: run.id for run in store.runs(state=UNFINISHED, limit=_ALL)}
    return tuple(
        _listed(store, state, flows[state.flow], now, last, busy.get(state.id)) for state in states
    )


def _listed(
    store: RunStore,
    state: ScheduleState,
    flow: DeployedFlow,
    now: datetime,
    last: int,
    busy: str | None,
) -> Listed:
    paused = "flow" if flow.paused else "schedule" if state.paused else ""
    rows = store.occurrences(state.id, limit=last)
    try:
        timetables = Timetables()
        watched = watch(store.deployment(flow.deployment_id), state, timetables)
        waiting = due_of(watched, now, earlier(store, [watched]), timetables)
    except (OrchestratorError, LookupError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, OrchestratorError) else str(error)
        note = f"cannot be read: {what}"
        return Listed(state, flow.number, paused=paused, last=rows, note=note)
    coming = next(iter(watched.schedule.occurrences(max(now, state.evaluated))), None)
    return Listed(
        state, flow.number, str(watched.schedule), paused, len(waiting), coming, rows,
        _note(watched, now, len(waiting), busy), waiting[0].instant if waiting else None,
    )  # fmt: skip


def _note(watched: Watch, now: datetime, waiting: int, busy: str | None) -> str:
    if watched.mark > now:
        ahead = span((watched.mark - now).total_seconds())
        return f"settled until {ahead} from now: the clock was ahead then, or was set back since"
    if not waiting:
        return ""
    if busy is not None and watched.policies.overlap is not RunOverlap.ALLOW_ALL:
        return f"{waiting} due, after run {busy}"
    return f"{waiting} due, and no scheduler has settled it yet"
