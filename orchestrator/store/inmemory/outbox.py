"""The outbox in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.store import keeping, rows
from orchestrator.store.delivering import Delivering
from orchestrator.store.inmemory.shared import MemoryRuns
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.rows import Row


class MemoryOutbox(MemoryRuns, Delivering):
    """Notifications by number."""

    def __init__(self) -> None:
        super().__init__()
        self._outbox: dict[int, Row] = {}
        self._last_notification = 0

    def put(self, notifications: Sequence[Notification]) -> tuple[int, ...]:
        added = [keeping.notification_row(each) for each in notifications]
        kept: list[int] = []
        with self._lock:
            for row in added:
                if row["run_id"] is not None:
                    self._of(row["run_id"])
            keys = {row["key"] for row in self._outbox.values()} - {None}
            for row in added:
                if row["key"] in keys:
                    continue
                keys |= {row["key"]} - {None}
                self._last_notification += 1
                self._outbox[self._last_notification] = row | {"id": self._last_notification}
                kept.append(self._last_notification)
        return tuple(kept)

    def take(self, now: datetime, until: datetime, *, most: int = 10) -> tuple[Notification, ...]:
        at = rows.micros(now) or 0
        with self._lock:
            due = [
                row
                for row in self._outbox.values()
                if row["state"] == Delivery.PENDING and row["next_try"] <= at
            ]
            due.sort(key=lambda row: (row["next_try"], row["id"]))
            for row in due[:most]:
                row.update(attempts=row["attempts"] + 1, next_try=rows.micros(until))
            return tuple(map(keeping.notification, due[:most]))

    def outbox(
        self, *, state: Delivery | None = None, run_id: str | None = None, limit: int = 100
    ) -> tuple[Notification, ...]:
        with self._lock:
            found = [
                row
                for row in reversed(self._outbox.values())
                if state in (None, row["state"]) and run_id in (None, row["run_id"])
            ]
            return tuple(map(keeping.notification, found[:limit]))

    def _forget_notifications(self, run_id: str) -> None:
        for number in [n for n, row in self._outbox.items() if row["run_id"] == run_id]:
            del self._outbox[number]

    def _move(self, number: int, values: Row, expected: Delivery = Delivery.PENDING) -> bool:
        with self._lock:
            row = self._outbox.get(number)
            if row is None or row["state"] != expected:
                return False
            row.update(values)
            return True
