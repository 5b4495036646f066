"""Serves the application of a project: on which address, under which names, and to whom."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable

from orchestrator import instants
from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from orchestrator.service.serving.parts import Part
from orchestrator.service.serving.web import is_loopback, listening, serve_app
from orchestrator.store.base import RunStore

_ANY = ("0.0.0.0", "::")  #: no names: an address of each network


def reachable(store: RunStore, host: str, port: int) -> socket.socket:
    """Bind an address; one that other machines can reach only if there is a good token.

    Args:
        store: Has the tokens.
        host: An address of this machine.
        port: The port; 0 takes any free one.

    Raises:
        UsageError: Others could reach it and there is no token, or it is taken.
    """
    now = instants.now()
    return listening(host, port, guarded=any(token.is_good(now) for token in store.tokens()))


def serve(
    project: Project,
    store: RunStore,
    taken: socket.socket,
    stop: threading.Event,
    parts: Iterable[Part] = (),
) -> None:
    """Serve a project on a bound socket until told to stop.

    Args:
        project: The project.
        store: Its run store.
        taken: The socket.
        stop: Set to stop it.
        parts: What works in this process besides.
    """
    address = str(taken.getsockname()[0])
    locked = not is_loopback(address)
    own = (address,) if locked and address not in _ANY else ()
    app = create_app(project, store, parts, hosts=(*project.settings.hosts, *own), locked=locked)
    serve_app(app, taken, stop, ending=app.state.streams.close)
