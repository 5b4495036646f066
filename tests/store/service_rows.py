"""Deployments and nights that several tests of the stores write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import Settled
from orchestrator.store.records import FlowRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULE = "shop/nightly/main"


def deployment(name: str = "d1", version: str = "aa", **more: Any) -> Deployment:
    values: dict[str, Any] = {"schedules": ({"name": "main", "clocks": []},), "created": NOON}
    return Deployment(name, "shop", "nightly", version, f"/srv/{version}", **(values | more))


def night(number: int, run_id: str | None = None, **more: Any) -> Settled:
    due = NOON + timedelta(days=number)
    nominal = due.replace(tzinfo=None).isoformat()
    values = {"run_id": run_id, "interval_start": due - timedelta(days=1), "interval_end": due}
    return Settled(SCHEDULE, f"UTC {nominal} 0", due, nominal, settled=due, **(values | more))


def run_of(settled: Settled, **more: Any) -> FlowRun:
    assert settled.run_id is not None
    return FlowRun(
        settled.run_id, "nightly", "shop", created=settled.instant, schedule_id=SCHEDULE,
        scheduled=settled.instant, due=settled.instant, interval_start=settled.interval_start,
        interval_end=settled.interval_end, **more,
    )  # fmt: skip


def of_flow(flow: str, settled: Settled) -> Settled:
    """The same night of another flow."""
    return replace(settled, schedule_id=f"shop/{flow}/main")
