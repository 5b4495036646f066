"""A TCP proxy that breaks connections at a word, and refuses new ones for a while."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Passes bytes on to a port, until a client says :attr:`word`.

    Args:
        target: Port on loopback.
        word: Bytes at which, once, all connections break.
        refusals: How many new connections are broken after that, before it works again.
    """

    def __init__(self, target: int, word: bytes, refusals: int) -> None:
        self.target, self.word, self.refusals = target, word, refusals
        self.broke = 0
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False

    def serve(self) -> None:
        """Accept until closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.broke and self.refused < self.refusals:
                self.refused += 1
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def close(self) -> None:
        """End all."""
        # Only so is the thread woken that waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            for one in other:
                selector.register(one, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(30):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(65_536)
                    if not data:
                        raise OSError
                    if source is client and self.word in data and not self.broke:
                        self.broke += 1
                        self._break()
                    other[source].sendall(data)
        client.close()
        server.close()

    def _break(self) -> None:
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()


@contextlib.contextmanager
def proxied(target: int, word: bytes, refusals: int) -> Iterator[Proxy]:
    """Start a proxy in front of a port."""
    proxy = Proxy(target, word, refusals)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
