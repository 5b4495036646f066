"""What every run store promises, told on each of them."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator import instants
from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun, new_run_id

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def task(key: str, **values: object) -> TaskRun:
    return TaskRun(run_id="r1", key=key, name=key.upper(), **values)  # type: ignore[arg-type]


@pytest.fixture
def run(store: RunStore) -> RunStore:
    """A running run ``r1`` of two tasks."""
    store.create_run(FlowRun("r1", "nightly", created=NOON), [task("load"), task("score")])
    assert store.transition("r1", [Change(None, S.RUNNING, at=NOON)]) == ()
    return store


def reasons(store: RunStore, *changes: Change, fence: int | None = None) -> list[str]:
    return [refused.reason for refused in store.transition("r1", changes, fence=fence)]


def test_a_run_comes_back_as_it_was_kept(store: RunStore) -> None:
    berlin = timezone(timedelta(hours=1))
    kept = FlowRun(
        id=new_run_id(),
        flow="nightly",
        project="flights",
        parameters={"day": "2026-03-01", "n": 3, "deep": [1, {"a": None}]},
        message="ä line",
        created=datetime(2026, 3, 1, 13, 0, 0, 123456, tzinfo=berlin),
        retry_of="earlier",
        options={"select": ["tag:x"], "full_refresh": True},
        labels=("warehouse", "eu"),
        pid=12,
        host="laptop",
        lease_expires=NOON + 30 * SECOND,
    )
    store.create_run(kept)
    assert store.run(kept.id) == kept
    assert store.run(kept.id).created.utcoffset() == timedelta(0)
    assert store.task_runs(kept.id) == ()
    assert [event.kind for event in store.events(kept.id)] == ["created"]


def test_tasks_come_back_in_their_order(store: RunStore) -> None:
    carried = task(
        "b",
        resource_type="model",
        state=S.SUCCESS,
        status="success",
        attempt=2,
        token="t",
        started=NOON,
        finished=NOON + SECOND,
        rows=5,
        failures=0,
        detail={"relation": "a.b.c"},
        result=[1, 2.5, None, "x"],
        path="models/b.sql",
    )
    store.create_run(FlowRun("r1", "nightly"), [task("z"), carried, task("a")])
    assert [found.key for found in store.task_runs("r1")] == ["z", "b", "a"]
    assert store.task_runs("r1", "b") == (carried,)
    assert store.task_runs("r1", "nothing") == ()


def test_ten_thousand_tasks_in_one_go(store: RunStore) -> None:
    store.create_run(FlowRun("r1", "big"), [task(f"t{n}") for n in range(10_000)])
    done = [Change(f"t{n}", S.SKIPPED, cause="t0") for n in range(10_000)]
    assert store.transition("r1", done) == ()
    assert {found.state for found in store.task_runs("r1")} == {S.SKIPPED}
    assert len(store.events("r1")) == 10_001


def test_a_run_is_kept_whole_or_not_at_all(store: RunStore) -> None:
    with pytest.raises(StoreError, match="'a' comes twice"):
        store.create_run(FlowRun("r1", "nightly"), [task("a"), task("a")])
    with pytest.raises(StoreError, match="parameters cannot be kept as JSON"):
        store.create_run(FlowRun("r1", "nightly", parameters={"when": NOON}))
    with pytest.raises(StoreError, match="result of task 'a' cannot be kept as JSON"):
        store.create_run(FlowRun("r1", "nightly"), [task("a", result=float("nan"))])
    assert store.runs() == ()
    store.create_run(FlowRun("r1", "nightly"))
    with pytest.raises(StoreError, match="already"):
        store.create_run(FlowRun("r1", "other"))
    assert store.run("r1").flow == "nightly"


def test_naive_instants_are_not_taken(store: RunStore) -> None:
    with pytest.raises(ValueError, match="aware"):
        store.create_run(FlowRun("r1", "nightly", created=datetime(2026, 3, 1)))


def test_text_that_a_database_would_refuse_is_mended(run: RunStore) -> None:
    half = b"caf\xe9".decode("utf-8", "surrogateescape")
    run.transition("r1", [Change("load", S.RUNNING, message=f"a\x00b {half}")])
    run.append_logs("r1", [LogLine(f"\x00{half}", key="load")])
    assert run.task_runs("r1", "load")[0].message == "a\ufffdb caf?"
    assert run.logs("r1")[0].text == "\ufffdcaf?"


def test_the_life_of_a_task(run: RunStore) -> None:
    # Given a first attempt that fails and a second that succeeds
    moves = [
        Change("load", S.SUBMITTED, at=NOON, token="t1"),
        Change("load", S.RUNNING, at=NOON + SECOND, token="t1", worker="w1"),
        Change("load", S.RETRYING, at=NOON + 3 * SECOND, token="t1", message="no network"),
        Change("load", S.RUNNING, at=NOON + 9 * SECOND, token="t2", worker="w2"),
        Change(
            "load",
            S.SUCCESS,
            at=NOON + 13 * SECOND,
            token="t2",
            status="success",
            rows=7,
            detail={"relation": "raw.flights"},
            result={"rows": 7},
        ),
    ]
    for move in moves:
        assert run.transition("r1", [move], fence=1) == ()
    # Then the row shows the last attempt
    [row] = run.task_runs("r1", "load")
    assert (row.state, row.attempt, row.token, row.message) == (S.SUCCESS, 2, "t2", "")
    assert (row.started, row.finished) == (NOON + 9 * SECOND, NOON + 13 * SECOND)
    assert (row.rows, row.detail, row.result) == (7, {"relation": "raw.flights"}, {"rows": 7})
    # And both attempts are kept
    first, second = run.attempts("r1", "load")
    assert (first.number, first.token, first.state) == (1, "t1", S.FAILED)
    assert (first.message, first.worker) == ("no network", "w1")
    assert (first.started, first.finished) == (NOON + SECOND, NOON + 3 * SECOND)
    assert (second.number, second.state, second.worker) == (2, S.SUCCESS, "w2")
    assert second.detail == {"relation": "raw.flights"}
    # And each move left one event
    seen = [e for e in run.events("r1") if e.key == "load"]
    assert [e.data["state"] for e in seen] == [move.to for move in moves]
    assert seen[-1].data["from"] == "Running"
    assert [e.at for e in seen] == [move.at for move in moves]


def test_many_moves_of_one_task_in_one_batch(run: RunStore) -> None:
    opened = Change("load", S.RUNNING, at=NOON, token="t", rows=3, detail={"a": 1}, worker="w")
    closed = Change("load", S.SUCCESS, at=NOON + SECOND, token="t", failures=0)
    assert reasons(run, opened, closed, Change("load", S.FAILED)) == [
        "task 'load' is Success, and a finished state is final"
    ]
    [row] = run.task_runs("r1", "load")
    assert (row.state, row.rows, row.failures, row.detail) == (S.SUCCESS, 3, 0, {"a": 1})
    [attempt] = run.attempts("r1")
    assert (attempt.state, attempt.worker) == (S.SUCCESS, "w")


def test_a_short_attempt_is_opened_and_closed_in_one_change(run: RunStore) -> None:
    done = Change("load", S.SUCCESS, at=NOON + SECOND, started=NOON, attempt=1, token="t")
    assert reasons(run, done) == []
    [attempt] = run.attempts("r1")
    assert (attempt.started, attempt.finished, attempt.token) == (NOON, NOON + SECOND, "t")
    assert run.task_runs("r1", "load")[0].started == NOON


def test_one_refused_change_does_not_stop_the_others(run: RunStore) -> None:
    refused = run.transition(
        "r1",
        [
            Change("load", S.RUNNING, expected=[S.RETRYING]),
            Change("nobody", S.RUNNING),
            Change("load", S.SUCCESS, result={1, 2}),
            Change("score", S.SKIPPED, cause="load", message="load failed"),
        ],
    )
    assert [one.reason for one in refused[:2]] == [
        "task 'load' is Pending, not Retrying",
        "the run has no task 'nobody'",
    ]
    assert refused[2].reason.startswith("the result cannot be kept as JSON")
    assert [one.state for one in refused] == [S.PENDING, None, S.PENDING]
    load, score = run.task_runs("r1")
    assert (load.state, score.state, score.cause) == (S.PENDING, S.SKIPPED, "load")


@pytest.mark.parametrize("final", [S.SUCCESS, S.CACHED, S.FAILED, S.TIMED_OUT, S.CANCELLED])
def test_a_finished_state_is_final(run: RunStore, final: S) -> None:
    assert reasons(run, Change("load", final)) == []
    before = run.task_runs("r1"), run.events("r1")
    assert len(reasons(run, *(Change("load", state) for state in S))) == len(S)
    assert (run.task_runs("r1"), run.events("r1")) == before


def test_late_words_of_an_attempt_that_is_over_are_refused(run: RunStore) -> None:
    late = Change("load", S.SUCCESS, token="t1")
    # Given that attempt 1 was given up
    assert reasons(run, Change("load", S.RUNNING, token="t1"), Change("load", S.RETRYING)) == []
    # Then its late success and its late start are refused, before and while attempt 2 runs
    assert len(reasons(run, late, Change("load", S.RUNNING, token="t1"))) == 2
    assert reasons(run, Change("load", S.RUNNING, token="t2")) == []
    assert reasons(run, late) == ["task 'load' is worked on under another token"]
    assert reasons(run, Change("load", S.SUCCESS, attempt=1)) == [
        "attempt 1 of task 'load' is over (the last is 2)"
    ]
    assert reasons(run, Change("load", S.SUCCESS, token="t2")) == []


def test_a_finished_run_starts_nothing_but_lets_tasks_finish(run: RunStore) -> None:
    assert reasons(run, Change("load", S.RUNNING), Change(None, S.CANCELLED)) == []
    assert reasons(run, Change("score", S.RUNNING), Change("load", S.CANCELLED)) == [
        "the run is Cancelled, so task 'score' cannot become Running"
    ]
    with pytest.raises(FencedError):
        run.add_tasks("r1", [task("more")])


def test_the_run_keeps_its_own_times(run: RunStore) -> None:
    run.heartbeat("r1", 1, NOON + SECOND)
    run.transition("r1", [Change(None, S.FAILED, at=NOON + 5 * SECOND, message="1 failed")])
    found = run.run("r1")
    assert (found.started, found.finished) == (NOON, NOON + 5 * SECOND)
    assert (found.state, found.message, found.lease_expires) == (S.FAILED, "1 failed", None)


def test_now_is_taken_where_no_instant_is_given(run: RunStore) -> None:
    with instants.fixed(NOON + SECOND):
        run.transition("r1", [Change("load", S.RUNNING)])
    assert run.task_runs("r1", "load")[0].started == NOON + SECOND


def test_tasks_can_be_added_while_it_runs(run: RunStore) -> None:
    run.transition("r1", [Change("load", S.RUNNING)])
    run.add_tasks("r1", [task("load[0]"), task("load"), task("load[1]")], fence=1)
    run.add_tasks("r1", [])
    found = run.task_runs("r1")
    assert [row.key for row in found] == ["load", "score", "load[0]", "load[1]"]
    assert found[0].state is S.RUNNING
    assert reasons(run, Change("load[1]", S.RUNNING)) == []


def test_logs_by_page_level_task_and_text(run: RunStore) -> None:
    lines = [
        LogLine("Ärger at 100%", key="load", attempt=1, level=logging.ERROR, at=NOON),
        LogLine("from the driver", at=NOON + SECOND),
        LogLine("100 rows", key="load", attempt=2, level=logging.DEBUG, at=NOON),
    ]
    run.append_logs("r1", lines[:2])
    run.append_logs("r1", lines[2:])
    run.append_logs("r1", [])
    kept = run.logs("r1")
    assert [line.text for line in kept] == [line.text for line in lines]
    assert (kept[0].key, kept[0].attempt, kept[0].at) == ("load", 1, NOON)
    assert kept[0].seq < kept[1].seq < kept[2].seq
    assert run.logs("r1", after_seq=kept[0].seq, limit=1) == (kept[1],)
    assert run.logs("r1", tail=2) == kept[1:]
    assert run.logs("r1", "load") == (kept[0], kept[2])
    assert run.logs("r1", level=logging.INFO) == kept[:2]
    assert run.logs("r1", search="ärger") == (kept[0],)
    assert run.logs("r1", search="100%") == (kept[0],)
    assert run.logs("r1", "score") == ()


def test_a_run_is_found_by_id_beginning_or_latest(store: RunStore) -> None:
    with pytest.raises(NotFoundError, match="no run 'latest'"):
        store.run("latest")
    for n, run_id in enumerate(["abc1", "abc2", "abc", "%"]):
        store.create_run(FlowRun(run_id, "nightly", created=NOON - n * SECOND))
    assert store.run("latest").id == "abc1"
    assert store.run("abc2").id == "abc2"
    assert store.run("abc").id == "abc"
    with pytest.raises(NotFoundError) as several:
        store.run("ab")
    assert several.value.fix == "give more of the id: abc, abc1, abc2"
    for nothing in ("", "b", "abc%", "ABC1"):
        with pytest.raises(NotFoundError, match="no run"):
            store.run(nothing)


def test_runs_newest_first_by_page(store: RunStore) -> None:
    # Given six runs, two of them created in the same microsecond
    for n, run_id in enumerate("abcde"):
        flow = "nightly" if n % 2 else "hourly"
        store.create_run(FlowRun(run_id, flow, project="p" if n < 3 else "q", created=NOON))
    store.create_run(FlowRun("f", "nightly", created=NOON + SECOND))
    store.transition("f", [Change(None, S.RUNNING)])
    store.transition("e", [Change(None, S.FAILED)])

    def ids(**wanted: object) -> str:
        return "".join(found.id for found in store.runs(**wanted))  # type: ignore[arg-type]

    assert ids() == "fedcba"
    assert ids(limit=2) == "fe"
    assert ids(limit=2, before="e") == "dc"
    assert ids(flow="nightly") == "fdb"
    assert ids(project="q") == "ed"
    assert ids(state=S.FAILED) == "e"
    assert ids(state={S.FAILED, S.RUNNING}) == "fe"
    assert ids(state=[]) == ""


def test_events_can_be_followed(run: RunStore) -> None:
    first = run.events("r1")
    assert run.events("r1", after=first[-1].id) == ()
    run.transition("r1", [Change("load", S.RUNNING), Change("score", S.CACHED)])
    new = run.events("r1", after=first[-1].id)
    assert [event.key for event in new] == ["load", "score"]
    assert run.events("r1", after=first[-1].id, limit=1) == new[:1]
    of_load = tuple(event for event in run.events("r1") if event.key == "load")
    assert run.events("r1", key="load") == of_load != ()
    assert run.events("r1", key="load", after=of_load[0].id, limit=1) == of_load[1:2]
    assert run.events("r1", key="nobody") == ()


def test_durations_are_medians_of_the_newest_successes(store: RunStore) -> None:
    # Given runs of 9, 1, 2 and 30 seconds, the oldest first, and one that failed
    for n, seconds in enumerate([9, 1, 2, 30]):
        row = task("a", state=S.SUCCESS, started=NOON, finished=NOON + seconds * SECOND)
        other = task("b", state=S.FAILED, started=NOON, finished=NOON + SECOND)
        later = NOON + n * SECOND
        store.create_run(FlowRun(f"d{n}", "nightly", "p", created=later), [row, other])
    assert store.durations("nightly", ["a", "b", "c"], last=3) == {"a": 2.0}  # of 30, 2, 1
    assert store.durations("nightly", ["a"], last=2) == {"a": 16.0}  # of 30, 2
    assert store.durations("nightly", ["a"]) == {"a": 5.5}  # of 30, 2, 1, 9
    assert store.durations(None, ["a"], project="p", last=1) == {"a": 30.0}
    assert store.durations("other", ["a"]) == {}
    assert store.durations("nightly", []) == {}


def test_durations_look_past_runs_that_did_little(store: RunStore) -> None:
    row = task("a", state=S.SUCCESS, started=NOON, finished=NOON + SECOND)
    store.create_run(FlowRun("full", "nightly", created=NOON), [row])
    for n in range(25):
        other = task("b", state=S.SUCCESS, started=NOON, finished=NOON + 2 * SECOND)
        store.create_run(FlowRun(f"part{n}", "nightly", created=NOON + SECOND), [other])
    assert store.durations("nightly", ["a", "b"]) == {"a": 1.0, "b": 2.0}


def test_a_lease_runs_out_and_another_driver_takes_over(run: RunStore) -> None:
    # Given a driver that beat once, and a run that nobody claimed yet
    run.create_run(FlowRun("unclaimed", "nightly"))
    assert [found.id for found in run.expired_runs(NOON)] == ["r1"]  # runs without a lease
    assert run.heartbeat("r1", 1, NOON + 30 * SECOND)
    assert run.expired_runs(NOON + 30 * SECOND) == ()
    # When its lease is over
    [lost] = run.expired_runs(NOON + 31 * SECOND)
    assert (lost.id, lost.fence) == ("r1", 1)
    fence = run.take_over("r1", seen=1, pid=7, host="b", until=NOON + 90 * SECOND)
    # Then the new driver is the only one
    assert fence == 2
    assert run.expired_runs(NOON + 31 * SECOND) == ()
    assert not run.heartbeat("r1", 1, NOON + 99 * SECOND)
    assert run.heartbeat("r1", 2, NOON + 99 * SECOND)
    assert (run.run("r1").pid, run.run("r1").host) == (7, "b")
    assert (
        reasons(run, Change("load", S.RUNNING), Change(None, S.FAILED), fence=1)
        == ["another driver has taken the run over (its fence is 2, yours 1)"] * 2
    )
    with pytest.raises(FencedError):
        run.add_tasks("r1", [task("more")], fence=1)
    with pytest.raises(FencedError):
        run.take_over("r1", seen=1)
    assert reasons(run, Change(None, S.SUCCESS), fence=2) == []
    assert not run.heartbeat("r1", 2, NOON)
    with pytest.raises(FencedError, match="is Success"):
        run.take_over("r1")
    assert [event.kind for event in run.events("r1")][2:] == ["taken_over", "state"]


def test_prune_deletes_finished_runs_with_all_they_have(run: RunStore) -> None:
    run.append_logs("r1", [LogLine("x")])
    run.transition("r1", [Change("load", S.RUNNING), Change(None, S.FAILED, at=NOON)])
    last = run.events("r1")[-1].id
    for n in range(25):
        run.create_run(FlowRun(f"old{n}", "nightly", state=S.FAILED, finished=NOON - SECOND))
    run.create_run(FlowRun("open", "nightly", created=NOON - SECOND))
    assert run.prune(NOON) == 25
    assert run.prune(NOON + SECOND) == 1
    assert [found.id for found in run.runs()] == ["open"]
    assert run.logs("r1") == ()
    with pytest.raises(NotFoundError):
        run.task_runs("r1")
    # And numbers are not used twice, so that a reader who follows events misses none.
    run.create_run(FlowRun("r1", "nightly"), [task("load")])
    assert run.attempts("r1") == ()
    assert run.events("r1")[0].id > last


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.transition("nope", [Change(None, S.RUNNING)]),
        lambda store: store.add_tasks("nope", [task("a")]),
        lambda store: store.append_logs("nope", [LogLine("x")]),
        lambda store: store.take_over("nope"),
        lambda store: store.task_runs("nope"),
        lambda store: store.attempts("nope"),
        lambda store: store.events("nope"),
        lambda store: store.runs(before="nope"),
    ],
)
def test_a_run_that_is_not_there(store: RunStore, use) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        use(store)


def test_threads_may_write_at_the_same_time(store: RunStore) -> None:
    keys = [f"t{n}" for n in range(200)]
    store.create_run(FlowRun("r1", "nightly"), [task(key) for key in keys])
    refused: list[object] = []

    def drive() -> None:
        for key in keys:
            moves = [Change(key, S.RUNNING), Change(key, S.SUCCESS)]
            refused.extend(store.transition("r1", moves))

    def write() -> None:
        for n in range(200):
            store.append_logs("r1", [LogLine(f"{n}"), LogLine(f"{n}")])
            store.task_runs("r1", "t0")

    # When two drivers race for the same tasks while others write logs
    threads = [threading.Thread(target=work) for work in (drive, drive, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then each task was won once
    assert len(refused) == 2 * len(keys)
    assert {row.state for row in store.task_runs("r1")} == {S.SUCCESS}
    assert len(store.attempts("r1")) == len(keys)
    assert len(store.logs("r1", limit=10_000)) == 800
