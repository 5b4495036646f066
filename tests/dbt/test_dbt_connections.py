"""Postgres connections that go from node to node: each node meets one as good as new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tests import postgres_server
from tests.dbt.project import write_project

PROFILES = """
shop:
  target: dev
  outputs:
    dev:
      {type: postgres, host: HOST, user: test, password: "", port: 5432, dbname: test, schema: main,
       threads: 1, role: builder, search_path: "public, main"}
"""
ASKS = """
    select pg_backend_pid() as pid, current_setting('work_mem') as memory,
           current_setting('search_path') as path, current_user::text as role,
           to_regclass('pg_temp.left_over')::text as temporary,
           (select count(*) from pg_locks where locktype = 'advisory') as locks
    """
FILES = {
    "dbt_project.yml": """
        name: shop
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        models: {shop: {+materialized: table}}
        """,
    "models/before.sql": ASKS,
    "models/leaves.sql": """
        {{ config(pre_hook=["set work_mem = '7MB'", "set search_path = main", "reset role",
                            "create temporary table left_over as select 1 as n",
                            "select pg_advisory_lock(7)"]) }}
        select 1 as n
        """,
    "models/broken.sql": "{{ config(pre_hook=\"set work_mem = '9MB'\") }} select nope",
    "models/after.sql": ASKS,
    "models/dies.sql": "select pg_terminate_backend(pg_backend_pid())",
    "models/alters.sql": """
        {{ config(post_hook="alter role builder set work_mem = '5MB'") }} select 1 as n
        """,
}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with postgres_server.running() as address:
        yield address.partition("host=")[2]


@pytest.fixture
def session(host: str, tmp_path: Path) -> Iterator[WarmSession]:
    rows(host, "drop schema if exists main cascade", False)
    rows(host, "drop owned by builder cascade" if roles(host) else "create role builder", False)
    rows(host, "alter role builder reset all", False)
    rows(host, "grant all on database test to builder", False)
    files = {**FILES, "profiles.yml": PROFILES.replace("HOST", host)}
    made = WarmSession(DbtOptions(str(write_project(tmp_path, files))))
    made.parse()
    made.begin()
    yield made
    made.abandon()
    assert rows(host, "select count(*) from pg_stat_activity where datname = 'test'") == [(1,)]


def roles(host: str) -> list[tuple[Any, ...]]:
    return rows(host, "select 1 from pg_roles where rolname = 'builder'")


def rows(host: str, query: str, fetch: bool = True) -> list[tuple[Any, ...]]:
    with psycopg.connect(host=host, user="test", dbname="test") as connection:
        found = connection.execute(query)
        return found.fetchall() if fetch else []


def run(session: WarmSession, *names: str) -> list[str]:
    return [session.run_node(f"model.shop.{name}").status for name in names]


def seen(host: str, name: str) -> tuple[Any, ...]:
    return rows(host, f"select * from main.{name}")[0]


def test_a_node_meets_nothing_that_others_left(host: str, session: WarmSession) -> None:
    assert run(session, "before", "leaves", "broken", "after") == [
        "success", "success", "error", "success",
    ]  # fmt: skip
    before, after = seen(host, "before"), seen(host, "after")
    assert after[1:] == before[1:]
    assert before[2:] == ("public, main", "builder", None, 0)


def test_the_connection_stays(host: str, session: WarmSession) -> None:
    assert run(session, "before", "after") == ["success", "success"]
    assert seen(host, "after")[0] == seen(host, "before")[0]


def test_locks_are_gone_as_soon_as_the_node_is(host: str, session: WarmSession) -> None:
    assert run(session, "leaves") == ["success"]
    assert rows(host, "select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_a_dead_connection_is_passed_by(host: str, session: WarmSession) -> None:
    assert run(session, "before", "dies", "after") == ["success", "error", "success"]
    rows(
        host,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = 'test' and pid <> pg_backend_pid()",
    )
    assert run(session, "before") == ["success"]


def test_after_a_change_of_defaults_each_node_gets_a_new_one(
    host: str, session: WarmSession
) -> None:
    assert run(session, "before", "alters", "after") == ["success"] * 3
    assert seen(host, "after")[0] != seen(host, "before")[0]
