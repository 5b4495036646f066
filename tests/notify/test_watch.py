"""Runs that did not start by a time of day, or take longer than usual, are told of once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.service.notify.announcing import Announcing
from orchestrator.service.notify.rules import parse_rule
from orchestrator.service.notify.watch import Watch
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Change, FlowRun

S = StateType
URL = "http://127.0.0.1:1/"


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def ran(store: RunStore, run_id: str, began: datetime, minutes: float | None) -> None:
    with instants.fixed(began):
        store.create_run(FlowRun(run_id, "nightly", "shop", created=began))
        store.transition(run_id, [Change(None, S.RUNNING, at=began)])
    if minutes is not None:
        with instants.fixed(began + timedelta(minutes=minutes)):
            store.transition(run_id, [Change(None, S.SUCCESS)])


def look(store: RunStore, when: datetime, **table: object) -> list[str]:
    """What a watch that begins at an instant puts into the outbox, by title."""
    before = {each.id for each in store.outbox()}
    rules = [parse_rule("team", {"url": URL, "only_states": [], **table})]
    with instants.fixed(when):
        Watch(store, "shop", rules, Announcing(store, "shop", rules)).look()
    return [str(each.payload["title"]) for each in store.outbox() if each.id not in before]


LATE = {"not_started_by": "06:00", "flows": ["nightly"], "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (at(28, 4, 59), False),  # 05:59 in Berlin, UTC+1
        (at(28, 5, 0), True),  # 06:00
        (at(28, 22, 59), True),  # 23:59
        (at(28, 23, 1), False),  # 00:01 of the next day
        (at(29, 3, 59), False),  # 05:59, clocks went forward at 02:00: UTC+2
        (at(29, 4, 0), True),
        (at(25, 4, 59, month=10), False),  # 05:59, clocks went back at 03:00: UTC+1 again
        (at(25, 5, 0, month=10), True),
    ],
)
def test_not_started_by_a_local_time_on_nights_of_every_length(now: datetime, told: bool) -> None:
    with MemoryStore() as store:
        assert look(store, now, **LATE) == (["nightly did not start by 06:00"] if told else [])


@pytest.mark.parametrize(
    ("began", "told"),
    [
        (at(28, 23, 30), False),  # 00:30 of the 29th in Berlin
        (at(28, 22, 30), True),  # 23:30 of the 28th
        (at(29, 3, 0), False),
    ],
)
def test_a_run_of_that_local_day_counts(began: datetime, told: bool) -> None:
    with MemoryStore() as store:
        ran(store, "a1", began, 5)
        assert bool(look(store, at(29, 6), **LATE)) is told


def test_it_is_told_once_a_day_however_many_look() -> None:
    with MemoryStore() as store:
        counts = [len(look(store, at(day, 7), **LATE)) for day in (27, 27, 28)]
        assert counts == [1, 0, 1]


LONG = {"longer_than_usual": 2.0}


@pytest.mark.parametrize(
    ("earlier", "minutes", "told"),
    [
        ([10, 10], 60, False),  # too few to know what is usual
        ([10, 10, 10], 19.9, False),
        ([10, 10, 10], 20, True),
        ([10, 12, 500], 23, False),  # the median is 12
        ([10, 12, 500], 24, True),
        ([0.1, 0.1, 0.1], 1, False),  # twice as long, but not worth a word
        ([0.1, 0.1, 0.1], 1.2, True),
    ],
)
def test_longer_than_usual(earlier: list[float], minutes: float, told: bool) -> None:
    with MemoryStore() as store:
        for number, length in enumerate(earlier):
            ran(store, f"e{number}", at(1 + number, 5), length)
        ran(store, "now", at(10, 5), None)
        when = at(10, 5) + timedelta(minutes=minutes)
        said = look(store, when, **LONG)
        assert said == (["nightly runs longer than usual"] if told else [])
        assert look(store, when, **LONG) == []
        if told:
            assert store.outbox()[0].run_id == "now"


def noted(asked: list[object], **what: object) -> tuple[FlowRun, ...]:
    asked.append(what)
    return ()


def test_it_does_not_look_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with MemoryStore() as store:
        asked: list[object] = []
        rules = [parse_rule("team", {"url": URL})]
        watch = Watch(store, "shop", rules, Announcing(store, "shop", rules))
        monkeypatch.setattr(store, "runs", partial(noted, asked))
        for second in (0, 5, 14, 15, 16):
            with instants.fixed(at(1, 5) + timedelta(seconds=second)):
                watch.look()
        assert len(asked) == 2
