"""Triggers and retries decide; each row of a table is one decision."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.model.policy import Retry, Trigger, decide
from orchestrator.model.state import ALLOWED, FINISHED, State, StateType, may_move

GOOD, BAD = State(StateType.SUCCESS), State(StateType.FAILED)
LEFT_OUT = State(StateType.SKIPPED, cause="root")
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
        (Trigger.NOT_ALL_SKIPPED, [LEFT_OUT, GOOD], True),
        (Trigger.NOT_ALL_SKIPPED, [LEFT_OUT, LEFT_OUT], False),
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
    ],
)
def test_retries(retry: Retry, attempt: int, error: Exception | None, wait: int | None) -> None:
    delay = retry.decide(attempt, error)
    assert (None if delay is None else delay.total_seconds()) == wait


def test_finished_states_are_final_and_all_others_lead_to_one() -> None:
    for state in StateType:
        if state in FINISHED:
            assert not ALLOWED[state]
        else:
            assert may_move(state, StateType.CANCELLED)
