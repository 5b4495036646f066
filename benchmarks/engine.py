"""How fast the run engine is, against plain Dask and, with ``--peers``, against other orchestrators.

    python benchmarks/engine.py
    python benchmarks/engine.py --rounds 5 --peers --check

Each row runs the same work both ways, in pairs, the first of a pair alternating, on clusters made alike:
two worker processes of one thread, started before the clock starts. Ours is a whole run: planned,
every task's states written to SQLite. Shown are the medians, and the median of the pairs' ratios.
Rows against a list schedule, which is computed, run on a cluster of our executor's making.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._peers import peer_rows
from orchestrator import DaskExecutor, Flow, task
from orchestrator.service.project import Project

_LOCAL = {
    "n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0", "memory_limit": 0, "silence_logs": 50,
}  # fmt: skip
_LENGTHS = (0.05, 0.5)
_GRAPH = 200


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, ours and theirs in seconds, ratio, and what is wanted."""

    work: str
    ours: float
    theirs: float
    ratio: float
    limit: float

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.limit else "MISSED"
        return (
            f"{self.work:44} ours {self.ours:9.3f}  theirs {self.theirs:9.3f}"
            f"  ratio {self.ratio:7.3f}  at most {self.limit:5.2f}: {verdict}"
        )


# -- the same work both ways ---------------------------------------------------------------


def plain(x: Any) -> Any:
    """What Dask runs; ours runs the same function as a task."""
    return x


noop = task(plain, name="noop")


@task
def wait(x: Any, seconds: float) -> Any:
    """Sleep."""
    time.sleep(seconds)
    return 0


@task
def numbers(n: int) -> list[int]:
    """The list to map over."""
    return list(range(n))


@task
def large(size: int) -> bytes:
    """A large result."""
    return bytes(size)


@task
def pass_on(data: bytes) -> bytes:
    """A result as large, made of the one before."""
    return data[1:] + b"\0"


@task
def size_of(data: bytes) -> int:
    """A small one at the end."""
    return len(data)


@contextlib.contextmanager
def cluster(**options: Any) -> Iterator[Any]:
    """A local cluster whose workers have begun to work."""
    from distributed import Client, LocalCluster

    with LocalCluster(**{**_LOCAL, **options}) as made:
        with Client(made) as client:
            client.gather(client.map(plain, range(20)))
        yield made


def timed(work: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(flow: Flow, made: Any) -> Any:
    """Run a flow on a cluster in a new project; the store is a SQLite file."""
    folder = tempfile.mkdtemp(prefix="engine_")
    try:
        state = flow.run(executor=DaskExecutor(address=made.scheduler_address), project=folder)
        if not state.is_successful():
            raise SystemExit(f"{flow.name}: {state}")
        return state
    finally:
        shutil.rmtree(folder)


def plain_map(n: int, made: Any) -> None:
    """Map and gather with Dask alone."""
    from distributed import Client

    with Client(made) as client:
        client.gather(client.map(plain, range(n), pure=False))


def plain_chain(n: int, made: Any) -> None:
    """A chain of submits with Dask alone."""
    from distributed import Client

    with Client(made) as client:
        links = [client.submit(plain, 0, pure=False)]
        for _ in range(n - 1):
            links.append(client.submit(plain, links[-1], pure=False))
        links[-1].result()


def mapped(n: int) -> Flow:
    """A flow of mapped no-ops."""
    with Flow(f"map {n}") as flow:
        noop.map(list(range(n)))
    return flow


def chain(n: int) -> Flow:
    """A flow of steps that take each other's result."""
    with Flow(f"chain {n}") as flow:
        last: Any = 0
        for _ in range(n):
            last = noop(last)
    return flow


def pairs(
    work: str, ours: Callable[[], Any], theirs: Callable[[], Any], limit: float, rounds: int
) -> Row:
    """Measure both, turn and turn about."""
    runs: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            one = timed(ours)
            runs.append((one, timed(theirs)))
        else:
            other = timed(theirs)
            runs.append((timed(ours), other))
        print(f"  {work}: ours {runs[-1][0]:.3f} theirs {runs[-1][1]:.3f}"
              f" load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    mine, their = (statistics.median(column) for column in zip(*runs, strict=True))
    return Row(work, mine, their, statistics.median(a / b for a, b in runs), limit)


# -- rows that have no plain counterpart ---------------------------------------------------


def graph_row(rounds: int) -> Row:
    """A random graph of sleeping tasks against the best list schedule for four slots.

    A first run, which does not count, tells the store how long each task takes: the list schedule
    knows it too.
    """
    random_ = random.Random(7)
    lengths = [random_.uniform(*_LENGTHS) for _ in range(_GRAPH)]
    before = [
        sorted(random_.sample(range(i), min(i, random_.randint(0, 2)))) for i in range(_GRAPH)
    ]
    with Flow("graph") as flow:
        made: list[Any] = []
        for i in range(_GRAPH):
            made.append(wait([made[b] for b in before[i]], lengths[i], task_args={"name": f"t{i}"}))
    best = list_schedule(lengths, before, slots=4)
    with tempfile.TemporaryDirectory(prefix="engine_") as folder:
        spent = [_driven(flow, 2, folder) for _ in range(1 + rounds)][1:]
    ours = statistics.median(spent)
    return Row(
        f"{_GRAPH} tasks of 50-500 ms, random graph (list schedule)", ours, best, ours / best, 1.05
    )


def _driven(flow: Flow, threads: int, folder: str) -> float:
    """Seconds from the run's first task to its last, as the store has them.

    On a cluster that our executor makes and leaves running: here we are not compared with Dask.
    """
    kwargs = {**_LOCAL, "threads_per_worker": threads}
    place = DaskExecutor(cluster_kwargs=kwargs, name=f"of {threads}", shutdown_on_close=False)
    flow.run(executor=place, project=folder)
    with Project.find(Path(folder)).store() as store:
        rows = store.task_runs(store.run("latest").id)
    began = min(row.started for row in rows if row.started)
    return (max(row.finished for row in rows if row.finished) - began).total_seconds()


def list_schedule(lengths: list[float], before: list[list[int]], slots: int) -> float:
    """Seconds of the schedule that always starts the ready task with the longest path below it."""
    after: list[list[int]] = [[] for _ in lengths]
    for i, ups in enumerate(before):
        for up in ups:
            after[up].append(i)
    path = [0.0] * len(lengths)
    for i in reversed(range(len(lengths))):
        path[i] = lengths[i] + max((path[d] for d in after[i]), default=0.0)
    waiting = [len(ups) for ups in before]
    ready = [(-path[i], i) for i in range(len(lengths)) if not waiting[i]]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, i = heapq.heappop(ready)
            heapq.heappush(running, (now + lengths[i], i))
        now, ended = heapq.heappop(running)
        for i in after[ended]:
            waiting[i] -= 1
            if not waiting[i]:
                heapq.heappush(ready, (-path[i], i))
    return now


def memory_row(n: int) -> Row:
    """Bytes by which the driver's peak grows for each item."""
    grown = _grown(
        f"""
        def many(n):
            with Flow("many") as flow:
                noop.map(numbers(n))
            return flow
        first, then = many(1000), many({n})
        """
    )
    each = grown / (n - 1000)
    return Row(f"{n:,} mapped items: bytes an item (of 2,000)", each, 2000, each / 2000, 1.0)


def large_row() -> Row:
    """How much of a 64 MB result the driver's peak grows by, on its way through five steps."""
    grown = _grown(
        f"""
        first = mapped(10)
        with Flow("large") as then:
            data = large({64 * 2**20})
            for _ in range(4):
                data = pass_on(data)
            size_of(data)
        """
    )
    grown /= 2**20
    return Row("64 MB through 5 steps: driver grows by MB", grown, 64, grown / 64, 0.25)


def _grown(flows: str) -> int:
    """Bytes by which the peak of a driver grows from the flow ``first`` to the flow ``then``.

    It is a process of its own, and the cluster is others: only what it holds itself counts.
    """
    code = f"""
        import sys, tempfile
        from benchmarks._peak import peak
        from benchmarks.engine import DaskExecutor, Flow, large, mapped, noop, numbers, pass_on, size_of
        {textwrap.indent(textwrap.dedent(flows), " " * 8).strip()}
        def driven(flow):
            place, folder = DaskExecutor(address=sys.argv[1]), tempfile.TemporaryDirectory()
            assert flow.run(executor=place, project=folder.name).is_successful()
            return peak()
        before = driven(first)
        print(driven(then) - before)
    """
    with cluster() as place:
        said = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), place.scheduler_address],
            cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
        )  # fmt: skip
    if said.returncode:
        raise SystemExit(said.stderr[-2000:])
    return int(said.stdout.split()[-1])


def mixed_row() -> Row:
    """The longest that the quick tasks of a mixed load take, when some slow ones are among them."""
    n, slow = 1000, range(50, 1000, 199)
    lengths = [1.0 if i in slow else 0.0 for i in range(n)]
    with Flow("mixed") as flow:
        wait.map(list(range(n)), lengths)
    best = list_schedule(lengths, [[] for _ in lengths], slots=2)
    with tempfile.TemporaryDirectory(prefix="engine_") as folder:
        _driven(mapped(1000), 1, folder)
        ours = _driven(flow, 1, folder)
    # What was handed over with a slow one has waited for it if the run took longer than its parts.
    return Row(
        f"{n} no-ops, {len(slow)} of 1 s among them (list schedule)", ours, best, ours / best, 1.5
    )


def main() -> int:
    """Measure, print; 1 with ``--check`` if a target was missed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--items", type=int, default=100_000, help="of the memory row; 0: none")
    arguments.add_argument("--only", default="", help="rows whose letter is in it, of abcdefg")
    arguments.add_argument("--peers", action="store_true", help="measure other orchestrators too")
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    given = arguments.parse_args()
    rows: list[Row] = []

    def wanted(letter: str) -> bool:
        return not given.only or letter in given.only

    with cluster() as made:
        for letter, n, limit in (("a", 1_000, 1.0), ("b", 10_000, 0.5)):
            if wanted(letter):
                flow = mapped(n)
                rows.append(
                    pairs(f"{n:,} mapped no-ops", lambda flow=flow: run(flow, made),
                          lambda n=n: plain_map(n, made), limit, given.rounds)
                )  # fmt: skip
        if wanted("c"):
            links = chain(500)
            rows.append(
                pairs("a chain of 500 steps", lambda: run(links, made),
                      lambda: plain_chain(500, made), 0.5, given.rounds)
            )  # fmt: skip
    if wanted("d"):
        rows.append(graph_row(min(given.rounds, 3)))
    if wanted("e") and given.items:
        rows.append(memory_row(given.items))
    if wanted("f"):
        rows.append(large_row())
    if wanted("g"):
        rows.append(mixed_row())
    print(*rows, sep="\n", flush=True)
    if given.peers:
        flow = mapped(1_000)
        with cluster() as made:
            run(flow, made)
            for line in peer_rows(lambda: timed(lambda: run(flow, made)), 1_000, given.rounds):
                print(line, flush=True)
    return 1 if given.check and any(row.ratio > row.limit for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
