"""The schemas are valid, written down as they are, and fit every file of this repository."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestrator import schemas
from orchestrator.cli.main import execute
from tasks.sql.front_matter import KEYS, settings_of
from tests.docs import pages

CHECKS = {name: jsonschema.Draft7Validator(schemas.schema(name)) for name in schemas.NAMES}
TOML = sorted(
    path
    for place in ("dbt_project", "templates", "tests", "docs")
    for path in (pages.ROOT / place).rglob("*.toml*")
    if path.name.split(".toml")[0] in ("orchestrator", "policy") and "{%" not in path.read_text()
)
SQL = sorted(
    path
    for place in ("dbt_project", "templates", "tests")
    for path in (pages.ROOT / place).rglob("*.sql")
    if "orchestrator:" in path.read_text()
)


def wrong(name: str, value: Any) -> list[str]:
    return [error.message for error in CHECKS[name].iter_errors(value)]


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(schemas.schema(name))


def test_the_files_are_what_the_code_says() -> None:
    writer = pages.script("write_schemas")
    for path, text in writer.files().items():
        stale = f"{path.name} is stale: run python docs/write_schemas.py"
        assert path.read_text(encoding="utf-8") == text, stale
    assert {path.stem for path in writer.FOLDER.iterdir()} == {path.stem for path in writer.files()}


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    for name in schemas.NAMES:
        assert execute(["schema", name]) == 0
        assert capsys.readouterr().out == schemas.text_of(name)
    assert execute(["schema", "setings"]) == 2
    assert "'setings'" in capsys.readouterr().err


def test_the_snippets_are_front_matter(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["schema", "front-matter", "--snippets"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == len(KEYS)
    for snippet in found.values():
        line = re.sub(r"\$\{1\|(\w+),.*\|\}", r"\1", snippet["body"]).replace("$1", "1")
        assert "$" not in line
        ((key, value, _),) = settings_of(line)
        assert f"orchestrator {key}" in snippet["prefix"]
        assert key == "check" or wrong("front-matter", {key: value}) == []
    assert execute(["schema", "settings", "--snippets"]) == 2
    assert "TOML files have schemas" in capsys.readouterr().err


def test_an_installation_of_before_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schemas.metadata, "entry_points", lambda **_: ())
    assert execute(["schema", "settings"]) == 2
    assert "install the package again" in capsys.readouterr().err


def test_every_key_is_told_in_the_editor() -> None:
    for name in schemas.NAMES:
        for key, shape in schemas.schema(name)["properties"].items():
            assert len(shape["description"]) > 5, f"{name}: {key}"


@pytest.mark.parametrize("path", TOML, ids=lambda path: str(path.relative_to(pages.ROOT)))
def test_the_files_of_projects_fit(path: Path) -> None:
    name = "policy" if path.name.startswith("policy") else "settings"
    value = json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=str))
    assert wrong(name, value) == []


@pytest.mark.parametrize("path", SQL, ids=lambda path: str(path.relative_to(pages.ROOT)))
def test_the_front_matter_of_sql_files_fits(path: Path) -> None:
    said = {key: value for key, value, _ in settings_of(path.read_text(encoding="utf-8"))}
    assert said
    assert wrong("front-matter", said) == []


def test_files_are_found() -> None:
    assert len(TOML) >= 1
    assert len(SQL) >= 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("settings", 'threads = "four"', "'four' is not of type 'integer'"),
        ("settings", "threds = 4", "'threds' was unexpected"),
        ("settings", 'executor = "dusk"', "'dusk' is not valid under any"),
        ("settings", "[limits]\nheavy = 1", "'heavy' does not match"),
        ("settings", "[warehouses.a]\ntype = 'duckdb'", "is not valid under any"),
        ("settings", "[notifications.a]\nflows = ['x']", "'url' is a required property"),
        ("settings", "[clusters.a]\nclas = 'local'", "'clas' was unexpected"),
        ("policy", "[tests]\nrequird = ['unique']", "'requird' was unexpected"),
        ("policy", "[teams.a]\nschemas = ['b']", "is not valid under any"),
        ("policy", "[statements]\nforbidden = ['dorp']", "'dorp' is not one of"),
        ("policy", "[[exceptions]]\nrule = 'tests'", "is a required property"),
    ],
)
def test_what_is_wrong_is_marked(name: str, text: str, told: str) -> None:
    found = wrong(name, tomllib.loads(text))
    assert any(told in message for message in found), found


def test_patterns_are_ones_that_editors_know() -> None:
    """JavaScript's regular expressions have no ``(?P<…>)``, ``\\A`` or ``\\Z``."""
    for name in schemas.NAMES:
        assert not re.search(r"\(\?P|\\\\[AZ]", schemas.text_of(name))
