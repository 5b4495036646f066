"""Flows of flows: children in processes of their own, started, waited for, found again, stopped."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InlineExecutor, ThreadsExecutor, task
from orchestrator.model.state import State
from orchestrator.service.asking import request_cancel
from orchestrator.service.project import Project
from orchestrator.store.records import FlowRun
from tasks import create_flow_run, wait_for_flow_run

CHILD = """
import os, time
from datetime import date
from pathlib import Path
from orchestrator import Flow, Parameter, context, task

@task
def work(day, word, fails, waits, blocks):
    context.current().logger.info("working on %s", day)
    with open("ran", "a") as file:
        file.write(f"{type(day).__name__} {word}\\n")
    if waits:
        Path("waits").write_text(str(os.getpid()))
        time.sleep(120 if blocks else 0)
        context.current().cancelled.wait(120)
        raise InterruptedError
    if fails:
        raise ValueError("the child broke")
    return word

with Flow("child") as flow:
    work(Parameter("day", type=date), Parameter("word", default="a"),
         Parameter("fails", default=False), Parameter("waits", default=False),
         Parameter("blocks", default=False))
"""


@pytest.fixture
def folder(in_tmp: Path) -> Path:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "child.py").write_text(CHILD)
    return in_tmp


def run_of(folder: Path, flow: str) -> list[FlowRun]:
    with Project.find(folder).store() as store:
        return list(store.runs(flow=flow))


def logs_of(folder: Path, flow: str, key: str) -> list[str]:
    with Project.find(folder).store() as store:
        [run] = store.runs(flow=flow)
        return [line.text for line in store.logs(run.id, key)]


def test_one_slot_is_enough_for_parent_and_child(folder: Path) -> None:
    @task
    def seen(view: Any) -> list[Any]:
        return [view.flow_name, view.state.is_successful()]

    with Flow("parent") as flow:
        run_id = create_flow_run(
            flow_name="child", parameters={"day": date(2013, 1, 31), "word": "b"}
        )
        seen(wait_for_flow_run(run_id, raise_final_state=True, stream_logs=True))
    state = flow.run(executor=InlineExecutor(), project=folder)
    assert state.is_successful(), state.message
    [child] = run_of(folder, "child")
    assert child.parameters == {"day": "2013-01-31", "word": "b", "fails": False, "waits": False,
                                "blocks": False}  # fmt: skip
    assert (folder / "ran").read_text() == "date b\n", "in the project's folder, once"
    assert "work | working on 2013-01-31" in logs_of(folder, "parent", "wait_for_flow_run")


@pytest.mark.parametrize("raises", [True, False])
def test_how_the_child_ended_counts_only_if_asked(folder: Path, raises: bool) -> None:
    with Flow("parent") as flow:
        run_id = create_flow_run(flow_name="child", parameters={"day": "2013-01-31", "fails": True})
        wait_for_flow_run(run_id, raise_final_state=raises)
    state = flow.run(executor=ThreadsExecutor(1), project=folder)
    assert state.is_failed() is raises
    if raises:
        assert "of flow child ended Failed: 1 failed" in state.result["wait_for_flow_run"].message


def test_one_key_is_one_run(folder: Path) -> None:
    with Flow("parent") as flow:
        first = create_flow_run(
            flow_name="child", parameters={"day": "2013-01-31"}, idempotency_key="january"
        )
        done = wait_for_flow_run(first)
        again = create_flow_run(
            flow_name="child", parameters={"day": "2013-01-31"}, idempotency_key="january",
            upstream_tasks=[done],
        )  # fmt: skip
        wait_for_flow_run(again, raise_final_state=True)
    for _ in range(2):
        assert flow.run(executor=ThreadsExecutor(2), project=folder).is_successful()
    assert len(run_of(folder, "child")) == 1
    assert (folder / "ran").read_text().count("\n") == 1


def test_a_child_that_never_begins_fails_the_task_that_starts_it(folder: Path) -> None:
    with Flow("parent") as flow:
        create_flow_run(flow_name="chidl")
        create_flow_run(flow_name="child", parameters={"word": "no day is given"})
    state = flow.run(executor=ThreadsExecutor(2), project=folder)
    assert "there is no flow 'chidl'" in state.result["create_flow_run"].message
    second = state.result["create_flow_run-2"]
    assert second.is_failed()
    with Project.find(folder).store() as store:
        [row] = store.task_runs(store.run("latest").id, "create_flow_run-2")
    assert "needs parameter 'day'" in row.detail["error"]


@pytest.mark.parametrize("blocks", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_cancelling_the_parent_stops_the_child(folder: Path, blocks: bool) -> None:
    with Flow("parent") as flow:
        given = {"day": "2013-01-31", "waits": True, "blocks": blocks}
        run_id = create_flow_run(flow_name="child", parameters=given)
        wait_for_flow_run(run_id, raise_final_state=True)
    ended: list[State] = []
    running = threading.Thread(
        daemon=True,
        target=lambda: ended.append(flow.run(executor=ThreadsExecutor(1), project=folder)),
    )
    running.start()
    soon(lambda: (folder / "waits").exists() and (folder / "waits").read_text() != "")
    pid = int((folder / "waits").read_text())
    [parent] = run_of(folder, "parent")
    request_cancel(Project.find(folder), parent.id)
    running.join(60)
    assert [state.type.value for state in ended] == ["Cancelled"]
    soon(lambda: not os.path.exists(f"/proc/{pid}"))
    [child] = run_of(folder, "child")
    assert child.state.value == "Cancelled"


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
