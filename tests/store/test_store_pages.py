"""What pages ask of runs: filters, counts, pages of the log, and what has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make(store: RunStore, run_id: str, minutes: int = 0, **more: object) -> None:
    at = NOON + timedelta(minutes=minutes)
    tasks = [TaskRun(run_id, key, key) for key in "abc"]
    store.create_run(FlowRun(run_id, "nightly", "shop", created=at, **more), tasks)  # type: ignore[arg-type]


def ids(runs: tuple[FlowRun, ...]) -> list[str]:
    return [run.id for run in runs]


def test_runs_of_a_stretch_of_time(store: RunStore) -> None:
    for n in range(5):
        make(store, f"r{n}", n)
    since, until = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    assert ids(store.runs(since=since)) == ["r4", "r3", "r2", "r1"]
    assert ids(store.runs(until=until)) == ["r2", "r1", "r0"], "not itself"
    assert ids(store.runs(since=since, until=until, before="r2")) == ["r1"]
    assert ids(store.runs(since=until, until=since)) == []


def test_pages_lose_no_run_of_one_instant(store: RunStore) -> None:
    for n in range(7):
        make(store, f"r{n}")
    found: list[str] = []
    before = None
    while page := store.runs(limit=2, before=before, state=S.PENDING, project="shop"):
        found += ids(page)
        before = page[-1].id
    assert found == [f"r{n}" for n in range(6, -1, -1)]


def test_tasks_are_counted_by_state(store: RunStore) -> None:
    make(store, "r1")
    make(store, "r2")
    store.create_run(FlowRun("empty", "nightly"))
    store.transition("r1", [Change("a", S.RUNNING, token="t"), Change("b", S.SKIPPED)])
    found = store.counts(["r1", "r2", "empty", "nobody"])
    assert found == {"r1": {S.RUNNING: 1, S.SKIPPED: 1, S.PENDING: 1}, "r2": {S.PENDING: 3}}
    assert store.counts([]) == {}


def test_some_tasks_of_a_run(store: RunStore) -> None:
    make(store, "r1")
    assert [task.key for task in store.task_runs("r1", keys=["c", "a", "x"])] == ["a", "c"]
    assert store.task_runs("r1", keys=[]) == ()
    many = ["b", *(f"k{n}" for n in range(40_000))]
    assert [task.key for task in store.task_runs("r1", keys=many)] == ["b"]


def test_runs_that_finish_another(store: RunStore) -> None:
    make(store, "r1")
    make(store, "r3", 3, retry_of="r1")
    make(store, "r2", 2, retry_of="r1")
    make(store, "r4", 4, retry_of="r2")
    assert store.retries("r1") == ("r2", "r3")
    assert store.retries("nobody") == ()


def test_lines_are_numbered_within_their_run(store: RunStore) -> None:
    make(store, "r1")
    make(store, "r2")
    assert store.log_total("r1") == 0
    for n in range(3):
        for run_id in ("r1", "r2"):
            store.append_logs(run_id, [LogLine(f"{n}", "a"), LogLine(f"{n}", "b")])
    for run_id in ("r1", "r2"):
        assert [line.seq for line in store.logs(run_id)] == [1, 2, 3, 4, 5, 6]
        assert store.log_total(run_id) == 6
    assert store.log_total("nobody") == 0


def test_a_page_of_the_log_before_a_line(store: RunStore) -> None:
    make(store, "r1")
    store.append_logs("r1", [LogLine(f"{n}", "ab"[n % 2]) for n in range(1, 11)])
    assert [line.seq for line in store.logs("r1", before_seq=8, tail=3)] == [5, 6, 7]
    assert [line.seq for line in store.logs("r1", "a", before_seq=8, tail=2)] == [4, 6]
    assert [line.seq for line in store.logs("r1", after_seq=2, before_seq=5)] == [3, 4]
    assert store.logs("r1", before_seq=1, tail=5) == ()


def test_what_changed_is_found_by_its_last_event(store: RunStore) -> None:
    assert store.last_event() == 0
    assert store.changed_runs(0) == {}
    make(store, "r1")
    make(store, "r2")
    first = store.last_event()
    assert store.changed_runs(0) == {"r1": store.last_event("r1"), "r2": first}
    store.transition("r1", [Change("a", S.RUNNING, token="t"), Change(None, S.RUNNING)])
    assert store.changed_runs(first) == {"r1": store.last_event()}
    assert store.last_event("r1") == store.events("r1")[-1].id == store.last_event()
    assert store.last_event("r2") == first
    assert store.last_event("nobody") == 0
    assert store.changed_runs(store.last_event()) == {}
