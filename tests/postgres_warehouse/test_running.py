"""Scripts on Postgres: lost connections, cancels the server knows of, codes, lines and conflicts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.model.context import RunContext, entered
from orchestrator.model.signals import FAIL
from tasks.postgres.query import PostgresQuery
from tasks.sql.running import Script, Transaction, run_script

Made = Callable[..., Any]
ACTIVE = "select count(*) from pg_stat_activity where state = 'active' and query like %s"


def run(warehouse: Any, text: str, data: Any = None, fetch: str = "all", **said: Any) -> Any:
    with warehouse.connect() as connection:
        script = Script(text, **said)
        return run_script(warehouse.session(connection), script, data, fetch).value


def running(**said: Any) -> RunContext:
    return RunContext("run-1", "nightly", "load", **said)


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        threading.Event().wait(0.05)
    pytest.fail("it never came to that")


@pytest.mark.parametrize(
    "script",
    [
        "select pg_sleep(601)",
        "do $$ begin perform pg_sleep(602); end $$",
        "create table t as select 1 as a from (select pg_sleep(603)) as s",
        "copy (select pg_sleep(604)) to '/dev/null'",
    ],
)
def test_a_cancelled_statement_is_gone_from_the_server(
    warehouse: Any, admin: Any, script: str
) -> None:
    context = running()
    ended: list[Any] = []

    def work() -> None:
        with entered(context), pytest.raises(FAIL) as raised:
            run(warehouse, script)
        ended.append(raised.value)

    def active() -> int:
        return int(admin.execute(ACTIVE, [f"{script[:12]}%(60%"]).fetchone()[0])

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: active() == 1)
    context.cancelled.set()
    thread.join(timeout=60)
    assert ended[0].status == "cancelled"
    assert ended[0].code == "57014"
    assert active() == 0


def terminate(admin: Any) -> None:
    """End the session that waits for the lock 11."""
    waiting = "select pid from pg_locks where locktype = 'advisory' and not granted"
    wait_until(lambda: bool(admin.execute(waiting).fetchone()))
    admin.execute(f"select pg_terminate_backend(({waiting}))")


def test_a_connection_that_is_lost_in_the_middle_of_a_script(warehouse: Any, admin: Any) -> None:
    admin.execute("select pg_advisory_lock(11)")
    script = "create table t as select 1;\ninsert into t values (2);\nselect pg_advisory_lock(11)"
    thread = threading.Thread(target=terminate, args=(admin,))
    thread.start()
    with entered(running()), pytest.raises(ConnectionError) as raised:
        run(warehouse, script, transaction=Transaction.OFF, file="sql/a.sql")
    thread.join()
    failure: Any = raised.value
    assert failure.code == "57P01"
    assert "statement 3 of 3; statements 1 and 2 stay" in failure.message
    assert failure.detail["path"] == "sql/a.sql:3"
    with entered(running()):  # the pool gives another one
        assert run(warehouse, "select 1") == [(1,)]
    admin.execute("select pg_advisory_unlock(11)")


def test_a_lost_connection_leaves_nothing_of_a_transaction(warehouse: Any, admin: Any) -> None:
    admin.execute("select pg_advisory_lock(11)")
    thread = threading.Thread(target=terminate, args=(admin,))
    thread.start()
    with entered(running()), pytest.raises(ConnectionError, match="nothing was kept"):
        run(warehouse, "create table t as select 1; select pg_advisory_lock(11)")
    thread.join()
    admin.execute("select pg_advisory_unlock(11)")
    assert run(warehouse, "select to_regclass('t') is null") == [(True,)]


@pytest.mark.parametrize(
    ("script", "code", "line", "said"),
    [
        ("select 1;\n\nselect\n nope", "42703", 4, 'column "nope" does not exist'),
        ("select 1;\nselect 1 +;", "42601", 2, 'syntax error at end of input'),
        ("\nselect 1/0", "22012", 2, "division by zero"),
        ("create table t (a int primary key); insert into t values (1), (1)", "23505", 1,
         'duplicate key value violates unique constraint "t_pkey": Key (a)=(1) already exists.'),
        ("do $$ begin\nraise exception 'stop: %', 5;\nend $$", "P0001", 1, "stop: 5"),
        ("select 'not closed", "42601", 1, 'unterminated quoted string'),
        ("vacuum; select 1", "25001", 1, "VACUUM cannot run inside a transaction block"),
    ],
)  # fmt: skip
def test_what_postgres_says(warehouse: Any, script: str, code: str, line: int, said: str) -> None:
    with pytest.raises(FAIL) as raised:
        run(warehouse, script, file="a.sql")
    failure: Any = raised.value
    assert failure.code == code
    assert said in failure.message
    assert failure.detail["path"] == f"a.sql:{line}"


def test_the_line_is_right_where_values_have_lines(warehouse: Any) -> None:
    with pytest.raises(FAIL) as raised:
        run(warehouse, "select $a,\nnope", {"a": "1\n2\n3"}, file="a.sql")
    assert raised.value.detail["path"] == "a.sql:2"


def test_deadlocks_and_serialization_are_tried_again(warehouse: Any) -> None:
    run(warehouse, "create table t as select 1 as a, 0 as n", fetch="none")
    meet = threading.Barrier(2, timeout=60)
    tries: list[int] = []

    def work() -> None:
        with entered(running()), warehouse.connect() as connection:
            session = warehouse.session(connection)
            begun = session.begin

            def begin() -> None:
                begun()
                session.say("set transaction isolation level repeatable read")
                session.say("select n from t")
                tries.append(1)
                if len(tries) <= 2:
                    meet.wait()  # both have seen the same row

            session.begin = begin
            run_script(session, Script("select 1; update t set n = n + 1"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 3
    assert run(warehouse, "select n from t") == [(2,)]


def test_statements_that_the_server_takes_no_values_into(warehouse: Any) -> None:
    hostile = "it's \\'; drop table t; --"
    run(warehouse, "create table t (a text); insert into t values ($x)", {"x": hostile}, "none")
    run(warehouse, "create view v as select $x as a", {"x": hostile}, "none")
    run(warehouse, "create table u as select $x as a, $n + 1 as b", {"x": hostile, "n": 1}, "none")
    assert run(warehouse, "select a from t union all select a from v") == [(hostile,)] * 2
    assert run(warehouse, "select * from u") == [(hostile, 2)]


def test_json_operators_beside_values(warehouse: Any) -> None:
    query = "select '{\"a\": 1}'::jsonb ? 'a', '{\"a\": 1}'::jsonb ?| array['b'], ? % 3"
    assert run(warehouse, query, [5]) == [(True, False, 2)]
    assert run(warehouse, "select '{\"a\": 1}'::jsonb ? $key", {"key": "b"}) == [(False,)]


def test_the_rows_that_came_back_of_a_write(warehouse: Any) -> None:
    run(warehouse, "create table t (a serial, b text)", fetch="none")
    insert = "insert into t (b) values ('x'), ('y') returning a"
    assert run(warehouse, insert) == [(1,), (2,)]
    assert run(warehouse, insert, fetch="arrow").to_pylist() == [{"a": 3}, {"a": 4}]
    assert run(warehouse, "update t set b = 'z'", fetch="all") is None


def test_a_transaction_of_its_own_on_the_connection(warehouse: Any) -> None:
    with warehouse.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("create table t as select 1; select 1 / 0")
        assert connection.execute("select to_regclass('t')").fetchone() == (None,)


def test_the_query_task(warehouse: Any) -> None:
    task = PostgresQuery("select $1::int + 1 as n", fetch="one", data=[1])
    assert task.run(warehouse=warehouse).value == (2,)
    assert task.run("select $n as n", data={"n": 5}, warehouse=warehouse).value == (5,)


def test_what_a_script_says_is_logged(warehouse: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "orchestrator.task")
    script = "drop table if exists nowhere; do $$ begin raise notice 'half %', 1; raise warning 'oh'; end $$"
    with entered(running()):
        run(warehouse, script, fetch="none")
    told = [(r.levelname, r.message) for r in caplog.records if "statement" not in r.message]
    assert [word for word in told if word[1] in ("half 1", "oh")] == [
        ("INFO", "half 1"),
        ("WARNING", "oh"),
    ]
    assert not any("nowhere" in text and "skipping" in text for _, text in told)


DIES = """
import os, sys, threading
from pathlib import Path
from orchestrator.model.planning import RunOptions
from tasks.warehouses import make

table = {"type": "postgres", "host": sys.argv[1], "dbname": "test", "user": "test",
         "settings": {"client_connection_check_interval": "100ms"}}
with make("main", table, root=Path(), options=RunOptions()).connect() as connection:
    threading.Thread(target=lambda: (sys.stdin.readline(), os._exit(9))).start()
    connection.execute("select pg_sleep(699)")
"""


def test_the_query_of_a_process_that_dies_is_ended(settings: dict[str, Any], admin: Any) -> None:
    def active() -> int:
        return int(admin.execute(ACTIVE, ["%pg_sleep(699)"]).fetchone()[0])

    with subprocess.Popen(
        [sys.executable, "-c", DIES, settings["host"]], stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:  # fmt: skip
        wait_until(lambda: active() == 1)
        process.communicate(b"die\n")
    wait_until(lambda: active() == 0)
