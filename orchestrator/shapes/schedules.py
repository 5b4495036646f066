"""Schedules as JSON: previews, those that are deployed, backfills."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.schedule import Occurrence, Schedule
    from orchestrator.schedule.preview import Change, Preview
    from orchestrator.service.scheduler.backfill import Progress
    from orchestrator.service.scheduler.listing import Listed
    from orchestrator.service.scheduler.scheduler import Tick
    from orchestrator.store.occurrences import Settled


def preview(flow: str | None, schedule: Schedule, found: Preview) -> dict[str, Any]:
    """``flow``, ``schedule``, ``warnings``, ``occurrences``, ``transitions``, ``coming_transitions``."""
    from orchestrator.schedule.zone_data import zone_data_version

    return {
        "flow": flow,
        "schedule": str(schedule),
        "timezones": list(schedule.timezones),
        "timezone_data": zone_data_version(),
        "warnings": list(schedule.warnings),
        "occurrences": [_occurrence(one) for one in found.occurrences],
        "transitions": [_change(one) for one in found.changes],
        "coming_transitions": [_change(one) for one in found.coming],
    }


def _occurrence(one: Occurrence) -> dict[str, Any]:
    from orchestrator.schedule.preview import note_of

    end = {"interval_end": one.interval_end.isoformat()}
    seen = {"local": one.local.isoformat(), "key": one.key, "note": note_of(one)}
    return one.to_dict() | end | seen


def _change(one: Change) -> dict[str, Any]:
    change = one.transition
    return {
        "timezone": one.timezone,
        "instant": change.instant.isoformat(),
        "offset_before": change.before,
        "offset_after": change.after,
        "local_before": change.old_wall.isoformat(),
        "local_after": change.new_wall.isoformat(),
        "lost": [missing.isoformat() for missing in one.lost],
        "note": one.note,
    }


def listed(one: Listed) -> dict[str, Any]:
    """A schedule of a deployed flow: where it stands, ``next``, and its last ``occurrences``."""
    return {
        "id": one.state.id,
        "flow": one.state.flow,
        "name": one.state.name,
        "deployment": one.number,
        "schedule": one.says,
        "paused": one.paused or None,
        "evaluated": one.state.evaluated.isoformat(),
        "due": one.due,
        "next": _occurrence(one.next) if one.next else None,
        "note": one.note,
        "occurrences": [_settled(row) for row in one.last],
    }


def _settled(row: Settled) -> dict[str, Any]:
    start, end = row.interval_start, row.interval_end
    return {
        "key": row.key,
        "nominal": row.nominal,
        "repeat": row.repeat,
        "instant": row.instant.isoformat(),
        "outcome": row.outcome.value,
        "reason": row.reason,
        "run_id": row.run_id,
        "interval_start": start.isoformat() if start else None,
        "interval_end": end.isoformat() if end else None,
        "settled": row.settled.isoformat(),
    }


def progress(found: Progress) -> dict[str, Any]:
    """A backfill: how many runs it has, and how they stand."""
    return asdict(found)


def tick(step: Tick) -> dict[str, Any]:
    """What one step of the scheduler did."""
    shape = asdict(step)
    times = {name: shape[name].isoformat() if shape[name] else None for name in ("at", "next")}
    return shape | times
