"""The loop: sleeps until something is due, ends when told, and outlives a store that is away."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from scheduler_worlds import utc

from orchestrator.errors import StoreError
from orchestrator.service.scheduler.loop import LONGEST, pause, run_forever
from orchestrator.service.scheduler.scheduler import Scheduler, Tick
from orchestrator.store.base import RunStore

NOON = utc(3, 1, 12)


@pytest.mark.parametrize(
    ("seconds", "slept"),
    [(0.25, 0.25), (9.999, 9.999), (11, LONGEST), (None, LONGEST), (-3, 0.0)],
)
def test_it_sleeps_exactly_until_something_is_due(seconds: float | None, slept: float) -> None:
    due = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert pause(NOON, due, LONGEST) == slept


def test_it_goes_on_when_the_store_is_back(
    memory: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, steps = threading.Event(), []
    answers = iter([StoreError("the server restarts"), StoreError("the server restarts")])
    states = memory.schedule_states

    def sometimes(project: str | None = None) -> object:
        error = next(answers, None)
        if error is not None:
            raise error
        return states(project)

    monkeypatch.setattr(memory, "schedule_states", sometimes)

    def told(step: Tick) -> None:
        steps.append(step)
        stop.set()

    run_forever(Scheduler(memory), stop, told=told, longest=0.01)
    assert len(steps) == 1
    assert caplog.text.count("the server restarts") == 2


def test_it_takes_no_step_once_it_is_told_to_stop(memory: RunStore) -> None:
    stop = threading.Event()
    stop.set()
    run_forever(Scheduler(memory), stop, told=lambda step: pytest.fail("a step was taken"))
