"""After a failure: what failed or never ran runs again, what succeeded does not; workers that die."""

from __future__ import annotations

import os
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import DaskExecutor, Flow, ThreadsExecutor, task
from orchestrator.errors import ConflictError, NotFoundError, UsageError
from orchestrator.model.policy import Retry
from orchestrator.model.state import StateType
from orchestrator.service.flow_modules import FlowModules
from orchestrator.service.project import Project
from orchestrator.service.running import Request, retry_run, run_flow

FLOW = """
    from pathlib import Path
    from orchestrator import Flow, Parameter, task, unmapped

    HERE = Path(__file__).parent.parent

    def note(name):
        with open(HERE / "ran.txt", "a") as file:
            file.write(name + "\\n")

    @task
    def items(n):
        note("items")
        return list(range(n))

    @task
    def unkept():
        note("unkept")
        return {1, 2}          # a set cannot be kept as JSON

    @task
    def load(i):
        note(f"load {i}")
        if i == 1 and (HERE / "broken").exists():
            raise OSError("the file is not there yet")
        return i

    @task
    def finish(loaded, extra):
        note("finish")
        return sum(loaded) + len(extra)

    @task
    def aside():
        note("aside")

    with Flow("nightly") as flow:
        n = Parameter("n", default=3)
        finish(load.map(items(n)), unkept())
        aside()
"""


@pytest.fixture
def project(in_tmp: Path) -> Project:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(textwrap.dedent(FLOW))
    (in_tmp / "orchestrator.toml").write_text('name = "demo"\n')
    (in_tmp / "broken").touch()
    return Project.find(in_tmp)


def ran(project: Project) -> list[str]:
    found = (project.root / "ran.txt").read_text().split("\n")[:-1]
    (project.root / "ran.txt").unlink()
    return sorted(found)


@pytest.mark.parametrize("executor", ["inline", "threads", "dask"])
def test_a_retry_runs_what_failed_and_what_never_ran(project: Project, executor: str) -> None:
    asked = Request(parameters={"n": "4"}, executor=executor)
    first = run_flow(project, project.flow("nightly"), asked)
    assert first.state.is_failed()
    assert ran(project) == ["aside", "items", "load 0", "load 1", "load 2", "load 3", "unkept"]

    (project.root / "broken").unlink()
    second = retry_run(project, first.run_id)
    assert second.state.is_successful()
    # `unkept` runs again, and says so: its result could not be kept, and `finish` needs it.
    assert ran(project) == ["finish", "load 1", "unkept"]
    with project.store() as store:
        assert store.run(second.run_id).retry_of == first.run_id
        rows = {row.key: row for row in store.task_runs(second.run_id)}
    assert rows["finish"].result == {"value": 8}  # 0 + 1 + 2 + 3 of the four loads, and 2
    assert rows["load[0]"].state == "Cached"


def test_a_retry_of_a_retry_knows_what_the_first_run_did(project: Project) -> None:
    first = run_flow(project, project.flow("nightly"), Request(executor="threads"))
    ran(project)
    second = retry_run(project, "latest")
    assert second.state.is_failed()
    assert ran(project) == ["load 1", "unkept"]
    (project.root / "broken").unlink()
    third = retry_run(project, second.run_id[:8])
    assert third.state.is_successful()
    assert ran(project) == ["finish", "load 1", "unkept"]
    assert first.run_id != third.run_id


def test_a_run_is_finished_once(project: Project) -> None:
    """And one whose driver is gone does not stay under way."""
    first = run_flow(project, project.flow("nightly"), Request(executor="threads")).run_id
    with project.store() as store:
        run = store.run(first)
        lost = replace(run, id="lost", state=StateType.RUNNING, finished=None)
        store.create_run(replace(lost, lease_expires=run.created))
    second = retry_run(project, "lost")
    assert second.state.is_failed()
    ran(project)
    (project.root / "broken").unlink()
    third = retry_run(project, "lost")
    assert third.state.is_successful()
    with project.store() as store:
        assert store.run("lost").message.startswith("its driver is lost")
        assert store.run(third.run_id).retry_of == second.run_id
    with pytest.raises(ConflictError, match=f"run {third.run_id} has finished"):
        retry_run(project, "lost")


def test_what_cannot_be_retried(project: Project) -> None:
    (project.root / "broken").unlink()
    done = run_flow(project, project.flow("nightly"), Request(executor="threads"))
    with pytest.raises(UsageError, match="succeeded: there is nothing to retry"):
        retry_run(project, done.run_id)
    with pytest.raises(NotFoundError):
        retry_run(project, "ffff")


@task
def survivor(x: int) -> int:
    return x


@task
def die(marker: str) -> str:
    """Kill the worker process the first time."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), 9)
    return "alive"


def test_a_killed_worker_fails_its_task_and_a_retry_finishes_the_run(in_tmp: Path) -> None:
    with Flow("nightly") as flow:
        after = survivor(die(str(in_tmp / "died")))
        survivor.map([1, 2, 3])
    assert after is not None
    executor = DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})
    project = Project.find(in_tmp)
    project.modules = FlowModules({"nightly": flow}, {}, {})
    first = run_flow(project, flow, executor=executor)
    states = {key: state.type.value for key, state in first.state.result.items()}
    assert first.state.is_failed()
    assert (states["die"], states["survivor"]) == ("Failed", "Skipped")
    assert first.state.result["survivor"].cause == "die"
    assert "died" in first.state.result["die"].message
    assert states["survivor-2"] == "Success", "siblings go on"

    second = retry_run(project, first.run_id, executor="threads")
    assert second.state.is_successful()
    with project.store() as store:
        assert {row.key for row in store.task_runs(second.run_id)} == {"die", "survivor"}
        assert [a.number for a in store.attempts(first.run_id, "die")] == [1]


def test_a_task_with_retries_survives_the_death_of_its_worker(in_tmp: Path) -> None:
    with Flow("nightly") as flow:
        survivor(die(str(in_tmp / "died"), task_args={"retry": Retry(max_retries=1)}))
    executor = DaskExecutor(cluster_kwargs={"n_workers": 1, "threads_per_worker": 1})
    state = flow.run(executor=executor, project=in_tmp)
    assert state.is_successful()
    with Project.find(in_tmp).store() as store:
        attempts = store.attempts(store.run("latest").id, "die")
    assert [(a.number, a.state.value) for a in attempts] == [(1, "Failed"), (2, "Success")]


def test_a_run_stops_when_it_is_asked_to(in_tmp: Path) -> None:
    from orchestrator import context
    from orchestrator.service.asking import request_cancel

    @task
    def long() -> None:
        request_cancel(Project.find(in_tmp), context.current().run_id)
        if context.current().cancelled.wait(30):
            raise InterruptedError("told to stop")

    with Flow("nightly") as flow:
        survivor([long()])
    state = flow.run(executor=ThreadsExecutor(1), project=in_tmp)
    assert state.type == "Cancelled"
    assert {k: s.type.value for k, s in state.result.items()} == {
        "long": "Cancelled",
        "survivor": "Cancelled",
    }
