"""Runs of which some tasks name a cluster: where they run, what is refused, what fails with a cluster."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from orchestrator import Flow, InlineExecutor, ThreadsExecutor, task
from orchestrator.cli.main import execute
from orchestrator.errors import ConfigurationError, FlowError, UsageError
from orchestrator.model.state import StateType
from orchestrator.service.clusters import executor_for
from orchestrator.service.project import Project
from tests.clusters import processes

SETTINGS = """
[clusters.big]
class = "local"
arguments = {n_workers = 2, threads_per_worker = 1}

[clusters.quick]
class = "local"
arguments = {n_workers = 1, threads_per_worker = 1, processes = false}

[clusters.gone]
class = "tests.clusters.stand_ins.Refused"
arguments = {n_workers = 4}

[clusters.cloud]
class = "some.cloud.Cluster"

[clusters.fargate]
class = "fargate"

[warehouses.shop]
type = "duckdb"
path = "shop.duckdb"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orchestrator.toml").write_text(SETTINGS)
    return tmp_path


@task
def here() -> list[int]:
    return [os.getpid(), 1]


@task(cluster="big")
def there(x: list[int]) -> list[int]:
    return [os.getpid(), x[1] + 1]


@task(cluster="big")
def each(n: int) -> int:
    return os.getpid()


@task
def back(first: list[int], second: list[int], pids: list[int]) -> dict[str, Any]:
    return {"first": first, "second": second, "pids": sorted(set(pids)), "own": os.getpid()}


def results(folder: Path) -> dict[str, Any]:
    with Project.find(folder).store() as store:
        rows = store.task_runs(store.run("latest").id)
    return {row.key: (row.result or {}).get("value") for row in rows}


def test_some_tasks_run_on_a_cluster_and_the_rest_here(folder: Path) -> None:
    with Flow("f") as flow:
        first = here()
        back(first, there(first), each.map(list(range(30))))
    state = flow.run(project=folder)
    assert state.is_successful(), state.message
    found = results(folder)["back"]
    assert found["first"] == [os.getpid(), 1]
    assert found["own"] == os.getpid()
    assert found["second"][1] == 2
    assert found["second"][0] != os.getpid()
    assert os.getpid() not in found["pids"]
    assert 1 <= len(found["pids"]) <= 2


def test_a_flow_on_a_cluster_whose_task_names_the_same(folder: Path) -> None:
    on_quick = task(lambda: threading.current_thread().name, name="same", cluster="quick")
    rest = task(lambda: threading.current_thread().name, name="rest")
    with Flow("f", cluster="quick") as flow:
        on_quick()
        rest()
    project = Project.find(folder)
    made = executor_for(project, flow, None, None, project.planning())
    assert (made.name, made.clusters) == ("cluster quick", frozenset())
    assert flow.run(project=folder).is_successful()
    assert all("Dask" in name for name in results(folder).values())


def test_an_executor_asked_for_at_the_run_takes_the_whole_run(folder: Path) -> None:
    away = task(lambda: os.getpid(), name="away", cluster="gone")
    with Flow("f") as flow:
        away()
    for executor in (InlineExecutor(), ThreadsExecutor(1)):
        assert flow.run(project=folder, executor=executor).is_successful()
        assert results(folder) == {"away": os.getpid()}


def test_a_cluster_that_cannot_be_made_fails_its_tasks_only(folder: Path) -> None:
    away = task(lambda x: x, name="away", cluster="gone", max_retries=1)
    after = task(lambda x: x, name="after")
    with Flow("f") as flow:
        after(away.map([1, 2, 3]))
        here()
    state = flow.run(project=folder)
    assert state.type is StateType.FAILED
    states = {key: found for key, found in state.result.items() if isinstance(key, str)}
    assert states["here"].is_successful()
    assert states["after"].type is StateType.SKIPPED
    with Project.find(folder).store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    for number in range(3):
        row = rows[f"away[{number}]"]
        assert row.message == (
            "cluster 'gone' could not be opened: Refused cannot be made: "
            "RuntimeError: no quota for ['n_workers']"
        )
        assert row.attempt == 2


@pytest.mark.parametrize("cluster", ["bigg", "cloud"])
def test_a_cluster_that_is_unknown_or_not_installed_stops_the_run_before_it_begins(
    folder: Path, cluster: str
) -> None:
    away = task(lambda: 1, name="away", cluster=cluster)
    with Flow("f") as flow:
        away()
    said = "did you mean 'big'" if cluster == "bigg" else "pip install some"
    with pytest.raises(ConfigurationError, match=said):
        flow.run(project=folder)
    with Project.find(folder).store() as store:
        assert not list(store.runs())


def test_a_flow_has_one_place(folder: Path) -> None:
    with pytest.raises(FlowError, match="an executor and a cluster"):
        Flow("f", executor=InlineExecutor(), cluster="big")


@pytest.mark.slow
def test_a_cluster_that_dies_fails_what_ran_there_only(folder: Path) -> None:
    mark = folder / "began"

    @task(cluster="away")
    def caught(mark: str) -> None:
        open(mark, "w").close()
        time.sleep(120)

    @task
    def kill(mark: str, pid: int) -> None:
        deadline = time.monotonic() + 120
        while not os.path.exists(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(pid, 9)

    with ExitStack() as stack:
        address = stack.enter_context(processes.scheduler(folder))
        stack.enter_context(processes.worker(address))
        processes.await_workers(address, 1)
        (folder / "orchestrator.toml").write_text(f"[clusters.away]\naddress = '{address}'\n")
        with Client(address, set_as_default=False) as client:
            pid = client.run_on_scheduler(os.getpid)
        with Flow("f") as flow:
            caught(str(mark))
            kill(str(mark), pid)
        state = flow.run(project=folder)
    assert state.type is StateType.FAILED
    with Project.find(folder).store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert rows["kill"].state is StateType.SUCCESS
    assert rows["caught"].state is StateType.FAILED
    assert rows["caught"].message.startswith("cluster 'away' is gone: the Dask scheduler is gone")


# -- database files, which one process owns -----------------------------------------------------


@task(warehouse="shop", writes=["numbers"])
def load(warehouse: Any) -> None:
    warehouse.execute("create table numbers as select 42 as n")


@task(warehouse="shop", reads=["numbers"], cluster="quick")
def read(warehouse: Any) -> int:
    return int(warehouse.execute("select n from numbers").fetchone()[0])


def test_a_file_that_two_clusters_would_open_is_refused_at_plan(folder: Path) -> None:
    with Flow("f") as flow:
        load()
        read()
    for ask in (flow.plan, flow.run):
        with pytest.raises(FlowError) as caught:
            ask(project=folder)
        assert "load runs on the run's executor and read on cluster 'quick'" in caught.value.what
        assert "shop.duckdb is for one process alone" in caught.value.what
        assert "give them the same cluster" in str(caught.value.fix)


def test_a_file_that_one_cluster_alone_opens_is_fine(folder: Path) -> None:
    with Flow("f") as flow:
        load.copy(cluster="quick")()
        read()
        here()
    assert flow.run(project=folder).is_successful()
    assert results(folder)["read"] == 42


def test_the_whole_flow_on_one_cluster_is_fine(folder: Path) -> None:
    with Flow("f", cluster="quick") as flow:
        load()
        read()
    assert flow.run(project=folder).is_successful()


def test_a_file_is_not_looked_for_on_machines_of_a_cloud(folder: Path) -> None:
    with Flow("f", cluster="fargate") as flow:
        load()
    with pytest.raises(FlowError, match=r"shop.duckdb, which machines of cluster 'fargate'"):
        flow.plan(project=folder)


# -- the command line ---------------------------------------------------------------------------


@pytest.fixture
def nightly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    (folder / "flows").mkdir()
    (folder / "flows" / "nightly.py").write_text(
        "import threading\n"
        "from orchestrator import Flow, task\n"
        "@task\n"
        "def where():\n"
        "    return threading.current_thread().name\n"
        "with Flow('nightly') as flow:\n"
        "    where()\n"
    )
    return folder


def test_a_run_is_sent_to_a_cluster(nightly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "nightly", "--cluster", "quick"]) == 0
    assert "on cluster quick" in capsys.readouterr().out
    assert "Dask" in results(nightly)["where"]
    with Project.find(nightly).store() as store:
        assert store.run("latest").options["executor"] == "cluster:quick"


def test_what_the_command_line_refuses(nightly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "nightly", "--cluster", "quik"]) == UsageError.exit_code
    assert "did you mean 'quick'" in capsys.readouterr().err
    both = ["--cluster", "quick", "--executor", "threads"]
    for command in (["run", "nightly"], ["runs", "retry"]):
        assert execute([*command, *both]) == UsageError.exit_code
        assert "--executor and --cluster" in capsys.readouterr().err
