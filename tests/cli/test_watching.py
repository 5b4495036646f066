"""Following a run from the store alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import instants
from orchestrator.cli.main import execute
from orchestrator.cli.watching import Watcher
from orchestrator.errors import WorkerLostError
from orchestrator.model.events import Event, LogEmitted, RunFinished, RunStarted, TaskChanged
from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun

R, S, F = StateType.RUNNING, StateType.SUCCESS, StateType.FAILED


@pytest.fixture
def store() -> Iterator[RunStore]:
    with MemoryStore() as opened:
        tasks = [TaskRun("a1", key, key, "model") for key in ("a", "b")]
        opened.create_run(FlowRun("a1", "nightly"), tasks)
        yield opened


def test_it_tells_what_happened_and_what_happens(store: RunStore) -> None:
    store.transition("a1", [Change(None, R), Change("a", R)])
    store.append_logs("a1", [LogLine("hello", "a", level=30)])
    later = iter(
        [
            lambda: store.transition(
                "a1", [Change("a", F, message="broke", detail={"sql": "select"}, rows=3)]
            ),
            lambda: store.add_tasks("a1", [TaskRun("a1", "b[0]", "b[0]", "model")]),
            lambda: store.transition(
                "a1",
                [
                    Change("b[0]", R),
                    Change("b[0]", S),
                    Change("b", StateType.SKIPPED, cause="a"),
                    Change(None, F, message="1 failed"),
                ],
            ),
        ]
    )
    events: list[Event] = []
    state = Watcher(store, "a1", events.append, lambda seconds: next(later)()).watch()

    assert state.type is F
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    moves = [(e.key, e.state.type) for e in events if isinstance(e, TaskChanged)]
    assert moves == [("a", R), ("a", F), ("b[0]", R), ("b[0]", S), ("b", StateType.SKIPPED)]
    failed = next(e for e in events if isinstance(e, TaskChanged) and e.state.is_failed())
    assert (failed.state.message, failed.detail, failed.rows) == ("broke", {"sql": "select"}, 3)
    logs = [(e.key, e.level, e.text) for e in events if isinstance(e, LogEmitted)]
    assert logs == [("a", "WARNING", "hello")]


def test_a_run_whose_driver_is_gone_is_not_watched_for_ever(store: RunStore) -> None:
    past = instants.now() - timedelta(minutes=1)
    store.create_run(FlowRun("b2", "nightly", state=R, pid=7, host="laptop", lease_expires=past))
    with pytest.raises(WorkerLostError, match="is gone") as caught:
        Watcher(store, "b2", lambda event: None, lambda seconds: None).watch()
    assert caught.value.fix == "orchestrator runs retry b2"


def test_a_run_that_has_ended_is_told_whole(store: RunStore) -> None:
    store.transition("a1", [Change(None, R), *(Change(k, R) for k in "ab")])
    store.transition("a1", [*(Change(k, S) for k in "ab"), Change(None, S)])
    events: list[Event] = []
    assert Watcher(store, "a1", events.append, pytest.fail).watch().is_successful()  # type: ignore[arg-type]
    assert len([e for e in events if isinstance(e, TaskChanged)]) == 4


def test_what_an_agent_passes_on_last_is_told(store: RunStore) -> None:
    """The process of a run ends it before its agent has read what it printed last."""
    assert store.claim("agent", [], instants.now() + timedelta(minutes=1)) is not None
    store.transition("a1", [Change(None, R), Change(None, F, message="broke")])
    finished = store.run("a1").finished
    assert finished is not None
    later = iter([lambda: store.append_logs("a1", [LogLine("the last word")]), lambda: None])
    events: list[Event] = []
    with instants.fixed(finished, finished + timedelta(seconds=1), finished + timedelta(minutes=1)):
        Watcher(store, "a1", events.append, lambda seconds: next(later)()).watch()
    assert [e.text for e in events if isinstance(e, LogEmitted)] == ["the last word"]
    assert isinstance(events[-1], RunFinished)


@pytest.mark.parametrize("command", ["show", "watch"])
def test_who_finishes_a_run_is_named(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    with Project.find(in_tmp, {}).store() as store:
        store.create_run(FlowRun("a1", "nightly", "shop"))
        store.transition("a1", [Change(None, F, message="its driver is lost")])
        execute(["runs", command, "a1"])
        assert "next  put it right, then: orchestrator runs retry a1" in capsys.readouterr().out
        for other in ("b2", "c3"):
            store.create_run(FlowRun(other, "nightly", "shop", retry_of="a1"))
    execute(["runs", command, "a1"])
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "next  run c3 finishes it: orchestrator runs show c3"
