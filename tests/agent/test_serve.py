"""The service in one process: it runs what is due, says how it is, and stops cleanly."""

from __future__ import annotations

import json
import signal
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

from orchestrator.errors import StoreError, UsageError
from orchestrator.model.state import StateType
from orchestrator.service.serving.health import health_of
from orchestrator.service.serving.parts import Parts
from orchestrator.service.serving.web import address_of, listening
from orchestrator.store.memory import MemoryStore
from tests.agent.world import World, finished, wait_for


def get(url: str, **headers: str) -> tuple[int, dict[str, Any] | str]:
    """Ask for a page; gives the status and what is said."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=30
        ) as got:
            said = got.read().decode()
            return got.status, json.loads(said) if "json" in got.headers["content-type"] else said
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_one_command_runs_what_is_due_and_stops_cleanly(world: World) -> None:
    process = world.start("serve", "--port", "0", "--format", "json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline() or '{"url": ""}')["url"]
    assert url.startswith("http://127.0.0.1:"), world.said()
    with world.project.store() as store:
        status, health = get(url + "/health")
        assert (status, health["status"], health["store"]) == (200, "ok", "ok")  # type: ignore[index]
        assert health["parts"].keys() == {"scheduler", "agent", "notifier"}  # type: ignore[index]
        run = world.write_down(store)
        wait_for(lambda: finished(store, run), why=world.said())
        assert store.run(run.id).state is StateType.SUCCESS
        long = world.write_down(store, parameters={"seconds": 60})
        wait_for(lambda: any(name.startswith(long.id) for name in world.ran()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, world.said()
        assert store.run(long.id).state is StateType.CANCELLED
        assert store.agents() == ()
    assert world.alive() == []


def test_the_api_alone_answers(sqlite_world: World) -> None:
    process = sqlite_world.start("api", "--port", "0", "--format", "json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    assert get(url + "/health")[0] == 200
    assert get(url + "/health", Host="evil.example")[0] == 400, "a foreign page's name for us"
    for path in ("/x/health", "/health/", "/healthy", "/docs", "/openapi.json"):
        assert "status" not in str(get(url + path)[1]), path
    assert get(url + "/api/v1/me")[1]["role"] == "admin"  # type: ignore[index]
    assert get(url + "/api/v1/nothing")[0] == 404
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, sqlite_world.said()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "shop.example", ""])
def test_addresses_that_others_can_reach_are_refused(host: str) -> None:
    with pytest.raises(UsageError, match="can be reached from other machines"):
        listening(host, 0)


def test_a_port_that_is_taken_is_said_before_anything_starts(sqlite_world: World) -> None:
    with listening("127.0.0.1", 0) as taken:
        taken.listen()
        port = address_of(taken).rpartition(":")[2]
        process = sqlite_world.start("serve", "--port", port)
        assert process.wait(60) == 2
    assert "cannot be listened on" in sqlite_world.said()


def test_it_listens_on_loopback_only() -> None:
    for host, family in (("localhost", socket.AF_INET), ("127.0.0.9", socket.AF_INET)):
        with listening(host, 0) as taken:
            assert taken.family == family
            assert taken.getsockname()[0].startswith("127.")


def test_a_part_that_breaks_is_started_again_and_the_others_go_on() -> None:
    tries, goes_on = [], threading.Event()

    def breaks(stop: threading.Event) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("the database restarts")
        goes_on.set()
        stop.wait()

    parts = Parts({"shaky": breaks, "steady": lambda stop: stop.wait() and None}, again=0.05)
    parts.start()
    assert goes_on.wait(30)
    health = health_of(MemoryStore(), parts)
    assert health["parts"]["shaky"]["restarts"] == 2
    assert health["parts"]["steady"] == {"alive": True, "restarts": 0, "error": ""}
    assert health["status"] == "ok"
    assert parts.stop()
    assert health_of(MemoryStore(), parts)["status"] == "broken", "nothing works any more"


def test_a_store_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**asked: object) -> None:
        raise StoreError("the database is gone")

    store = MemoryStore()
    monkeypatch.setattr(store, "runs", fails)
    assert health_of(store)["store"] == "the database is gone"
    assert health_of(store)["status"] == "broken"
