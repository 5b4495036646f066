"""Postgres is restarted again and again under a run: all tasks finish, none twice, nothing is lost."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator import Flow, ThreadsExecutor, context, task
from orchestrator.errors import StoreError
from orchestrator.model.state import StateType as S
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, FlowRun, TaskRun
from orchestrator.store.server import ServerStore
from tests.store.restarting import Server, restartable


def flow_of(folder: Path, tasks: int, seconds: float) -> Flow:
    """So many tasks; each attempt leaves a file, and a second one of the same number shows."""

    @task
    def work(n: int) -> int:
        now = context.current()
        name = f"{now.task}~{now.attempt}"
        try:
            os.close(os.open(folder / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (folder / (name + "~TWICE")).touch()
        time.sleep(seconds)
        return n

    with Flow("work") as flow:
        work.map(list(range(tasks)))
    return flow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with restartable() as started:
        yield started


@contextmanager
def restarting(server: Server, seed: int) -> Iterator[None]:
    """Restart a server every second or so, sometimes as if it were killed."""
    stop, chance, failures = threading.Event(), random.Random(seed), list[BaseException]()

    def again_and_again() -> None:
        while not stop.wait(chance.uniform(0.2, 1.5)):
            try:
                server.restart(chance.choice(["immediate", "fast"]))
            except BaseException as failure:
                failures.append(failure)
                return

    thread = threading.Thread(target=again_and_again)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert failures == []


def run_under_restarts(server: Server, folder: Path, tasks: int, seconds: float) -> None:
    (folder / "ran").mkdir()
    (folder / "orchestrator.toml").write_text(f'name = "shop"\nstore = "{server.url}"\n')
    project, flow = Project.find(folder), flow_of(folder / "ran", tasks, seconds)
    project.store().close()
    before = server.restarts
    with restarting(server, seed=tasks):
        result = run_flow(project, flow, executor=ThreadsExecutor(4))
    assert server.restarts > before, "nothing was restarted"
    assert result.state.is_successful(), result.state.message
    with project.store() as store:
        rows = [row for row in store.task_runs(result.run_id) if row.key.startswith("work[")]
        assert len(rows) == tasks
        assert {row.state for row in store.task_runs(result.run_id)} == {S.SUCCESS}
        recorded = Counter(
            f"{one.key}~{one.number}"
            for one in store.attempts(result.run_id)
            if one.key.startswith("work[")
        )
    ran = [name for name in os.listdir(folder / "ran") if name.startswith("work[")]
    assert recorded == Counter(ran), "an attempt without a record, or a record twice"
    assert len(recorded) == tasks, "nothing failed, so nothing was tried again"


def test_a_run_of_a_hundred_tasks(server: Server, tmp_path: Path) -> None:
    run_under_restarts(server, tmp_path, tasks=100, seconds=0.1)


@pytest.mark.slow
def test_a_run_of_a_thousand_tasks(server: Server, tmp_path: Path) -> None:
    run_under_restarts(server, tmp_path, tasks=1000, seconds=0.05)


def test_every_write_is_made_once(server: Server) -> None:
    """Counted by what a write leaves behind each time it is made: an event."""
    with open_store(server.url) as store:
        store.create_run(FlowRun("r1", "nightly"), [TaskRun("r1", "load", "load")])
        writes, before = 0, server.restarts
        with restarting(server, seed=1):
            while server.restarts < before + 3:
                writes += 1
                change = Change("load", S.RUNNING, attempt=writes, token=f"t{writes}")
                assert store.transition("r1", [change]) == ()
                assert store.transition("r1", [Change("load", S.RETRYING)]) == ()
        assert [one.number for one in store.attempts("r1")] == list(range(1, writes + 1))
        assert len([e for e in store.events("r1") if e.kind == "state"]) == 2 * writes


def test_a_server_that_stays_away_is_said(server: Server) -> None:
    with open_store(server.url, busy_seconds=0.3) as store:
        server.stop()
        try:
            with pytest.raises(StoreError, match="cannot be reached"):
                store.runs()
            with pytest.raises(StoreError, match="cannot be reached"):
                store.create_run(FlowRun("r1", "nightly"))
        finally:
            server.start()
        assert store.create_run(FlowRun("r2", "nightly")) == "r2"


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_commit_whose_answer_is_lost(
    kept: bool, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(postgres_url) as store:
        store.create_run(FlowRun("r1", "nightly"), [TaskRun("r1", "load", "load")])
        assert isinstance(store, ServerStore)
        dialect, lost = store._engine.dialect, list[object]()
        commit = dialect.do_commit

        def losing(connection: Any) -> None:
            if not lost:
                lost.append(connection)
                if kept:
                    commit(connection)
                connection.dbapi_connection.close()
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            commit(connection)

        monkeypatch.setattr(dialect, "do_commit", losing)
        assert store.transition("r1", [Change("load", S.RUNNING, token="t1")]) == ()
        assert lost
        assert [one.number for one in store.attempts("r1")] == [1]
        assert [e.kind for e in store.events("r1")] == ["created", "state"], "written once"
