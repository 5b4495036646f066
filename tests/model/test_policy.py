"""Triggers and retries decide; each row of a table is one decision."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.model.policy import (
    AfterAll,
    Retry,
    Trigger,
    decide,
    some_failed,
    some_successful,
)
from orchestrator.model.state import ALLOWED, FINISHED, State, StateType, may_move

GOOD, BAD = State(StateType.SUCCESS), State(StateType.FAILED)
LEFT_OUT = State(StateType.SKIPPED, cause="root", hindered=True)
NOT_NEEDED = State(StateType.SKIPPED, cause="case")
STOPPED = State(StateType.CANCELLED)


@pytest.mark.parametrize(
    ("trigger", "states", "runs"),
    [
        (Trigger.ALL_SUCCESSFUL, [GOOD, GOOD], True),
        (Trigger.ALL_SUCCESSFUL, [GOOD, BAD], False),
        (Trigger.ALL_SUCCESSFUL, [LEFT_OUT], False),
        (Trigger.ALL_SUCCESSFUL, [], True),
        (Trigger.ALL_FINISHED, [BAD, LEFT_OUT, STOPPED], True),
        (Trigger.ANY_SUCCESSFUL, [BAD, GOOD], True),
        (Trigger.ANY_SUCCESSFUL, [BAD], False),
        (Trigger.ANY_FAILED, [GOOD, BAD], True),
        (Trigger.ANY_FAILED, [GOOD], False),
        (Trigger.ALL_FAILED, [BAD, BAD], True),
        (Trigger.ALL_FAILED, [BAD, GOOD], False),
        (Trigger.NOT_ALL_SKIPPED, [NOT_NEEDED, GOOD], True),
        (Trigger.NOT_ALL_SKIPPED, [NOT_NEEDED, NOT_NEEDED], False),
        (Trigger.NOT_ALL_SKIPPED, [GOOD, BAD], False),
    ],
)
def test_triggers(trigger: Trigger, states: list[State], runs: bool) -> None:
    upstream = {f"t{i}": state for i, state in enumerate(states)}
    assert decide(trigger, upstream).run is runs


def test_a_skip_names_the_failure_at_the_root_of_it() -> None:
    decision = decide(Trigger.ALL_SUCCESSFUL, {"middle": LEFT_OUT})
    assert (decision.cause, decision.reason) == ("root", "root failed (through middle)")


def test_a_failure_is_the_cause_before_a_skip() -> None:
    decision = decide(Trigger.ALL_SUCCESSFUL, {"a": LEFT_OUT, "b": BAD})
    assert (decision.cause, decision.reason) == ("b", "b failed")


@pytest.mark.parametrize(
    ("retry", "attempt", "error", "wait"),
    [
        (Retry(0), 1, ValueError(), None),  # 1 attempt in all
        (Retry(2), 1, ValueError(), 0),
        (Retry(2), 2, ValueError(), 0),
        (Retry(2), 3, ValueError(), None),  # 1 + 2 attempts in all
        (Retry(1, timedelta(seconds=30)), 1, ValueError(), 30),
        (Retry(1, on=(KeyError,)), 1, ValueError(), None),
        (Retry(1, on=(LookupError,)), 1, KeyError(), 0),
        (Retry(1, on=(KeyError,)), 1, None, 0),  # a dead worker is always worth another try
        (Retry(3), 1, ConfigurationError("refused"), None),  # as it is written, it stays wrong
        (Retry(3, on=(ConfigurationError,)), 1, ConfigurationError("refused"), 0),
    ],
)
def test_retries(retry: Retry, attempt: int, error: Exception | None, wait: int | None) -> None:
    delay = retry.decide(attempt, error)
    assert (None if delay is None else delay.total_seconds()) == wait


@pytest.mark.parametrize(
    ("trigger", "states", "runs", "hindered"),
    [
        # nothing broke, something was left out: left out too, unless the trigger is about that
        (Trigger.ALL_SUCCESSFUL, [GOOD, NOT_NEEDED], False, False),
        (Trigger.ALL_FINISHED, [NOT_NEEDED], False, False),
        (Trigger.ANY_SUCCESSFUL, [GOOD, NOT_NEEDED], False, False),
        # a failure weighs more than a skip
        (Trigger.ALL_SUCCESSFUL, [BAD, NOT_NEEDED], False, True),
        (Trigger.ALL_FINISHED, [BAD, NOT_NEEDED], True, False),
        (Trigger.NOT_ALL_SKIPPED, [LEFT_OUT, GOOD], False, True),
        # what a failure left out counts as failed
        (Trigger.ANY_FAILED, [GOOD, LEFT_OUT], True, False),
        (Trigger.ALL_FAILED, [BAD, LEFT_OUT], True, False),
        (Trigger.ANY_SUCCESSFUL, [LEFT_OUT], False, True),
        (Trigger.ANY_FAILED, [GOOD], False, False),
        (some_failed(at_least=2), [BAD, GOOD], False, False),  # good news
        (some_failed(at_most=1), [BAD, BAD], False, True),  # bad news
        (some_failed(at_least=0.5), [BAD, GOOD], True, False),  # 0.5 * 2 = 1
        (Trigger.SOME_FAILED, [BAD, GOOD], True, False),
        (some_successful(at_least=0.5), [GOOD, BAD, BAD], False, True),  # 0.5 * 3 = 1.5
        (some_successful(at_least=1, at_most=1), [GOOD, BAD], True, False),
        (AfterAll(("t0",)), [GOOD, BAD], True, False),
        (AfterAll(("t0",)), [BAD, GOOD], False, True),
        (AfterAll(("t0",)), [NOT_NEEDED, GOOD], False, False),
    ],
)
def test_what_is_left_out_and_what_is_hindered(
    trigger: Trigger, states: list[State], runs: bool, hindered: bool
) -> None:
    decision = decide(trigger, {f"t{i}": state for i, state in enumerate(states)})
    assert (decision.run, decision.hindered) == (runs, hindered)
    if not runs:
        assert decision.state().hindered is hindered
        assert decision.reason


@pytest.mark.parametrize("trigger", [Trigger.ALL_SUCCESSFUL, Trigger.ALL_FINISHED])
def test_a_task_may_go_on_past_what_was_left_out(trigger: Trigger) -> None:
    assert decide(trigger, {"a": NOT_NEEDED, "b": GOOD}, skip_on_upstream_skip=False).run


def test_approval_is_asked_for_only_where_it_can_help() -> None:
    waiting = decide(Trigger.MANUAL_ONLY, {"a": GOOD})
    assert (waiting.run, waiting.wait, waiting.state().type) == (False, True, StateType.PAUSED)
    assert decide(Trigger.MANUAL_ONLY, {}).wait
    assert not decide(Trigger.MANUAL_ONLY, {"a": BAD}).wait
    assert not decide(Trigger.MANUAL_ONLY, {"a": NOT_NEEDED}).wait


@pytest.mark.parametrize(
    ("retry", "code", "error", "again"),
    [
        (Retry(1, codes=("40001",)), "40001", ValueError(), True),
        (Retry(1, codes=("40*",)), ("ValueError", "40P01"), ValueError(), True),
        (Retry(1, codes=("40*",)), "42601", ValueError(), False),
        (Retry(1, codes=("Error",)), "error", ValueError(), True),  # dbt's word, upper or lower
        (Retry(1, codes=("40*",)), None, ValueError(), False),
        (
            Retry(1, timedelta(0), (KeyError,), ("40*",)),
            "40001",
            ValueError(),
            True,
        ),  # either will do
        (Retry(1, timedelta(0), (KeyError,), ("40*",)), None, KeyError(), True),
        (Retry(1, codes=("40*",)), None, None, True),  # a dead worker
    ],
)
def test_codes_worth_another_try(
    retry: Retry, code: str | None, error: Exception | None, again: bool
) -> None:
    assert (retry.decide(1, error, code) is not None) is again


@pytest.mark.parametrize(
    ("attempt", "chance", "wait"),
    [
        (1, 0.0, 10),
        (2, 0.0, 30),  # 10 * 3
        (3, 0.0, 90),  # 10 * 3 ** 2
        (3, 1.0, 100),  # 90 * 1.5 = 135, but at most 100
        (1, 1.0, 15),  # 10 * (1 + 0.5)
        (1, 0.5, 12.5),
        (1000, 0.0, 100),  # 3 ** 999 is more than a float holds
    ],
)
def test_waits_grow_with_jitter_up_to_a_limit(attempt: int, chance: float, wait: float) -> None:
    retry = Retry(
        1000, timedelta(seconds=10), backoff=3, jitter=0.5, max_delay=timedelta(seconds=100)
    )
    found = retry.decide(attempt, ValueError(), chance=lambda: chance)
    assert found == timedelta(seconds=wait)


def test_a_task_that_asks_is_tried_again_as_often_as_it_is_allowed() -> None:
    assert Retry(0).decide(50, ValueError(), asked=7.0) == timedelta(seconds=7)
    assert Retry(2, on=(KeyError,)).decide(2, ValueError(), asked=7.0) == timedelta(seconds=7)
    assert Retry(2).decide(3, ValueError(), asked=7.0) is None


def test_a_pause_is_left_by_running_or_ending() -> None:
    for state in (StateType.PENDING, StateType.SUBMITTED, StateType.RUNNING):
        assert may_move(state, StateType.PAUSED)
    assert may_move(StateType.PAUSED, StateType.RUNNING)
    assert may_move(StateType.PAUSED, StateType.SUCCESS)
    assert not may_move(StateType.PAUSED, StateType.PENDING)


def test_finished_states_are_final_and_all_others_lead_to_one() -> None:
    for state in StateType:
        if state in FINISHED:
            assert not ALLOWED[state]
        else:
            assert may_move(state, StateType.CANCELLED)
