"""How Snowflake is logged in to, what a refusal says, and what it never says."""

from __future__ import annotations

import json
import pickle
import socket
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from orchestrator.errors import ConfigurationError, InfrastructureError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.dataset import Namespace
from orchestrator.model.planning import RunOptions
from tasks.snowflake.warehouse import SnowflakeWarehouse
from tasks.warehouses import make
from tests.snowflake.conftest import made
from tests.snowflake.proxy import proxied
from tests.snowflake.recorded_snowflake import Recorded

SECRET = "hunter2-and-more"


def asked(warehouse: Any) -> Any:
    """Ask something, so that a connection is needed."""
    with warehouse.connect() as connection, connection.cursor() as cursor:
        return cursor.execute("select 1").fetchall()


def test_names_are_read_as_snowflake_keeps_them(tmp_path: Path) -> None:
    table = {"type": "snowflake", "account": "a", "database": "shop", "schema": '"Raw data"'}
    assert made(table, tmp_path).namespace == Namespace("snowflake", "SHOP", "Raw data")
    assert made(table, tmp_path).affinity is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"account": "a"}, "names no database"),
        ({"database": "d"}, "names no account"),
        ({"account": "a", "database": "d", "pasword": SECRET}, "unknown key 'pasword'"),
        ({"account": "a", "database": "d", "port": "x"}, "port must be a whole number"),
    ],
)
def test_what_a_table_lacks_is_named(table: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        made({"type": "snowflake", **table}, tmp_path)
    assert "orchestrator.toml, [warehouses.prod]" in str(raised.value)
    assert SECRET not in str(raised.value)


def test_nothing_secret_shows(recorded: Recorded, tmp_path: Path) -> None:
    warehouse = made({**recorded.table(), "password": SECRET}, tmp_path)
    assert SECRET not in repr(warehouse)
    reference = made({**recorded.table(), "password": "env:SF_PASSWORD"}, tmp_path)
    assert SECRET.encode() not in pickle.dumps(reference)


def test_a_wrong_password_is_refused_at_once_and_not_echoed(
    recorded: Recorded, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="Incorrect username or password") as raised:
        asked(made({**recorded.table(), "password": SECRET}, tmp_path))
    assert len(recorded.logins) == 1
    assert f"http://127.0.0.1:{recorded.port}" in str(raised.value)
    assert SECRET not in f"{raised.value}{raised.value.__cause__}{raised.value.__context__!r}"


def test_a_host_that_is_not_there_is_tried_again_and_then_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        table = {
            "type": "snowflake", "account": "a", "user": "u", "password": SECRET, "host": "127.0.0.1",
            "port": port, "protocol": "http", "database": "d", "connect_timeout": 4,
        }  # fmt: skip
        with pytest.raises(InfrastructureError, match=r"tried [23] times in [1-4]") as raised:
            asked(made(table, tmp_path))
    assert f"http://127.0.0.1:{port}" in str(raised.value)
    assert raised.value.code == "08001"  # type: ignore[attr-defined]
    assert "trying again in 0.5 s (1 so far)" in caplog.messages[0]
    assert "/login-request" not in caplog.text  # what urllib3 says of each
    assert SECRET not in f"{raised.value}{caplog.text}"


def test_a_server_that_comes_back_in_time_is_used(recorded: Recorded, tmp_path: Path) -> None:
    with proxied(recorded.port, b"", refusals=5) as proxy:
        proxy.broke = 1  # it refuses from the beginning on
        asked(made({**recorded.table(), "port": proxy.port}, tmp_path))
        assert proxy.refused == 5


@pytest.mark.parametrize("given", ["path", "text", "reference"])
def test_a_key_pair_logs_in(
    recorded: Recorded, tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = form.BestAvailableEncryption(SECRET.encode())
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, secret).decode()
    (tmp_path / "key.p8").write_text(pem)
    monkeypatch.setenv("SF_PRIVATE_KEY", pem)
    ways = {
        "path": {"private_key_path": "key.p8"},
        "text": {"private_key": pem},
        "reference": {"private_key": "env:SF_PRIVATE_KEY"},
    }
    table = {k: v for k, v in recorded.table().items() if k != "password"}
    recorded.accepts = lambda said: said["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    warehouse = made({**table, **ways[given], "private_key_passphrase": SECRET}, tmp_path)
    assert asked(warehouse)
    claims = jwt.decode(recorded.logins[0]["TOKEN"], key.public_key(), algorithms=["RS256"])
    assert claims["sub"] == "RECORDED.TESTER"
    assert "BEGIN" not in repr(warehouse)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"private_key_path": "nowhere.p8"}, "the private key cannot be read: No such file"),
        ({"private_key": "no key at all"}, "the private key cannot be used"),
        ({"private_key_path": "key.p8"}, "its passphrase is missing"),
        ({"private_key_path": "key.p8", "private_key_passphrase": SECRET}, "does not fit"),
    ],
)
def test_a_key_that_cannot_be_used(
    recorded: Recorded, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = form.BestAvailableEncryption(b"another")
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, secret)
    (tmp_path / "key.p8").write_bytes(pem)
    with pytest.raises(ConfigurationError, match=said) as raised:
        asked(made({**recorded.table(), **change}, tmp_path))
    assert SECRET not in str(raised.value)
    assert not recorded.logins


def test_a_token_of_oauth_logs_in(recorded: Recorded, tmp_path: Path) -> None:
    recorded.accepts = lambda said: said.get("TOKEN") == SECRET
    table = {**recorded.table(), "authenticator": "oauth", "token": SECRET, "role": "LOADER"}
    assert asked(made(table, tmp_path))
    assert recorded.logins[0]["AUTHENTICATOR"] == "OAUTH"
    assert recorded.logins[0]["role"] == "LOADER"


def test_session_parameters_are_sent(recorded: Recorded, tmp_path: Path) -> None:
    table = {**recorded.table(), "session_parameters": {"TIMEZONE": "Europe/Vienna"}}
    asked(made(table, tmp_path))
    assert recorded.logins[0]["SESSION_PARAMETERS"]["TIMEZONE"] == "Europe/Vienna"


def test_each_statement_tells_who_runs_it(recorded: Recorded, spoken: Any) -> None:
    for attempt in (1, 2):
        with entered(RunContext("r1", "nightly", "load", attempt)):
            asked(spoken)
    tags = [json.loads(said["parameters"]["QUERY_TAG"]) for said in recorded.statements]
    assert tags == [
        {"flow": "nightly", "run": "r1", "task": "load", "attempt": str(n)} for n in (1, 2)
    ]
    assert len(recorded.logins) == 1  # the session stayed open for the run
    spoken.release("r1")


PROFILES = """
shop:
  target: prod
  outputs:
    prod:
      type: snowflake
      account: my_org
      user: loader
      password: "{{ env_var('SF_PASSWORD') }}"
      database: shop
      schema: marts
      host: 127.0.0.1
      port: %d
      protocol: http
      threads: 4
      query_tag: unused
"""


def test_a_profile_of_dbt_gives_the_connection(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_PASSWORD", SECRET)
    recorded.accepts = lambda said: said["PASSWORD"] == SECRET
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES % recorded.port)
    warehouse = make("w", {"type": "dbt"}, root=tmp_path, options=RunOptions())
    assert isinstance(warehouse, SnowflakeWarehouse)
    assert warehouse.namespace == Namespace("snowflake", "SHOP", "MARTS")
    assert SECRET.encode() not in pickle.dumps(warehouse)
    assert asked(warehouse)
    assert recorded.logins[0]["ACCOUNT_NAME"] == "my-org"


def test_without_the_connector_it_says_what_to_install(
    spoken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tasks.snowflake.opening", raising=False)
    monkeypatch.setitem(sys.modules, "snowflake.connector", None)
    with pytest.raises(ConfigurationError, match=r"analytics-orchestrator\[snowflake\]"):
        asked(spoken)


def test_a_schema_that_is_not_there_is_made(recorded: Recorded, tmp_path: Path) -> None:
    recorded.schemas = False
    asked(made({**recorded.table(), "schema": "new"}, tmp_path))
    assert recorded.texts[0] == "CREATE SCHEMA IF NOT EXISTS SHOP.new"
