"""Projects and profiles that are wrong: a typed error, one screen, the place, the next step."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import (
    ConfigurationError,
    OrchestratorError,
    ProjectError,
    SelectionError,
    UsageError,
)
from tasks.dbt import failures
from tasks.dbt.errors import DbtHookError, DbtParseError, DbtProfileError, DbtProjectError
from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tests.dbt.driver import build
from tests.dbt.project import PROJECT, write_project

ONE = {"models/one.sql": "select 1 as n"}


def failure(project: Path, **options: Any) -> OrchestratorError:
    with pytest.raises(OrchestratorError) as caught:
        WarmSession(DbtOptions(str(project), **options)).parse()
    assert len(str(caught.value).splitlines()) <= 20
    assert "\x1b" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("files", "options", "kind", "words"),
    [
        ({"profiles.yml": "shop: [unclosed"}, {}, DbtProfileError, "profiles.yml"),
        ({"profiles.yml": "{}"}, {}, DbtProfileError, "profiles.yml"),
        ({"profiles.yml": "other: {outputs: {}}"}, {}, DbtProfileError, "shop"),
        ({}, {"target": "nowhere"}, DbtProfileError, "nowhere"),
        ({}, {"profile": "nobody"}, DbtProfileError, "nobody"),
        (
            {"profiles.yml": "shop: {target: d, outputs: {d: {type: oracle8}}}"},
            {},
            DbtProfileError,
            "oracle8",
        ),
        ({"dbt_project.yml": "name: [shop"}, {}, DbtProjectError, "dbt_project.yml"),
        ({"dbt_project.yml": PROJECT + "nmae: x\nmodel-paths: 3\n"}, {}, DbtProjectError, "3"),
        (
            {"packages.yml": "packages: [{package: dbt-labs/dbt_utils, version: 1.3.0}]"},
            {},
            DbtProjectError,
            "dbt deps",
        ),
        ({"models/one.sql": "select {{ ref('gone') }}"}, {}, DbtParseError, "models/one.sql"),
        ({"models/one.sql": "select\n{{ oops("}, {}, DbtParseError, "models/one.sql:2"),
        ({"models/schema.yml": "models:\n  - name: [x\n"}, {}, DbtParseError, "models/schema.yml"),
        ({"macros/m.sql": "{% macro m() %}"}, {}, DbtParseError, "close tag for macro"),
        ({}, {"extra": ("--no-such-flag",)}, UsageError, "--no-such-flag"),
        ({}, {"vars": "{a: b: c"}, UsageError, "vars"),
        ({}, {"selector": "none_such"}, SelectionError, "none_such"),
        ({}, {"threads": 0, "extra": ("--threads", "x")}, UsageError, "threads"),
    ],
)
def test_project_that_cannot_be_parsed(
    tmp_path: Path,
    files: dict[str, str],
    options: dict[str, Any],
    kind: type[OrchestratorError],
    words: str,
) -> None:
    error = failure(write_project(tmp_path, ONE | files), **options)
    assert isinstance(error, kind)
    assert error.exit_code == 2
    assert words in str(error)


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        ("snowflake", "analytics-orchestrator[snowflake]"),
        ("postgres", "analytics-orchestrator[postgres]"),
        ("oracle8", "dbt-oracle8"),
    ],
)
def test_an_adapter_that_is_not_installed(kind: str, package: str) -> None:
    said = f'Credentials in profile "shop" invalid:\n  Could not find adapter type {kind}!'
    error = failures.translate(RuntimeError(said), "/shop")
    assert isinstance(error, DbtProfileError)
    assert kind in error.what
    assert error.fix is not None
    assert f'pip install "{package}"' in error.fix


def test_extras_bring_the_adapters_they_are_named_for() -> None:
    needs = "\n".join(requires("analytics-orchestrator") or ())
    for kind in failures._EXTRAS:
        assert re.search(rf"^dbt-{kind}\b.*extra == ['\"]{kind}['\"]", needs, re.MULTILINE)


def test_no_project(tmp_path: Path) -> None:
    error = failure(tmp_path)
    assert isinstance(error, DbtProjectError)
    assert isinstance(error, ProjectError)
    assert str(tmp_path) in str(error)


def test_no_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (write_project(tmp_path / "p", ONE) / "profiles.yml").unlink()
    error = failure(tmp_path / "p")
    assert isinstance(error, DbtProfileError)
    assert isinstance(error, ConfigurationError)
    assert str(tmp_path / "home" / ".dbt") in str(error)


def test_the_process_is_usable_after_a_failure(tmp_path: Path) -> None:
    failure(write_project(tmp_path / "bad", {"models/one.sql": "select {{ ref('gone') }}"}))
    assert build(DbtOptions(str(write_project(tmp_path / "good", ONE))))["model.shop.one"].ok


@pytest.mark.parametrize("when", ["on-run-start", "on-run-end"])
def test_hook_that_cannot_be_compiled(tmp_path: Path, when: str) -> None:
    hook = "{{ exceptions.raise_compiler_error('not today') if execute }}"
    files = ONE | {"dbt_project.yml": PROJECT + f'\n{when}: ["{hook}"]\n'}
    project = write_project(tmp_path, files)
    with pytest.raises(DbtHookError, match="not today"):
        build(DbtOptions(str(project)))
    assert (project / "target" / "run_results.json").exists() == (when == "on-run-end")
