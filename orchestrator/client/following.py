"""The lines of a run as they are written, over a stream that is taken up again where it broke."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from orchestrator.client.connection import Connection, Json

_SILENCE = 45.0  #: seconds without a word: three times what a living stream is silent at most
_PATIENCE = 60.0  #: seconds that a server may be away before that is an error
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream: its kind, its data as text, and the id to go on from."""

    kind: str = "message"
    data: str = ""
    id: str | None = None


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """Read server-sent events.

    Example:
        >>> [each.data for each in messages(["event: log", "id: 3.7", "data: {}", "", ": alive"])]
        ['{}']
    """
    message, data = Message(), list[str]()
    for line in lines:
        if not line:
            if data:
                yield replace(message, data="\n".join(data))
            message, data = Message(id=message.id), []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            message = replace(message, kind=value)
        elif name == "data":
            data.append(value)
        elif name == "id":
            message = replace(message, id=value)


def follow(
    connection: Connection, path: str, *, key: str | None, after: int, level: str | None,
    search: str | None,
) -> Iterator[Json]:  # fmt: skip
    """Yield each line of a run's log, until the run has ended.

    A line comes once, however often the stream breaks.

    Args:
        connection: The server.
        path: The path of the run's stream.
        key: Only of this task.
        after: Only lines with a greater number.
        level: Only of this level and those above it.
        search: Only those that hold this text.

    Raises:
        InfrastructureError: The server is away for longer than a minute.
    """
    import httpx

    at, seen, gone = f"0.{after}", after, None
    while True:
        headers = {"Last-Event-ID": at, "Accept": "text/event-stream"}
        try:
            with connection.stream(path, {"logs": 1, "key": key}, headers, _SILENCE) as lines:
                for message in messages(lines):
                    gone, at = None, message.id or at
                    if message.kind == "end":
                        return
                    for line in _lines(message):
                        if line["seq"] > seen:
                            seen = line["seq"]
                            if _passes(line, level, search):
                                yield line
        except httpx.TransportError as error:
            gone = gone if gone is not None else time.monotonic()
            if time.monotonic() - gone > _PATIENCE:
                raise connection.away(error) from error
        time.sleep(1.0)  # as the stream asks for: a server that comes back is not stormed


def _lines(message: Message) -> Iterable[Json]:
    if message.kind != "log":
        return ()
    found: list[Json] = json.loads(message.data)["lines"]
    return found


def _passes(line: Json, level: str | None, search: str | None) -> bool:
    if level is not None and _LEVELS.index(line["level"]) < _LEVELS.index(level):
        return False
    return search is None or search.lower() in line["text"].lower()
