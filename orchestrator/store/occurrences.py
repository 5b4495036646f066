"""Occurrences of schedules in the run store: each is settled once, by a run or by a reason."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator import instants
from orchestrator.store import missing
from orchestrator.store.records import FlowRun


class SettledAs(StrEnum):
    """What became of an occurrence."""

    RUN = "run"  #: a run was made for it
    WIDENED = "widened"  #: the run of a later one covers its data interval
    MISSED = "missed"  #: nobody was there in time
    SKIPPED = "skipped"  #: another run was in the way, or the schedule was paused


@dataclass(frozen=True, slots=True)
class Settled:
    """An occurrence of a schedule, and what became of it.

    Args:
        schedule_id: See :func:`~orchestrator.store.deployments.schedule_id`.
        key: :attr:`orchestrator.schedule.Occurrence.key`; no other of the schedule has it.
        instant: When it was due (aware).
        nominal: The local time it stands for, ``2026-11-01T01:30:00``.
        repeat: 1 if that local time came for the second time, else 0.
        outcome: What became of it.
        reason: One line for people.
        run_id: The run; that of the later occurrence, if it was widened.
        interval_start: Where its data interval begins.
        interval_end: Where its data interval ends, not included.
        settled: When it was settled (aware).
    """

    schedule_id: str
    key: str
    instant: datetime
    nominal: str
    repeat: int = 0
    outcome: SettledAs = SettledAs.RUN
    reason: str = ""
    run_id: str | None = None
    interval_start: datetime | None = None
    interval_end: datetime | None = None
    settled: datetime = field(default_factory=lambda: instants.now())


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Where a schedule of a deployed flow stands.

    Args:
        id: ``project/flow/name``.
        project: The project.
        flow: Name of the flow.
        name: Name of the schedule within the flow.
        paused: Whether it makes no runs; the flow may be paused besides.
        evaluated: All its occurrences until here, this instant included, are settled.
    """

    id: str
    project: str
    flow: str
    name: str
    paused: bool
    evaluated: datetime


@dataclass(frozen=True, slots=True)
class Settling:
    """What is asked of one schedule: see :meth:`OccurrenceStore.occur`."""

    schedule_id: str
    settled: Sequence[Settled]
    runs: Sequence[FlowRun]
    evaluated: datetime
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run of a schedule's latest occurrence that has one.

    Args:
        id: The run.
        created: When it was made (aware).
        finished: When it was finished; None: it is not.
    """

    id: str
    created: datetime
    finished: datetime | None = None


class OccurrenceStore(ABC):
    """What a run store promises of schedules: one occurrence, one row, at most one run."""

    _where: str  #: names the store in errors

    @abstractmethod
    def schedule_states(self, project: str | None = None) -> tuple[ScheduleState, ...]:
        """Return the schedules of the current deployments by id, those paused as well.

        Args:
            project: Only of this project.
        """

    def occur(
        self,
        schedule_id: str,
        settled: Sequence[Settled],
        runs: Sequence[FlowRun],
        evaluated: datetime,
        *,
        seen: datetime | None = None,
    ) -> tuple[str, ...]:
        """Settle occurrences, make their runs, and move the schedule's mark, all or nothing.

        One whose key the schedule has already is passed over. A run is made only if the one that
        says ``RUN`` with its id was not passed over. The mark never moves back. Any number of
        callers may do this at the same time, again, or with a clock that was set back.

        Args:
            schedule_id: The schedule.
            settled: The occurrences, in order.
            runs: The runs that they name; ``Pending``, without a lease.
            evaluated: The mark from now on.
            seen: The mark the caller reckoned from. If it is another by now, nothing is done.

        Returns:
            The keys that were settled now.

        Raises:
            NotFoundError: There is no such schedule.
            StoreError: A run's id is taken, or a value is not JSON.

        Example:
            >>> from orchestrator.store.deployments import Deployment
            >>> from orchestrator.store.memory import MemoryStore
            >>> store, noon = MemoryStore(), instants.now()
            >>> nightly = Deployment("d1", "shop", "nightly", "aa", "/srv", schedules=({"name": "s"},))
            >>> kept = store.deploy(nightly)
            >>> night = Settled("shop/nightly/s", "UTC 2026-03-01T02:30:00 0", noon,
            ...                 "2026-03-01T02:30:00", run_id="r1")
            >>> store.occur(night.schedule_id, [night], [FlowRun("r1", "nightly")], noon)
            ('UTC 2026-03-01T02:30:00 0',)
            >>> store.occur(night.schedule_id, [night], [FlowRun("r1", "nightly")], noon)
            ()
        """
        (keys,) = self.occur_all([Settling(schedule_id, settled, runs, evaluated, seen)])
        if keys is None:
            raise missing.no_such_schedule(schedule_id, self._where)
        return keys

    @abstractmethod
    def occur_all(self, wanted: Sequence[Settling]) -> tuple[tuple[str, ...] | None, ...]:
        """Do what :meth:`occur` does for several schedules in one transaction: all or nothing.

        Args:
            wanted: What is asked, each schedule once at most.

        Returns:
            For each in turn the keys that were settled now; None for a schedule that is not there.

        Raises:
            StoreError: A run's id is taken, or a value is not JSON; nothing is settled then.
        """

    @abstractmethod
    def last_runs(self, schedule_ids: Collection[str]) -> Mapping[str, LastRun]:
        """Return, of each of these schedules that has one, the run of the latest occurrence.

        Only runs that are kept and that name the schedule as theirs count: no backfills.
        """

    @abstractmethod
    def occurrences(
        self,
        schedule_id: str | None = None,
        *,
        outcome: SettledAs | None = None,
        limit: int = 100,
    ) -> tuple[Settled, ...]:
        """Return settled occurrences, those due last first.

        Args:
            schedule_id: Only of this schedule.
            outcome: Only with this outcome.
            limit: At most so many.
        """
