"""Decisions as the store keeps them: a row for each occurrence, and the runs they call for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.deciding import Decision
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import Settled, SettledAs
from orchestrator.store.records import FlowRun, new_run_id

#: How the keys of occurrences that a backfill has made runs for begin.
BACKFILL = "backfill "


def rows_and_runs(
    decision: Decision, deployment: Deployment, schedule_id: str, now: datetime
) -> tuple[list[Settled], list[FlowRun]]:
    """Return what a decision writes.

    Args:
        decision: What was decided.
        deployment: Whose runs they are.
        schedule_id: The schedule.
        now: The present (aware).
    """
    made = {
        one.occurrence.key: new_run_id()
        for one in decision.verdicts
        if one.outcome is SettledAs.RUN
    }
    rows = [
        Settled(
            schedule_id, one.occurrence.key, one.occurrence.instant,
            one.occurrence.nominal.isoformat(), one.occurrence.repeat, one.outcome, one.reason,
            made.get(one.into or one.occurrence.key), one.occurrence.interval_start,
            one.occurrence.interval_end, now,
        )
        for one in decision.verdicts
    ]  # fmt: skip
    wanted = [one.occurrence for one in decision.verdicts if one.occurrence.key in made]
    runs = []
    last: dict[str, str] = {}
    for one in wanted:
        before = last.get(one.variant, decision.meeting.after) if decision.in_line else None
        runs.append(run_of(made[one.key], one, deployment, schedule_id, now, before))
        last[one.variant] = made[one.key]
    return rows, runs


def run_of(
    run_id: str,
    one: Occurrence,
    deployment: Deployment,
    schedule_id: str,
    now: datetime,
    waits_for: str | None = None,
) -> FlowRun:
    """Return the run of an occurrence, as it is before an agent claims it."""
    return FlowRun(
        run_id, deployment.flow, deployment.project,
        {**deployment.parameters, **(one.parameters or {})},
        created=now, options={"executor": deployment.executor} if deployment.executor else {},
        labels=_once([*deployment.labels, *one.labels]), deployment_id=deployment.id,
        version=deployment.version, schedule_id=schedule_id, scheduled=one.instant,
        interval_start=one.interval_start, interval_end=one.interval_end, due=one.instant,
        waits_for=waits_for,
    )  # fmt: skip


def _once(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))
