"""Reads what is new of one run."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from orchestrator import instants
from orchestrator.server.streams.words import News, Place, View
from orchestrator.service.last_words import Ending
from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore

_EVENTS = 2000  #: at once
_LINES = 2000  #: at once
_BACK = 500  #: events: who comes for the first time has asked how things stand a moment ago
_MADE = 32  #: beginnings that are remembered
_PAUSE = 0.25  #: seconds: no task is told of more than four times in a second


class RunReader:
    """Reads the events and the log of a run.

    Args:
        store: The store.
        run_id: The whole id.
    """

    pause = _PAUSE

    def __init__(self, store: RunStore, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self.place = Place(store.last_event(run_id), store.log_total(run_id))
        self._ending = Ending()
        self._made: dict[tuple[int, Place, View], bytes] = {}
        self._making = threading.Lock()

    def news(self) -> News | None:
        """What is new since the last time."""
        since = self.place
        events = self._store.events(self._run_id, after=since.event, limit=_EVENTS)
        lines = self._store.logs(self._run_id, after_seq=since.line, limit=_LINES)
        if not events and not lines:
            now = self._store.run(self._run_id)
            return (
                News(since, since, ended=now.state.value) if self._ending.is_reached(now) else None
            )
        keys = {event.key for event in events if event.key is not None}
        self.place = Place(
            events[-1].id if events else since.event, lines[-1].seq if lines else since.line
        )
        run = self._run() if events else None
        return News(since, self.place, run, self._tasks(keys), lines)

    def missed(self, after: Place | None, until: Place, view: View) -> Iterator[bytes]:
        """What a client has missed: the run and its tasks as they stand, and each line."""
        line = until.line if after is None else min(after.line, until.line)
        reached = Place(until.event, line)
        yield self._standing(after, reached, view)
        while view.logs and reached.line < until.line:
            found = self._store.logs(
                self._run_id, view.key, after_seq=reached.line, before_seq=until.line + 1,
                limit=_LINES,
            )  # fmt: skip
            here, reached = reached, Place(until.event, found[-1].seq if found else until.line)
            yield News(here, reached, lines=found).text(view)

    def _standing(self, after: Place | None, until: Place, view: View) -> bytes:
        """The run, and those of its tasks that changed: made once for all who come at one moment."""
        event = after.event if after is not None and after.event else max(0, until.event - _BACK)
        asked = event, until, view
        with self._making:
            if asked not in self._made:
                if len(self._made) >= _MADE:
                    self._made.clear()
                tasks = self._tasks(self._changed(event, until.event))
                here = Place(event, until.line)
                self._made[asked] = News(here, until, self._run(), tasks).text(view)
            return self._made[asked]

    def _changed(self, after: int, until: int) -> set[str]:
        keys: set[str] = set()
        while after < until:
            events = self._store.events(self._run_id, after=after, limit=_EVENTS)
            keys |= {event.key for event in events if event.key is not None}
            after = events[-1].id if len(events) == _EVENTS else until
        return keys

    def _run(self) -> Shape:
        run = self._store.run(self._run_id)
        counts = self._store.counts([run.id]).get(run.id, {})
        return shapes.seen(run, counts, now=instants.now())

    def _tasks(self, keys: set[str]) -> dict[str, Shape]:
        if not keys:
            return {}
        found = self._store.task_runs(self._run_id, keys=keys)
        return {task.key: shapes.brief_task(task) for task in found}
