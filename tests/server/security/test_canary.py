"""A secret that somebody sends, or that errors carry, is told to nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from orchestrator.errors import StoreError
from orchestrator.secrets import masker
from orchestrator.server.app import create_app
from orchestrator.server.security.issuing import issue
from orchestrator.service.project import Project
from orchestrator.store.opening import open_store

CANARY = "canary-7f3a91c2d4"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")  # the client's own
    return lambda: caplog.text


def test_what_a_client_sends_wrongly_is_not_said_back(
    client: TestClient, said: Callable[[], str]
) -> None:
    answers = [
        client.post("/api/v1/login", json={"token": CANARY}),
        client.post("/api/v1/login", json={"token": {"a": CANARY}}),
        client.post("/api/v1/login", json={"token": ["x"]}, params={"token": CANARY}),
        client.get("/api/v1/me", headers={"authorization": f"Bearer {CANARY}"}),
        client.get("/api/v1/me", headers={"authorization": CANARY}),
        client.get("/api/v1/me", headers={"cookie": f"orchestrator_session={CANARY}"}),
        client.post("/api/v1/runs", content=f'{{"flow": {CANARY}',
                    headers={"content-type": "application/json"}),
        client.post("/api/v1/runs", json={"flow": ["x"], "parameters": CANARY}),
        client.get(f"/nothing?token={CANARY}"),
        client.get("/health", headers={"x-token": CANARY}),
    ]  # fmt: skip
    for answer in answers:
        assert CANARY not in answer.text + str(answer.headers), answer.request.url
    assert CANARY not in said()


def test_an_error_that_holds_a_secret_is_masked(
    project: Project, tmp_path: Path, said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    masker().add(CANARY)
    with open_store(tmp_path / "s.db") as store:
        client = TestClient(create_app(project, store), base_url="http://127.0.0.1")

        def fails(*asked: object, **more: object) -> None:
            raise StoreError(f"cannot reach {CANARY}", where=CANARY, fix=f"use {CANARY}")

        def breaks(*asked: object, **more: object) -> None:
            raise ValueError(f"password={CANARY}")

        for broken in (fails, breaks):
            monkeypatch.setattr(store, "run", broken)
            answer = client.get("/api/v1/runs/a1")
            assert answer.status_code in (500, 503)
            assert CANARY not in answer.text
    assert "broke" in said()
    assert CANARY not in said()


def test_the_secret_of_a_token_is_nowhere(
    project: Project, tmp_path: Path, said: Callable[[], str]
) -> None:
    with open_store(tmp_path / "s.db") as store:
        _, secret = issue(store, "ada", "admin", by="eve")
        client = TestClient(create_app(project, store), base_url="http://127.0.0.1")
        client.post("/api/v1/login", json={"token": secret})
        for path in ("/api/v1/me", "/api/v1/audit", "/api/v1/openapi.json", "/health", "/"):
            assert secret not in client.get(path).text
        everything = "".join(map(repr, (*store.tokens(), *store.deeds())))
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert secret.encode() not in kept
    assert secret not in everything + said()
    assert masker().mask(f"Bearer {secret}") == "Bearer ***"
