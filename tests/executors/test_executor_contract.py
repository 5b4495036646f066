"""The executor's contract, kept by inline, threads, Dask and a mix of them alike."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.executors.base import Completed, Executor, Handle, Kept, Message
from orchestrator.executors.dask import DaskExecutor
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.routing import RoutingExecutor
from orchestrator.executors.threads import ThreadsExecutor

TWO = {"n_workers": 2, "threads_per_worker": 2}


class OnCluster(RoutingExecutor):
    """A routing executor all of whose work names a cluster."""

    def submit(self, *args: Any, **options: Any) -> Handle:
        return super().submit(*args, **{**options, "cluster": "big"})

    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        return super().capacity(affinity, "big")


MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(2),
    "dask": lambda: DaskExecutor(cluster_kwargs=TWO),
    "routing": lambda: RoutingExecutor(ThreadsExecutor(2), {"big": InlineExecutor()}),
    "routed": lambda: OnCluster(
        InlineExecutor(), {"big": DaskExecutor(cluster_kwargs=TWO, check_versions="error")}
    ),
}


@pytest.fixture(scope="module", params=MAKERS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made = MAKERS[request.param]()
    with made.start():
        made.within("big")
        yield made


def add(x: int, y: Any) -> Kept:
    total = x + (sum(y) if isinstance(y, list) else y)
    return Kept({"total": total, "pid": os.getpid()}, total)


def fail() -> Kept:
    raise ValueError("on purpose")


def speak(channel: Any, words: list[str]) -> Kept:
    for word in words:
        channel.send(word)
    return Kept("spoken")


def speak_from_a_thread(channel: Any) -> Kept:
    channel.send("first")
    thread = threading.Thread(target=channel.send, args=("second",))
    thread.start()
    thread.join()
    return Kept("spoken")


def set_variable(value: str | None) -> None:
    if value is None:
        os.environ.pop("ORCHESTRATOR_BROADCAST", None)
    else:
        os.environ["ORCHESTRATOR_BROADCAST"] = value


def collect(executor: Executor, count: int) -> tuple[dict[Handle, Completed], list[Any]]:
    ends: dict[Handle, Completed] = {}
    messages: list[Any] = []
    deadline = time.monotonic() + 60
    while len(ends) < count and time.monotonic() < deadline:
        for item in executor.wait(1.0):
            if isinstance(item, Message):
                messages.append(item.content)
            else:
                ends[item.handle] = item
    assert len(ends) == count, "work did not end in time"
    return ends, messages


def test_a_report_comes_back(executor: Executor) -> None:
    handle = executor.submit(add, 1, 2)
    ends, _ = collect(executor, 1)
    assert ends[handle].report["total"] == 3
    assert ends[handle].error is None


def test_an_error_comes_back_as_an_error(executor: Executor) -> None:
    handle = executor.submit(fail)
    ends, _ = collect(executor, 1)
    assert isinstance(ends[handle].error, ValueError)


def test_kept_values_go_to_later_work_also_in_lists(executor: Executor) -> None:
    first = executor.submit(add, 1, 1, keep=True)
    second = executor.submit(add, 10, 1, keep=True)
    collect(executor, 2)
    third = executor.submit(add, 100, [first, second])
    ends, _ = collect(executor, 1)
    assert ends[third].report["total"] == 113
    executor.release(first)


def test_work_of_one_affinity_stays_in_one_process(executor: Executor) -> None:
    handles = [executor.submit(add, 1, i, affinity="duckdb:x") for i in range(6)]
    ends, _ = collect(executor, 6)
    assert len({ends[handle].report["pid"] for handle in handles}) == 1


def test_messages_arrive_in_order_and_from_other_threads(executor: Executor) -> None:
    executor.submit(speak, executor.channel, ["a", "b", "c"])
    _, heard = collect(executor, 1)
    executor.submit(speak_from_a_thread, executor.channel)
    _, later = collect(executor, 1)
    # A message may come a moment after the end of the work that sent it.
    deadline = time.monotonic() + 20
    while len(heard) + len(later) < 5 and time.monotonic() < deadline:
        later += [item.content for item in executor.wait(0.2) if isinstance(item, Message)]
    assert heard + later == ["a", "b", "c", "first", "second"]


def test_waiting_for_nothing_ends_after_the_time_given(executor: Executor) -> None:
    assert executor.wait(0.01) == []


def test_broadcast_reaches_the_processes_that_work(executor: Executor) -> None:
    executor.broadcast(set_variable, "heard")
    handle = executor.submit(lambda: Kept(os.environ.get("ORCHESTRATOR_BROADCAST")))
    ends, _ = collect(executor, 1)
    assert ends[handle].report == "heard"
    executor.broadcast(set_variable, None)


def test_there_is_room_for_at_least_one(executor: Executor) -> None:
    assert executor.capacity() >= executor.capacity("anything") >= 1


def test_a_cluster_class_by_dotted_path() -> None:
    made = DaskExecutor(
        cluster_class="distributed.LocalCluster",
        cluster_kwargs={
            "n_workers": 1,
            "threads_per_worker": 1,
            "processes": False,
        },
    )
    with made.start():
        handle = made.submit(add, 1, 2)
        assert collect(made, 1)[0][handle].report["total"] == 3


def test_a_cluster_class_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="no_such") as caught:
        DaskExecutor(cluster_class="distributed.no_such")
    assert (caught.value.where or "").startswith(__file__)
    with pytest.raises(ConfigurationError, match="address"):
        DaskExecutor(address="tcp://127.0.0.1:1", cluster_kwargs={"n_workers": 1})


def test_a_running_cluster_by_address_is_left_running() -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        for _ in range(2):
            made = DaskExecutor(address=cluster.scheduler_address)
            with made.start():
                handle = made.submit(add, 1, 2)
                assert collect(made, 1)[0][handle].report["total"] == 3


def test_the_local_cluster_listens_on_the_loopback_address_only() -> None:
    import psutil

    made = DaskExecutor()
    with made.start():
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = {
            c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == "LISTEN"
        }
    assert listening
    assert listening <= {"127.0.0.1", "::1"}
