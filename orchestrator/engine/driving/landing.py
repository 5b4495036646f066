"""What comes back of the bundles that were handed over: word of their attempts, and their end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from orchestrator.engine.attempts import progress
from orchestrator.engine.attempts.bundle import Batch, opened
from orchestrator.engine.driving.handing import Handing
from orchestrator.engine.driving.lanes import Lanes
from orchestrator.engine.messages import Logged, Report, Started
from orchestrator.engine.telling.teller import Teller
from orchestrator.engine.units import Flight, Unit
from orchestrator.errors import WorkerLostError
from orchestrator.executors.base import Completed, Executor, Handle, Message


class Driver(Protocol):
    """Who is told what became of each attempt."""

    def started(self, unit: Unit, at: datetime, worker: str) -> None:
        """It began."""
        ...

    def reported(self, unit: Unit, handle: Handle, report: Report) -> None:
        """It ended; its value, if it was kept, is where the handle says."""
        ...

    def lost(self, unit: Unit, error: BaseException) -> None:
        """It ended without a report."""
        ...

    def release(self, unit: Unit) -> None:
        """It never began, and nothing is in its way: it is to be handed over again."""
        ...


class Landing:
    """Knows what is under way, and tells the driver what is heard of it.

    Args:
        executor: Where it is.
        handing: What handed it over.
        lanes: Told of threads that are free again.
        tell: Takes what attempts log.
        driver: Told of attempts.
    """

    def __init__(
        self, executor: Executor, handing: Handing, lanes: Lanes, tell: Teller, driver: Driver
    ) -> None:
        self._executor, self._handing, self._lanes = executor, handing, lanes
        self._tell, self._driver = tell, driver
        self._flights: dict[Handle, Flight] = {}
        self._under_way: dict[int, Flight] = {}
        self._by_token: dict[str, Unit] = {}

    def sent(self, flight: Flight) -> None:
        """Expect word of a bundle."""
        self._flights[flight.handle] = self._under_way[flight.number] = flight
        for unit in flight.units:
            self._by_token[unit.token] = unit

    def away(self) -> list[Unit]:
        """The units whose attempts are under way."""
        return list(self._by_token.values())

    def forget(self, unit: Unit) -> None:
        """Listen no more to the attempt of a unit: whatever it says changes nothing."""
        self._by_token.pop(unit.token, None)
        unit.flight = None

    def take(self, item: Completed | Message) -> None:
        """Take what came out of the executor."""
        if isinstance(item, Completed):
            self._landed(item)
        elif isinstance(item.content, (Batch, bytes)):
            self._told(opened(item.content))
        else:
            self._heard(item.content, None)

    def _told(self, batch: Batch) -> None:
        if batch.number < self._handing.first:
            return  # of an earlier run on the same executor
        if batch.last and batch.number not in self._under_way:
            return  # its end was faster, and said the same
        handle = None if batch.ticket is None else self._executor.adopt(batch.ticket)
        self._take_items(batch, handle)
        flight = self._under_way.pop(batch.number, None) if batch.last else None
        if flight is not None:
            self._over(flight)

    def _take_items(self, batch: Batch, handle: Handle | None) -> None:
        for content in batch.items:
            self._heard(content, handle)
        for token in batch.back:
            self._given_back(token)

    def _over(self, flight: Flight) -> None:
        """A bundle's thread is free: the next one may go there."""
        if not flight.over:
            flight.over = True
            self._lanes.ended(flight.lane)
            self._executor.freed(flight.handle)

    def _heard(self, content: Any, handle: Handle | None) -> None:
        """Take one word of an attempt under way; those of attempts that are over change nothing."""
        if isinstance(content, Logged):
            self._tell.logged(content)
        elif isinstance(content, (Started, Report)):
            unit = self._by_token.get(content.token)
            if unit is None:
                return
            if isinstance(content, Started):
                self._driver.started(unit, content.at, content.worker)
                return
            assert unit.flight is not None
            handle = handle or unit.flight.handle
            self.forget(unit)
            self._driver.reported(unit, handle, content)

    def _landed(self, item: Completed) -> None:
        """A bundle has ended: take what was not heard of it before."""
        flight = self._flights.pop(item.handle, None)
        if flight is None:
            # A run may end before the last bundle's own end is heard; an executor that is used
            # again then tells the next run of it.
            return
        self._under_way.pop(flight.number, None)
        if item.error is None and not flight.over:
            self._take_items(opened(item.report), None)
        self._over(flight)
        left = [unit for unit in flight.units if unit.flight is flight]
        if left:
            self._left(flight, left, item.error or WorkerLostError("the task gave no report"))

    def _left(self, flight: Flight, left: list[Unit], error: BaseException) -> None:
        """Attempts of a bundle that has ended without a word of them."""
        if isinstance(error, WorkerLostError):
            self._executor.worker_lost()
            left, error = self._without_those_not_begun(flight, left, error)
        elif len(left) > 1:
            # The bundle could not be opened where it went, because of any one of them.
            for unit in left:
                self._handing.alone(unit)
                self._given_back(unit.token)
            return
        for unit in left:
            self.forget(unit)
            self._driver.lost(unit, error)

    def _without_those_not_begun(
        self, flight: Flight, left: list[Unit], error: WorkerLostError
    ) -> tuple[list[Unit], WorkerLostError]:
        """Those of a lost bundle that began, or of which that is not known."""
        count = progress.begun(flight.note) if flight.note else None
        for unit in [u for u in left if count is not None and u.place >= count]:
            left.remove(unit)
            self._given_back(unit.token)
        if len(left) > 1:
            what = f"{error.what} (with {len(left) - 1} others that it may have begun)"
            error = WorkerLostError(what, where=error.where, fix=error.fix)
        return left, error

    def _given_back(self, token: str) -> None:
        """A worker did not begin an attempt: it is to be handed over again."""
        unit = self._by_token.pop(token, None)
        if unit is not None:
            unit.give_back()
            if not unit.waiting:
                self._driver.release(unit)
