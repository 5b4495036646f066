"""What [warehouses.NAME] tables become, and what is said of wrong ones."""

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Namespace
from orchestrator.model.planning import RunOptions
from orchestrator.model.warehouse import Warehouse
from tasks.warehouses import make

PROFILES = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: Dev.duckdb, schema: Analytics, settings: {threads: 2}}
    other: {type: duckdb, path: other.duckdb, config_options: {allow_unsigned_extensions: true}}
    cloud: {type: bigquery, method: oauth-secrets, project: prod, dataset: mart, token: hidden}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    return tmp_path


def test_a_duckdb_file_is_named_and_owned_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    one = make(
        "a", {"type": "duckdb", "path": "real/Shop.v2.duckdb"}, root=tmp_path, options=RunOptions()
    )
    other = make("b", {"type": "duckdb", "path": "link/Shop.v2.duckdb", "schema": "Raw"}, root=tmp_path, options=RunOptions())  # fmt: skip
    assert one.namespace == Namespace("duckdb", "shop", "main")
    assert other.namespace == Namespace("duckdb", "shop", "raw")
    assert (
        one.affinity == other.affinity == f"duckdb:{(tmp_path / 'real/Shop.v2.duckdb').resolve()}"
    )
    assert isinstance(one, Warehouse)
    assert pickle.loads(pickle.dumps(other)) == other


def test_memory_is_one_database_of_the_process(tmp_path: Path) -> None:
    made = make("m", {"type": "duckdb", "path": ":memory:"}, root=tmp_path, options=RunOptions())
    assert made.affinity == "duckdb::memory:"
    assert made.namespace == Namespace("duckdb", "memory", "main")


def test_a_dbt_profile_gives_the_connection(project: Path) -> None:
    made = make("w", {"type": "dbt"}, root=project, options=RunOptions())
    assert made.affinity == f"duckdb:{project / 'Dev.duckdb'}"
    assert made.namespace == Namespace("duckdb", "dev", "analytics")
    with made.connect() as connection:
        assert connection.execute("select current_setting('threads')").fetchone() == (2,)
        connection.execute("create table t as select 1")
        assert connection.execute("select schema_name from duckdb_tables()").fetchall() == [("Analytics",)]  # fmt: skip


def test_the_target_of_the_run_wins_over_the_tables(project: Path) -> None:
    made = make("w", {"type": "dbt", "target": "dev"}, root=project, options=RunOptions(target="other"))  # fmt: skip
    assert made.affinity == f"duckdb:{project / 'other.duckdb'}"


def test_a_profiles_dir_of_the_run_is_used(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "profiles.yml").write_text(
        "shop: {target: t, outputs: {t: {type: duckdb, path: e.duckdb}}}"
    )
    made = make("w", {"type": "dbt"}, root=project, options=RunOptions(profiles_dir=str(elsewhere)))
    assert made.affinity == f"duckdb:{project / 'e.duckdb'}"


def test_an_adapter_without_a_connection_still_names_its_tables(project: Path) -> None:
    made = make("w", {"type": "dbt", "target": "cloud"}, root=project, options=RunOptions())
    assert made.namespace == Namespace("bigquery", "prod", "mart")
    assert made.affinity is None
    assert "hidden" not in repr(made)
    with pytest.raises(ConfigurationError, match="cannot connect to bigquery"):
        made.connect()


def test_a_file_that_dbt_opens_too_is_opened_as_dbt_does(project: Path) -> None:
    """Also where the dbt project is a folder of the project."""
    inner = project / "outer"
    inner.mkdir()
    (inner / "dbt_project").mkdir()
    for name in ("dbt_project.yml", "profiles.yml"):
        (inner / "dbt_project" / name).write_text((project / name).read_text())
    table = {"type": "duckdb", "path": "dbt_project/other.duckdb"}
    made = make("w", table, root=inner, options=RunOptions(target="other"))
    assert made.opening.config_options == {"allow_unsigned_extensions": True}  # type: ignore[attr-defined]
    plain = make(
        "w", {**table, "path": "mine.duckdb"}, root=inner, options=RunOptions(target="other")
    )
    assert plain.opening.config_options == {}  # type: ignore[attr-defined]


def test_secrets_stay_references_until_the_database_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {
        "type": "duckdb",
        "path": "a.duckdb",
        "settings": {"s3_secret_access_key": "secret:S3"},
    }
    made = make("w", table, root=tmp_path, options=RunOptions())
    assert "secret:S3" not in repr(made)
    with pytest.raises(ConfigurationError, match="'S3' is not set"), made.connect():
        pass


@pytest.mark.parametrize(
    ("table", "what", "fix"),
    [
        ({"path": "a"}, "has no type", '"duckdb" or "dbt"'),
        ({"type": "dukdb", "path": "a"}, "unknown type of warehouse 'dukdb'", "'duckdb'"),
        ({"type": "oracle"}, "unknown type of warehouse 'oracle'", '"duckdb" or "dbt"'),
        ({"type": "duckdb"}, "has no path", "path ="),
        ({"type": "duckdb", "pth": "a"}, "unknown key 'pth'", "'path'"),
        ({"type": "duckdb", "path": 3}, "path must be text, not 3", "path"),
        ({"type": "duckdb", "path": ""}, "path must be text", "path"),
        (
            {"type": "duckdb", "path": "a", "settings": ["x"]},
            "settings must be a table",
            "settings",
        ),
        ({"type": "duckdb", "path": "a", "attach": [3]}, "attach holds 3", "attach ="),
        (
            {"type": "duckdb", "path": "a", "busy_timeout": "long"},
            "busy_timeout is 'long'",
            "seconds",
        ),
        ({"type": "dbt", "traget": "dev"}, "unknown key 'traget'", "'target'"),
        ({"type": "dbt"}, "no dbt project here", ""),
    ],
)
def test_a_wrong_table_is_told_in_one_sentence(
    tmp_path: Path, table: dict, what: str, fix: str
) -> None:  # type: ignore[type-arg]
    with pytest.raises(Exception, match=dedent(what)) as raised:
        make("w", table, root=tmp_path, options=RunOptions())
    assert fix in (raised.value.fix or "")  # type: ignore[attr-defined]
    assert raised.value.exit_code == 2  # type: ignore[attr-defined]
