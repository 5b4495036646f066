"""Requests that are sent again, and those that are not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.client import Client, connection
from orchestrator.client.following import messages
from orchestrator.client.translating import translated
from orchestrator.errors import (
    ConfigurationError,
    InfrastructureError,
    NotFoundError,
    OrchestratorError,
    StoreError,
    UsageError,
)


class Moody:
    """A server that answers with what it is told, one after the other, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        moody = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                moody.asked.append((self.command, self.path, dict(self.headers)))
                status, body = moody.answers.pop(0)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self._thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moody]:
    monkeypatch.setattr(connection, "_pause", lambda tries: 0.0)
    found = Moody()
    yield found
    found.close()


AWAY, GONE, FINE = (503, "{}"), (0, ""), (200, '{"run_id": "a1", "state": "Success"}')


@pytest.mark.parametrize("trouble", [AWAY, GONE])
def test_what_may_be_sent_twice_is_sent_again(moody: Moody, trouble: tuple[int, str]) -> None:
    moody.answers = [trouble, trouble, FINE, trouble, FINE]
    with Client(moody.url) as client:
        assert client.runs.get("a1")["run_id"] == "a1"
        assert client.runs.create("nightly")["run_id"] == "a1"
    keys = [headers["Idempotency-Key"] for method, _, headers in moody.asked if method == "POST"]
    assert len(keys) == 2
    assert keys[0] == keys[1]


@pytest.mark.parametrize("trouble", [AWAY, GONE])
def test_what_may_not_be_sent_twice_is_not(moody: Moody, trouble: tuple[int, str]) -> None:
    moody.answers = [trouble, FINE]
    with Client(moody.url) as client, pytest.raises(InfrastructureError):
        client.runs.retry("a1")
    assert len(moody.asked) == 1


def test_it_gives_up(moody: Moody) -> None:
    moody.answers = [AWAY] * 10
    with Client(moody.url, retries=2) as client, pytest.raises(InfrastructureError):
        client.runs.get("a1")
    assert len(moody.asked) == 3


def test_the_token_goes_with_each_request_and_into_no_error(moody: Moody) -> None:
    body = json.dumps(
        {"error": {"kind": "NotFoundError", "what": "no run", "where": "x", "fix": "y"}}
    )
    moody.answers = [(404, body)]
    with Client(moody.url, token="s3cr3t-token") as client, pytest.raises(NotFoundError) as caught:
        client.runs.get("a1")
    assert moody.asked[0][2]["Authorization"] == "Bearer s3cr3t-token"
    assert "s3cr3t" not in repr(caught.value) + str(caught.value)
    assert (caught.value.what, caught.value.where, caught.value.fix) == ("no run", "x", "y")


def test_writes_are_json_whatever_they_hold(moody: Moody) -> None:
    moody.answers = [(200, "{}")] * 2
    with Client(moody.url) as client:
        client.deployments.pause("night/ly")
        client.deployments.delete("a b")
    assert [path for _, path, _ in moody.asked] == [
        "/api/v1/deployments/night%2Fly/pause",
        "/api/v1/deployments/a%20b",
    ]
    assert {headers["Content-Type"] for *_, headers in moody.asked} == {"application/json"}


def test_a_server_that_is_not_there() -> None:
    with (
        Client("http://127.0.0.1:9", retries=0) as client,
        pytest.raises(InfrastructureError, match="cannot be reached") as caught,
    ):
        client.runs.get("a1")
    assert "orchestrator serve" in str(caught.value.fix)


@pytest.mark.parametrize("url", ["127.0.0.1:4280", "ftp://x", ""])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Client(url)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"kind": "NotFoundError", "what": "x"}}, NotFoundError),
        (503, {"error": {"kind": "StoreError", "what": "x"}}, StoreError),
        (401, {"error": {"kind": "UnauthorizedError", "what": "x"}}, UsageError),
        (400, {"error": {"kind": "SystemExit", "what": "x"}}, UsageError),
        (502, None, InfrastructureError),
        (404, "<html>", NotFoundError),
        (200, [], InfrastructureError),
        (404, {"error": {"kind": "UsageError", "what": "x"}}, NotFoundError),
        (500, {"error": {"what": 3}}, InfrastructureError),
    ],
)
def test_errors_are_translated(status: int, body: object, kind: type[OrchestratorError]) -> None:
    assert type(translated(status, body, "http://x")) is kind


def test_streams_are_read() -> None:
    lines = ["retry: 1000", "", "event: log", "id: 3.7", "data: a", "data: b", "", ": alive", "",
             "event: end", "data: {}", "", "data: cut off"]  # fmt: skip
    found = [(each.kind, each.data, each.id) for each in messages(lines)]
    assert found == [("log", "a\nb", "3.7"), ("end", "{}", "3.7")]
