"""The connections of a process: kept for a run, bounded, replaced when dead, never shared."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import InfrastructureError
from orchestrator.model.context import RunContext, entered
from tasks.dbapi.pooling import Source, pooled, release_all

Made = Callable[..., Any]


def running(run_id: str = "run-1") -> RunContext:
    return RunContext(run_id, "nightly", "load")


def use(warehouse: Any, run_id: str | None = "run-1") -> int:
    """Connect once; returns the process of the server."""
    if run_id is None:
        with warehouse.connect() as connection:
            return int(connection.info.backend_pid)
    with entered(running(run_id)), warehouse.connect() as connection:
        return int(connection.info.backend_pid)


@pytest.fixture
def there(admin: Any) -> Callable[[int], bool]:
    """Whether the server has a process."""
    return lambda pid: bool(
        admin.execute("select 1 from pg_stat_activity where pid = %s", [pid]).fetchone()
    )


@pytest.fixture
def gone(there: Callable[[int], bool]) -> Callable[[int], bool]:
    """Whether a process of the server ends, which takes it a moment."""

    def found(pid: int) -> bool:
        for _ in range(200):
            if not there(pid):
                return True
            threading.Event().wait(0.05)
        return False

    return found


def test_a_connection_is_kept_for_the_run_and_closed_at_its_end(
    warehouse: Any, there: Callable[[int], bool], gone: Callable[[int], bool]
) -> None:
    pid = use(warehouse)
    assert use(warehouse) == pid
    assert there(pid)
    warehouse.release("run-1")
    assert gone(pid)


def test_another_run_keeps_it(warehouse: Any, gone: Callable[[int], bool]) -> None:
    pid = use(warehouse)
    assert use(warehouse, "run-2") == pid
    warehouse.release("run-1")
    assert use(warehouse, "run-2") == pid
    warehouse.release("run-2")
    assert gone(pid)


def test_outside_a_run_it_is_closed_after_its_use(
    warehouse: Any, gone: Callable[[int], bool]
) -> None:
    assert gone(use(warehouse, None))


def test_one_in_use_outlives_the_release(warehouse: Any, gone: Callable[[int], bool]) -> None:
    with entered(running()), warehouse.connect() as connection:
        pid = connection.info.backend_pid
        release_all()
        assert connection.execute("select 1").fetchone() == (1,)
    assert gone(pid)


def test_a_dead_connection_is_replaced(warehouse: Any, admin: Any) -> None:
    pid = use(warehouse)
    admin.execute("select pg_terminate_backend(%s, 10000)", [pid])
    assert use(warehouse) != pid


def test_one_that_a_task_closed_is_replaced(warehouse: Any) -> None:
    with entered(running()), warehouse.connect() as connection:
        connection.close()
    assert use(warehouse)


def test_the_connection_of_a_cancelled_attempt_is_not_used_again(warehouse: Any) -> None:
    context = running()
    with entered(context), warehouse.connect() as connection:
        pid = connection.info.backend_pid
        context.cancelled.set()
    assert use(warehouse) != pid


def test_what_a_task_leaves_behind_is_gone(warehouse: Any) -> None:
    with entered(running()), warehouse.connect() as connection:
        pid = connection.info.backend_pid
        connection.execute("create temporary table passing as select 1; set work_mem to '1MB'")
        connection.execute("select pg_advisory_lock(7); prepare p as select 1; listen here")
        connection.autocommit = False
        connection.execute("create table half_done as select 1")
    with entered(running()), warehouse.connect() as connection:
        assert connection.info.backend_pid == pid
        assert connection.autocommit
        asked = (
            "select to_regclass('passing'), to_regclass('half_done'), current_setting('work_mem')"
        )
        assert connection.execute(asked).fetchone() == (None, None, "4MB")
        left = "select (select count(*) from pg_prepared_statements), count(*) from pg_locks where locktype = 'advisory'"
        assert connection.execute(left).fetchone() == (0, 0)


def test_warehouses_of_other_settings_have_pools_of_their_own(made: Made) -> None:
    one, same, other = made(), made(), made(settings={"work_mem": "1MB"})
    assert use(one) == use(same)
    assert use(one) != use(other)


def test_threads_wait_for_a_bounded_number(made: Made) -> None:
    warehouse, lock = made(pool_size=2), threading.Lock()
    now, most, pids = 0, 0, set()

    def work() -> None:
        nonlocal now, most
        with entered(running()), warehouse.connect() as connection:
            with lock:
                now += 1
                most = max(most, now)
                pids.add(connection.info.backend_pid)
            connection.execute("select pg_sleep(0.05)")
            with lock:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
    assert len(pids) == 2


class _Connection:
    def close(self) -> None:
        pass


def _source(**said: Any) -> Source:
    return Source("key", "the database", _Connection, lambda c: True, lambda c: None, **said)


def test_all_in_use_for_too_long() -> None:
    source = _source(size=1, patience=0.1)
    with (
        pooled(source),
        pytest.raises(InfrastructureError, match=r"all 1 connections .* in use for 0\.1 s"),
        pooled(source),
    ):
        pass


def test_a_cancelled_attempt_stops_waiting_for_one() -> None:
    context = running()
    context.cancelled.set()
    with (
        pooled(_source(size=1)),
        entered(context),
        pytest.raises(InfrastructureError, match="cancelled while waiting"),
        pooled(_source(size=1)),
    ):
        pass


FORKS = """
import os, sys
from pathlib import Path
from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import RunOptions
from tasks.dbapi.pooling import release_all
from tasks.warehouses import make

table = {"type": "postgres", "host": sys.argv[1], "dbname": "test", "user": "test"}
warehouse = make("main", table, root=Path(), options=RunOptions())

def used():
    with entered(RunContext("run", "flow", "task")), warehouse.connect() as connection:
        return connection.execute("select pg_backend_pid()").fetchone()[0]

mine = used()
child = os.fork()
if child == 0:
    import gc
    theirs = used()
    gc.collect()
    release_all()
    os._exit(0 if theirs != mine else 3)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert used() == mine, "the child has ended its parent's session"
with entered(RunContext("run", "flow", "task")), warehouse.connect() as connection:
    child = os.fork()
    if child == 0:  # while a connection is in use
        theirs = used()
        sys.exit(0 if theirs != mine else 3)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
    assert connection.execute("select pg_backend_pid()").fetchone()[0] == mine
print("done")
"""


def test_a_forked_process_has_connections_of_its_own(settings: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, settings["host"]],
        capture_output=True, text=True, timeout=100,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout == "done\n", done.stderr
