"""How fast the server and its page are with much behind them.

Run ``python benchmarks/server.py``: the list of 100,000 runs, any place in a log of 1,000,000 lines,
1,000 clients of one stream, the first load of the page, a graph of 1,000 tasks in a browser, folded
and unfolded, the page and the timeline of a run of 10,000 tasks. The server is a process of its own (``orchestrator api``) on SQLite; times are medians, over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from orchestrator.model.state import StateType
from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun

PAGE = Path(__file__).resolve().parents[1] / "orchestrator" / "server" / "page"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
LOGGED, DRAWN, LONG = "f" * 16, "e" * 16, "d" * 16  #: the runs: a long log, a graph, many tasks


def fill(file: Path, runs: int, lines: int, nodes: int, tasks: int) -> None:
    """Write so many runs: one with so many lines of log, one with a graph, one with many tasks."""
    with open_store(file) as store:
        store.create_run(FlowRun("0" * 16, "nightly", "shop", created=LONG_AGO))
        store.transition(
            "0" * 16, [Change(None, StateType.RUNNING), Change(None, StateType.SUCCESS)]
        )
        _multiply(file, runs)
        store.create_run(FlowRun(LOGGED, "chatty", "shop"), [TaskRun(LOGGED, "talk", "talk")])
        for start in range(0, lines, 20_000):
            some = range(start, min(start + 20_000, lines))
            store.append_logs(LOGGED, [LogLine(f"line {n} says something", "talk") for n in some])
        _draw(store, DRAWN, nodes)
        _draw(store, LONG, tasks)
        _end(store, LONG, tasks)


def _multiply(file: Path, runs: int) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(flow_runs)")]
        only = dict(zip(names, database.execute("SELECT * FROM flow_runs").fetchone(), strict=True))
        rows = (
            {**only, "id": f"{n:016x}", "created": only["created"] + n * 60_000_000,
             "flow": f"flow{n % 50}"}
            for n in range(1, runs)
        )  # fmt: skip
        places = ", ".join(f":{name}" for name in names)
        database.executemany(f"INSERT INTO flow_runs VALUES ({places})", rows)
        database.commit()


def _draw(store: RunStore, run: str, nodes: int) -> None:
    choose = random.Random(7)
    keys = [f"model.shop.node_{n}" for n in range(nodes)]
    tasks = [TaskRun(run, key, key.rpartition(".")[2], "model") for key in keys]
    store.create_run(FlowRun(run, "large", "shop"), tasks)
    boxes = [
        {"key": key, "name": key.rpartition(".")[2], "resource_type": "model", "tags": [],
         "path": f"models/area{n // 50}/node_{n}.sql", "reads": [], "writes": []}
        for n, key in enumerate(keys)
    ]  # fmt: skip
    edges = [
        {"upstream": keys[choose.randrange(max(0, n - 60), n)], "downstream": keys[n],
         "dataset": None, "evidence": []}
        for n in range(1, nodes) for _ in range(2)
    ]  # fmt: skip
    once = {(edge["upstream"], edge["downstream"]): edge for edge in edges}
    store.keep_graph(run, {"nodes": boxes, "edges": list(once.values())})


def _end(store: RunStore, run: str, tasks: int) -> None:
    """Let each task run for a moment, one after the other."""
    store.transition(run, [Change(None, StateType.RUNNING, at=LONG_AGO)])
    for n in range(tasks):
        began, key = LONG_AGO + timedelta(seconds=n / 10), f"model.shop.node_{n}"
        moves = (StateType.RUNNING, began), (StateType.SUCCESS, began + timedelta(seconds=0.3))
        made = [Change(key, state, at=at, token=f"t{n}") for state, at in moves]
        assert store.transition(run, made) == ()
    end = LONG_AGO + timedelta(seconds=tasks / 10 + 1)
    store.transition(run, [Change(None, StateType.SUCCESS, at=end)])


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the project in a process of its own; gives its address."""
    command = [sys.executable, "-m", "orchestrator", "api", "--port", "0", "--format", "json"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(30)


def milliseconds(ask: Callable[[], Any], times: int = 15) -> float:
    """The median of several calls, after one that does not count."""
    ask()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def lists_and_logs(url: str, runs: int, lines: int) -> Iterator[tuple[str, str]]:
    """Time the list of runs and places in the log."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=60) as client:

        def get(path: str, **query: Any) -> Callable[[], Any]:
            return lambda: client.get(path, params=query).raise_for_status().json()

        middle = f"{runs // 2:016x}"
        for what, ask in (
            ("newest 50", get("/runs", limit=50)),
            ("50 in the middle", get("/runs", limit=50, before=middle)),
            ("50 of one flow", get("/runs", limit=50, flow="flow7")),
            ("50 that succeeded", get("/runs", limit=50, state="Success")),
            ("50 that failed (none)", get("/runs", limit=50, state="Failed")),
        ):
            yield f"{runs:,} runs: {what}", f"{milliseconds(ask):.1f} ms (at most 200)"
        for what, ask in (
            ("the end", get(f"/runs/{LOGGED}/logs", tail=500)),
            ("the middle", get(f"/runs/{LOGGED}/logs", after=lines // 2, limit=500)),
            ("a search", get(f"/runs/{LOGGED}/logs", search=f"line {lines - 5} ", limit=50)),
        ):
            yield f"{lines:,} lines: {what}", f"{milliseconds(ask, 5):.1f} ms"


async def streams(url: str, file: Path, clients: int) -> tuple[float, float, int]:
    """Let clients listen to one run; return seconds until all listen, until all heard, how many."""
    heard = asyncio.Semaphore(0)
    ready = asyncio.Semaphore(0)
    limits = httpx.Limits(max_connections=clients + 10)
    path = f"{url}/api/v1/runs/{DRAWN}/stream"

    async def listen(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", path) as answer:
            first = True
            async for line in answer.aiter_lines():
                if first:
                    ready.release()
                    first = False
                if "the word" in line:
                    heard.release()
                    return

    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        start = time.perf_counter()
        listeners = [asyncio.create_task(listen(client)) for _ in range(clients)]
        for _ in range(clients):
            await asyncio.wait_for(ready.acquire(), 60)
        listening = time.perf_counter() - start
        start = time.perf_counter()
        with open_store(file) as store:
            change = Change("model.shop.node_0", StateType.RUNNING, token="t", message="the word")
            assert store.transition(DRAWN, [change]) == ()
        done = await asyncio.wait(listeners, timeout=30)
        told = time.perf_counter() - start
        for listener in listeners:
            listener.cancel()
        return listening, told, len(done[0])


def first_load() -> int:
    """Bytes of what the page loads first, each compressed by itself."""
    text = (PAGE / "index.html").read_text()
    names = re.findall(r'(?:src|href)="\.?/?([^"]+\.(?:js|css))"', text)
    return sum(len(gzip.compress((PAGE / name).read_bytes())) for name in [*names, "index.html"])


_NODE, _BAR = ".react-flow__node", "[role=gridcell] [data-kind=running], [class*=whole]"


def drawing(url: str, nodes: int, tasks: int) -> Iterator[tuple[str, str]]:
    """Seconds until a browser shows large runs, and until it has answered a click on them."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    assert program is not None, "apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for what, path, wanted, most in (
            (f"{nodes:,} tasks: the graph, folded", f"{DRAWN}", _NODE, 3),
            (f"{nodes:,} tasks: the graph, unfolded", f"{DRAWN}?by=none", _NODE, 3),
            (f"{tasks:,} tasks: the page of the run", f"{LONG}", _NODE, 1.5),
            (f"{tasks:,} tasks: its timeline", f"{LONG}?view=timeline", _BAR, 1.5),
        ):
            taken = [_seen(browser, url, path, wanted) for _ in range(3)]
            shown, clicked = (statistics.median(times) for times in zip(*taken, strict=True))
            yield what, f"{shown:.2f} s, a click answered after {clicked:.2f} s (at most {most})"
        browser.close()


def _seen(browser: Any, url: str, path: str, wanted: str) -> tuple[float, float]:
    with browser.new_page(viewport={"width": 1400, "height": 900}) as page:
        page.goto(f"{url}/runs")  # the program is loaded: what counts is the run
        page.get_by_role("main").get_by_role("heading").first.wait_for()
        start = time.perf_counter()
        page.goto(f"{url}/runs/{path}")
        page.locator(wanted).first.wait_for(timeout=60_000)
        shown = time.perf_counter() - start
        page.locator(wanted).first.click()
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        return shown, time.perf_counter() - start


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "orchestrator.toml").write_text('name = "shop"\n')
        file = folder / ".orchestrator" / "store.db"
        fill(file, given.runs, given.lines, given.nodes, given.tasks)
        print(f"first load, compressed{'':31}{first_load() / 1000:.0f} kB (at most 250)")
        with serving(folder) as url:
            for what, said in lists_and_logs(url, given.runs, given.lines):
                print(f"{what:52} {said}", flush=True)
            for what, said in drawing(url, given.nodes, given.tasks):
                print(f"{what:52} {said}", flush=True)
            listening, told, heard = asyncio.run(streams(url, file, given.clients))
            print(
                f"{given.clients:,} clients of a stream: connected in {listening:.1f} s; {heard:,} heard a change within {told:.2f} s"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
