"""Opening a store: making it, finding it up to date, and refusing what is no store of ours."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.engines import DURABLE, RELAXED, sqlite_engine
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, FlowRun, TaskRun
from orchestrator.store.tables import HEAD


def in_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A store's file with one run in it."""
    path = tmp_path / "runs.db"
    with open_store(path) as store:
        store.create_run(FlowRun("r1", "nightly"), [TaskRun("r1", "a", "a")])
    return path


def test_a_new_store_belongs_to_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "runs.db"
    with open_store(path) as store:
        store.create_run(FlowRun("r1", "nightly"))
        beside = list(path.parent.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in beside} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_kept_is_there_when_opened_again(made: Path) -> None:
    for place in (made, str(made), f"sqlite:///{made}"):
        with open_store(place) as store:
            assert store.run("r1").flow == "nightly"


def test_moves_are_on_the_disk_when_they_return_and_logs_in_the_file(made: Path) -> None:
    engine = sqlite_engine(made, busy_seconds=1)
    # FULL is 2, NORMAL is 1
    for mode, synchronous in [(DURABLE, 2), (RELAXED, 1), (DURABLE, 2)]:
        with engine.execution_options(store=mode).begin() as connection:
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous")
            ]
        assert found == ["wal", 1, synchronous]
    engine.dispose()


def test_a_store_up_to_date_is_opened_without_alembic(made: Path) -> None:
    code = (
        "import sys\n"
        "from orchestrator.store.opening import open_store\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "open_store(sys.argv[1]).close()\n"
        "assert 'alembic' not in sys.modules\n"
        "assert open_store('memory:').runs() == ()\n"
    )
    process = in_process(code, made)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


@pytest.mark.slow
def test_processes_that_open_a_new_file_at_the_same_time_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys, sqlalchemy, alembic.command\n"
        "from orchestrator.store.opening import open_store\n"
        "from orchestrator.store.records import FlowRun\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    store.create_run(FlowRun(sys.argv[2], 'nightly'))\n"
    )
    for turn in range(3):
        path = tmp_path / f"{turn}" / "runs.db"
        processes = [in_process(code, path, f"r{n}") for n in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            assert process.communicate(timeout=60)[1] == ""
        with open_store(path) as store:
            assert sorted(run.id for run in store.runs()) == ["r0", "r1", "r2", "r3"]


def test_a_store_of_a_newer_version_is_refused_and_left_alone(made: Path) -> None:
    connection = sqlite3.connect(made)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    with pytest.raises(StoreError, match="newer version") as refused:
        open_store(made)
    assert refused.value.where == str(made)
    assert "update" in str(refused.value.fix)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    assert connection.execute("SELECT count(*) FROM flow_runs").fetchone() == (1,)
    connection.close()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.touch()
    open_store(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    connection.close()


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (id)")
    connection.commit()
    with pytest.raises(StoreError, match="not a run store"):
        open_store(path)
    tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("customers",)]
    connection.close()


@pytest.mark.parametrize("text", [b"not a database, only text\n" * 100, b"SQLite format 3\0" * 99])
def test_a_file_that_is_no_database(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(text)
    with pytest.raises(StoreError) as refused:
        open_store(path)
    assert refused.value.where == str(path)
    assert "move" in str(refused.value.fix)
    assert path.read_bytes() == text


def test_a_damaged_store(made: Path) -> None:
    content = bytearray(made.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    made.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"), open_store(made) as store:
        store.run("r1")


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "runs.db"):
        with pytest.raises(StoreError, match="cannot be made") as refused:
            open_store(path)
        assert refused.value.where == str(path)
    for place in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(StoreError, match="needs a file"):
            open_store(place)
    with pytest.raises(StoreError, match="address of the run store cannot be read"):
        open_store("post gres://")
    with pytest.raises(StoreError, match="cannot be kept there"):
        open_store("nosuch://host/database")


def test_a_password_is_never_shown() -> None:
    with pytest.raises(StoreError) as refused:
        open_store("postgresql+nosuch://me:hunter2@localhost:1/runs")
    assert "hunter2" not in str(refused.value)


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(StoreError) as refused:
        open_store("postgresql://me:hunter2@127.0.0.1:1/runs")
    assert refused.value.fix is not None
    assert "reachable" in refused.value.fix
    assert "hunter2" not in str(refused.value)


def test_a_store_in_memory() -> None:
    assert isinstance(open_store("memory:"), MemoryStore)


def test_a_locked_store_is_waited_for_and_then_given_up(made: Path) -> None:
    holder = sqlite3.connect(made, isolation_level=None)
    with open_store(made, busy_seconds=0.2) as store:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process") as refused:
            store.transition("r1", [Change("a", S.RUNNING)])
        assert refused.value.where == str(made)
        assert store.task_runs("r1")[0].state is S.PENDING  # reading goes on
        holder.execute("ROLLBACK")
        assert store.transition("r1", [Change("a", S.RUNNING)]) == ()
    holder.close()


def test_a_full_disk_leaves_what_was_kept(made: Path) -> None:
    code = (
        "import resource, sys\n"
        "from orchestrator.errors import StoreError\n"
        "from orchestrator.store.opening import open_store\n"
        "from orchestrator.store.records import Change, FlowRun\n"
        "store = open_store(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))\n"
        "for n in range(10_000):\n"
        "    try:\n"
        "        store.create_run(FlowRun(f'n{n}', 'nightly', message='x' * 1000))\n"
        "    except StoreError as error:\n"
        "        print(n, error.what)\n"
        "        break\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "store.create_run(FlowRun('after', 'nightly'))\n"
    )
    process = in_process(code, made)
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    acknowledged, what = output.split(" ", 1)
    assert "disk" in what
    with open_store(made) as store:
        runs = store.runs(limit=10_000)
    # The one run that stood before, those acknowledged, and the one kept when there was room.
    assert len(runs) == 1 + int(acknowledged) + 1
    assert_sound(made)


def test_a_store_that_may_only_be_read(made: Path) -> None:
    from sqlalchemy import create_engine

    from orchestrator.store.sql import SqlStore

    engine = create_engine(f"sqlite:///file:{made}?mode=ro&uri=true")
    with SqlStore(engine, str(made)) as store, pytest.raises(StoreError) as refused:
        store.transition("r1", [Change("a", S.RUNNING)])
    assert "read-only" in refused.value.what
    assert "writable" in str(refused.value.fix)


def assert_sound(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
