"""Reads which runs of a project have changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from orchestrator import instants
from orchestrator.errors import NotFoundError
from orchestrator.server.streams.words import News, Place, View, told
from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore

_PAUSE = 0.5
#: Events that may still come in late: of several processes that write, one may end its writing later.
_LATE = 500
_FAR = 50_000  #: events: who was away for longer reads the list anew anyway
_RUNS = 200  #: at once


class RunsReader:
    """Reads the runs that changed.

    Args:
        store: The store.
        project: Only its runs.
    """

    pause = _PAUSE

    def __init__(self, store: RunStore, project: str) -> None:
        self._store, self._project = store, project
        self.place = Place(store.last_event())
        self._told: dict[str, int] = dict(store.changed_runs(self.place.event - _LATE))

    def news(self) -> News | None:
        """What is new since the last time."""
        since = self.place
        found = self._store.changed_runs(since.event - _LATE)
        changed = [run_id for run_id, last in found.items() if last > self._told.get(run_id, 0)]
        self._told = dict(found)
        if not changed:
            return None
        self.place = Place(max(since.event, *found.values()))
        return RunsNews(since, self.place, runs=self._shapes(changed))

    def missed(self, after: Place | None, until: Place, view: View) -> Iterator[bytes]:
        """The runs that changed since a client was here last."""
        if after is None or after.event >= until.event:
            return
        changed = self._store.changed_runs(max(after.event, until.event - _FAR))
        yield RunsNews(after, until, runs=self._shapes(list(changed)[-_RUNS:])).text(view)

    def _shapes(self, run_ids: Collection[str]) -> list[Shape]:
        now, runs = instants.now(), []
        counts = self._store.counts(run_ids)
        for run_id in run_ids:
            try:
                run = self._store.run(run_id)
            except NotFoundError:  # it was deleted meanwhile
                continue
            if run.project == self._project:
                runs.append(shapes.seen(run, counts.get(run_id, {}), now=now))
        return runs


class RunsNews(News):
    """Runs that changed between two places."""

    def __init__(self, since: Place, until: Place, runs: list[Shape]) -> None:
        super().__init__(since, until)
        self._runs = runs

    def text(self, view: View) -> bytes:
        """What every client is sent."""
        if view not in self._texts:
            events = [("run", run) for run in self._runs]
            before, after = str(self.since.event), str(self.until.event)
            self._texts[view] = told(events, before, after)
        return self._texts[view]
