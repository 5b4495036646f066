"""Decisions as the store keeps them: a row for each occurrence, and the runs they call for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.deciding import Decision
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import Settled, SettledAs
from orchestrator.store.records import FlowRun, new_run_id

#: How the keys of occurrences that a backfill has made runs for begin.
BACKFILL = "backfill "


@dataclass(frozen=True, slots=True)
class Draft:
    """A verdict in the store's words, as far as it is the same for every deployment.

    Args:
        key: The occurrence.
        into: The occurrence whose run covers this one: itself, if it gets a run.
        values: What a row says of it, from the instant to the reason.
        interval: Its data interval.
        occurrence: The occurrence itself, if it gets a run.
    """

    key: str
    into: str
    values: tuple[datetime, str, int, SettledAs, str]
    interval: tuple[datetime | None, datetime | None]
    occurrence: Occurrence | None


def drafts_of(decision: Decision) -> tuple[Draft, ...]:
    """Return what a decision writes, whatever the deployment."""
    found = []
    for verdict in decision.verdicts:
        one, key = verdict.occurrence, verdict.occurrence.key
        values = one.instant, one.nominal.isoformat(), one.repeat, verdict.outcome, verdict.reason
        ran = one if verdict.outcome is SettledAs.RUN else None
        interval = one.interval_start, one.interval_end
        found.append(Draft(key, verdict.into or key, values, interval, ran))
    return tuple(found)


def rows_and_runs(
    decision: Decision,
    drafts: Sequence[Draft],
    deployment: Deployment,
    schedule_id: str,
    now: datetime,
) -> tuple[list[Settled], list[FlowRun]]:
    """Return what a decision writes for a deployment.

    Args:
        decision: What was decided.
        drafts: The same by :func:`drafts_of`.
        deployment: Whose runs they are.
        schedule_id: The schedule.
        now: The present (aware).
    """
    made = {one.key: new_run_id() for one in drafts if one.occurrence is not None}
    rows = [
        Settled(
            schedule_id, one.key, *one.values, made.get(one.into), *one.interval, now
        )
        for one in drafts
    ]  # fmt: skip
    runs = []
    last: dict[str, str] = {}
    for draft in drafts:
        if (one := draft.occurrence) is not None:
            variant, run_id = one.variant, made[draft.key]
            before = last.get(variant, decision.meeting.after) if decision.in_line else None
            runs.append(run_of(run_id, one, deployment, schedule_id, now, before))
            last[variant] = run_id
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
    instant = one.instant
    return FlowRun(
        run_id, deployment.flow, deployment.project,
        {**deployment.parameters, **(one.parameters or {})},
        created=now, options=_options(deployment),
        labels=_once([*deployment.labels, *one.labels]), deployment_id=deployment.id,
        version=deployment.version, schedule_id=schedule_id, scheduled=instant,
        interval_start=one.interval_start, interval_end=instant, due=instant,
        waits_for=waits_for,
    )  # fmt: skip


def _options(deployment: Deployment) -> dict[str, Any]:
    target = deployment.environment.get("target")
    executor = {"executor": deployment.executor} if deployment.executor else {}
    return executor | ({"run": {"target": target}} if target else {})


def _once(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))
