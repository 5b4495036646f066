"""Settings: four sources in order, each value's origin, and errors that name file, line and remedy."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.settings import find_project, load_settings
from orchestrator.toml_files import text_of

FULL = """\
# the shop
name = "shop"
executor = "dask"
threads = 4

busy_timeout = 5
[warehouses.dev]
type = "duckdb"
path = "dev.duckdb"

[warehouses.prod]
type = "snowflake"
password = "secret:SNOWFLAKE"
"""


def _project(folder: Path, text: str = FULL) -> Path:
    (folder / "orchestrator.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={})
    assert find_project(tmp_path) is None
    assert settings.root == tmp_path
    assert settings.name == tmp_path.name
    assert settings.flows == tmp_path / "flows"
    assert settings.state_dir == tmp_path / ".orchestrator"
    assert settings.store == f"sqlite:///{tmp_path}/.orchestrator/store.db"
    assert (settings.executor, settings.threads, settings.target) == ("threads", None, None)
    assert (settings.busy_timeout, settings.strict_sql) == (60.0, False)
    assert settings.warehouses == {}
    assert settings.origin("executor") == "default"


def test_the_file_is_found_from_a_folder_upwards(tmp_path: Path) -> None:
    below = _project(tmp_path) / "flows" / "deep"
    below.mkdir(parents=True)
    assert find_project(below) == tmp_path
    assert load_settings(below, environ={}).root == tmp_path
    assert load_settings(tmp_path / "orchestrator.toml", environ={}).root == tmp_path


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    _project(tmp_path)
    environ = {"ORCHESTRATOR_EXECUTOR": "inline", "ORCHESTRATOR_THREADS": "3"}
    flags = {"threads": 2, "target": None}
    settings = load_settings(tmp_path, flags, environ)
    assert (settings.name, settings.origin("name")) == ("shop", "orchestrator.toml:2")
    assert settings.executor == "inline"
    assert settings.origin("executor") == "environment ORCHESTRATOR_EXECUTOR"
    assert (settings.threads, settings.origin("threads")) == (2, "flag")
    assert (settings.target, settings.origin("target")) == (None, "default")
    assert (settings.busy_timeout, settings.origin("busy_timeout")) == (5.0, "orchestrator.toml:6")


def test_warehouses_come_as_written_and_know_their_lines(tmp_path: Path) -> None:
    settings = load_settings(_project(tmp_path), environ={})
    assert settings.warehouses["prod"] == {"type": "snowflake", "password": "secret:SNOWFLAKE"}
    assert settings.origin("warehouses.prod.password") == "orchestrator.toml:13"
    assert settings.origin("warehouses.dev") == "orchestrator.toml:7"
    assert settings.origin("warehouses.dev.missing") == "orchestrator.toml:7"
    with pytest.raises(ConfigurationError, match="unknown setting 'nonsense'"):
        settings.origin("nonsense")


def test_paths_are_absolute_and_a_url_of_a_store_stays(tmp_path: Path) -> None:
    text = 'flows = "a/../b"\nstate_dir = "~/state"\nstore = "runs.db"\n'
    settings = load_settings(_project(tmp_path, text), environ={})
    assert settings.flows == tmp_path / "b"
    assert settings.state_dir == Path.home() / "state"
    assert settings.store == f"sqlite:///{tmp_path}/runs.db"
    url = "postgresql://me:canary@host/db"
    settings = load_settings(tmp_path, {"store": url}, environ={})
    assert settings.store == url
    assert "canary" not in repr(settings)


def test_an_empty_variable_is_no_value(tmp_path: Path) -> None:
    environ = {"ORCHESTRATOR_THREADS": "", "ORCHESTRATOR_SECRET_X": "y", "ORCHESTRATOR_OTHER": "z"}
    assert load_settings(_project(tmp_path), environ=environ).threads == 4


@pytest.mark.parametrize(
    ("word", "value"), [("true", True), ("1", True), ("ON", True), ("no", False), ("0", False)]
)
def test_switches_of_the_environment(tmp_path: Path, word: str, value: bool) -> None:
    settings = load_settings(tmp_path, environ={"ORCHESTRATOR_STRICT_SQL": word})
    assert settings.strict_sql is value


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("threads = 0", "a whole number of at least 1, got 0"),
        ("threads = true", "a whole number of at least 1, got True"),
        ("threads = 1.5", "a whole number"),
        ('threads = "many"', "a whole number"),
        ('executor = "celery"', "one of threads, inline, dask, cluster:NAME, got 'celery'"),
        ("executor = 3", "one of threads, inline, dask, cluster:NAME, got 3"),
        ("busy_timeout = -1", "a number of seconds"),
        ("busy_timeout = nan", "a number of seconds"),
        ("busy_timeout = inf", "a number of seconds"),
        ("busy_timeout = [1]", "a number of seconds"),
        ("name = 7", "expected text, got 7"),
        ('name = " "', "expected text"),
        ("flows = []", "expected text"),
        ('strict_sql = "perhaps"', "true or false"),
        ("strict_sql = 1", "true or false"),
        ("history_days = 0", "at least 1"),
        ('warehouses = "dev"', "expected tables [warehouses.NAME]"),
        ('warehouses.dev = "x"', "expected a table [warehouses.dev]"),
    ],
)
def test_a_value_that_does_not_fit_names_file_and_line(
    tmp_path: Path, line: str, what: str
) -> None:
    _project(tmp_path, f"# comment\n\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, environ={})
    assert what in caught.value.what
    assert caught.value.where == "orchestrator.toml:3"
    assert caught.value.exit_code == 2


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    _project(tmp_path, 'name = "x"\nexecuter = "dask"\n')
    with pytest.raises(ConfigurationError, match="unknown setting 'executer'") as caught:
        load_settings(tmp_path, environ={})
    assert caught.value.where == "orchestrator.toml:2"
    assert caught.value.fix == "did you mean 'executor'?"
    _project(tmp_path, "[zzz]\na = 1\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, environ={})
    assert "busy_timeout" in str(caught.value.fix)


def test_bad_variables_and_flags_say_which(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, environ={"ORCHESTRATOR_THREADS": "two"})
    assert caught.value.where == "environment ORCHESTRATOR_THREADS"
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, {"thread": 1}, environ={})
    assert caught.value.fix == "did you mean 'threads'?"


def test_a_default_warehouse_must_be_one_of_the_tables(tmp_path: Path) -> None:
    _project(tmp_path, 'warehouse = "prd"\n[warehouses.prod]\ntype = "x"\n')
    with pytest.raises(ConfigurationError, match="'prd'") as caught:
        load_settings(tmp_path, environ={})
    assert caught.value.fix == "did you mean 'prod'?"
    assert load_settings(tmp_path, {"warehouse": "prod"}, environ={}).warehouse == "prod"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"name = shop\n", ":1:8"),
        (b'name = "x"\nname = "y"\n', "orchestrator.toml:2"),
        (b'name = "\xff"\n', "orchestrator.toml"),
        (b"[warehouses.dev\n", "orchestrator.toml:1"),
    ],
)
def test_a_broken_file_names_its_place(tmp_path: Path, content: bytes, where: str) -> None:
    (tmp_path / "orchestrator.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, environ={})
    assert where in str(caught.value.where)


@pytest.mark.parametrize("unreadable", [b"\xff", None])
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, unreadable: bytes | None) -> None:
    policy = tmp_path / "policy.toml"
    policy.mkdir() if unreadable is None else policy.write_bytes(unreadable)
    with pytest.raises(ConfigurationError) as caught:
        text_of(policy)
    fix = "it is to be a file that you may read" if unreadable is None else "save it as UTF-8"
    assert caught.value.fix == fix


@pytest.mark.parametrize(
    ("text", "what", "where", "fix"),
    [
        ("\nday = 2026-13-01\n", "2026-13-01 is no date or time", ":2:11", "2026-01-31"),
        ("day = 2026-02-30\n", "2026-02-30 is no date or time", ":1:7", "2026-01-31"),
        ("days = [2026-1-1]\n", "2026-1-1 is no date or time", ":1:13", "2026-01-31"),
        ("at = 2026-01-01 25:00:00\n", "2026-01-01 25:00:00 is no date", ":1:", "06:30:00"),
        ("at = 6:30\n", "6:30 is no date or time", ":1:7", "06:30:00"),
        ('name = "shop" 2026-01-01\n', "Expected newline", ":1:15", "in quotes"),  # a date it is
        ('name = "2026-13-01\n', "Illegal character", ":1:19", "end the text"),  # and this is none
        (
            "[clusters.a]\n[clusters.b]\n[clusters.a]\n",
            "clusters.a is on line 1 already",
            ":3:12",
            "join the two",
        ),
        ("[a]\nx = 1\n[b]\nx = 1\nx = 2\n", "b.x is on line 4 already", ":5:6", "join"),
        ("[a]\nx = 1\n[[a]]\n", "a is on line 1 already", ":3:4", "join"),
        ("a = {x = 1, x = 2}\n", "Duplicate inline table key 'x'", ":1:18", "once"),
        ('path = "C:\\data"\n', "Unescaped", ":1:", "single quotes"),
        (f"threads = {'1' * 5000}\n", "Exceeds the limit", "orchestrator.toml", ""),
    ],
)
def test_what_is_no_toml_says_what_is_wrong_and_what_to_write(
    tmp_path: Path, text: str, what: str, where: str, fix: str
) -> None:
    _project(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, environ={})
    assert what in caught.value.what
    assert where in str(caught.value.where)
    assert fix in str(caught.value.fix)


def test_a_file_written_by_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_bytes(b'\xef\xbb\xbfname = "x"\r\nthreads = 2\r\n')
    settings = load_settings(tmp_path, environ={})
    assert (settings.name, settings.threads) == ("x", 2)
    assert settings.origin("threads") == "orchestrator.toml:2"


def test_settings_are_frozen_and_travel(tmp_path: Path) -> None:
    settings = load_settings(_project(tmp_path), environ={})
    with pytest.raises(AttributeError):
        settings.name = "other"  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings
    assert copy.origin("name") == "orchestrator.toml:2"


def test_reading_settings_imports_nothing_heavy() -> None:
    code = (
        "import sys; import orchestrator.settings, orchestrator.log;"
        "heavy = {'dbt','duckdb','sqlglot','sqlalchemy','distributed','pydantic','pandas','yaml'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
