"""Occurrences: single times that a clock names, in UTC and as the wall shows them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.schedule.wall_time import epoch_of, instant_of, naive, wall_of, zone_named

if TYPE_CHECKING:
    import pendulum


class Occurrence:
    """One time that a clock names.

    What makes it one is :attr:`key`: the local time it stands for and its pass, not the instant. A
    night that a schedule has served stays served when clocks go back over it, or when a new
    version of the time zone database moves its instant.

    Args:
        epoch: When it is due, UTC in seconds since 1970.
        wall: The local time it stands for, likewise.
        repeat: 1 if that local time comes for the second time, else 0.
        timezone: The zone of that local time.
        since: The epoch of the occurrence before it; None if there is none.
        parameters: What the run gets.
        labels: Which agents may run it.

    Example:
        >>> from orchestrator.schedule.cron_clock import CronClock
        >>> nightly = CronClock("30 2 * * *", timezone="America/New_York")
        >>> due = next(nightly.occurrences(datetime(2026, 3, 8, tzinfo=UTC)))
        >>> due.instant.isoformat(), due.nominal.isoformat(), str(due.local)
        ('2026-03-08T07:00:00+00:00', '2026-03-08T02:30:00', '2026-03-08 03:00:00-04:00')
    """

    __slots__ = ("epoch", "labels", "parameters", "repeat", "since", "timezone", "wall")

    def __init__(
        self,
        epoch: int,
        wall: int,
        repeat: int,
        timezone: str,
        since: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        labels: tuple[str, ...] = (),
    ) -> None:
        self.epoch, self.wall, self.repeat, self.timezone = epoch, wall, repeat, timezone
        self.since, self.parameters, self.labels = since, parameters, labels

    @property
    def instant(self) -> datetime:
        """When it is due, aware and in UTC."""
        return datetime.fromtimestamp(self.epoch, UTC)

    @property
    def nominal(self) -> datetime:
        """The local time it stands for, without a zone. On the night of a gap it may not exist."""
        return naive(self.wall)

    @property
    def local(self) -> pendulum.DateTime:
        """When it is due, as people of its zone see it."""
        return zone_named(self.timezone).local(self.epoch)

    @property
    def interval_start(self) -> datetime | None:
        """Where its data interval begins: at the occurrence before it. None: at the beginning."""
        return None if self.since is None else instant_of(self.since)

    @property
    def interval_end(self) -> datetime:
        """Where its data interval ends, not included: when it is due."""
        return self.instant

    @property
    def key(self) -> str:
        """What no two occurrences of a schedule share, and no restart, clock or new zone changes.

        Zone, local time and pass, and, if it has parameters or labels, a digest of these.
        """
        key = f"{self.timezone} {self.nominal.isoformat()} {self.repeat}"
        variant = self.variant
        return f"{key} {hashlib.sha256(variant.encode()).hexdigest()[:16]}" if variant else key

    @property
    def variant(self) -> str:
        """Parameters and labels as one text; empty if there are none."""
        return variant_of(self.parameters, self.labels)

    def with_since(self, since: int | None) -> Occurrence:
        """The same with a data interval that begins elsewhere."""
        return Occurrence(
            self.epoch, self.wall, self.repeat, self.timezone, since, self.parameters, self.labels
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON: instants in UTC, the nominal time without a zone."""
        start = self.interval_start
        return {
            "instant": self.instant.isoformat(),
            "nominal": self.nominal.isoformat(),
            "repeat": self.repeat,
            "timezone": self.timezone,
            "interval_start": start.isoformat() if start else None,
            "parameters": dict(self.parameters or {}),
            "labels": list(self.labels),
        }

    @classmethod
    def from_dict(cls, shape: Mapping[str, Any]) -> Occurrence:
        """What :meth:`to_dict` wrote."""
        start = shape["interval_start"]
        return cls(
            epoch_of(datetime.fromisoformat(shape["instant"])),
            wall_of(datetime.fromisoformat(shape["nominal"])),
            shape["repeat"],
            shape["timezone"],
            epoch_of(datetime.fromisoformat(start)) if start else None,
            shape["parameters"] or None,
            tuple(shape["labels"]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Occurrence) and self._self() == other._self()

    def __hash__(self) -> int:
        return hash((self.epoch, self.wall, self.repeat, self.timezone))

    def __repr__(self) -> str:
        return f"<Occurrence {self.local.isoformat()} {self.timezone}>"

    def _self(self) -> tuple[object, ...]:
        return self.epoch, self.wall, self.repeat, self.timezone, self.since, self.variant


def variant_of(parameters: Mapping[str, Any] | None, labels: tuple[str, ...]) -> str:
    """Parameters and labels as one text that is the same for the same; empty if there are none."""
    if not parameters and not labels:
        return ""
    return json.dumps([dict(parameters or {}), sorted(labels)], sort_keys=True, default=repr)
