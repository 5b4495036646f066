"""The tables in the code are the sum of the migrations, on each database."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import orchestrator.store
from orchestrator.model.state import StateType as S
from orchestrator.store.opening import open_store
from orchestrator.store.records import Action, Ask
from orchestrator.store.tables import HEAD, metadata

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_head_is_the_newest_migration() -> None:
    config = Config()
    [folder] = orchestrator.store.__path__
    config.set_main_option("script_location", f"{folder}/migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def schema(path: Path) -> dict[str, object]:
    """Each table by its columns, keys and whether it numbers rows for good; each index by its text.

    The text of a table will not do: SQLite writes an added column behind the constraints.
    """
    connection = sqlite3.connect(path)
    found: dict[str, object] = {}
    for kind, name, sql in connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT IN ('alembic_version', 'sqlite_sequence')"
    ).fetchall():
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        keys = sorted(connection.execute(f"PRAGMA foreign_key_list({name})").fetchall())
        index = " ".join(sql.split())
        found[name] = (columns, keys, "AUTOINCREMENT" in sql) if kind == "table" else index
    connection.close()
    return found


def server_schema(url: str) -> list[tuple[object, ...]]:
    """Each column, index and constraint of a server's tables, as the server writes it."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for query in SERVER for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return sorted(found, key=repr)


SERVER = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
)


def test_a_new_file_has_every_table_of_the_code(tmp_path: Path) -> None:
    open_store(tmp_path / "made.db").close()
    made = schema(tmp_path / "made.db")
    assert set(made) >= {*metadata.tables, "task_runs_durations", "flow_runs_idempotency_key"}


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


#: A run as the first version wrote it: with a task, an attempt, an event and a log line.
FIRST_VERSION = (
    "INSERT INTO flow_runs VALUES ('r1', 'nightly', 'shop', 'Failed', '1 failed', 1000000, 2000000,"
    " 5000000, NULL, '{\"n\":3}', '{}', '[]', 12, 'laptop', NULL, 1)",
    "INSERT INTO task_runs VALUES ('r1', 'load', 0, 'load', 'python', 'Success', '', NULL, NULL, 1,"
    " 't1', 2000000, 3000000, 7, NULL, NULL, NULL, '{\"value\":7}')",
    "INSERT INTO attempts VALUES"
    " ('r1', 'load', 1, 't1', 'Success', '', 2000000, 3000000, 'w1', NULL)",
    "INSERT INTO events (run_id, key, at, kind, data) VALUES"
    " ('r1', NULL, 1000000, 'created', '{\"tasks\":1}')",
    "INSERT INTO log_lines (run_id, key, attempt, at, level, text) VALUES"
    " ('r1', 'load', 1, 2500000, 20, 'seven rows')",
)


def write_first_version(url: str) -> None:
    """Make a store as the first version left it, with a run in it."""
    engine = create_engine(url)
    [folder] = orchestrator.store.__path__
    config = Config()
    config.set_main_option("script_location", f"{folder}/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_VERSION:
            connection.exec_driver_sql(statement)
    engine.dispose()


def check_what_the_first_version_wrote(place: str) -> None:
    with open_store(place) as store:
        run = store.run("r1")
        assert (run.flow, run.state, run.parameters) == ("nightly", S.FAILED, {"n": 3})
        assert run.idempotency_key is None
        [row] = store.task_runs("r1")
        assert (row.state, row.rows, row.result) == (S.SUCCESS, 7, {"value": 7})
        assert [attempt.worker for attempt in store.attempts("r1")] == ["w1"]
        assert [line.text for line in store.logs("r1")] == ["seven rows"]
        assert [event.kind for event in store.events("r1")] == ["created"]
        # And what is new works on what is old
        number = store.ask("r1", Ask(Action.MARK, "load", {"state": "failed"}, by="ada"))
        assert [asked.id for asked in store.asked("r1")] == [number]
        store.set_limit("flow:nightly", 1)
        assert store.acquire(["flow:nightly"], "h", "r1", NOON) == ()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    write_first_version(f"sqlite:///{path}")
    check_what_the_first_version_wrote(str(path))
    open_store(tmp_path / "new.db").close()
    assert schema(path) == schema(tmp_path / "new.db")


def test_a_database_of_the_first_version_is_brought_up_to_date(postgres_url: str) -> None:
    write_first_version(postgres_url)
    check_what_the_first_version_wrote(postgres_url)
    assert differences(postgres_url) == []
    migrated = server_schema(postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    open_store(postgres_url).close()
    assert migrated == server_schema(postgres_url)
