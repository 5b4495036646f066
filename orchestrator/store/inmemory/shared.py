"""What the parts of the store in memory share: its runs, and the lock around them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.model.state import StateType
from orchestrator.store import rows
from orchestrator.store.lookup import no_such_run
from orchestrator.store.rows import Row

WHERE = "in memory"


@dataclass(slots=True)
class Kept:
    """All rows of one run."""

    run: Row
    tasks: dict[str, Row] = field(default_factory=dict)
    attempts: dict[tuple[str, int], Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    asked: list[Row] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)


class MemoryRuns:
    """The runs of a store in memory."""

    _where = WHERE

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Kept] = {}
        self._lock = threading.RLock()
        self._last_event = 0

    def _of(self, run_id: str) -> Kept:
        kept = self._kept.get(run_id)
        if kept is None:
            raise no_such_run(run_id, WHERE)
        return kept

    def _keep_run(self, row: Row, tasks: Sequence[Row] = ()) -> str:
        """Keep a new run, unless one has its key; returns the id of the run that is kept."""
        if row["idempotency_key"] is not None:
            for found in self._kept.values():
                if found.run["idempotency_key"] == row["idempotency_key"]:
                    return str(found.run["id"])
        self._refuse_taken(row["id"])
        kept = Kept(row, {task["key"]: task for task in tasks})
        self._kept[row["id"]] = kept
        self._append_events(kept, [rows.created_event(row, len(tasks))])
        return str(row["id"])

    def _is_unclaimed(self, run_id: str) -> bool:
        kept = self._kept.get(run_id)
        return (
            kept is not None
            and kept.run["state"] == StateType.PENDING
            and kept.run["lease_expires"] is None
        )

    def _refuse_taken(self, run_id: str) -> None:
        if run_id in self._kept:
            raise StoreError(
                f"run {run_id!r} is kept already", where=WHERE, fix="give it another id"
            )

    def _append_events(self, kept: Kept, added: Iterable[Row]) -> None:
        for row in added:
            self._last_event += 1
            kept.events.append(row | {"id": self._last_event})

    def _happened(self, kept: Kept, kind: str, data: Mapping[str, object]) -> None:
        at = rows.micros(instants.now())
        assert at is not None
        self._append_events(kept, [rows.event_row(kept.run["id"], None, at, kind, data)])
