"""What only the Dask executor can: clusters by name, published values, lost values and schedulers."""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator import DaskExecutor, Flow, task
from orchestrator.errors import (
    ClusterError,
    ConfigurationError,
    InfrastructureError,
    WorkerLostError,
)
from orchestrator.executors.base import Completed, Handle, Kept, Message
from orchestrator.executors.dask_workers import Workers
from orchestrator.service.project import Project

LOCAL = {"n_workers": 2, "threads_per_worker": 1}


def add(x: int, y: Any) -> Kept:
    return Kept(os.getpid(), [x + (y[0] if isinstance(y, list) else y)])


def last(x: list[int]) -> Kept:
    return Kept(x[0])


def publish_and_wait(channel: Any, mark: str) -> Kept:
    channel.attach()
    channel.send(channel.publish([42]))
    deadline = time.monotonic() + 60
    while not os.path.exists(mark) and time.monotonic() < deadline:
        time.sleep(0.01)
    return Kept("published", [0])


def die() -> Kept:
    os.kill(os.getpid(), 9)
    raise AssertionError


def items(executor: DaskExecutor) -> Iterator[Completed | Message]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        yield from executor.wait(0.5)
    raise AssertionError("nothing came in time")


def end_of(executor: DaskExecutor, handle: Handle) -> Completed:
    found = (i for i in items(executor) if isinstance(i, Completed) and i.handle is handle)
    return next(found)


def test_a_published_value_can_be_had_while_the_work_goes_on(tmp_path: Path) -> None:
    executor = DaskExecutor(cluster_kwargs=LOCAL)
    with executor.start():
        mark = str(tmp_path / "mark")
        first = executor.submit(publish_and_wait, executor.channel, mark, keep=True)
        ticket = next(i.content for i in items(executor) if isinstance(i, Message))
        second = executor.submit(last, executor.adopt(ticket))
        assert end_of(executor, second).report == 42
        assert not os.path.exists(mark)
        open(mark, "w").close()
        assert end_of(executor, first).report == "published"


def test_what_a_dead_worker_kept_is_lost_and_is_not_made_again() -> None:
    executor = DaskExecutor(cluster_kwargs={"n_workers": 1, "threads_per_worker": 1})
    with executor.start():
        kept = executor.submit(add, 1, 1, keep=True)
        made_by = end_of(executor, kept).report
        assert not executor.is_lost(kept)
        killed = executor.submit(die)
        assert isinstance(end_of(executor, killed).error, WorkerLostError)
        deadline = time.monotonic() + 30
        while not executor.is_lost(kept) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert executor.is_lost(kept)
        executor.worker_lost()
        again = executor.submit(add, 1, 1)
        assert end_of(executor, again).report != made_by
        executor.worker_lost()
        assert any("lost the Dask worker" in line for line in executor.words())
        assert any("killed by signal 9" in line for line in executor.last_words())


class Coming:
    """A client of a cluster whose workers come and go: at each look the next ones are there."""

    scheduler = SimpleNamespace(identity=None)

    def __init__(self, *looks: tuple[str, ...]) -> None:
        self._looks = list(looks)

    def sync(self, _: Any, n_workers: int) -> dict[str, Any]:
        there = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return {"workers": {address: {"nthreads": 2} for address in there}}

    def wait_for_workers(self, count: int, timeout: float) -> None:
        """One is there; at the next look it may be gone."""


def test_while_all_workers_are_gone_nothing_is_handed_over() -> None:
    coming: Any = Coming(("a",), (), ("b",))
    workers = Workers(coming, patience=60)
    workers.await_first()
    workers.refresh()
    assert workers.capacity(None) == 2, "the next one is there"
    gone: Any = Coming(("a",), ())
    workers = Workers(gone, patience=0.2)
    workers.await_first()
    workers.refresh()
    assert (workers.capacity(None), workers.capacity("file")) == (0, 0)
    time.sleep(0.25)
    with pytest.raises(ClusterError, match=r"no worker of the cluster came within 0\.2 s"):
        workers.capacity(None)


def test_a_worker_that_came_and_went_is_waited_for_again() -> None:
    coming: Any = Coming(("a",), (), (), (), ("b",))
    workers = Workers(coming, patience=60)
    workers.await_first()
    workers.refresh()
    assert workers.place([]) == "b"


def test_a_cluster_by_name_is_used_again_and_left_running() -> None:
    from orchestrator.executors.dask_cluster import _left_running

    def made(close: bool) -> DaskExecutor:
        return DaskExecutor(cluster_kwargs=LOCAL, name="etl", shutdown_on_close=close)

    pids = []
    for close in (False, False, True):
        executor = made(close)
        with executor.start():
            pids.append({os.getpid()} ^ set(executor.client.run(os.getpid).values()))
        assert ("etl" in _left_running) is not close
    assert pids[0] == pids[1] == pids[2]


@pytest.mark.parametrize(
    ("given", "what", "fix"),
    [
        ({"cluster_kwargs": {"n_worker": 2}}, "LocalCluster takes no argument 'n_worker'", "n_workers"),
        ({"cluster_kwargs": {"memory_limits": 1}}, "'memory_limits'", "memory_limit"),
        ({"cluster_kwargs": {"nonsense": 1}}, "'nonsense'", None),
        ({"adapt_kwargs": {"maximun": 2}}, "adapt takes no argument 'maximun'", "maximum"),
        ({"client_kwargs": {"tmeout": 2}}, "Client takes no argument 'tmeout'", "timeout"),
        ({"client_kwargs": {"nonsense": 2}}, "Client takes no argument 'nonsense'", None),
        ({"check_versions": "wran"}, "check_versions='wran'", "warn"),
    ],
)  # fmt: skip
def test_a_misspelt_argument_is_named(given: dict[str, Any], what: str, fix: str | None) -> None:
    with pytest.raises(ConfigurationError, match=what) as caught:
        DaskExecutor(**given)
    assert str(Path(__file__)) in str(caught.value.where)
    assert caught.value.fix.startswith(f"did you mean {fix!r}?" if fix else "it takes ")


def test_arguments_of_workers_are_taken() -> None:
    taken = {"resources": {"GPU": 1}, "local_directory": "/tmp", "nthreads": 2, "preload": []}
    assert DaskExecutor(cluster_kwargs=taken).cluster_kwargs == taken


@pytest.mark.parametrize("cause", [ModuleNotFoundError("No module named 'nono'"), None])
def test_a_cluster_that_does_not_start_says_why(cause: Exception | None) -> None:
    def made() -> None:
        raise RuntimeError("Nanny failed to start.") from cause

    with pytest.raises(ClusterError, match="nono" if cause else "Nanny failed") as caught:
        DaskExecutor(cluster_class=made).start().__enter__()
    assert ("__main__" in caught.value.fix) is (cause is None)


def test_a_report_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="bokeh"):
        DaskExecutor(performance_report_path="report.html")


def test_a_report_of_the_run_is_written(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    executor = DaskExecutor(cluster_kwargs=LOCAL, performance_report_path=str(report))
    with executor.start():
        assert end_of(executor, executor.submit(add, 1, 1)).error is None
    written = report.read_text(encoding="utf-8")
    assert "Dask Performance Report" in written
    assert "add" in written


@pytest.mark.parametrize("report", [None, "report.html"])
def test_workers_look_at_their_frames_for_a_report_only(report: str | None, tmp_path: Path) -> None:
    """Looking at the frames of all threads can hang a process of Python 3.11 for good."""
    path = str(tmp_path / report) if report else None
    executor = DaskExecutor(cluster_kwargs=LOCAL, performance_report_path=path)
    with executor.start():
        assert set(executor.client.run(looks_at_frames).values()) == {report is not None}


def looks_at_frames(dask_worker: Any) -> bool:
    return "profile" in dask_worker.periodic_callbacks


@task
def with_the_same_cluster(n: int) -> int:
    from distributed import worker_client

    with worker_client() as client:
        found: list[int] = client.gather(client.map(abs, range(-n, 0)))
    return sum(found)


@task
def with_a_cluster_of_its_own(n: int) -> int:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        found: int = client.submit(sum, [n, n]).result()
    return found


def test_dask_inside_a_task(tmp_path: Path) -> None:
    with Flow("f") as flow:
        with_the_same_cluster(4)
        with_a_cluster_of_its_own(21)
    state = flow.run(executor=DaskExecutor(cluster_kwargs=LOCAL), project=tmp_path)
    assert state.is_successful()
    with Project.find(tmp_path).store() as store:
        rows = {row.key: row.result for row in store.task_runs(store.run("latest").id)}
    assert rows == {
        "with_the_same_cluster": {"value": 10},
        "with_a_cluster_of_its_own": {"value": 42},
    }


def test_a_scheduler_that_goes_away_is_an_infrastructure_error() -> None:
    from distributed import LocalCluster

    cluster = LocalCluster(**LOCAL, host="127.0.0.1", dashboard_address="127.0.0.1:0")
    executor = DaskExecutor(address=cluster.scheduler_address)
    with executor.start():
        threading.Thread(target=cluster.close).start()
        with pytest.raises(InfrastructureError, match="scheduler is gone"):
            list(items(executor))
        executor.broadcast(os.getpid)  # nobody hears it, and nothing breaks
