"""profiles.yml read without dbt gives what dbt itself reads from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.dbt.errors import DbtProfileError
from tasks.dbt.options import DbtOptions
from tasks.dbt.profiles import Profile, find_profiles_dir, load_profile
from tests.dbt.project import write_project

PROFILES = """
shop:
  target: "{{ env_var('SHOP_TARGET', 'dev') }}"
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('SHOP_FILE', 'data/my.shop.duckdb') }}"
      threads: "{{ env_var('SHOP_THREADS', '3') | as_number }}"
      schema: "{{ var('who', 'nobody') }}_dev"
    memory: {type: duckdb}
    motherduck: {type: duckdb, path: "md:lake"}
    snow: {type: snowflake, account: a, database: DB, schema: S, password: "s3cret"}
    big: {type: bigquery, project: p, dataset: d}
    pg: {type: postgres, dbname: db, schema: public, password: "{{ env_var('NOT_SET_ANYWHERE') }}"}
    hollow:
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path, {"profiles.yml": PROFILES, "models/one.sql": "select 1"})


@pytest.mark.parametrize(
    ("target", "path", "catalog", "schema", "threads"),
    [
        (None, "{}/data/my.shop.duckdb", "my", "ann_dev", 3),
        ("memory", ":memory:", "memory", "main", 1),
        ("motherduck", "md:lake", "lake", "main", 1),
        ("snow", None, "DB", "S", 1),
        ("big", None, "p", "d", 1),
    ],
)
def test_targets(
    project: Path, target: str | None, path: str | None, catalog: str, schema: str, threads: int
) -> None:
    profile = load_profile(str(project), target=target, variables={"who": "ann"})
    expected = path and path.format(project)
    assert (profile.database_path, profile.catalog, profile.schema) == (expected, catalog, schema)
    assert (profile.name, profile.target, profile.threads) == ("shop", target or "dev", threads)
    assert "s3cret" not in repr(profile)


def test_environment_decides(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_FILE", "/elsewhere/x.duckdb")
    assert load_profile(str(project)).database_path == "/elsewhere/x.duckdb"
    monkeypatch.setenv("SHOP_TARGET", "memory")
    assert load_profile(str(project)).target == "memory"
    monkeypatch.setenv("DBT_TARGET", "big")
    assert load_profile(str(project)).adapter_type == "bigquery"


@pytest.mark.parametrize(
    ("target", "words"),
    [("pg", "NOT_SET_ANYWHERE"), ("gone", "it has: big, dev"), ("hollow", "empty")],
)
def test_targets_that_cannot_be_read(project: Path, target: str, words: str) -> None:
    with pytest.raises(DbtProfileError) as caught:
        load_profile(str(project), target=target)
    assert words in str(caught.value)


def test_where_profiles_are_looked_for(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_profiles_dir(str(project)) == str(project)
    for folder in (tmp_path / "home" / ".dbt", tmp_path / "given", tmp_path / "set"):
        folder.mkdir(parents=True)
        (folder / "profiles.yml").write_text(PROFILES)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "set"))
    assert find_profiles_dir(str(project)) == str(tmp_path / "set")
    assert find_profiles_dir(str(project), "given") == str(tmp_path / "given")
    monkeypatch.delenv("DBT_PROFILES_DIR")
    (project / "profiles.yml").unlink()
    assert find_profiles_dir(str(project)) == str(tmp_path / "home" / ".dbt")


def test_dbt_agrees(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's credentials are the profile's."""
    from tasks.dbt.session import WarmSession

    session = WarmSession(DbtOptions(str(project), vars="{who: ann}"))
    threads = session.parse().threads
    theirs = session._task.config.credentials
    session.abandon()
    ours: Profile = load_profile(str(project), variables={"who": "ann"})
    assert (ours.catalog, ours.schema, ours.threads) == (theirs.database, theirs.schema, threads)
    assert ours.database_path == theirs.path


def test_reading_needs_no_dbt(project: Path) -> None:
    code = (
        "import sys; from tasks.dbt.profiles import load_profile; from tasks.dbt import options,"
        " results, errors, failures, session;"
        f"load_profile({str(project)!r});"
        "assert not {'dbt', 'duckdb', 'dbt_common'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_options_are_a_command_line() -> None:
    options = DbtOptions(
        "/p", profiles_dir="prof", vars='{"a": 1}', select=("a+", "b"), exclude=("c",), state="/s",
        defer=True, threads=2, resource_types=("model",), store_failures=True, extra=("--debug",),
    )  # fmt: skip
    assert options.argv() == [
        "build", "--project-dir", "/p", "--profiles-dir", "/p/prof", "--vars", '{"a": 1}',
        "--threads", "2", "--state", "/s", "--select", "a+", "b", "--exclude", "c",
        "--resource-type", "model", "--defer", "--store-failures", "--debug",
    ]  # fmt: skip
    assert hash(options) == hash(DbtOptions(**vars(options)))
