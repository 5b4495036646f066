"""A bundle: attempts that travel to a worker together and run there in order, each for itself."""

from __future__ import annotations

import contextlib
import pickle
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cloudpickle

from orchestrator import instants
from orchestrator.engine import outcome, stopping
from orchestrator.engine.attempts.attempt import run_attempt
from orchestrator.engine.attempts.progress import Progress
from orchestrator.engine.driving.inputs import lengths
from orchestrator.engine.messages import Attempt, Report, Started, worker_name
from orchestrator.executors.base import Channel, Kept, Packed

#: Seconds between two looks at what the bundles of a process are doing.
_LOOK = 0.025
#: Seconds after which what has not begun is given back, because the one that runs takes so long.
_SLOW = 0.05
#: Seconds after which what has not begun is given back, because all before it took so long.
_LONG = 0.3


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a worker gets to do.

    Args:
        number: Unique in the run.
        attempts: In the order in which they run; their tasks may still be packed.
        after: For each, the places of earlier ones that must have succeeded before it.
        kept: For each, whether its value will be needed.
        flattened: For each, whether somebody takes its value as a list of lists.
        constants: Values that slots stand for and that nothing had to make.
        watched: Whether a thread looks on: it tells what happened in batches, and gives back what
            would have to wait.
        note: The file in which it is noted how far the bundle got, if that is worth it.
    """

    number: int
    attempts: tuple[Attempt, ...]
    after: tuple[tuple[int, ...], ...]
    kept: tuple[bool, ...]
    flattened: tuple[bool, ...]
    constants: list[Any] = field(default_factory=list)
    watched: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Message: what happened in a bundle since the last one.

    Args:
        number: The bundle's.
        items: What its attempts sent, and reports of those that ended, in order.
        back: Tokens of attempts that will not begin here.
        ticket: Where the values of the attempts reported here can be had at once, if not with the
            bundle's.
        last: Whether nothing more follows: the bundle's thread is free.
    """

    number: int
    items: tuple[Any, ...] = ()
    back: tuple[str, ...] = ()
    ticket: Any = None
    last: bool = False


def run_bundle(bundle: Bundle, channel: Channel, inputs: list[Any]) -> Kept:
    """Run the attempts of a bundle; whatever the tasks do, this returns.

    Args:
        bundle: What to run.
        channel: Way to the driver.
        inputs: Values of earlier bundles, each a list.

    Returns:
        A :class:`Batch` (pickled, if the bundle is watched) with the report of every attempt that
        ran, also of those that were reported on the way; and the list of the values.
    """
    running = _Running(bundle, channel)
    with _watch.over(running) if bundle.watched else contextlib.nullcontext():
        running.run([*inputs, bundle.constants, running.values])
    with running.speaking:
        last = running.last()
        if not bundle.watched:
            return Kept(last, running.values)
        packed = _packed(last)
        with contextlib.suppress(Exception):  # then the driver learns it when it learns of the end
            channel.send(packed)
    return Kept(packed, running.values)


def opened(report: Batch | bytes) -> Batch:
    """The report of :func:`run_bundle` as it was made."""
    found: Batch = pickle.loads(report) if isinstance(report, bytes) else report
    return found


class _Running:
    """A bundle under way. An attempt is begun, or given back, under the lock: never both."""

    def __init__(self, bundle: Bundle, channel: Channel) -> None:
        count = len(bundle.attempts)
        self.bundle = bundle
        self.values: list[Any] = [None] * count
        self._channel = channel
        self._lock = threading.Lock()
        #: Held from taking what was said until it is sent: the last word must not overtake it.
        self.speaking = threading.Lock()
        self._began = time.monotonic()
        self._since: float | None = None
        self._next, self._end = 0, count
        self._failed: set[int] = set()
        self._outbox: list[Any] = []
        self._held: list[Report] = []
        self._reports: list[Report] = []
        self._back: list[str] = []
        self._all_back: list[str] = []
        self._progress = Progress(bundle.note) if bundle.note else None
        if bundle.watched:
            channel.attach()

    def send(self, message: Any) -> None:
        """Take a message of an attempt; those of a watched bundle travel together."""
        if self.bundle.watched:
            self._outbox.append(message)
        else:
            self._channel.send(message)

    def attach(self) -> None:
        """Nothing to do: the bundle speaks for its attempts."""

    def publish(self, value: Any) -> Any:
        """Publish by the bundle's channel."""
        return self._channel.publish(value)

    def run(self, inputs: list[Any]) -> None:
        """Run every attempt that may begin."""
        for place, attempt in enumerate(self.bundle.attempts):
            if self._begins(place, attempt):
                kept = _attempted(attempt, self, inputs)
                self._ended(place, kept)

    def _begins(self, place: int, attempt: Attempt) -> bool:
        with self._lock:
            if place >= self._end:
                return False
            self._next = place + 1
            hindered = any(before in self._failed for before in self.bundle.after[place])
            if hindered or stopping.is_cancelled(attempt.run_id):
                self._failed.add(place)
                self._give_back([attempt])
                return False
            if self._progress is not None:
                self._progress.note(place + 1)
            self._since = time.monotonic()
            return True

    def _ended(self, place: int, kept: Kept) -> None:
        report: Report = kept.report
        if self.bundle.flattened[place]:
            report = replace(report, lengths=lengths(kept.value)[1])
        keeps = self.bundle.kept[place]
        with self._lock:
            self._since = None
            if not report.state.is_successful():
                self._failed.add(place)
            elif keeps:
                self.values[place] = kept.value
            self._reports.append(report)
            if self.bundle.watched:
                # Whoever needs the value can have it only when the bundle has ended.
                (self._held if keeps else self._outbox).append(report)

    def _give_back(self, attempts: list[Attempt] | tuple[Attempt, ...]) -> None:
        tokens = [attempt.token for attempt in attempts]
        self._back += tokens
        self._all_back += tokens

    def look(self) -> None:
        """Tell what happened; give back what would wait too long. Called by the watching thread."""
        with self.speaking:
            self._speak()

    def _speak(self) -> None:
        with self._lock:
            now = time.monotonic()
            slow = self._since is not None and now - self._since > _SLOW
            if (slow or now - self._began > _LONG) and self._next < self._end:
                self._give_back(self.bundle.attempts[self._next : self._end])
                self._end = self._next
            items, self._outbox = self._outbox, []
            back, self._back = tuple(self._back), []
            held: list[Report] = []
            if slow:
                held, self._held = self._held, []
            values = list(self.values) if held else None
            over = {report.token for report in self._reports} if items else set()
        # That it began is not worth a word where its end follows.
        told = tuple(i for i in items if not (isinstance(i, Started) and i.token in over))
        ticket = self._channel.publish(values) if held else None
        if told or back or held:
            self._channel.send(Batch(self.bundle.number, (*told, *held), back, ticket))

    def last(self) -> Batch:
        """All that is known at the end."""
        if self._progress is not None:
            self._progress.close()
        with self._lock:
            said = [i for i in self._outbox if not isinstance(i, (Started, Report))]
            items = (*said, *self._reports)
            return Batch(self.bundle.number, items, tuple(self._all_back), last=True)


def _attempted(attempt: Attempt, channel: _Running, inputs: list[Any]) -> Kept:
    """Run one attempt whose task may still be packed."""
    try:
        if isinstance(attempt.task, Packed):
            object.__setattr__(attempt, "task", attempt.task.open())
        return run_attempt(attempt, channel, inputs)
    except Exception as error:
        at = instants.now()
        found = outcome.raised(error, attempt)
        return Kept(
            Report(
                attempt.key, attempt.token, found.state, at, at, worker_name(), found.error,
                detail=found.detail,
            )
        )  # fmt: skip


def _packed(batch: Batch) -> bytes:
    for pickler in (pickle, cloudpickle):  # the second knows classes of a user's flow modules
        with contextlib.suppress(Exception):
            return bytes(pickler.dumps(batch))
    return pickle.dumps(replace(batch, items=tuple(map(_portable, batch.items))))


def _portable(item: Any) -> Any:
    """A report without what cannot travel."""
    try:
        pickle.dumps(item)
    except Exception as error:
        if not isinstance(item, Report):
            return None
        what = f"the report could not be sent to the driver: {error}"
        return replace(item, error=RuntimeError(what), detail={"error": what}, executed=None)
    return item


class _Watch:
    """One thread a process that looks at the bundles under way, as long as there are some."""

    def __init__(self) -> None:
        self._running: set[_Running] = set()
        self._some = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, running: _Running) -> Iterator[None]:
        """Look at a bundle for a block."""
        with self._some:
            self._running.add(running)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="bundles", daemon=True)
                self._thread.start()
            self._some.notify()
        try:
            yield
        finally:
            with self._some:
                self._running.discard(running)

    def _work(self) -> None:
        while True:
            with self._some:
                while not self._running:
                    self._some.wait()
                under_way = list(self._running)
            for running in under_way:
                with contextlib.suppress(Exception):  # the bundle's end says all of it again
                    running.look()
            time.sleep(_LOOK)


_watch = _Watch()
