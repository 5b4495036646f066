"""Local clusters that grow, that are used again, and that end when nothing is done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator import Flow, task
from orchestrator.executors import dask_cluster
from orchestrator.executors.dask import DaskExecutor
from orchestrator.executors.preset import executor_of
from orchestrator.presets import PRESETS

THREADS = {"n_workers": 1, "threads_per_worker": 1, "processes": False}


@pytest.fixture(autouse=True)
def _close_what_is_left() -> Iterator[None]:
    yield
    while dask_cluster._left_running:
        dask_cluster._left_running.popitem()[1].made.close()


def executor(**said: Any) -> DaskExecutor:
    table = {"class": "local", "arguments": THREADS, **said}
    return executor_of(PRESETS({"etl": table})["etl"])


def identity(made: DaskExecutor) -> str:
    """The scheduler's id, which no other has."""
    with made.start():
        found: str = made.client.scheduler_info(n_workers=0)["id"]
        return found


@pytest.mark.slow
@pytest.mark.parametrize("minimum", [0, 1])
def test_an_adaptive_cluster_grows_with_the_work(minimum: int, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()

    @task
    def meet(number: int) -> None:
        """Ends when another one runs at the same time, which takes another worker."""
        (seen / str(number)).touch()
        deadline = time.monotonic() + 120
        while len(list(seen.iterdir())) < 2:
            assert time.monotonic() < deadline, "no second worker came"
            time.sleep(0.05)

    with Flow("f") as flow:
        meet.map([1, 2])
    made = executor(
        arguments={"n_workers": 0, "threads_per_worker": 1},
        adapt={
            "minimum": minimum,
            "maximum": 2,
            "interval": "100ms",
            "target_duration": "200ms",
        },
    )
    state = flow.run(project=tmp_path, executor=made)
    assert state.is_successful(), state.message


def test_work_of_one_affinity_stays_together_on_an_adaptive_cluster() -> None:
    from tests.clusters.test_routing import ends, give

    made = executor(adapt={"minimum": 1, "maximum": 3})
    with made.start():
        assert made.capacity() == 3
        assert made.capacity("duckdb:x") == 1
        handles = [made.submit(give, n, affinity="duckdb:x", keep=True) for n in range(3)]
        handles.append(made.submit(give, 4))
        assert {end.error for end in ends(made, *handles)} == {None}
        assert len({handle.where for handle in handles[:3]}) == 1


def test_a_reused_cluster_is_the_same_for_the_next_run() -> None:
    first = identity(executor(reuse=True))
    assert identity(executor(reuse=True)) == first
    assert identity(executor()) != first


def test_a_preset_that_has_changed_gets_a_new_cluster() -> None:
    first = identity(executor(reuse=True))
    other = {**THREADS, "threads_per_worker": 2}
    made = executor(reuse=True, arguments=other)
    assert identity(made) != first
    with made.start():
        assert made.capacity() == 2


def test_a_cluster_that_idled_away_is_made_again() -> None:
    made = executor(reuse=True, idle_timeout="1 second")
    first = identity(made)
    scheduler = dask_cluster._left_running["etl"].made.scheduler
    deadline = time.monotonic() + 60
    while scheduler.status.name != "closed" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert scheduler.status.name == "closed"
    assert identity(made) != first


def test_dasks_own_settings_are_as_before_when_the_last_cluster_ends() -> None:
    import dask

    before = dask.config.get("distributed.scheduler.allowed-failures")
    one, two = executor(), executor(adapt={"maximum": 1})
    first, second = one.start(), two.start()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # in another order than they began, as clusters of a run may
    assert dask.config.get("distributed.scheduler.allowed-failures") == 0
    second.__exit__(None, None, None)
    assert dask.config.get("distributed.scheduler.allowed-failures") == before


@pytest.mark.slow
def test_a_reused_local_cluster_ends_with_its_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n"
        "from orchestrator import Flow, task\n"
        "if __name__ == '__main__':\n"
        "    with Flow('f', cluster='etl') as flow:\n"
        "        task(lambda: print(os.getpid()), name='pid', log_stdout=False)()\n"
        "    for _ in range(2):\n"
        "        assert flow.run().is_successful()\n"
        "    import psutil\n"
        "    print(*(p.pid for p in psutil.Process().children(recursive=True)))\n"
    )
    (tmp_path / "orchestrator.toml").write_text(
        "[clusters.etl]\nclass = 'local'\nreuse = true\narguments = {n_workers = 1}\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=200, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    children = [int(word) for word in done.stdout.split("\n")[-2].split()]
    assert children
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=60
    )
    assert not alive
    assert os.getpid() not in children
