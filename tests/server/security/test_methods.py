"""A method that a path has not, a path that is not there, and writes without a body."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from tests.server.security.routes import every_route

Header = Callable[..., dict[str, str]]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
GONE = "/api/v1/deployments/nightly"


def deploy(store: RunStore) -> None:
    store.deploy(Deployment("d1", "shop", "nightly", "a" * 12, "/nowhere"))


def test_a_path_tells_which_methods_it_takes(app: FastAPI, client: TestClient) -> None:
    taken: dict[str, set[str]] = {}
    for asked in every_route(app):
        if asked.pattern.startswith("/api"):
            taken.setdefault(asked.path, set()).add(asked.method)
    assert len(taken) > 40
    for path, methods in taken.items():
        for method in set(METHODS) - methods:
            answer = client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v2/runs", "/api/v1/nothing", "/api/v1/runs/",
             "/api/v1/runs/a1/none", "/api/v1/deployments/a/b/c"],
)  # fmt: skip
def test_a_path_that_is_not_there_is_found_by_no_method(
    client: TestClient, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert "allow" not in answer.headers


def test_beyond_the_api_nothing_is_changed(client: TestClient) -> None:
    for path in ("/", "/runs/a1", "/health"):
        answer = client.post(path, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_who_asks_comes_before_how(app: FastAPI, client: TestClient, token: Header) -> None:
    viewer = token("view")
    for asked in every_route(app):
        if asked.writes and asked.path != "/api/v1/login":
            for kind in ({}, {"content-type": "text/plain"}):
                given = client.request(asked.method, asked.path, headers=kind)
                assert given.status_code == 401, asked
    for method, path in (("PATCH", "/api/v1/runs"), ("POST", "/api/v1/nothing"), ("GET", "/api")):
        assert client.request(method, path).status_code == 401
    assert client.post("/api/v1/runs", headers=viewer).status_code == 403
    assert client.patch("/api/v1/runs", headers=token("run")).status_code == 405
    assert client.post("/api/v1/runs", headers=token("run", "b")).status_code == 415
    assert client.post("/api/v1/login", content="{}").status_code == 415


def test_what_says_nothing_may_be_deleted_without_a_type(
    client: TestClient, store: RunStore
) -> None:
    deploy(store)
    assert client.delete(GONE).json()["done"] == "deleted"


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "text/plain"}, {"content-type": ""}, {"content-length": "2"},
     {"transfer-encoding": "chunked"}, {"content-length": "-1"}],
    ids=str,
)  # fmt: skip
def test_what_says_anything_says_its_type(
    client: TestClient, store: RunStore, headers: dict[str, str]
) -> None:
    deploy(store)
    assert client.delete(GONE, headers=headers).status_code == 415
    assert store.current("shop", "nightly").id == "d1", "still there"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
     {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}],
    ids=str,
)  # fmt: skip
def test_no_other_site_deletes_anything_or_may_ask_whether_it_might(
    client: TestClient, store: RunStore, headers: dict[str, str]
) -> None:
    deploy(store)
    assert client.delete(GONE, headers=headers).status_code == 403
    asking = {**headers, "access-control-request-method": "DELETE"}
    answer = client.options(GONE, headers=asking)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    for path in (f"{GONE}/pause", "/api/v1/runs"):
        assert client.post(path, headers=headers).status_code == 403
    assert store.current("shop", "nightly").id == "d1", "still there"


def test_other_writes_say_their_type_though_they_say_nothing_else(client: TestClient) -> None:
    for path in (f"{GONE}/pause", "/api/v1/runs/a1/cancel", "/api/v1/logout"):
        assert client.post(path).status_code == 415, path
