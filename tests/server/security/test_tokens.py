"""Tokens and sessions: kept as hashes, bounded in time, gone at once when they are taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from orchestrator import instants
from orchestrator.cli.main import execute
from orchestrator.errors import NotFoundError, StoreError, UsageError
from orchestrator.server.app import create_app
from orchestrator.server.security.issuing import issue, take_back
from orchestrator.server.security.knowing import COOKIE
from orchestrator.server.serving import reachable
from orchestrator.service.project import Project
from orchestrator.store.access import Role
from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store

Header = Callable[..., dict[str, str]]


def asked(client: TestClient, **headers: str) -> int:
    return client.get("/api/v1/me", headers=headers).status_code


def secret_in(header: dict[str, str]) -> str:
    return header["authorization"].removeprefix("Bearer ")


def test_while_there_is_no_token_this_machine_may_do_everything(client: TestClient) -> None:
    me = client.get("/api/v1/me").json()
    assert (me["by"], me["role"], me["project"], me["tokens"]) == ("local", "admin", "shop", False)


def test_a_token_says_who_asks(client: TestClient, token: Header, store: RunStore) -> None:
    header = token("run", "ci")
    me = client.get("/api/v1/me", headers=header).json()
    assert (me["by"], me["role"], me["tokens"]) == ("ci", "run", True)
    [kept] = store.tokens()
    assert kept.last_used is not None


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host"])
def test_who_comes_through_a_proxy_is_not_this_machine(client: TestClient, name: str) -> None:
    assert asked(client, **{name: "203.0.113.9"}) == 401


def test_a_name_that_others_use_needs_a_token(project: Project, store: RunStore) -> None:
    client = TestClient(create_app(project, store, hosts=["Shop.example"]))
    assert asked(client, host="shop.example") == 401
    assert asked(client, host="shop.example:443") == 401
    assert asked(client, host="localhost") == 200


def test_a_locked_server_needs_a_token_though_there_is_none(
    project: Project, store: RunStore
) -> None:
    client = TestClient(create_app(project, store, locked=True), base_url="http://127.0.0.1")
    assert asked(client) == 401
    assert client.get("/health").status_code == 200


def test_an_expired_token_is_no_good(
    client: TestClient, token: Header, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = token("view", expires="PT1H")
    assert asked(client, **header) == 200
    later = instants.now() + timedelta(minutes=61)
    monkeypatch.setattr(instants, "now", lambda: later)
    assert asked(client, **header) == 401
    assert asked(client) == 401, "a token that has expired opens nothing to everybody"


def test_a_session_lasts_as_long_as_its_token_at_most(
    client: TestClient, token: Header, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secret_in(token("view", expires="PT1H"))
    assert client.post("/api/v1/login", json={"token": secret}).status_code == 204
    assert asked(client) == 200
    later = instants.now() + timedelta(minutes=61)
    monkeypatch.setattr(instants, "now", lambda: later)
    assert asked(client) == 401


def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets(
    client: TestClient, token: Header
) -> None:
    secret = secret_in(token("view"))
    answer = client.post("/api/v1/login", json={"token": secret})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert secret not in cookie
    behind_tls = {"x-forwarded-proto": "https"}
    answer = client.post("/api/v1/login", json={"token": secret}, headers=behind_tls)
    assert "Secure" in answer.headers["set-cookie"]


def test_a_copied_cookie_is_no_good_after_logging_out(client: TestClient, token: Header) -> None:
    client.post("/api/v1/login", json={"token": secret_in(token("view"))})
    copied = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    assert client.post("/api/v1/logout", json={}).status_code == 204
    assert COOKIE not in client.cookies
    assert asked(client, **copied) == 401


def test_revoking_ends_the_sessions_at_once(
    client: TestClient, token: Header, store: RunStore
) -> None:
    header = token("admin", "ada")
    client.post("/api/v1/login", json={"token": secret_in(header)})
    assert asked(client) == 200
    take_back(store, "ada", by="eve")
    assert asked(client) == 401
    assert asked(client, **header) == 401
    assert client.post("/api/v1/login", json={"token": secret_in(header)}).status_code == 401


def test_a_session_is_no_token_and_a_token_no_session(client: TestClient, token: Header) -> None:
    secret = secret_in(token("view"))
    client.post("/api/v1/login", json={"token": secret})
    session = client.cookies[COOKIE]
    client.cookies.clear()
    assert asked(client, authorization=f"Bearer {session}") == 401
    assert asked(client, cookie=f"{COOKIE}={secret}") == 401
    assert asked(client, cookie=f"{COOKIE}={session}") == 200


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", '{"token": ""}', '{"token": 1}', "{", '{"token": "x", "role": "admin"}', ""],
)
def test_a_login_that_cannot_be_read_is_refused(client: TestClient, body: str) -> None:
    answer = client.post(
        "/api/v1/login", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["what"].startswith("the request does not fit")


def test_only_the_hash_of_a_secret_is_kept(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with open_store(path) as store:
        _, secret = issue(store, "ada", "admin", by="eve")
        client = TestClient(create_app(project, store), base_url="http://127.0.0.1")
        client.post("/api/v1/login", json={"token": secret})
        session = client.cookies[COOKIE]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("s.db*"))
    assert secret.encode() not in kept
    assert session.encode() not in kept
    assert hashlib.sha256(f"token:{secret}".encode()).hexdigest().encode() in kept
    assert len(secret) >= 43
    assert path.stat().st_mode & 0o777 == 0o600


def test_making_and_revoking_is_noted(store: RunStore) -> None:
    issue(store, "ci", "run", "P30D", by="ada")
    take_back(store, "ci", by="eve")
    revoked, made = store.deeds()
    assert (made.by, made.action, made.subject) == ("ada", "token.create", "ci")
    assert made.data == {"role": "run", "expires": "P30D"}
    assert (revoked.by, revoked.action, revoked.subject) == ("eve", "token.revoke", "ci")


def test_names_of_tokens_are_checked(store: RunStore) -> None:
    for name in ("", "a\nb", "<script>", "x" * 65, " "):
        with pytest.raises(UsageError, match="cannot name a token"):
            issue(store, name, "view", by="ada")
    with pytest.raises(UsageError, match="no ISO 8601 duration"):
        issue(store, "ci", "view", "soon", by="ada")
    issue(store, "ci", "view", by="ada")
    with pytest.raises(StoreError, match="already"):
        issue(store, "ci", "admin", by="ada")
    take_back(store, "ci", by="ada")
    issue(store, "ci", "run", by="ada")
    with pytest.raises(NotFoundError):
        take_back(store, "nobody", by="ada")


def test_the_command_line_makes_lists_and_revokes(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    assert execute(["tokens", "create", "ci", "--role", "run", "--expires", "P90D"]) == 0
    said = capsys.readouterr().out
    secret = said.split()[0]
    assert secret.startswith("orc_")
    assert "not shown again" in said
    with project.store() as store:
        client = TestClient(create_app(project, store), base_url="http://127.0.0.1")
        header = {"authorization": f"Bearer {secret}"}
        assert client.get("/api/v1/me", headers=header).json()["role"] == "run"
    assert execute(["tokens", "list", "--format", "json"]) == 0
    [listed] = json.loads(capsys.readouterr().out)["tokens"]
    assert (listed["name"], listed["role"], listed["revoked"]) == ("ci", "run", None)
    assert listed["last_used"]
    assert listed["expires"]
    assert execute(["tokens", "list"]) == 0
    assert "good until" in capsys.readouterr().out
    assert execute(["tokens", "revoke", "ci"]) == 0
    assert execute(["tokens", "list"]) == 0
    assert "revoked 2" in capsys.readouterr().out
    assert execute(["tokens", "revoke", "ci"]) == 2
    assert secret not in capsys.readouterr().err


def test_only_with_a_good_token_can_others_connect(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="there is no token yet"):
        reachable(store, "0.0.0.0", 0)
    issue(store, "ci", "view", "PT1H", by="ada")
    reachable(store, "0.0.0.0", 0).close()
    later = instants.now() + timedelta(hours=2)
    monkeypatch.setattr(instants, "now", lambda: later)
    with pytest.raises(UsageError, match="there is no token yet"):
        reachable(store, "0.0.0.0", 0)


def test_roles_are_those_of_the_contract() -> None:
    assert [role.value for role in Role] == ["view", "run", "admin"]


def test_the_document_of_the_api_needs_a_token_as_well(
    app: FastAPI, client: TestClient, token: Header
) -> None:
    header = token("view")
    assert client.get("/api/v1/openapi.json").status_code == 401
    found = client.get("/api/v1/openapi.json", headers=header).json()
    assert found["paths"]["/api/v1/login"]["post"]["operationId"] == "login"
