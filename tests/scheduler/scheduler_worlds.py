"""A store with deployed schedules, a clock that is set by hand, and runs that end when told to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.model.state import StateType
from orchestrator.schedule import Clock, Schedule, as_schedule
from orchestrator.service.scheduler.scheduler import UNFINISHED, Scheduler, Tick
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Change, FlowRun, new_run_id


def shape(schedule: Schedule | Clock, name: str = "main", **policies: Any) -> Mapping[str, Any]:
    """A schedule as a deployment says it."""
    return {**as_schedule(schedule).to_dict(), "name": name, **policies}


def utc(*parts: int) -> datetime:
    """An instant of 2026 in UTC: month, day, hour, minute, …"""
    return datetime(2026, *parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


class World:
    """A store, the time, and one scheduler."""

    def __init__(self, store: RunStore, now: datetime) -> None:
        self.store, self.now = store, now
        self.restart()

    def restart(self) -> None:
        """Begin again with a scheduler that knows nothing but the store."""
        self.scheduler = Scheduler(self.store, clock=lambda: self.now)

    def deploy(
        self, flow: str, *schedules: Mapping[str, Any], version: str = "aa", **more: Any
    ) -> Deployment:
        return self.store.deploy(
            Deployment(
                new_run_id(), "shop", flow, version, "/srv", schedules=schedules,
                created=self.now, **more,
            )
        )  # fmt: skip

    def tick(self, now: datetime | None = None) -> Tick:
        """Set the clock, perhaps, and take a step."""
        self.now = self.now if now is None else now
        return self.scheduler.tick()

    def until(self, end: datetime, step: timedelta) -> None:
        """Take steps up to an instant."""
        while self.now < end:
            self.tick(min(self.now + step, end))

    def finish(self, run_id: str, state: StateType = StateType.SUCCESS) -> None:
        """Let a run end now."""
        change = Change(None, state, at=self.now)
        assert self.store.transition(run_id, [change]) == ()

    def claim(self, lease: timedelta = timedelta(days=1)) -> str | None:
        """Let an agent take a run; its id, if there is one to be had."""
        run = self.store.claim("agent", [], self.now + lease, now=self.now)
        return None if run is None else run.id

    def unfinished(self) -> tuple[FlowRun, ...]:
        """The oldest first."""
        return tuple(reversed(self.store.runs(state=UNFINISHED, limit=100_000)))

    def runs(self) -> tuple[FlowRun, ...]:
        """The oldest first."""
        return tuple(reversed(self.store.runs(limit=100_000)))

    def rows(self, schedule: str = "shop/nightly/main") -> list[tuple[str, str]]:
        """What became of the occurrences: local time and outcome, in order."""
        found = reversed(self.store.occurrences(schedule, limit=100_000))
        return [(row.nominal[5:16], row.outcome.value) for row in found]
