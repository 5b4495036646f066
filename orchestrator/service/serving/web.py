"""Serves the HTTP application on an address of this machine's own."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from orchestrator.errors import UsageError


def listening(host: str, port: int, *, guarded: bool = False) -> socket.socket:
    """Bind an address and return its socket.

    Args:
        host: ``localhost``, or an address of this machine.
        port: The port; 0 takes any free one.
        guarded: Whether requests are refused that show no token: then others may reach it.

    Raises:
        UsageError: Others than this machine could reach it unasked, or it is taken.

    Example:
        >>> with listening("127.0.0.1", 0) as taken:
        ...     taken.getsockname()[0]
        '127.0.0.1'
    """
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not guarded and not is_loopback(address):
        raise UsageError(
            f"{host} can be reached from other machines, and there is no token yet",
            fix="`orchestrator tokens create NAME --role admin` makes one; or use 127.0.0.1",
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))
        taken.listen(128)  # what comes before the server is ready waits
    except OSError as error:
        taken.close()
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            fix="end the program that has the port, or choose another with --port",
        ) from error
    return taken


def address_of(taken: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_app(
    app: Any,
    taken: socket.socket,
    stop: threading.Event,
    *,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve an ASGI app on a bound socket until told to stop; may run in any thread.

    Args:
        app: The app.
        taken: The socket.
        stop: Set to stop it.
        ending: Called first when it stops, to end the answers that have no end of their own.
    """
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    served = threading.Thread(
        target=server.run, kwargs={"sockets": [taken]}, name="http", daemon=True
    )
    served.start()
    while served.is_alive() and not stop.wait(0.5):
        pass
    ending()
    server.should_exit = True
    served.join()


def is_loopback(address: str) -> bool:
    """Whether an address is one that only this machine can reach."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
