"""What others were attacked by, one test for each way in that concerns a server."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import orchestrator.server
from orchestrator.errors import UsageError
from orchestrator.server.serving import reachable
from orchestrator.service.serving.web import listening
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, LogLine, TaskRun
from tests.server.security.routes import every_route
from tests.server.security.test_page_files import CORPUS

Header = Callable[..., dict[str, str]]
SERVER = Path(orchestrator.server.__path__[0])
XSS = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def modules() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text())) for path in sorted(SERVER.rglob("*.py"))]


def test_cve_2020_13927_no_api_is_open_beyond_this_machine(store: RunStore) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7"):
        with pytest.raises(UsageError, match="can be reached from other machines"):
            reachable(store, host, 0)


def test_cve_2021_38540_no_single_route_forgot_to_ask(
    app: FastAPI, client: TestClient, token: Header
) -> None:
    token("view")
    api = [asked for asked in every_route(app) if asked.pattern.startswith("/api")]
    for asked in api:
        if asked.pattern != "/api/v1/login":
            given = client.request(
                asked.method, asked.path, headers={"content-type": "application/json"}
            )
            assert given.status_code == 401, asked


def test_cve_2026_7723_no_stream_is_open(client: TestClient, token: Header) -> None:
    token("view")
    for path in ("/api/v1/stream", "/api/v1/runs/a1/stream?logs=1", "/api/v1/events/in"):
        assert client.get(path).status_code == 401


def test_cve_2026_3514_names_that_end_like_an_open_path_stay_closed(
    client: TestClient, token: Header, store: RunStore
) -> None:
    store.create_run(FlowRun("health", "x/health", "shop"), [TaskRun("health", "x/ready", "r")])
    token("view")
    for path in ("/api/v1/runs/health", "/api/v1/runs/health/task?key=x/ready",
                 "/api/v1/flows/x%2Fhealth", "/api/v1/runs/health?/health"):  # fmt: skip
        assert client.get(path).status_code == 401


def test_cve_2025_14279_a_name_that_is_led_here_is_no_name_of_ours(client: TestClient) -> None:
    assert client.get("/api/v1/me", headers={"host": "rebind.evil.example"}).status_code == 400


def test_ghsa_4hh5_2678_83fx_no_other_site_makes_a_browser_write(client: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/api/v1/runs", content="flow=nightly", headers=form).status_code == 415
    plain = {"content-type": "text/plain"}
    assert client.post("/api/v1/runs", content='{"flow":"x"}', headers=plain).status_code == 415
    other = {"origin": "https://evil.example"}
    assert client.post("/api/v1/runs", json={"flow": "x"}, headers=other).status_code == 403


@pytest.mark.parametrize("name", [*CORPUS, "/x", "a/b", "..", "~", "a%00b"])
def test_cve_2023_51232_no_name_from_a_client_becomes_a_path(
    client: TestClient, store: RunStore, name: str
) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", "load", "load")])
    for path in (f"/api/v1/runs/{name}/logs/download", f"/api/v1/flows/{name}"):
        assert client.get(path).status_code in (400, 404, 422), path
    for path in ("/api/v1/runs/a1/logs", "/api/v1/runs/a1/logs/download", "/api/v1/runs/a1/task"):
        answer = client.get(path, params={"key": name})
        assert answer.status_code in (200, 404, 422)
        assert "root:" not in answer.text
    answer = client.get("/api/v1/dataset", params={"name": name})
    assert answer.status_code in (404, 422)


def test_cve_2023_22887_ids_of_runs_are_ours(client: TestClient) -> None:
    made = client.post("/api/v1/runs", json={"flow": "nightly"}).json()
    assert len(made["run_id"]) == 16
    assert set(made["run_id"]) <= set("0123456789abcdef")
    chosen = client.post("/api/v1/runs", json={"flow": "nightly", "run_id": "../x"})
    assert chosen.status_code == 422
    for odd in ("a.b", "a%20b", "a;b", "%2e%2e", "x" * 65):
        assert client.get(f"/api/v1/runs/{odd}").status_code in (400, 404, 422)


def test_cve_2020_11982_the_server_unpickles_nothing() -> None:
    forbidden = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "yaml"}
    for path, tree in modules():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & {name.split(".")[0] for name in names}, path


def test_cve_2022_40127_the_server_starts_no_program() -> None:
    for path, tree in modules():
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            assert name not in ("eval", "exec", "system", "popen", "Popen", "check_output"), path
            imported = node.names if isinstance(node, ast.Import) else []
            assert "subprocess" not in [alias.name for alias in imported], path


def test_cve_2021_42343_it_listens_on_this_machine_alone() -> None:
    for host in ("localhost", "127.0.0.1"):
        with listening(host, 0) as taken:
            assert taken.getsockname()[0].startswith("127.")


def test_cve_2022_40754_no_answer_leads_elsewhere(app: FastAPI, client: TestClient) -> None:
    for path in ("//evil.example", "/login?next=//evil.example", "/api/v1/runs/", "/health/",
                 "/login?next=https://evil.example", "/\\evil.example"):  # fmt: skip
        answer = client.get(path, follow_redirects=False)
        assert not answer.is_redirect
        assert "location" not in answer.headers


def test_cve_2023_29247_names_stay_text(client: TestClient, store: RunStore) -> None:
    store.create_run(FlowRun("a1", XSS, "shop", message=XSS), [TaskRun("a1", XSS, XSS)])
    store.append_logs("a1", [LogLine(XSS, XSS)])
    for path in ("/api/v1/runs", "/api/v1/runs/a1", "/api/v1/runs/a1/logs", f"/api/v1/runs/{XSS}",
                 f"/api/v1/{XSS}", "/api/v1/search?q=script"):  # fmt: skip
        answer = client.get(path)
        assert answer.headers["content-type"].startswith("application/json"), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        json.loads(answer.text)
    download = client.get("/api/v1/runs/a1/logs/download")
    assert download.headers["content-type"].startswith("text/plain")


def test_cve_2020_17526_there_is_no_key_that_everybody_knows(
    client: TestClient, token: Header
) -> None:
    first, second = token("view", "a"), token("view", "b")
    assert first != second
    for guess in ("admin", "secret", "temporary_key", "orc_", "", "null", "undefined"):
        assert client.get("/api/v1/me", cookies={"orchestrator_session": guess}).status_code == 401


def test_cve_2022_41672_sessions_end_with_their_token(
    client: TestClient, token: Header, store: RunStore
) -> None:
    secret = token("admin", "ada")["authorization"].removeprefix("Bearer ")
    client.post("/api/v1/login", json={"token": secret})
    assert client.get("/api/v1/me").status_code == 200
    store.revoke_token("ada")
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs?limit=1000000000", "/api/v1/runs?limit=-1", "/api/v1/runs?limit=1e9",
        "/api/v1/runs/a1/logs?limit=1000000", "/api/v1/runs/a1/events?limit=10000000",
        "/api/v1/runs/a1/logs?after=99999999999999999999999", "/api/v1/runs/a1/logs?after=-1",
        "/api/v1/runs?before=" + "a" * 5000, "/api/v1/audit?limit=1000000000",
        "/api/v1/tasks/history?flow=nightly&key=x&last=1000000000",
        "/api/v1/schedules/preview?cron=*+*+*+*+*&timezone=UTC&next=1000000000",
        "/api/v1/lineage?dataset=x&depth=1000000000", "/api/v1/datasets?limit=1000000000",
        "/api/v1/flows/nightly/durations?last=1000000000",
    ],
)  # fmt: skip
def test_cve_2025_0453_no_request_asks_for_too_much(
    client: TestClient, store: RunStore, path: str
) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", "load", "load")])
    answer = client.get(path)
    assert 400 <= answer.status_code < 500, answer.text[:200]


def test_cve_2023_30798_no_route_takes_forms(app: FastAPI) -> None:
    for path in app.openapi()["paths"].values():
        for method in path.values():
            content = method.get("requestBody", {}).get("content", {"application/json": {}})
            assert set(content) == {"application/json"}
