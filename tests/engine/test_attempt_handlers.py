"""State handlers around an attempt and beside the driver; signals, codes and the context of a task."""

from __future__ import annotations

import gc
import logging
import subprocess
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator import FAIL, SKIP, context, task
from orchestrator.engine.attempts import handlers
from orchestrator.engine.attempts.attempt import run_attempt
from orchestrator.engine.attempts.handlers import Hooks
from orchestrator.engine.codes import codes_of
from orchestrator.engine.stopping import cancel_run
from orchestrator.model.signals import PAUSE, RETRY
from orchestrator.model.state import State, StateType
from tests.engine.attempts import PATIENCE, Channel, Place, order, place, tried

SUCCESS, FAILED = StateType.SUCCESS, StateType.FAILED


@pytest.fixture(scope="module", params=["inline", "threads", "dask"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Place]:
    with place(request.param) as started:
        yield started


def logs(told: Any, old: State, new: State) -> None:
    logging.getLogger("any").info("%s: %s -> %s, %s", told.name, old.type, new.type, new.result)


@task(state_handlers=[logs])
def half(x: int) -> float:
    return 6 / x


def test_handlers_hear_of_every_change(anywhere: Place) -> None:
    anywhere.lines.clear()
    assert anywhere.tried(half, x=2).state.type == "Success"
    assert anywhere.tried(half, x=0).state.message == "ZeroDivisionError: division by zero"
    assert anywhere.lines == [
        "half: Pending -> Running, None",
        "half: Running -> Success, 3.0",
        "half: Pending -> Running, None",
        "half: Running -> Failed, None",
    ]


def returns(*states: State | None) -> Any:
    """A handler that returns these states, one at each change."""
    left = list(states)
    return lambda told, old, new: left.pop(0)


def test_what_a_handler_returns_counts(anywhere: Place) -> None:
    for states, expected, value in [
        ((None, State(FAILED, "too few rows")), ("Failed", "too few rows"), None),
        ((None, State(SUCCESS, "good enough", result=7)), ("Success", "good enough"), 7),
        ((None, State(StateType.SKIPPED, "nothing new")), ("Skipped", "nothing new"), None),
        ((None, State(StateType.PAUSED, "look at it")), ("Paused", "look at it"), None),
        ((State(StateType.SKIPPED, "not today"),), ("Skipped", "not today"), None),
        ((State(SUCCESS, result=1),), ("Success", ""), 1),
        ((None, State(StateType.RUNNING)), ("Success", ""), 3.0),
    ]:
        twin = half.copy(state_handlers=(returns(*states),))
        report = anywhere.tried(twin, x=2)
        assert (report.state.type, report.state.message) == expected
        assert report.result == (None if value is None else {"value": value})
        assert report.state.result is None, "the value does not travel with the state"
        assert report.state.cause == ("half" if report.state.is_skipped() else None)


def test_handlers_go_one_after_the_other() -> None:
    def more(told: Any, old: State, new: State) -> State:
        return State(new.type, new.message + "+", result=new.result)

    report, value = tried(half.copy(state_handlers=(more, more)), x=2)
    assert (report.state.message, value) == ("++", 3.0)


@pytest.mark.parametrize("at", ["Running", "Success"])
def test_a_handler_that_raises_fails_the_task_with_its_traceback(at: str, anywhere: Place) -> None:
    def moody(told: Any, old: State, new: State) -> None:
        if new.type == at:
            raise LookupError("no such channel")

    report = anywhere.tried(half.copy(state_handlers=(moody,)), x=2)
    assert report.state.type == "Failed"
    assert report.state.message == "state handler moody raised LookupError: no such channel"
    assert "in moody" in report.detail["traceback"]
    assert report.result is None


def test_on_failure_is_called_when_no_other_attempt_follows() -> None:
    heard: list[tuple[str, str]] = []
    told = half.copy(on_failure=lambda t, s: heard.append((t.name, s.message)), max_retries=1)
    tried(told, x=2)
    tried(told, x=0, number=1)
    assert heard == [], "it will be tried again"
    tried(told, x=0, number=2)
    assert heard == [("half", "ZeroDivisionError: division by zero")]
    tried(told.copy(retry_on=OSError), x=0, number=1)
    assert len(heard) == 2, "no other attempt is worth it"
    cancel_run("stopped")
    tried(told, x=0, number=1, run_id="stopped")
    assert len(heard) == 2, "cancelled is not failed"


def test_on_failure_that_raises_changes_nothing() -> None:
    def moody(told: Any, state: State) -> None:
        raise LookupError("no such channel")

    channel = Channel()
    told = half.copy(on_failure=moody, state_handlers=())
    report = run_attempt(order(told, x=0), channel, []).report
    assert report.state.message == "ZeroDivisionError: division by zero"
    assert "state handler moody raised LookupError" in channel.lines()[0]


# -- beside the driver -----------------------------------------------------------------------


def test_hooks_are_called_in_order_and_never_waited_for() -> None:
    heard: list[str] = []
    go = threading.Event()

    def slow(told: Any, old: State, new: State) -> None:
        assert go.wait(PATIENCE)
        heard.append(new.message)
        if new.message == "1":
            raise LookupError("not this one")

    hooks = Hooks()
    told = half.copy(state_handlers=(slow,), on_failure=lambda t, s: heard.append("failed"))
    for n in range(3):
        hooks.tell(told, State(StateType.RUNNING), State(FAILED, str(n)))
    assert heard == [], "telling does not wait"
    assert not hooks.close(0.01), "closing waits, but not for ever"
    go.set()
    assert hooks.close(PATIENCE)
    assert heard == ["0", "failed", "1", "failed", "2", "failed"]


def test_hooks_without_handlers_have_no_thread() -> None:
    hooks = Hooks()
    hooks.tell(task(lambda: 1), State(StateType.RUNNING), State(FAILED))
    assert not [t for t in threading.enumerate() if t.name == "handlers"]
    assert hooks.close(0)


def test_the_last_word_of_a_flow() -> None:
    class Told:
        name, terminal_state_handler = "nightly", None

    told, state = Told(), State(FAILED, "1 failed", result={"a": State(FAILED)})
    assert handlers.concluded(told, state, {}) is state
    told.terminal_state_handler = lambda flow, s, deciding: State(SUCCESS, str(len(deciding)))
    assert handlers.concluded(told, state, {"a": State(FAILED)}).message == "1"
    assert handlers.concluded(told, state, {}).result == state.result
    told.terminal_state_handler = lambda flow, s, deciding: State(StateType.RUNNING)
    assert handlers.concluded(told, state, {}) is state
    told.terminal_state_handler = lambda flow, s, deciding: 1 / 0
    assert "raised ZeroDivisionError" in handlers.concluded(told, state, {}).message


# -- signals and codes -----------------------------------------------------------------------


@pytest.mark.parametrize(("delay", "wait"), [(None, 20.0), (3, 3.0), (0, 0.0)])
def test_a_task_may_ask_to_be_tried_again(
    delay: float | None, wait: float, anywhere: Place
) -> None:
    @task(retry_delay=10, retry_backoff=2)
    def asks() -> None:
        raise RETRY("not there yet", delay=delay)

    report = anywhere.tried(asks, number=2)
    assert (report.state.type, report.state.message) == ("Failed", "not there yet")
    assert report.retry_after == wait


def test_a_task_may_ask_to_be_looked_at(anywhere: Place) -> None:
    @task
    def asks() -> None:
        raise PAUSE("look at the rows")

    report = anywhere.tried(asks)
    assert (report.state.type, report.state.message) == ("Paused", "look at the rows")
    assert (report.error, report.retry_after, report.result) == (None, None, None)


def test_a_signal_in_a_process_of_its_own() -> None:
    @task(isolate=True)
    def asks(signal: BaseException) -> None:
        raise signal

    for signal, word in [(SKIP("x"), "Skipped"), (PAUSE("x"), "Paused"), (FAIL("x"), "Failed")]:
        report, _ = tried(asks, signal=signal)
        assert (report.state.type, report.state.message) == (word, "x")


class CodedError(Exception):
    code = "E42"


def raised(work: Any) -> BaseException:
    with pytest.raises(Exception) as found:  # noqa: PT011 - any will do
        work()
    return found.value


def chained() -> None:
    try:
        raise CodedError("inner")
    except CodedError as error:
        raise ValueError("outer") from error


class Answered(Exception):  # noqa: N818
    response = type("Response", (), {"status_code": 503})


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        (raised(lambda: Path("/no/such/file").read_text()), ("ENOENT", "2")),
        (CodedError("x"), ("E42",)),
        (raised(chained), ("E42",)),
        (FAIL("x", status="error"), ("error",)),
        (Answered(), ("503",)),
        (SystemExit(3), ("3",)),
        (ValueError("x"), ()),
    ],
)
def test_codes_of_errors(error: BaseException, codes: tuple[str, ...]) -> None:
    assert codes_of(error) == codes


def test_nothing_that_a_broken_task_used_lives_on_with_its_error() -> None:
    """A connection that does is closed at the end of the process only, and some say so at length."""
    used = []

    @task
    def breaks() -> None:
        connection = threading.Event()
        used.append(weakref.ref(connection))
        try:
            raise KeyError("the driver's own")
        except KeyError:
            raise ValueError("translated") from None

    gc.disable()
    try:
        report, _ = tried(breaks)
        assert str(report.error) == "translated"
        assert used[0]() is None
    finally:
        gc.enable()


def test_codes_of_drivers() -> None:
    psycopg = pytest.importorskip("psycopg")
    assert "40001" in codes_of(psycopg.errors.SerializationFailure("x"))
    assert codes_of(raised(lambda: duckdb.sql("select nothing"))) == ()
    error = raised(lambda: subprocess.run(["false"], check=True))
    assert codes_of(error) == ("exit 1",)


def test_codes_reach_the_retry_policy(anywhere: Place) -> None:
    @task(max_retries=1, retry_on=["E4*", ConnectionError])
    def breaks(own: bool) -> None:
        raise CodedError("x") if own else ValueError("x")

    for own in (True, False):
        report = anywhere.tried(breaks, own=own)
        wait = breaks.retry.decide(1, report.error, report.code, report.retry_after)
        assert (wait is not None) == own


# -- the context -----------------------------------------------------------------------------


def test_the_context_of_a_task(tmp_path: Path, anywhere: Place) -> None:
    @task(name="load")
    def tells() -> list[Any]:
        context.get("logger").info("hello")
        running = context.current()
        return [
            running.task_name, running.map_index, running.get("flow_name"), running.get("flow_run_id"),
            context.get("task_run_count"), context.get("today"), context.get("yesterday_nodash"),
            str(context.get("scheduled_start_time")), context.get("parameters"),
            context.get("nothing", "default"), running.secret("WORD").upper(),
        ]  # fmt: skip

    (tmp_path / "secrets.toml").touch(mode=0o600)
    (tmp_path / "secrets.toml").write_text('WORD = "open sesame"\n')
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    anywhere.lines.clear()
    report = anywhere.tried(
        tells, tmp_path, key="load[3]", run_id="r1", flow="nightly", number=2, scheduled_time=at,
        parameters={"n": 1},
    )  # fmt: skip
    assert report.result == {
        "value": ["load", 3, "nightly", "r1", 2, "2026-03-01", "20260228",
                  "2026-03-01 05:00:00+00:00", {"n": 1}, "default", "OPEN SESAME"]
    }  # fmt: skip
    assert anywhere.lines == ["hello"]


def test_the_context_outside_a_task() -> None:
    assert context.get("today", "none") == "none"
    assert isinstance(context.get("logger"), logging.Logger)
