"""The recorder: in order, in batches, and silent once another driver has taken over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.engine.telling.recorder import Recorder
from orchestrator.model.state import StateType
from orchestrator.store.base import FencedError
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun
from orchestrator.store.texts import Text, text_of


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.create_run(FlowRun("r1", "f"), [TaskRun("r1", "a", "a")])
    return made


def test_everything_is_written_before_close_returns(store: MemoryStore) -> None:
    recorder = Recorder(store, "r1")
    recorder.put(Change("a", StateType.RUNNING, attempt=1, token="t"))
    recorder.put(LogLine("hello", "a", 1))
    recorder.put((TaskRun("r1", "b[0]", "b[0]"),))
    recorder.put(Change("a", StateType.SUCCESS, attempt=1, token="t", rows=3))
    recorder.close()
    rows = {row.key: row for row in store.task_runs("r1")}
    assert (rows["a"].state, rows["a"].rows) == (StateType.SUCCESS, 3)
    assert "b[0]" in rows
    assert [line.text for line in store.logs("r1")] == ["hello"]


def test_what_was_said_is_there_when_a_run_ends(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    moves = store.transition

    def transition(*given: Any, **more: Any) -> Any:
        seen.append([line.text for line in store.logs("r1")])
        return moves(*given, **more)

    monkeypatch.setattr(store, "transition", transition)
    recorder = Recorder(store, "r1")
    recorder.put(Change(None, StateType.SUCCESS))
    recorder.put(LogLine("the last word", "a", 1))
    recorder.close()
    assert seen == [["the last word"]]


def test_the_lease_is_kept_alive(store: MemoryStore) -> None:
    recorder = Recorder(store, "r1")
    recorder.put(LogLine("hello", "a", 1))
    recorder.close()
    until = store.run("r1").lease_expires
    assert until is not None
    assert until > datetime.now(UTC) + timedelta(seconds=10)


def test_a_driver_that_was_replaced_learns_of_it_and_changes_nothing(store: MemoryStore) -> None:
    recorder = Recorder(store, "r1", fence=1)
    store.take_over("r1", host="elsewhere", pid=7)
    recorder.put(Change("a", StateType.RUNNING, attempt=1, token="t"))
    with pytest.raises(FencedError, match="taken over"):
        recorder.close()
    assert store.task_runs("r1")[0].state is StateType.PENDING
    with pytest.raises(FencedError):
        recorder.put(LogLine("more"))


def test_texts_are_kept_together_before_the_changes_that_name_them(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[tuple[int, StateType]] = []
    keep = store.keep_texts

    def kept(run_id: str, texts: list[Text]) -> None:
        states.append((len(texts), store.task_runs("r1")[0].state))
        keep(run_id, texts)

    monkeypatch.setattr(store, "keep_texts", kept)
    recorder = Recorder(store, "r1")
    text = text_of("select 1")
    recorder._write([LogLine("hello", "a", 1)])
    assert states == [], "whoever has no texts pays for none"
    recorder._write(
        [
            Change("a", StateType.RUNNING, attempt=1, token="t"),
            *map(text_of, map(str, range(1000))),
            Change("a", StateType.SUCCESS, attempt=1, token="t", detail={"sql_hash": text.hash}),
            text,
        ]
    )
    recorder.close()
    assert states == [(1001, StateType.PENDING)]
    assert store.texts([text.hash]) == {text.hash: "select 1"}
