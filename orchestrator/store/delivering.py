"""What becomes of a message of the outbox, as every store that keeps rows writes it down."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime

from orchestrator.store import rows
from orchestrator.store.outbox import Delivery, OutboxStore
from orchestrator.store.rows import Row


class Delivering(OutboxStore):
    """The ends and the further tries of messages, in terms of one guarded change of a row."""

    @abstractmethod
    def _move(self, number: int, values: Row, expected: Delivery = Delivery.PENDING) -> bool:
        """Change a message that stands where it is expected to; tell whether it did."""

    def sent(self, number: int) -> None:
        self._move(number, {"state": Delivery.SENT.value, "error": ""})

    def failed(self, number: int, error: str, next_try: datetime | None) -> None:
        values: Row = {"error": rows.clean(error)}
        if next_try is None:
            self._move(number, values | {"state": Delivery.DEAD.value})
        else:
            self._move(number, values | {"next_try": rows.micros(next_try)})

    def revive(self, number: int, at: datetime) -> bool:
        values = {"state": Delivery.PENDING.value, "next_try": rows.micros(at)}
        return self._move(number, values, Delivery.DEAD)
