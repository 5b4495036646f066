"""Previews of schedules as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.schedule import Occurrence, Schedule
    from orchestrator.schedule.preview import Change, Preview


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
