"""Streams over real sockets: nothing is missed, whoever breaks off resumes, and all end cleanly."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import httpx

from orchestrator import instants
from orchestrator.model.state import StateType as S
from orchestrator.server.streams.feed import Feed, Follower
from orchestrator.server.streams.hub import Hub
from orchestrator.server.streams.words import News, Place, View, told
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Change, FlowRun, LogLine, TaskRun
from tests.server.streams.following import Client, Served, start


def make(store: RunStore, run_id: str = "a1", tasks: str = "abc", project: str = "shop") -> None:
    store.create_run(
        FlowRun(run_id, "nightly", project), [TaskRun(run_id, key, key) for key in tasks]
    )


def moves(store: RunStore, *changes: tuple[str | None, S], run_id: str = "a1") -> None:
    refused = store.transition(
        run_id, [Change(key, to, token=key and f"t{key}") for key, to in changes]
    )
    assert refused == ()


def test_a_run_is_followed_to_its_end(served: Served) -> None:
    make(served.store)
    client = Client(f"{served.url}/api/v1/runs/a1/stream?logs=1")
    assert client.wait("run").data["state"] == "Pending"
    moves(served.store, (None, S.RUNNING), ("a", S.RUNNING))
    served.store.append_logs("a1", [LogLine("hello", "a"), LogLine("there", None)])
    assert client.wait("task").data == client.of("task")[0].data
    assert (client.of("task")[0].data["key"], client.of("task")[0].data["state"]) == (
        "a",
        "Running",
    )
    client.wait("log")
    moves(served.store, ("a", S.SUCCESS), (None, S.SUCCESS))
    assert client.wait("end").data == {"state": "Success"}
    client.ended()
    assert client.status == 200
    assert client.lines() == ["hello", "there"]
    assert client.of("run")[-1].data["counts"] == {"Success": 1, "Pending": 2}
    assert client.of("task")[-1].data["state"] == "Success"


def test_what_an_agent_passes_on_last_is_heard(served: Served) -> None:
    """The process of a run ends it before its agent has read what it printed last."""
    make(served.store)
    assert served.store.claim("agent", [], instants.now() + timedelta(minutes=1)) is not None
    client = Client(f"{served.url}/api/v1/runs/a1/stream?logs=1")
    client.wait("run")
    moves(served.store, (None, S.RUNNING), (None, S.SUCCESS))
    while client.of("run")[-1].data["state"] != "Success":
        client.wait("run")
    threading.Event().wait(0.6)  # longer than between two looks
    served.store.append_logs("a1", [LogLine("the last word", None)])
    client.wait("end")
    assert client.lines() == ["the last word"]


def test_a_client_that_comes_back_misses_nothing_and_reads_no_line_twice(
    served: Served, project: Project
) -> None:
    make(served.store)
    moves(served.store, (None, S.RUNNING), ("a", S.RUNNING))
    url = f"{served.url}/api/v1/runs/a1/stream?logs=1"
    first = Client(url)
    first.wait("task")
    served.store.append_logs("a1", [LogLine(f"line {n}", "a") for n in range(5)])
    seen = first.wait("log").id
    served.end()  # the server ends in the middle of the stream
    first.ended()
    moves(served.store, ("a", S.SUCCESS), ("b", S.RUNNING))
    served.store.append_logs("a1", [LogLine(f"line {n}", "b") for n in range(5, 5000)])
    again = start(project, served.store, int(served.url.rpartition(":")[2]))
    try:
        second = Client(url, {"last-event-id": seen})
        moves(served.store, ("b", S.SUCCESS), (None, S.FAILED))
        second.wait("end")
        second.ended()
    finally:
        again.end()
    lines = first.lines() + second.lines()
    assert lines == [f"line {n}" for n in range(5000)]
    last = {told.data["key"]: told.data["state"] for told in second.of("task")}
    assert last == {"a": "Success", "b": "Success"}


def test_where_to_go_on_may_stand_in_the_address(served: Served) -> None:
    make(served.store)
    served.store.append_logs("a1", [LogLine(f"line {n}", "ab"[n % 2]) for n in range(10)])
    moves(served.store, (None, S.RUNNING), (None, S.SUCCESS))
    client = Client(f"{served.url}/api/v1/runs/a1/stream?logs=1&after=0.7")
    client.ended()
    assert client.lines() == ["line 7", "line 8", "line 9"]
    one = Client(f"{served.url}/api/v1/runs/a1/stream?logs=1&after=0.0&key=b")
    one.ended()
    assert one.lines() == ["line 1", "line 3", "line 5", "line 7", "line 9"]
    assert one.told[-1].id.endswith(".10")


def test_who_does_not_read_the_log_is_not_sent_it(served: Served) -> None:
    make(served.store)
    client = Client(f"{served.url}/api/v1/runs/a1/stream?key=b")
    client.wait("run")
    served.store.append_logs("a1", [LogLine("hello", "b")])
    moves(served.store, (None, S.RUNNING), ("a", S.RUNNING), ("b", S.RUNNING))
    client.wait("task")
    moves(served.store, ("b", S.SUCCESS), (None, S.CANCELLED))
    client.ended()
    assert client.of("log") == []
    assert {told.data["key"] for told in client.of("task")} == {"b"}


def test_all_runs_of_the_project_are_followed(served: Served) -> None:
    make(served.store)
    client = Client(f"{served.url}/api/v1/stream")
    assert client.opened.wait(30)
    make(served.store, "b2")
    make(served.store, "c3", project="another")
    assert client.wait("run").data["run_id"] == "b2"
    moves(served.store, (None, S.RUNNING))
    found = client.wait("run", 2)
    assert (found.data["run_id"], found.data["state"]) == ("a1", "Running")
    moves(served.store, (None, S.SUCCESS), run_id="b2")
    client.wait("run", 3)
    late = Client(f"{served.url}/api/v1/stream", {"last-event-id": found.id})
    assert late.wait("run").data["run_id"] == "b2"
    assert {told.data["run_id"] for told in client.told} == {"a1", "b2"}


def test_an_unknown_run_has_no_stream(served: Served) -> None:
    answer = httpx.get(f"{served.url}/api/v1/runs/nothing/stream")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "NotFoundError")
    make(served.store)
    odd = httpx.get(f"{served.url}/api/v1/runs/a1/stream?after=x")
    assert odd.status_code == 422


class Counting(MemoryStore):
    """Counts how often the events of a run are read."""

    reads = 0

    def events(self, *asked: Any, **more: Any) -> Any:
        self.reads += 1
        return super().events(*asked, **more)


def test_the_store_is_read_once_however_many_clients_there_are() -> None:
    store = Counting()
    make(store)

    async def many() -> tuple[int, int]:
        hub = Hub(store, "shop")
        streams = [hub.run("a1", View(), Place(1, 0)) for _ in range(200)]
        firsts = [asyncio.ensure_future(_texts(stream)) for stream in streams]
        await asyncio.sleep(0.3)
        before = store.reads
        await asyncio.sleep(1.0)
        during = store.reads - before
        moves(store, (None, S.RUNNING), (None, S.SUCCESS))
        ends = [(await first)[-1] for first in firsts]
        assert all(text.startswith(b"event: end") for text in ends)
        return during, len(hub._feeds)

    during, left = asyncio.run(many())
    assert 1 <= during <= 8, "one reader four times a second"
    assert left == 0, "nobody follows, nobody reads"


async def _texts(stream: Any) -> list[bytes]:
    return [text async for text in stream]


def test_a_client_that_does_not_read_is_let_go() -> None:
    async def slow() -> list[bytes]:
        follower = Follower(View())
        for n in range(1000):
            follower.tell(b"%d" % n)
        assert follower._waiting.qsize() < 100
        return [text async for text in follower.heard()]

    heard = asyncio.run(slow())
    assert len(heard) < 100


class Failing:
    """A reader whose store is away at first."""

    pause, place = 0.01, Place(1, 0)

    def __init__(self) -> None:
        self.tries = 0

    def news(self) -> News | None:
        from orchestrator.errors import StoreError

        self.tries += 1
        if self.tries == 1:
            raise StoreError("the database restarts")
        return News(self.place, self.place, ended="Success")

    def missed(self, *asked: object) -> list[bytes]:
        return []


def test_a_stream_outlives_a_store_that_restarts(monkeypatch: Any) -> None:
    from anyio import CapacityLimiter

    monkeypatch.setattr("orchestrator.server.streams.feed._AFTER_ERROR", 0.01)

    async def follow() -> list[bytes]:
        feed = Feed(Failing(), CapacityLimiter(1), lambda: None)
        return [text async for text in feed.follow(View(), None)]

    assert asyncio.run(follow())[-1].startswith(b"event: end")


def test_only_the_last_event_of_a_piece_moves_the_place() -> None:
    text = told([("run", {"a": 1}), ("task", {"b": "\n"})], "1.0", "5.2").decode()
    assert text.split("\n\n")[:2] == [
        'event: run\nid: 1.0\ndata: {"a": 1}',
        'event: task\nid: 5.2\ndata: {"b": "\\n"}',
    ]


def test_stopping_ends_the_streams_at_once(served: Served) -> None:
    make(served.store)
    clients = [Client(f"{served.url}/api/v1/runs/a1/stream") for _ in range(5)]
    clients += [Client(f"{served.url}/api/v1/stream") for _ in range(5)]
    for client in clients:
        assert client.opened.wait(30)
    served.end()
    for client in clients:
        client.ended()
