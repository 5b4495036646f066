"""Routing: clusters opened late and beside the driver, values carried, one that breaks fails its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from orchestrator.errors import ClusterError, InfrastructureError, WorkerLostError
from orchestrator.executors.base import Completed, Executor, Handle, Kept, Message
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.routing import RoutingExecutor
from orchestrator.executors.threads import ThreadsExecutor


class Cluster(ThreadsExecutor):
    """Threads that open when they may, and whose scheduler may go away."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(2)
        self.may_open, self.error = threading.Event(), error
        self.may_open.set()
        self.opened, self.closed, self.gone = 0, 0, False

    @contextmanager
    def start(self) -> Iterator[None]:
        assert self.may_open.wait(30)
        if self.error is not None:
            raise self.error
        self.opened += 1
        self.gone = False
        with super().start():
            yield
        self.closed += 1

    def wait(self, timeout: float | None) -> list[Completed | Message]:
        if self.gone:
            raise InfrastructureError("the scheduler is gone", fix="start it again")
        return super().wait(timeout)


def ends(executor: Executor, *handles: Handle) -> list[Completed]:
    found: dict[Handle, Completed] = {}
    deadline = time.monotonic() + 30
    while not found.keys() >= set(handles) and time.monotonic() < deadline:
        found |= {i.handle: i for i in executor.wait(1.0) if isinstance(i, Completed)}
    return [found[handle] for handle in handles]


def give(value: Any) -> Kept:
    return Kept(threading.current_thread().name, value)


def total(values: list[Any]) -> Kept:
    return Kept(sum(values), sum(values))


def released(until: threading.Event) -> Kept:
    assert until.wait(30)
    return Kept("released")


def test_a_cluster_opens_with_its_first_work_and_closes_at_the_end() -> None:
    big, unused = Cluster(), Cluster()
    executor = RoutingExecutor(InlineExecutor(), {"big": big, "unused": unused})
    with executor.start():
        [end] = ends(executor, executor.submit(give, 1))
        assert (end.report, big.opened) == ("MainThread", 0)
        handles = [executor.submit(give, n, cluster="big") for n in range(3)]
        assert all(end.report.startswith("task") for end in ends(executor, *handles))
        assert (big.opened, big.closed) == (1, 0)
    assert (big.opened, big.closed) == (1, 1)
    assert unused.opened == 0
    assert not executor.wait(0)


def test_the_rest_goes_on_while_a_cluster_opens() -> None:
    big = Cluster()
    big.may_open.clear()
    executor = RoutingExecutor(ThreadsExecutor(1), {"big": big})
    with executor.start():
        slow = executor.submit(give, 1, cluster="big")
        assert executor.capacity(cluster="big") == 1
        assert ends(executor, executor.submit(give, 2))[0].error is None
        big.may_open.set()
        assert ends(executor, slow)[0].error is None
        assert executor.capacity(cluster="big") == 2


def test_values_are_carried_between_clusters_once() -> None:
    fetched = []

    class Counting(Cluster):
        def fetch(self, handle: Handle) -> Any:
            fetched.append(handle)
            return super().fetch(handle)

    places = {"a": Counting(), "b": Counting()}
    executor = RoutingExecutor(InlineExecutor(), places)
    with executor.start():
        kept = [executor.submit(give, n, keep=True, cluster="a") for n in (1, 2)]
        kept.append(executor.submit(give, 4, keep=True))
        ends(executor, *kept)
        sums = [executor.submit(total, kept, cluster="b", keep=True) for _ in range(5)]
        assert [end.report for end in ends(executor, *sums)] == [7] * 5
        assert len(fetched) == 2
        assert ends(executor, executor.submit(total, [sums[0], kept[2]]))[0].report == 11
        for handle in (*kept, *sums):
            executor.release(handle)
            assert executor.is_lost(handle)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClusterError("no room", where="eu-central-1", fix="ask for more"), "no room"),
        (ValueError("of a library"), "ValueError: of a library"),
    ],
)
def test_a_cluster_that_cannot_be_opened_fails_its_own_work(error: Exception, said: str) -> None:
    executor = RoutingExecutor(InlineExecutor(), {"big": Cluster(error), "fine": Cluster()})
    with executor.start():
        broken = [executor.submit(give, n, cluster="big") for n in range(2)]
        fine = [executor.submit(give, 1), executor.submit(give, 1, cluster="fine")]
        found = ends(executor, *fine, *broken, executor.submit(give, 3, cluster="big"))
        assert [end.error for end in found[:2]] == [None, None]
        for end in found[2:]:
            assert isinstance(end.error, ClusterError)
            assert end.error.what == f"cluster 'big' could not be opened: {said}"
        with pytest.raises(ClusterError, match="'big' could not be opened"):
            executor.within("big")


def test_a_cluster_that_goes_away_fails_what_ran_there_and_opens_again() -> None:
    big, until = Cluster(), threading.Event()
    executor = RoutingExecutor(InlineExecutor(), {"big": big})
    with executor.start():
        kept = executor.submit(give, 1, keep=True, cluster="big")
        ends(executor, kept)
        running = executor.submit(released, until, cluster="big")
        big.gone = True
        [end] = ends(executor, running)
        assert isinstance(end.error, WorkerLostError)
        assert end.error.what == "cluster 'big' is gone: the scheduler is gone"
        until.set()
        assert executor.is_lost(kept)
        late, again = executor.submit(total, [kept]), executor.submit(give, 2, cluster="big")
        there = executor.submit(total, [kept], cluster="big")
        first, second, third = ends(executor, late, again, there)
        assert "lost with cluster 'big'" in str(first.error)
        assert second.error is None
        assert isinstance(third.error, WorkerLostError)
        assert big.opened == 2
    assert big.closed == 2


def test_the_default_that_goes_away_ends_the_run() -> None:
    default = Cluster()
    executor = RoutingExecutor(default, {"big": Cluster()})
    with executor.start():
        default.gone = True
        with pytest.raises(InfrastructureError, match="scheduler is gone"):
            executor.wait(1.0)
        default.gone = False


def test_work_that_waits_for_a_cluster_is_given_up() -> None:
    big = Cluster()
    big.may_open.clear()
    executor = RoutingExecutor(InlineExecutor(), {"big": big})
    with executor.start():
        waiting = executor.submit(give, 1, cluster="big")
        executor.give_up()
        [end] = ends(executor, waiting)
        assert isinstance(end.error, WorkerLostError)
        [said] = executor.last_words()
        assert said.startswith("cluster big: it is still being opened")
        big.may_open.set()
    assert big.opened == big.closed  # what was being opened is closed, too


def test_work_that_cannot_be_sent_ends_with_its_error() -> None:
    class Choosy(Cluster):
        def submit(self, fn: Callable[..., Kept], *args: Any, **options: Any) -> Handle:
            raise TypeError("cannot pickle it")

    executor = RoutingExecutor(InlineExecutor(), {"big": Choosy()})
    with executor.start():
        [end] = ends(executor, executor.submit(give, 1, cluster="big"))
        assert isinstance(end.error, TypeError)


def test_a_cluster_that_does_not_close_is_told() -> None:
    class Stubborn(Cluster):
        @contextmanager
        def start(self) -> Iterator[None]:
            with super().start():
                yield
            raise ValueError("still there")

    fine = Cluster()
    executor = RoutingExecutor(InlineExecutor(), {"fine": fine, "big": Stubborn()})
    with ExitStack() as stack:
        stack.enter_context(executor.start())
        ends(executor, *(executor.submit(give, 1, cluster=name) for name in ("fine", "big")))
        with pytest.raises(ClusterError, match=r"'big' could not be closed: .*still there"):
            stack.close()
    assert fine.closed == 1


def test_it_can_be_used_again() -> None:
    big = Cluster()
    executor = RoutingExecutor(ThreadsExecutor(1), {"big": big})
    for _ in range(2):
        with executor.start():
            handles = [executor.submit(give, 1), executor.submit(give, 1, cluster="big")]
            assert [end.error for end in ends(executor, *handles)] == [None, None]
    assert (big.opened, big.closed) == (2, 2)
