"""A run as its events tell it: what is done, what runs now, how long the rest will take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.cli.terminal.text import one_line
from orchestrator.cli.terminal.words import warns
from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.state import State, StateType


@dataclass(frozen=True, slots=True)
class Title:
    """What people call a task: its kind and its name, on one line."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


@dataclass
class Progress:
    """Takes each event in constant time, so that a run of thousands of tasks costs little.

    Example:
        >>> from datetime import UTC, datetime
        >>> run = Progress()
        >>> run.apply(RunStarted("a1", "nightly", (("a", "a", "model"),), {}, datetime.now(UTC)))
        >>> run.total, run.finished
        (1, 0)
    """

    run_id: str = ""
    flow: str = ""
    executor: str = ""
    slots: int = 1
    started: datetime | None = None
    ended: RunFinished | None = None
    #: The last run that finishes this one, as far as that is known.
    followed_by: str | None = None
    titles: dict[str, Title] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    running: dict[str, TaskChanged] = field(default_factory=dict)
    done: dict[str, TaskChanged] = field(default_factory=dict)
    tally: Counter[StateType | str] = field(default_factory=Counter)
    #: Past seconds of the tasks that neither run nor are done.
    _waiting_seconds: float = 0.0
    _waiting_known: int = 0

    @property
    def total(self) -> int:
        """How many tasks the run has, as far as is known."""
        return len(self.titles)

    @property
    def finished(self) -> int:
        """How many tasks are in a final state."""
        return len(self.done)

    def apply(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, TaskChanged):
            self._changed(event)
        elif isinstance(event, TasksAdded):
            self._add(event.tasks)
        elif isinstance(event, RunStarted):
            self.run_id, self.flow, self.started = event.run_id, one_line(event.flow), event.at
            self.executor, self.slots = event.executor, max(event.slots, 1)
            self.expected.update(event.expected)
            self._add(event.tasks)
        elif isinstance(event, RunFinished):
            self.run_id, self.ended = event.run_id, event
            self.running.clear()
        else:
            assert isinstance(event, LogEmitted)

    def title(self, key: str) -> Title:
        """What people call the task of a key; the key itself where it is not known."""
        return self.titles.get(key) or Title("", one_line(key))

    def failed(self) -> list[TaskChanged]:
        """The tasks that broke, in the order they broke."""
        return [event for event in self.done.values() if event.state.is_failed()]

    def warned(self) -> list[TaskChanged]:
        """The tasks whose tool warned."""
        return [event for event in self.done.values() if warns(event.state)]

    def skipped(self) -> dict[str | None, list[TaskChanged]]:
        """The tasks that were left out, by the key of what caused it."""
        causes: dict[str | None, list[TaskChanged]] = {}
        for event in self.done.values():
            if event.state.is_skipped():
                causes.setdefault(event.state.cause, []).append(event)
        return causes

    def slowest(self, most: int = 5) -> list[TaskChanged]:
        """The tasks that took longest, the slowest first."""
        timed = [event for event in self.done.values() if event.seconds is not None]
        return sorted(timed, key=lambda event: -(event.seconds or 0))[:most]

    def seconds_left(self, now: datetime) -> float | None:
        """How long the rest takes if it takes what it took; None where too little is known."""
        waiting = self.total - self.finished - len(self.running)
        runs = [self._left_of(key, now) for key in self.running]
        known = self._waiting_known + sum(left is not None for left in runs)
        if not known or known * 2 < waiting + len(runs):
            return None
        mean = sum(self.expected.values()) / len(self.expected)
        lefts = [mean / 2 if left is None else left for left in runs]
        unknown = max(waiting - self._waiting_known, 0) * mean
        spread = (self._waiting_seconds + unknown + sum(lefts)) / self.slots
        return max([spread, *lefts])

    def _left_of(self, key: str, now: datetime) -> float | None:
        usual = self.expected.get(key)
        if usual is None:
            return None
        return max(usual - (now - self.running[key].at).total_seconds(), 0.0)

    def _add(self, tasks: tuple[tuple[str, str, str], ...]) -> None:
        alike = Counter((kind, name) for _, name, kind in tasks)
        for key, name, kind in tasks:
            if key not in self.titles:
                self.titles[key] = self._own(key, name, kind, alike[kind, name] > 1)
                self._wait(key, +1)

    def _own(self, key: str, name: str, kind: str, is_shared: bool) -> Title:
        """A title that no other task has: tasks that are called alike go by their keys."""
        mapped, bracket, element = key.rpartition("[")
        if bracket and mapped in self.titles:
            return Title(one_line(kind), f"{self.titles[mapped].name}[{one_line(element)}")
        return Title(one_line(kind), one_line(key if is_shared else name))

    def _wait(self, key: str, sign: int) -> None:
        if key in self.expected:
            self._waiting_seconds += sign * self.expected[key]
            self._waiting_known += sign

    def _changed(self, event: TaskChanged) -> None:
        key = event.key
        if key not in self.titles:
            self._add(((key, event.name, ""),))
        if key in self.done:  # a final state is final; what comes late changes nothing
            return
        before = key in self.running
        now = event.state.is_running()
        if now:
            self.running[key] = event
        elif before:
            del self.running[key]
        if event.state.is_finished():
            self.done[key] = event
            self.tally[_tally_word(event.state)] += 1
        if before != (now or event.state.is_finished()):
            self._wait(key, +1 if before else -1)


def _tally_word(state: State) -> StateType | str:
    return "warn" if warns(state) else state.type
