"""What a task is told: retries, triggers, handlers, copies with changes, unpacking."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import triggers
from orchestrator.errors import FlowError
from orchestrator.model.flow import Flow
from orchestrator.model.policy import Retry, Some, Trigger
from orchestrator.model.task import Task, task


@task(nout=2)
def pair() -> tuple[int, int]:
    return 1, 2


def test_types_and_codes_are_told_apart() -> None:
    made = Task(max_retries=2, retry_on=[OSError, "40*"], retry_max_delay=60)
    assert (made.retry.on, made.retry.codes) == ((OSError,), ("40*",))
    assert made.retry.max_delay == timedelta(seconds=60)


def test_a_copy_takes_what_the_constructor_takes() -> None:
    copied = Task(max_retries=1, retry_delay=5).copy(
        max_retries=3, retry_backoff=2, retry_on="08*", tags="heavy", timeout=timedelta(minutes=1),
        trigger="any_failed", retry_max_delay=None, state_handlers=[print],
    )  # fmt: skip
    assert copied.retry == Retry(3, timedelta(seconds=5), codes=("08*",), backoff=2)
    assert (copied.tags, copied.timeout) == (frozenset(["heavy"]), 60.0)
    assert (copied.trigger, copied.state_handlers) == (Trigger.ANY_FAILED, (print,))


def test_what_is_no_trigger_is_refused_with_those_there_are() -> None:
    with pytest.raises(FlowError, match="'sometimes' is no trigger") as caught:
        Task(trigger="sometimes")
    assert "all_finished" in (caught.value.fix or "")


def test_triggers_by_prefect_s_names() -> None:
    assert triggers.always_run is triggers.all_finished is Trigger.ALL_FINISHED
    assert str(triggers.some_failed(at_least=2)) == "some_failed(at_least=2)"
    assert Task(trigger=triggers.some_failed(0.5)).trigger == Some(Trigger.SOME_FAILED, 0.5)


@pytest.mark.parametrize("bound", [-1, 1.5])
def test_bounds_that_cannot_be(bound: float) -> None:
    with pytest.raises(FlowError, match="no bound for some_failed"):
        triggers.some_failed(at_least=bound)


def test_unpacking_needs_the_number_of_results() -> None:
    with Flow("f") as flow:
        first, second = pair()
        assert list(flow.keys()) == ["pair", "item", "item-2"]
        with pytest.raises(FlowError, match="not known while the flow is defined"):
            _, _ = first
        with pytest.raises(ValueError, match="too many values"):
            (_,) = pair()
    assert first is not second


def test_a_chain_reads_from_left_to_right() -> None:
    with Flow("f") as flow:
        pair().pipe(lambda result: result[0]).pipe(lambda one, two: one + two, 5)
    assert list(flow.keys()) == ["pair", "item", "add"]
