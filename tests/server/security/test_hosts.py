"""Names under which the server may be asked, and where they are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.server.security.hosts import is_own, may_be_asked, name_of
from orchestrator.settings import load_settings


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:4280", "localhost"),
        ("localhost.", "localhost"),
        ("[::1]:4280", "::1"),
        ("shop.example:443", "shop.example"),
        ("a@b", ""),
        ("a b", ""),
        ("a/b", ""),
        ("a:b", ""),
        ("[::1", ""),
        ("a,b", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert name_of(host) == name


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:80", "127.0.0.9", "[::1]", "shop.example"]
)
def test_names_that_are_answered(host: str) -> None:
    assert may_be_asked([host], {"shop.example"})


@pytest.mark.parametrize(
    "hosts",
    [[], ["localhost", "evil.example"], ["localhost", "localhost"], ["x.shop.example"],
     ["shop.example.evil"], ["0.0.0.0"], ["2130706433"], ["[::ffff:10.0.0.1]"], ["localhostx"]],
)  # fmt: skip
def test_names_that_are_not(hosts: list[str]) -> None:
    assert not may_be_asked(hosts, {"shop.example"})


def test_its_own_origin() -> None:
    assert is_own("http://127.0.0.1:4280", "127.0.0.1:4280")
    assert is_own("https://Shop.example", "shop.example")
    for foreign in ("http://127.0.0.1", "null", "", "file://", "http://127.0.0.1:4280.evil",
                    "ftp://127.0.0.1:4280", "http://localhost:4280"):  # fmt: skip
        assert not is_own(foreign, "127.0.0.1:4280")


def test_hosts_are_set_in_the_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path, environ={}).hosts == ()
    file = tmp_path / "orchestrator.toml"
    file.write_text('[server]\nhosts = ["Runs.shop.example", "10.0.0.7"]\n')
    settings = load_settings(tmp_path, environ={})
    assert settings.hosts == ("runs.shop.example", "10.0.0.7")
    assert settings.origin("server.hosts") == "orchestrator.toml:2"


@pytest.mark.parametrize(
    "text", ['hosts = "a"', "hosts = [1]", 'hosts = ["*"]', 'hosts = ["a:80"]', "port = 1",
             'hosts = [""]', 'hosts = ["https://a"]'],
)  # fmt: skip
def test_hosts_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "orchestrator.toml").write_text(f"[server]\n{text}\n")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path, environ={})
    assert refused.value.where == "orchestrator.toml:1"
