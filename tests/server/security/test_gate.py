"""Every route there is refuses who may not use it: a new route is tried here by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from orchestrator.server.needs import StoreOf
from orchestrator.store.base import RunStore
from tests.server.security.routes import Asked, every_route

JSON = {"content-type": "application/json"}
#: What needs no token: one exact path, the page, and the way in.
OPEN = {"GET /health", "GET /{path:path}", "HEAD /{path:path}", "POST /api/v1/login"}
#: Writes that whoever may look may do.
TRIFLES = {"POST /api/v1/logout", "PUT /api/v1/graphs/{graph}/layout"}
ADMIN = ("/deployments", "/schedules", "/limits")
Header = Callable[..., dict[str, str]]


def tried(
    client: TestClient,
    app: FastAPI,
    headers: Mapping[str, str],
    *,
    leave: set[str] = frozenset(),  # type: ignore[assignment]
) -> Iterator[tuple[str, int]]:
    """Ask every route; gives what was asked and the status."""
    for asked in every_route(app):
        if str(asked) not in leave:
            more = JSON if asked.writes else {}
            given = client.request(asked.method, asked.path, headers={**more, **headers})
            yield str(asked), given.status_code


def test_the_routes_are_found(app: FastAPI) -> None:
    found = {str(asked) for asked in every_route(app)}
    assert found >= OPEN | TRIFLES
    assert {"GET /api/v1/runs/{run_id}/stream", "POST /api/v1/runs", "PUT /api/v1/limits"} <= found
    assert len(found) > 45


def test_no_route_answers_without_a_token(app: FastAPI, client: TestClient, token: Header) -> None:
    token("view")
    answers = dict(tried(client, app, {}, leave=OPEN))
    assert set(answers.values()) == {401}, answers


@pytest.mark.parametrize(
    "shown",
    ["Bearer wrong", "Bearer ", "Basic YTpi", "wrong", "Bearer orc_" + "A" * 43, "Bearer \x7f"],
)
def test_no_route_takes_what_is_no_token(
    app: FastAPI, client: TestClient, token: Header, shown: str
) -> None:
    token("admin")
    answers = dict(tried(client, app, {"authorization": shown}, leave=OPEN))
    assert set(answers.values()) == {401}, answers


def test_no_write_takes_the_role_that_looks(
    app: FastAPI, client: TestClient, token: Header
) -> None:
    header = token("view")
    reads = {str(asked) for asked in every_route(app) if not asked.writes}
    answers = dict(tried(client, app, header, leave=OPEN | TRIFLES | reads))
    assert set(answers.values()) == {403}, answers


def test_the_role_that_runs_changes_no_deployment_schedule_or_limit(
    app: FastAPI, client: TestClient, token: Header
) -> None:
    header = token("run")
    tries = [asked for asked in every_route(app) if asked.writes and str(asked) not in OPEN]
    answers = {asked: _status(client, asked, header) for asked in tries}
    for asked, status in answers.items():
        needs_admin = any(word in asked.pattern for word in ADMIN)
        if needs_admin:
            assert status == 403, asked
    runs = {asked: s for asked, s in answers.items() if "/runs" in asked.pattern}
    assert runs
    assert not {str(asked): s for asked, s in runs.items() if s in (401, 403)}


def _status(client: TestClient, asked: Asked, header: Mapping[str, str]) -> int:
    return client.request(asked.method, asked.path, headers={**JSON, **header}).status_code


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4280", "127.0.0.1.evil.example", "localhost.evil.example",
     "127.0.0.1@evil.example", "", "169.254.169.254", "[::ffff:8.8.8.8]", "localhost evil.example"],
)  # fmt: skip
def test_no_route_answers_under_a_foreign_name(
    app: FastAPI, client: TestClient, token: Header, host: str
) -> None:
    header = {**token("admin"), "host": host}
    answers = dict(tried(client, app, header))
    assert set(answers.values()) == {400}, answers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_no_route_answers_a_page_of_somebody_else(
    app: FastAPI, client: TestClient, token: Header, headers: dict[str, str]
) -> None:
    page = {"GET /health", "GET /{path:path}", "HEAD /{path:path}"}
    answers = dict(tried(client, app, {**token("admin"), **headers}, leave=page))
    assert set(answers.values()) == {403}, answers


def test_a_link_to_the_page_may_be_opened_from_anywhere(client: TestClient) -> None:
    opened = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/runs/a1", headers=opened).status_code == 404, "not built, not refused"
    assert client.get("/api/v1/me", headers=opened).status_code == 200
    assert client.post("/api/v1/logout", json={}, headers=opened).status_code == 403


def test_its_own_page_may_ask(client: TestClient) -> None:
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert client.get("/api/v1/me", headers=own).status_code == 200
    assert client.post("/api/v1/logout", json={}, headers=own).status_code == 204


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "application/json, text/plain", "text/plain; a=application/json"],
)  # fmt: skip
def test_no_write_takes_what_a_form_sends(app: FastAPI, client: TestClient, kind: str) -> None:
    reads = {str(asked) for asked in every_route(app) if not asked.writes}
    answers = dict(tried(client, app, {"content-type": kind}, leave=reads))
    assert set(answers.values()) == {415}, answers


def test_no_write_takes_more_than_a_megabyte(app: FastAPI, client: TestClient) -> None:
    def much() -> Iterator[bytes]:  # sent in pieces, so that its length is not said beforehand
        yield b'{"token": "'
        for _ in range(20):
            yield b"x" * 100_000
        yield b'"}'

    for asked in every_route(app):
        if asked.writes:
            said = {**JSON, "content-length": str(2**20 + 1)}
            answer = client.request(asked.method, asked.path, headers=said, content=b"{}")
            assert answer.status_code == 413, asked
    login = client.post("/api/v1/login", headers=JSON, content=much())
    assert login.status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/events/in", "/", "/health", "/ws"])
def test_no_websocket_is_opened(client: TestClient, path: str) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(path):
        raise AssertionError("it was opened")
    assert refused.value.code == 1008


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/health", "/api/v1/runs/health", "/api/v1/runs/latest/health", "/api/v1/x/ready",
        "/api/v1/flows/health", "/api/v1/flows/x%2Fhealth", "/api/v1/deployments/health",
        "/api/v1/runs?flow=/health", "/api/v1/runs/%2Fhealth", "/api/v1/me/health", "/api/health",
        "/api/v1/tasks/history?key=/health", "/api", "/api/", "/api/v1", "/api/v1/",
        "/api/v1/static/app.js", "/api/v1/assets/index.js", "/api/v1/runs.js",
    ],
)  # fmt: skip
def test_nothing_under_api_is_open_however_it_ends(
    client: TestClient, token: Header, path: str
) -> None:
    token("view")
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["//api/v1/runs", "/x/../api/v1/runs", "/API/v1/runs", "/%61pi/v1/runs", "/./api/v1/runs",
     "/health/../api/v1/runs", "/health/api/v1/runs", "/;/api/v1/runs", "/api\\v1\\runs"],
)  # fmt: skip
def test_no_other_spelling_leads_to_the_api(
    client: TestClient, token: Header, path: str, store: RunStore
) -> None:
    token("view")
    answer = client.get(path)
    assert answer.status_code in (401, 404)
    assert '"runs"' not in answer.text


def test_health_alone_is_open(client: TestClient, token: Header) -> None:
    token("view")
    assert client.get("/health").json()["status"] == "ok"
    for path in ("/health/", "/healthy", "/x/health", "/HEALTH"):
        assert client.get(path).status_code == 404
    assert client.post("/health", json={}).status_code == 405


def test_every_kind_of_answer_forbids_what_a_page_does_not_need(
    app: FastAPI, token: Header
) -> None:
    @app.router.get("/api/v1/broken")
    def broken(store: StoreOf) -> None:
        raise RuntimeError("orders of ada")

    app.router.routes.insert(0, app.router.routes.pop())
    client = TestClient(app, base_url="http://127.0.0.1")
    answers = {
        200: client.get("/api/v1/me"),
        400: client.get("/api/v1/me", headers={"host": "evil.example"}),
        404: client.get("/api/v1/nothing"),
        405: client.delete("/health"),
        500: client.get("/api/v1/broken"),
    }
    token("view")
    answers[401] = client.get("/api/v1/me")
    for status, answer in answers.items():
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "base-uri 'none'",
                     "form-action 'none'", "frame-ancestors 'none'"):  # fmt: skip
            assert part in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        if status not in (200, 405):
            assert set(answer.json()["error"]) == {"kind", "what", "where", "fix", "exit_code"}
    assert "ada" not in answers[500].text
    assert "RuntimeError" not in answers[500].text
    assert answers[401].headers["www-authenticate"] == "Bearer"
    assert answers[200].headers["cache-control"] == "no-store"
