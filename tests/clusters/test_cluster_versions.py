"""Software that differs between the driver and a cluster of processes of their own is found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ClusterError
from orchestrator.executors import versions
from orchestrator.executors.base import Completed, Handle, Kept
from orchestrator.executors.dask import DaskExecutor
from orchestrator.executors.preset import executor_of
from orchestrator.presets import PRESETS
from tests.clusters import processes


def executor_at(address: str, **said: Any) -> DaskExecutor:
    return executor_of(PRESETS({"big": {"address": address, **said}})["big"])


def end_of(executor: DaskExecutor, handle: Handle) -> Completed:
    found = (i for _ in range(600) for i in executor.wait(0.1) if isinstance(i, Completed))
    return next(end for end in found if end.handle is handle)


def pid(executor: DaskExecutor) -> int:
    """The process that work runs in; a lambda travels whole, unlike a function of this module."""
    end = end_of(executor, executor.submit(lambda: Kept(os.getpid())))
    assert end.error is None
    return int(end.report)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mixed")
    other = processes.environment_with(folder / "other", "duckdb", "0.0.1")
    with processes.of_two(folder, other) as address:
        yield address


def test_work_runs_on_processes_of_their_own(mixed: str) -> None:
    executor = executor_at(mixed, check_versions="off")
    for _ in range(2):
        with executor.start():
            assert executor.capacity() == 2
            assert os.getpid() != pid(executor)
            assert executor.words() == []


def test_a_worker_with_another_version_is_refused(mixed: str) -> None:
    with pytest.raises(ClusterError) as caught, executor_at(mixed).start():
        pass
    first, heading, row, *rest = caught.value.what.splitlines()
    assert first == "the software of cluster 'big' is not that of the driver:"
    assert heading.split() == ["package", "here", "there", "where"]
    here = versions.here()["duckdb"]
    assert row.split()[:3] == ["duckdb", here, "0.0.1"]
    assert row.split()[3].startswith("tcp://127.0.0.1:")
    assert not rest
    assert caught.value.where == "[clusters.big]"


def test_a_worker_with_another_version_is_a_line_in_the_log(mixed: str) -> None:
    executor = executor_at(mixed, check_versions="warn")
    with executor.start():
        [line] = executor.words()
        assert "0.0.1" in line
        assert os.getpid() != pid(executor)


@pytest.mark.slow
def test_a_worker_that_joins_later_gets_no_work(tmp_path: Path) -> None:
    other = processes.environment_with(tmp_path / "other", "sqlglot", "0.0.1")
    with ExitStack() as stack:
        address = stack.enter_context(processes.scheduler(tmp_path))
        stack.enter_context(processes.worker(address))
        executor = executor_at(address)
        stack.enter_context(executor.start())
        stack.enter_context(processes.worker(address, other))
        executor.client.wait_for_workers(2, timeout=60)
        executor.worker_lost()
        said = "\n".join(executor.words())
        assert "sqlglot" in said
        assert "no work goes to tcp://127.0.0.1:" in said
        assert executor.capacity() == 1
        assert len({pid(executor) for _ in range(4)}) == 1
        # Were work sent there all the same, it would refuse to run.
        stranger = executor.workers._refused.pop()
        there = executor.client.submit(
            versions.Expected.insist, executor._expected, workers=stranger
        )
        with pytest.raises(ClusterError, match="this worker"):
            there.result(timeout=60)


def test_of_a_scheduler_only_what_it_needs_counts() -> None:
    ours = versions.here()
    other = {**ours, "dask": "1.0", "duckdb": None}
    [found] = versions.differences(ours, {"tcp://a:1": ours}, other)
    assert (found.package, found.there, found.places) == ("dask", "1.0", ("scheduler",))


def test_a_missing_package_and_many_workers_make_one_row() -> None:
    ours = {"python": "3.11", "pyarrow": "20.0"}
    lacking = {f"tcp://10.0.0.{n}:1": {"python": "3.11"} for n in range(5)}
    found = versions.differences(ours, lacking)
    assert versions.table(found).splitlines()[1] == (
        "pyarrow  20.0  missing  tcp://10.0.0.0:1, tcp://10.0.0.1:1, tcp://10.0.0.2:1 and 2 more"
    )


def test_of_python_only_what_matters_counts() -> None:
    assert versions.answer({"python": "3.11.2.final.0"})["python"] == "3.11"
    assert versions.answer({})["python"] is None
    versions.expected().insist()
    assert versions.here()["analytics-orchestrator"]
