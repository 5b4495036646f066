"""The outbox: notifications that are to be sent, tried again, or given up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator import instants


class Delivery(StrEnum):
    """Where a notification stands."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"  #: given up


@dataclass(frozen=True, slots=True)
class Notification:
    """Something to tell somebody.

    Args:
        kind: What sort of message; the sender knows it.
        target: Where it goes: a name, never a secret.
        payload: JSON object.
        run_id: The run it is about; it goes with the run.
        key: No two notifications have the same one; None where it does not matter.
        attempts: How often it was tried.
        next_try: Not before (aware).
        state: Where it stands.
        error: Of the last try.
        created: When (aware).
        id: Grows with time; the store gives it.
    """

    kind: str
    target: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    key: str | None = None
    attempts: int = 0
    next_try: datetime = field(default_factory=lambda: instants.now())
    state: Delivery = Delivery.PENDING
    error: str = ""
    created: datetime = field(default_factory=lambda: instants.now())
    id: int = 0


class OutboxStore(ABC):
    """What a run store promises of notifications: none is lost, and each is tried by one sender."""

    @abstractmethod
    def put(self, notifications: Sequence[Notification]) -> tuple[int, ...]:
        """Keep notifications; those whose key is there are passed over.

        Returns:
            The numbers of those that were kept.

        Raises:
            StoreError: A payload is not JSON, or there is no such run.
        """

    @abstractmethod
    def take(self, now: datetime, until: datetime, *, most: int = 10) -> tuple[Notification, ...]:
        """Take notifications that are due, the longest due first, for one try each.

        Each counts one more attempt from here. A sender that says nothing more until ``until`` is
        believed dead, and they are due again.

        Args:
            now: What counts as now (aware).
            until: How long nobody else gets them.
            most: At most so many.

        Example:
            >>> from datetime import timedelta
            >>> from orchestrator.store.memory import MemoryStore
            >>> store, now = MemoryStore(), instants.now()
            >>> store.put([Notification("slack", "team", {"text": "done"}, next_try=now)])
            (1,)
            >>> [one.attempts for one in store.take(now, now + timedelta(minutes=1))]
            [1]
            >>> store.take(now, now + timedelta(minutes=1))
            ()
        """

    @abstractmethod
    def sent(self, number: int) -> None:
        """Note that a notification was delivered."""

    @abstractmethod
    def failed(self, number: int, error: str, next_try: datetime | None) -> None:
        """Note that a try failed.

        Args:
            number: The notification.
            error: Why.
            next_try: When to try again; None gives it up.
        """

    @abstractmethod
    def revive(self, number: int, at: datetime) -> bool:
        """Make a notification that was given up due at an instant; False if it was not."""

    @abstractmethod
    def outbox(
        self, *, state: Delivery | None = None, run_id: str | None = None, limit: int = 100
    ) -> tuple[Notification, ...]:
        """Return notifications, the newest first.

        Args:
            state: Only those that stand so.
            run_id: Only those about this run.
            limit: At most so many.
        """
