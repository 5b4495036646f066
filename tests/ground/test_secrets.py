"""Secrets: fetched late, shown never, masked in each form they are commonly written in."""

from __future__ import annotations

import base64
import html
import json
import pickle
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import (
    EnvironmentSecrets,
    FileSecrets,
    Masker,
    Secret,
    default_provider,
    is_sensitive,
    masker,
    provided_by,
    resolve,
)

NASTY = "p4ss/w+rd é'\"\\ &<$(x)>%"


def _masker(*values: str) -> Masker:
    made = Masker()
    for value in values:
        made.add(value)
    return made


# -- fetching ----------------------------------------------------------------------------------


def test_the_environment_is_asked_by_name_and_in_capitals() -> None:
    provider = EnvironmentSecrets(
        {"ORCHESTRATOR_SECRET_db": "one-value", "ORCHESTRATOR_SECRET_MY_KEY": "two-value"}
    )
    assert provider.get("db") == "one-value"
    assert provider.get("my-key") == "two-value"
    assert provider.get("other") is None


def test_the_file_is_private_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    provider = FileSecrets(file)
    assert provider.get("DB") is None  # no file
    file.write_text('DB = "from-file"\nN = 3\n')
    for mode in (0o644, 0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(ConfigurationError, match="read by others") as caught:
            provider.get("DB")
        assert str(caught.value.fix) == f"chmod 600 {file}"
    file.chmod(0o600)
    assert provider.get("DB") == "from-file"
    with pytest.raises(ConfigurationError, match="'N' is not text"):
        provider.get("N")


def test_a_broken_file_shows_nothing_of_its_text(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text("DB = canary\n")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        FileSecrets(file).get("DB")
    assert "canary" not in str(caught.value)


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets.toml").write_text('A = "file-a"\nB = "file-b"\n')
    (tmp_path / "secrets.toml").chmod(0o600)
    monkeypatch.setenv("ORCHESTRATOR_SECRET_A", "environment-a")
    with provided_by(default_provider(tmp_path)):
        assert Secret("A").get() == "environment-a"
        assert Secret("B").get() == "file-b"
        with pytest.raises(ConfigurationError, match="'C' is not set") as caught:
            Secret("C").get()
    assert "ORCHESTRATOR_SECRET_C" in str(caught.value.fix)
    assert "secrets.toml" in str(caught.value.fix)


def test_a_secret_never_shows_or_carries_its_value() -> None:
    secret = Secret("DB")
    with provided_by(EnvironmentSecrets({"ORCHESTRATOR_SECRET_DB": "canary-1234"})):
        assert secret.get() == "canary-1234"
        shown = f"{secret} {secret!r} {vars(secret)} {EnvironmentSecrets({'A': 'canary-1234'})}"
    assert "canary" not in shown
    assert b"canary" not in pickle.dumps(secret)
    assert masker().mask("x canary-1234 y") == "x *** y"


def test_plain_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIN_PLACE", "somewhere-public")
    assert Secret("env:PLAIN_PLACE").get() == "somewhere-public"
    assert masker().mask("somewhere-public") == "somewhere-public"
    monkeypatch.delenv("PLAIN_PLACE")
    with pytest.raises(ConfigurationError, match="'env:PLAIN_PLACE' is not set"):
        Secret("env:PLAIN_PLACE").get()


@pytest.mark.parametrize("name", ["", "a b", "1x", "file:/etc/passwd", "x\n", "../x"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name of a secret"):
        Secret(name)


def test_references_in_settings_are_resolved_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_HOST", "warehouse.example")
    table = {
        "type": "postgres",
        "url": "{env_var:WAREHOUSE_HOST}:5432/{secret:DB}",
        "password": "secret:PW",
        "token": "written-in-clear",
        "options": ["env:WAREHOUSE_HOST", 3, None],
    }
    given_here = {
        "ORCHESTRATOR_SECRET_DB": "database-name",
        "ORCHESTRATOR_SECRET_PW": "pass-phrase",
    }
    with provided_by(EnvironmentSecrets(given_here)):
        found = resolve(table)
    assert found == {
        "type": "postgres",
        "url": "warehouse.example:5432/database-name",
        "password": "pass-phrase",
        "token": "written-in-clear",
        "options": ["warehouse.example", 3, None],
    }
    assert table["password"] == "secret:PW"
    text = "warehouse.example database-name pass-phrase written-in-clear"
    assert masker().mask(text) == "warehouse.example *** *** ***"


# -- masking -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (lambda s: s, "***"),
        (lambda s: quote(s), "***"),
        (lambda s: quote(s, safe=""), "***"),
        (lambda s: re.sub("%..", lambda hit: hit[0].lower(), quote(s)), "***"),
        (lambda s: quote_plus(s), "***"),
        (lambda s: urlencode({"q": s}), "q=***"),
        (lambda s: json.dumps({"k": s}), '{"k": "***"}'),
        (lambda s: json.dumps([s], ensure_ascii=False), '["***"]'),
        (lambda s: repr({"k": s}), "{'k': '***'}"),
        (lambda s: shlex.quote(s), "***"),
        (lambda s: shlex.join(["login", "-p", s]), "login -p ***"),
        (lambda s: html.escape(s), "***"),
    ],
)
@pytest.mark.parametrize("secret", ["plainpassword", NASTY, "tök-en-42"])
def test_every_common_form_is_masked(written: Callable[[str], str], left: str, secret: str) -> None:
    masked = _masker(secret).mask(f"before {written(secret)} after")
    assert masked.replace("'***'", "***") == f"before {left} after".replace("'***'", "***")


@pytest.mark.parametrize("before", ["", "u:", "me:", "you:", "user:"])
@pytest.mark.parametrize("after", ["", "!", "??", " and more"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_masked_wherever_the_secret_stands(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    for secret in ("plainpassword", NASTY, "tök-en-42"):
        written = encode(f"{before}{secret}{after}".encode()).decode()
        for text in (written, written.rstrip("=")):
            masked = _masker(secret).mask(f"Basic {text}")
            assert masked.count("***") == 1
            crumbs = len(masked) - len("Basic ***")
            around = len(base64.b64encode(f"{before}{after}".encode()))
            assert crumbs <= around + 8


def test_bash_s_own_trace_is_masked() -> None:
    secret = "s p'a c$e"
    shown = subprocess.run(
        ["bash", "-xc", 'printf "%q\\n" "$S"; : "$S"'],
        env={"S": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    masked = _masker(secret).mask(shown.stdout + shown.stderr)
    assert masked.count("***") >= 2
    assert "$e" not in masked


def test_short_values_are_left_alone_and_long_ones_win() -> None:
    made = _masker("abc", "", "12345", "secret", "secret-longer")
    assert made.mask("abc 12345 secret-longer secret secretive") == "abc 12345 *** *** ***ive"


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhki\nG9w0BAQEFAASCBKcwgg\n-----END PRIVATE KEY-----\n"
    made = _masker(key)
    assert made.mask("x MIIEvQIBADANBgkqhki y") == "x *** y"
    assert made.mask(json.dumps({"key": key})) == '{"key": "***"}'
    assert made.mask("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        ("PGPASSWORD", True),
        ("password", True),
        ("GITHUB_TOKEN", True),
        ("DBT_ENV_SECRET_HOST_URL", True),
        ("ORCHESTRATOR_SECRET_X", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("API_KEY", True),
        ("private_key_passphrase", True),
        ("PGPASSWORD_FILE", False),
        ("TOKEN_URL", False),
        ("PGUSER", False),
        ("KEYBOARD", False),
        ("PATH", False),
    ],
)
def test_which_names_sound_secret(name: str, sensitive: bool) -> None:
    assert is_sensitive(name) is sensitive


def test_the_environment_s_secrets_are_added() -> None:
    made = Masker()
    made.add_environment(
        {
            "DB_PASSWORD": "hidden-1",
            "DB_USER": "shown-1",
            "DSN": "pg://me:hid%2Fden-2@host/db",
            "N": 3,
        }
    )
    assert made.mask("hidden-1 shown-1 hid/den-2 hid%2Fden-2") == "*** shown-1 *** ***"
    assert "hidden" not in repr(made)


@settings(max_examples=200, deadline=None)
@given(
    secrets=st.lists(st.text(min_size=6, max_size=20), max_size=8),
    text=st.lists(st.text(max_size=10), max_size=5),
)
def test_whatever_the_secrets_none_is_left(secrets: list[str], text: list[str]) -> None:
    made = _masker(*secrets)
    masked = made.mask("|".join(part for pair in zip(text, secrets, strict=False) for part in pair))
    # A secret made of stars and bars could arise anew from the mask itself.
    assert not any(secret in masked for secret in secrets if not set(secret) <= set("*|"))


def test_many_secrets_and_many_lines() -> None:
    made = _masker(*(f"secret-number-{number}-{number * 7919:x}" for number in range(300)))
    lines = [
        f"2026-01-01 line {number} of some output that holds nothing" for number in range(20_000)
    ]
    assert [made.mask(line) for line in lines] == lines
    last = f"secret-number-299-{299 * 7919:x}"
    assert made.mask(f"x {last} y secret-number-300") == "x *** y secret-number-300"
