"""Looks for what no change of state tells: runs that did not start, take too long, or ended unheard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from orchestrator import instants
from orchestrator.model.state import FINISHED, SUCCEEDED, StateType
from orchestrator.schedule.zone_data import load_zone
from orchestrator.service.notify import messages
from orchestrator.service.notify.announcing import Announcing
from orchestrator.service.notify.rules import Rule
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Notification
from orchestrator.store.records import FlowRun

_EVERY = timedelta(seconds=15)
_LAST = 10  #: successful runs that a usual length is taken from
_LEAST = 3  #: with fewer there is no usual length
_NOT_WORTH_A_WORD = timedelta(minutes=1)
#: Runs that ended so long ago at most are looked through for messages that nobody wrote.
_UNHEARD = timedelta(minutes=10)
_PAGE = 100


class Watch:
    """Puts into the outbox what the rules want to hear of besides changes of state.

    Messages have stable names, so any number of watches may look at one store.

    Args:
        store: The run store.
        project: The project.
        rules: Its rules.
        announcing: Knows what to say of ended runs whose end was recorded without a word, such as
            those that a scheduler settled.
    """

    def __init__(
        self, store: RunStore, project: str, rules: Sequence[Rule], announcing: Announcing
    ) -> None:
        self._store, self._project, self._rules = store, project, tuple(rules)
        self._announcing = announcing
        self._looked: datetime | None = None
        self._heard: set[str] = set()

    def look(self) -> None:
        """Look now, unless that was done a moment ago."""
        now = instants.now()
        if self._looked is not None and timedelta(0) <= now - self._looked < _EVERY:
            return
        self._looked = now
        found = [*self._not_started(now), *self._long(now), *self._unheard(now)]
        if found:
            self._store.put(found)

    def _not_started(self, now: datetime) -> Iterator[Notification]:
        for rule in self._rules:
            if rule.not_started_by is None:
                continue
            local = now.astimezone(load_zone(rule.timezone))
            if local.time() < rule.not_started_by:
                continue
            for flow in rule.flows:
                if not self._started_today(flow, local):
                    yield self._missing(rule, flow, local)

    def _started_today(self, flow: str, local: datetime) -> bool:
        latest = self._store.runs(flow=flow, project=self._project, limit=_LAST)
        started = (run.started.astimezone(local.tzinfo) for run in latest if run.started)
        return any(each.date() == local.date() for each in started)

    def _missing(self, rule: Rule, flow: str, local: datetime) -> Notification:
        title = f"{flow} did not start by {rule.not_started_by:%H:%M}"
        message = f"no run of {flow} has started on {local:%Y-%m-%d}"
        payload = messages.about(
            None, messages.LATE, title, message, local, rule.timezone,
            flow=flow, project=self._project,
        )  # fmt: skip
        return self._message(rule, messages.LATE, payload, flow, local.date())

    def _long(self, now: datetime) -> Iterator[Notification]:
        rules = [rule for rule in self._rules if rule.longer_than_usual is not None]
        if not rules:
            return
        running = self._store.runs(project=self._project, state=StateType.RUNNING, limit=_PAGE)
        for run in running:
            mine = [rule for rule in rules if rule.covers(run.flow)]
            usual = self._usual(run.flow) if mine and run.started else None
            if usual is not None and run.started is not None:
                yield from self._too_long(run, now - run.started, usual, now, mine)

    def _usual(self, flow: str) -> timedelta | None:
        """The median of the last successful runs, as their times in the store tell."""
        ended = self._store.runs(flow=flow, project=self._project, state=SUCCEEDED, limit=_LAST)
        lengths = [run.finished - run.started for run in ended if run.finished and run.started]
        if len(lengths) < _LEAST:
            return None
        return timedelta(seconds=median(length.total_seconds() for length in lengths))

    def _too_long(
        self, run: FlowRun, taken: timedelta, usual: timedelta, now: datetime, rules: list[Rule]
    ) -> Iterator[Notification]:
        for rule in rules:
            factor = rule.longer_than_usual
            if factor is None or taken < max(usual * factor, usual + _NOT_WORTH_A_WORD):
                continue
            title = f"{run.flow} runs longer than usual"
            message = f"{_words(taken)} so far, usually {_words(usual)}"
            payload = messages.about(
                run, messages.LONG, title, message, now, rule.timezone,
                seconds=taken.total_seconds(), usual_seconds=usual.total_seconds(),
            )  # fmt: skip
            yield self._message(rule, messages.LONG, payload, run.id, run=run)

    def _unheard(self, now: datetime) -> Iterator[Notification]:
        ended = self._store.runs(project=self._project, state=FINISHED, limit=_PAGE)
        recent = {run.id: run for run in ended if run.finished and run.finished > now - _UNHEARD}
        for run_id, run in recent.items():
            if run_id not in self._heard and run.finished is not None:
                yield from self._announcing.of_run(run, run.state, run.message, run.finished)
        self._heard = set(recent)

    def _message(
        self, rule: Rule, kind: str, payload: dict[str, object], *parts: object,
        run: FlowRun | None = None,
    ) -> Notification:  # fmt: skip
        target = f"{self._project}/{rule.name}"
        key = messages.key_of(target, kind, *parts)
        return Notification(kind, target, payload, run_id=run.id if run else None, key=key)


def _words(length: timedelta) -> str:
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
