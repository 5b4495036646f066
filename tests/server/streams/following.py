"""A server on a port of its own, and clients that read its streams."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from orchestrator.server.app import create_app
from orchestrator.server.serving import reachable
from orchestrator.service.project import Project
from orchestrator.service.serving.web import address_of, serve_app
from orchestrator.store.base import RunStore


@dataclass
class Served:
    """A server, its store, and how to end it."""

    url: str
    store: RunStore
    stop: threading.Event
    app: Any
    thread: threading.Thread

    def end(self) -> None:
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


def start(project: Project, store: RunStore, port: int = 0) -> Served:
    """Serve until it is told to end."""
    app, stop = create_app(project, store), threading.Event()
    taken = reachable(store, "127.0.0.1", port)
    ending = {"ending": app.state.streams.close}
    thread = threading.Thread(target=_serve, args=(app, taken, stop), kwargs=ending)
    thread.start()
    return Served(address_of(taken), store, stop, app, thread)


def _serve(app: Any, taken: Any, stop: threading.Event, **more: Any) -> None:
    with taken:
        serve_app(app, taken, stop, **more)


@dataclass
class Told:
    """One event as a client gets it."""

    name: str = "message"
    id: str = ""
    data: Any = None


@dataclass
class Client:
    """Reads a stream beside the test, until it ends."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    status: int = 0
    _more: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.opened = threading.Event()
        self.thread.start()

    def _read(self) -> None:
        with httpx.Client(timeout=60) as client, client.stream(
            "GET", self.url, headers=self.headers
        ) as answer:  # fmt: skip
            self.status = answer.status_code
            now = Told()
            for line in answer.iter_lines():
                if line.startswith("retry:"):
                    self.opened.set()
                elif not line and now.data is not None:
                    with self._more:
                        self.told.append(now)
                        self._more.notify_all()
                    now = Told()
                name, _, value = line.partition(": ")
                if name == "data":
                    now.data = json.loads(value)
                elif name in ("event", "id"):
                    setattr(now, "name" if name == "event" else "id", value)

    def wait(self, name: str, number: int = 1) -> Told:
        """Wait for the so-manieth event of a name."""
        with self._more:
            there = self._more.wait_for(lambda: len(self.of(name)) >= number, 30)
        assert there, self.told
        return self.of(name)[number - 1]

    def of(self, name: str) -> list[Told]:
        return [told for told in self.told if told.name == name]

    def lines(self) -> list[str]:
        """The text of every line of the log, in order."""
        return [line["text"] for told in self.of("log") for line in told.data["lines"]]

    def ended(self) -> None:
        self.thread.join(30)
        assert not self.thread.is_alive()
