"""What all clocks share: a zone, bounds, parameters, and walking through their occurrences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, ClassVar, TypeVar

from orchestrator import instants
from orchestrator.errors import FlowError
from orchestrator.schedule.occurrence import Occurrence, variant_of
from orchestrator.schedule.wall_time import (
    BEGINNING,
    END,
    Gap,
    Moment,
    Overlap,
    Policy,
    Transition,
    epoch_of,
    instant_of,
    naive,
    wall_of,
    zone_named,
)
from orchestrator.schedule.windows import backwards, forwards
from orchestrator.schedule.zone_data import zone_names

E = TypeVar("E", bound=StrEnum)


class Clock(ABC):
    """Names times, each with the parameters and labels of its own.

    Args:
        timezone: The zone whose wall it looks at; if left out, that of ``start_date``, else UTC.
        gap: When something runs whose local time does not exist: ``end``, ``shift`` or ``skip``.
        overlap: When something runs whose local time comes twice: ``first``, ``second``, ``both``.
        start_date: Nothing before it. Aware, or naive in the clock's zone.
        end_date: Nothing after it.
        parameters: What runs of this clock get.
        labels: Which agents may run them.
        parameter_defaults: Prefect 1's word for ``parameters``.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        *,
        timezone: str | None,
        gap: str | Gap,
        overlap: str | Overlap,
        start_date: datetime | None,
        end_date: datetime | None,
        parameters: Mapping[str, Any] | None,
        labels: Iterable[str] | None,
        parameter_defaults: Mapping[str, Any] | None,
    ) -> None:
        self.timezone = timezone or zone_name(start_date, end_date)
        self.zone = zone_named(self.timezone)
        self.policy = Policy(chosen(Gap, gap, "gap"), chosen(Overlap, overlap, "overlap"))
        self.start_date, self.end_date = start_date, end_date
        self.first = BEGINNING if start_date is None else self.epoch(start_date)
        self.last = END if end_date is None else self.epoch(end_date)
        if self.last < self.first:
            raise FlowError(
                f"the clock ends on {end_date} before it begins on {start_date}",
                fix="give an end_date after the start_date",
            )
        given = parameters if parameters is not None else parameter_defaults
        self.parameters = dict(given) if given else None
        self.labels = tuple(labels or ())
        self.variant = variant_of(self.parameters, self.labels)

    # -- what it names ---------------------------------------------------------------------

    @property
    @abstractmethod
    def pace(self) -> int:
        """About how many seconds lie between two occurrences."""

    @abstractmethod
    def moments(self, first: int, last: int) -> list[Moment]:
        """What the rule names in ``[first, last)`` (epochs), whatever the clock's bounds."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """As JSON; :func:`orchestrator.schedule.clocks.clock_from_dict` reads it."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know of nights that this clock loses."""
        return ()

    def lost(self, change: Transition) -> list[datetime]:
        """The local times that a transition takes from this clock, without anything in their place."""
        return []

    # -- walking ---------------------------------------------------------------------------

    def occurrences(self, after: datetime | None = None) -> Iterator[Occurrence]:
        """Yield the occurrences strictly after an instant, in order.

        Args:
            after: Aware; now, if left out.

        Raises:
            FlowError: ``after`` has no time zone.
        """
        return self._since(max(epoch_after(after), self.first))

    def _since(self, first: int) -> Iterator[Occurrence]:
        zone, parameters, labels = self.timezone, self.parameters, self.labels
        # Most often one window shows both the one before and the first.
        begin, end = max(first - 2 * self.pace, BEGINNING), min(first + 2 * self.pace, END)
        if first > min(end, self.last):
            return
        head = self.moments(begin, end)
        split = bisect_left(head, (first,))
        since = head[split - 1][0] if split else self._last_before(begin)
        rest = forwards(self.moments, end, self.last + 1, self.pace)
        for chunk in chain((head[split:],), rest):
            for epoch, wall, repeat in chunk:
                if epoch > self.last:
                    return
                yield Occurrence(epoch, wall, repeat, zone, since, parameters, labels)
                since = epoch

    def before(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences strictly before an instant, the latest first.

        Args:
            instant: Aware.
        """
        last = min(epoch_from(instant), self.last + 1)
        held: Moment | None = None
        for chunk in backwards(self.moments, last, self.first, self.pace):
            for moment in reversed(chunk):
                if held is not None:
                    yield self.occurrence(held, moment[0])
                held = moment
        if held is not None:
            yield self.occurrence(held, self._last_before(held[0]))

    def occurrence(self, moment: Moment, since: int | None = None) -> Occurrence:
        """A moment with what this clock knows of it."""
        return Occurrence(*moment, self.timezone, since, self.parameters, self.labels)

    def bounded(self, first: int, last: int) -> list[Moment]:
        """The moments in ``[first, last)`` that lie within the clock's bounds."""
        first, last = max(first, self.first), min(last, self.last + 1)
        return self.moments(first, last) if first < last else []

    def _last_before(self, epoch: int) -> int | None:
        chunk = next(backwards(self.moments, epoch, BEGINNING, self.pace), None)
        return chunk[-1][0] if chunk else None

    # -- being a value ---------------------------------------------------------------------

    def epoch(self, moment: datetime) -> int:
        """A datetime as an epoch; a naive one is local to the clock's zone."""
        if not isinstance(moment, datetime):
            raise FlowError(f"{moment!r} is no datetime", fix="give a datetime, aware or local")
        if moment.tzinfo is not None:
            return epoch_of(moment)
        policy = Policy(Gap.END, Overlap.FIRST)
        found = self.zone.resolve(wall_of(moment), policy)
        if not found:
            raise FlowError(
                f"{moment.isoformat()} is on a date that {self.timezone} never had",
                fix="give another date",
            )
        return found[0][0]

    def shared(self) -> dict[str, Any]:
        """The part of :meth:`to_dict` that all clocks have."""
        shape: dict[str, Any] = {
            "clock": self.kind,
            "timezone": self.timezone,
            "gap": self.policy.gap.value,
            "overlap": self.policy.overlap.value,
            "start_date": written(self.start_date),
            "end_date": written(self.end_date),
            "parameters": self.parameters,
            "labels": list(self.labels),
        }
        return shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clock) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.kind, self.timezone, str(self)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from orchestrator.schedule.clocks import clock_from_dict

        return clock_from_dict, (self.to_dict(),)


def epoch_after(after: datetime | None) -> int:
    """The first whole second after an instant; after now, if none is given."""
    return epoch_of(instants.now() if after is None else after) + 1


def epoch_from(instant: datetime) -> int:
    """The first whole second that is not before an instant."""
    return epoch_of(instant) + (instant.microsecond > 0)


def written(moment: datetime | None) -> str | None:
    """A bound as text: aware ones in UTC, so that nothing of them depends on a zone."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        return naive(wall_of(moment)).isoformat()
    return instant_of(epoch_of(moment)).isoformat()


def zone_name(*moments: datetime | None) -> str:
    """The zone that datetimes carry; UTC if they carry none.

    Raises:
        FlowError: They carry a mere offset, which is no zone.
    """
    for moment in moments:
        tzinfo = getattr(moment, "tzinfo", None)
        if moment is None or tzinfo is None:
            continue
        name = getattr(tzinfo, "key", None) or getattr(tzinfo, "zone", None)
        if isinstance(name, str) and name in zone_names():
            return name
        if moment.utcoffset():
            raise FlowError(
                f"{moment.isoformat()} has an offset from UTC, which is no time zone",
                fix="name the zone: timezone='America/New_York'",
            )
    return "UTC"


def chosen(kind: type[E], value: object, name: str) -> E:
    """One of an enumeration's values, by itself or by its word.

    Raises:
        FlowError: It is none of them.
    """
    if isinstance(value, kind):
        return value
    try:
        return kind(str(value))
    except ValueError:
        words = ", ".join(repr(one.value) for one in kind)
        raise FlowError(f"{name}={value!r} is none of {words}", fix=f"choose {words}") from None
