"""Server-sent events as text, made once for all clients that look at the same things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape, dumps
from orchestrator.store.records import LogLine

#: How a stream begins: a client whose connection breaks comes back after a second.
BEGINNING = b"retry: 1000\n\n"
BEAT = b":\n\n"  #: says nothing, so that proxies do not take the connection for dead


@dataclass(frozen=True, slots=True)
class View:
    """What a client looks at.

    Args:
        logs: Whether it reads the log.
        key: The one task that it looks at; None for all.
    """

    logs: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How far somebody has read.

    Args:
        event: The last event.
        line: The last line of the log.
    """

    event: int = 0
    line: int = 0

    def __str__(self) -> str:
        return f"{self.event}.{self.line}"


@dataclass
class News:
    """What happened between two places.

    Args:
        since: Where it begins.
        until: Where it ends.
        run: The run, if it changed.
        tasks: The tasks that changed, by key.
        lines: What was logged.
        ended: The run's state, if this is the end.
    """

    since: Place
    until: Place
    run: Shape | None = None
    tasks: Mapping[str, Shape] = field(default_factory=dict)
    lines: Sequence[LogLine] = ()
    ended: str | None = None
    _texts: dict[View, bytes] = field(default_factory=dict)

    def text(self, view: View) -> bytes:
        """What a client is sent; empty if none of it concerns what it looks at."""
        if view not in self._texts:
            self._texts[view] = told(list(self._events(view)), str(self.since), str(self.until))
        return self._texts[view]

    def _events(self, view: View) -> Iterator[tuple[str, Shape]]:
        if self.run is not None:
            yield "run", self.run
        for key, task in self.tasks.items():
            if view.key in (None, key):
                yield "task", task
        if view.logs:
            lines = [shapes.line(line) for line in self.lines if view.key in (None, line.key)]
            if lines:
                yield "log", {"lines": lines}
        if self.ended is not None:
            yield "end", {"state": self.ended}


def told(events: Sequence[tuple[str, Shape]], before: str, after: str) -> bytes:
    """Events as they are sent.

    Only the last has the new id: whoever has read but some of them gets all of them again.

    Example:
        >>> told([("end", {"state": "Success"})], "3.0", "4.0")
        b'event: end\\nid: 4.0\\ndata: {"state": "Success"}\\n\\n'
    """
    last = len(events) - 1
    return b"".join(
        f"event: {name}\nid: {after if i == last else before}\ndata: {dumps(data)}\n\n".encode()
        for i, (name, data) in enumerate(events)
    )
