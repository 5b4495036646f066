"""Real HTTP servers on this machine that accept, refuse, redirect, hang, or answer drop by drop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT = 30.0  #: seconds after which a test that waits in vain fails


class Receiver:
    """What a server got, and how it behaves: ``ok``, ``error``, ``redirect``, ``hang``, ``drip``."""

    def __init__(self) -> None:
        self.behaviour = "ok"
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.came = threading.Semaphore(0)
        self.released = threading.Event()
        self.url = ""

    def wait(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.came.acquire(timeout=WAIT), "nothing came"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@contextmanager
def receiving(behaviour: str = "ok") -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.behaviour = behaviour

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), body))
            receiver.came.release()
            if receiver.behaviour == "hang":
                receiver.released.wait(WAIT)
            elif receiver.behaviour == "drip":
                self._drip()
            elif receiver.behaviour == "redirect":
                self.send_response(302)
                self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.send_response(200 if receiver.behaviour == "ok" else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def _drip(self) -> None:
            try:
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 1000:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if receiver.released.wait(0.05):
                        return
            except OSError:
                receiver.released.set()

        def log_message(self, *said: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *said: object) -> None:
            """Who was cut off makes no noise."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join(WAIT)
