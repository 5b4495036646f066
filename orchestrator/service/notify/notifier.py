"""Delivers what is in the outbox, beside everything else: five tries, each later, then given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from orchestrator import instants
from orchestrator.errors import OrchestratorError, StoreError
from orchestrator.service.notify.addresses import DeliveryError
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Notification

_LOG = logging.getLogger("orchestrator.notify")
#: After the first, second, third and fourth try; after the fifth a message is given up.
WAITS = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800))
TRIES = len(WAITS) + 1
_FOREIGN = timedelta(minutes=1)  #: what belongs to another project is left for that one's notifier
_BATCH = 16
#: A batch of one target is tried one after the other; nobody else gets it meanwhile.
_LEASE = timedelta(minutes=5)
_AT_ONCE = 8  #: batches on their way
_EVERY = 1.0  #: seconds between two looks at the outbox


class Receivers(Protocol):
    """Who delivers; :class:`~orchestrator.service.notify.targets.Targets` does it over the network."""

    def owns(self, notification: Notification) -> bool:
        """Whether the notification goes to one of these."""
        ...

    def deliver(self, notification: Notification) -> None:
        """Deliver it, or raise an :class:`~orchestrator.errors.OrchestratorError`."""
        ...


class Notifier:
    """Sends what is due, each target in a thread of its own, so that one that hangs holds up no other.

    Args:
        store: The run store with the outbox.
        targets: Who delivers.
        look: Called before each look at the outbox; it may put something there.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> class Printing:
        ...     def owns(self, notification):
        ...         return True
        ...     def deliver(self, notification):
        ...         print(notification.payload["title"])
        >>> with MemoryStore() as store:
        ...     numbers = store.put([Notification("test", "shop/team", {"title": "hello"})])
        ...     Notifier(store, Printing()).deliver_due()
        ...     store.outbox()[0].state
        hello
        1
        <Delivery.SENT: 'sent'>
    """

    def __init__(
        self, store: RunStore, targets: Receivers, *, look: Callable[[], None] | None = None
    ) -> None:
        self._store, self._targets, self._look = store, targets, look
        self._slots = threading.Semaphore(_AT_ONCE)
        self._under_way: list[threading.Thread] = []
        self._left = threading.Event()
        #: Held from taking messages until their threads run: who leaves must not miss any.
        self._beginning = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set; nothing that goes wrong ends it."""
        while not stop.is_set():
            found = 0
            try:
                if self._look is not None:
                    self._look()
                found = self._begin_due()
            except Exception:
                _LOG.warning("the outbox cannot be read; trying again", exc_info=True)
            if not found:
                stop.wait(_EVERY)

    def deliver_due(self) -> int:
        """Try all that is due now once, and wait for it.

        Returns:
            How many were tried.
        """
        if self._look is not None:
            self._look()
        tried = 0
        while found := self._begin_due():
            tried += found
        for thread in list(self._under_way):
            thread.join()
        return tried

    def leave(self, seconds: float) -> bool:
        """Try what is due now, but not longer than that; what is not delivered stays in the outbox.

        Returns:
            Whether all that was due was tried.
        """
        last = threading.Thread(target=self._once_more, name="notifier", daemon=True)
        last.start()
        last.join(seconds)
        self._left.set()
        return not last.is_alive()

    def _once_more(self) -> None:
        try:
            self.deliver_due()
        except Exception:
            if not self._left.is_set():
                _LOG.warning("the outbox cannot be read", exc_info=True)

    def _begin_due(self) -> int:
        with self._beginning:
            return self._begin_what_is_due()

    def _begin_what_is_due(self) -> int:
        self._slots.acquire()
        self._slots.release()
        now = instants.now()
        found = self._store.take(now, now + _LEASE, most=_BATCH)
        self._under_way = [thread for thread in self._under_way if thread.is_alive()]
        for _, group in groupby(sorted(found, key=_target), key=_target):
            self._slots.acquire()
            some = list(group)
            thread = threading.Thread(target=self._try_all, args=(some,), daemon=True)
            self._under_way.append(thread)
            thread.start()
        return len(found)

    def _try_all(self, found: Sequence[Notification]) -> None:
        try:
            away: DeliveryError | None = None
            for notification in found:
                if self._left.is_set():
                    return
                away = self._try(notification, away) or away
        finally:
            self._slots.release()

    def _try(self, notification: Notification, away: DeliveryError | None) -> DeliveryError | None:
        """Try one; returns the error if nobody was there, and the others need not be tried now."""
        error: Exception | None = away
        if away is None:
            error = self._delivered(notification)
        if not self._left.is_set():
            with suppress(StoreError):
                self._note(notification, error)
        return error if isinstance(error, DeliveryError) and not error.reachable else None

    def _delivered(self, notification: Notification) -> Exception | None:
        if not self._targets.owns(notification):
            return _ForeignError("this belongs to another project, whose notifier is to send it")
        try:
            self._targets.deliver(notification)
        except OrchestratorError as error:
            return error
        except Exception as error:  # a receiver's library fails as it likes
            _LOG.warning("%s: %s", notification.target, type(error).__name__, exc_info=True)
            return DeliveryError(f"the sender broke: {type(error).__name__}")
        return None

    def _note(self, notification: Notification, error: Exception | None) -> None:
        if error is None:
            self._store.sent(notification.id)
            return
        what = error.what if isinstance(error, OrchestratorError) else str(error)
        self._store.failed(notification.id, what, next_try(notification, error, instants.now()))


class _ForeignError(OrchestratorError):
    """Of another project that keeps its runs in the same store."""


def next_try(notification: Notification, error: Exception, now: datetime) -> datetime | None:
    """Decide when to try again; None gives it up.

    Args:
        notification: Counting the try that failed.
        error: Why it failed.
        now: The present instant.
    """
    if isinstance(error, _ForeignError):
        return now + _FOREIGN
    tried = (notification.attempts - 1) % TRIES  # one that was revived gets as many tries again
    return None if tried == len(WAITS) else now + WAITS[tried]


def _target(notification: Notification) -> str:
    return notification.target
