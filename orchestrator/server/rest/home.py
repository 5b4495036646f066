"""``/home``: last night at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from fastapi import APIRouter, Depends, Response

from orchestrator import instants
from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, StateType
from orchestrator.schedule.preview import note_of
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.rest import models
from orchestrator.server.rest.showing import shown
from orchestrator.server.runs.answering import answered
from orchestrator.service.scheduler.listing import Listed, schedules
from orchestrator.service.scheduler.settling import late_runs
from orchestrator.service.scheduler.waiting import heard_of
from orchestrator.shapes.flows import seconds
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

router = APIRouter(tags=["home"], dependencies=[Depends(viewing)])

_EVENING = time(18)
_RUNS = 1000  #: runs of one night that are counted
_SHOWN = 20  #: runs of a kind
_NEXT = 12
_FLOWS, _TREND = 30, 14  #: flows, and runs of each
_PATIENCE = timedelta(minutes=5)  #: until something that should have begun is late
_UNFINISHED = tuple(state for state in StateType if state not in FINISHED)


@router.get(
    "/home", operation_id="home", summary="Show last night at a glance", response_model=models.Home
)
def home(project: ProjectOf, store: StoreOf) -> Response:
    """Tell what failed since yesterday evening, what is late, what runs, and what comes next.

    A run that a retry has finished since counts by that retry.
    """
    now = instants.now()
    since = evening_before(now)
    night = store.runs(project=project.name, since=since, limit=_RUNS)
    unfinished = store.runs(project=project.name, state=_UNFINISHED, limit=_RUNS)
    listed = schedules(store, project.name, now)
    late = [*_late_schedules(listed, now), *_late_runs(store, unfinished, now)]
    running = [run for run in unfinished if run.state is not StateType.PENDING]
    mended = _mended(night)
    failed = [run for run in night if run.state in BROKEN and run.id not in mended]
    return answered(
        {
            "failed": shown(store, failed[:_SHOWN]),
            "late": late[:_SHOWN],
            "running": shown(store, running[:_SHOWN]),
            "next": _coming(listed)[:_NEXT],
            "trend": list(_trend(store, project.name, listed)),
            "last_night": {
                "since": since,
                "ok": sum(run.state in SUCCEEDED for run in night),
                "failed": len(failed),
                "running": len(running),
                "late": len(late),
            },
        }
    )


def evening_before(now: datetime) -> datetime:
    """Return yesterday, 18:00 on this machine's clock, in UTC.

    Example:
        >>> from datetime import UTC, datetime
        >>> evening_before(datetime(2026, 3, 2, 12, tzinfo=UTC)).minute
        0
    """
    local = now.astimezone()
    # A naive time is that of this machine, on that day: clocks may have changed since.
    return datetime.combine(local.date() - timedelta(days=1), _EVENING).astimezone(UTC)


def _mended(runs: Sequence[FlowRun]) -> set[str]:
    """Ids of the runs that a retry, or a retry of that, has finished."""
    earlier = {run.id: run.retry_of for run in runs}
    found: set[str] = set()
    for run in runs:
        before = run.retry_of if run.state in SUCCEEDED else None
        while before is not None and before not in found:
            found.add(before)
            before = earlier.get(before)
    return found


def _late_schedules(listed: Sequence[Listed], now: datetime) -> Iterator[Shape]:
    for one in listed:
        if one.since is not None and not one.paused and now - one.since > _PATIENCE:
            yield {
                "flow": one.state.flow, "schedule": one.state.name, "due": one.since,
                "note": one.note,
            }  # fmt: skip


def _late_runs(store: RunStore, unfinished: Sequence[FlowRun], now: datetime) -> Iterator[Shape]:
    causes = late_runs(store, unfinished, heard_of(store.agents(), now), now) if unfinished else {}
    for run in unfinished:
        if run.id in causes:
            name = run.schedule_id.rpartition("/")[2] if run.schedule_id else None
            note = f"run {run.id}, {causes[run.id]}"
            yield {"flow": run.flow, "schedule": name, "due": run.due or run.created, "note": note}


def _coming(listed: Sequence[Listed]) -> list[Shape]:
    found = [(one, one.next) for one in listed if one.next is not None and not one.paused]
    found.sort(key=lambda pair: pair[1].epoch)
    return [
        {
            "flow": one.state.flow,
            "schedule": one.state.name,
            "instant": due.instant,
            "local": due.local.isoformat(),
            "timezone": due.timezone,
            "offset": int((due.local.utcoffset() or timedelta()).total_seconds()),
            "note": note_of(due),
        }
        for one, due in found
    ]


def _trend(store: RunStore, project: str, listed: Sequence[Listed]) -> Iterator[Shape]:
    """How long the latest runs of each flow took; flows with schedules come first."""
    recent = store.runs(project=project, state=tuple(FINISHED), limit=200)
    flows = dict.fromkeys([*(one.state.flow for one in listed), *(run.flow for run in recent)])
    for flow in list(flows)[:_FLOWS]:
        runs = store.runs(flow=flow, project=project, state=tuple(FINISHED), limit=_TREND)
        if runs:
            yield {
                "flow": flow,
                "runs": [
                    {"run_id": run.id, "started": run.started, "seconds": seconds(run),
                     "state": run.state}
                    for run in reversed(runs)
                ],
            }  # fmt: skip
