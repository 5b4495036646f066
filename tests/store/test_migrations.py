"""The tables in the code are the sum of the migrations, on each database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import orchestrator.store
from orchestrator.store.opening import open_store
from orchestrator.store.tables import HEAD, metadata


def test_head_is_the_newest_migration() -> None:
    config = Config()
    [folder] = orchestrator.store.__path__
    config.set_main_option("script_location", f"{folder}/migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def schema(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    ).fetchall()
    connection.close()
    return {name: " ".join(sql.split()) for name, sql in found}


def test_a_migrated_file_has_the_very_tables_of_the_code(tmp_path: Path) -> None:
    open_store(tmp_path / "migrated.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(engine)
    engine.dispose()
    made = schema(tmp_path / "made.db")
    assert set(made) >= {*metadata.tables, "task_runs_durations"}
    assert schema(tmp_path / "migrated.db") == made


def test_alembic_finds_nothing_to_migrate(tmp_path: Path) -> None:
    open_store(tmp_path / "runs.db").close()
    assert differences(f"sqlite:///{tmp_path / 'runs.db'}") == []


def test_alembic_finds_nothing_to_migrate_on_postgres(postgres_url: str) -> None:
    open_store(postgres_url).close()
    assert differences(postgres_url) == []


def differences(url: str) -> list[object]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    return list(found)
