"""Queries that run on the server by themselves, and outlive the connection that sent them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.context import RunContext, entered
from orchestrator.model.signals import FAIL
from tasks import SnowflakeQuery
from tests.snowflake.conftest import made
from tests.snowflake.proxy import proxied
from tests.snowflake.recorded_snowflake import Recorded, SnowflakeError


def by_id(query: str, **said: Any) -> SnowflakeQuery:
    return SnowflakeQuery(query, waiting="by_id", **said)


def test_results_and_counts_are_those_of_a_connected_query(warehouse: Any) -> None:
    done = by_id(
        "create table t (id int); insert into t values (1), (2); update t set id = 3 where id = 2;"
        "select id from t order by id"
    ).run(warehouse=warehouse)
    assert done.value == [(1,), (3,)]
    assert done.rows == 3


def test_values_are_bound_and_other_results_fetched(warehouse: Any) -> None:
    query = by_id("select $n as n", data={"n": 7}, fetch="dicts")
    assert query.run(warehouse=warehouse).value == [{"N": 7}]
    frame = by_id("select 7 as n", fetch="df").run(warehouse=warehouse).value
    assert frame["n"].tolist() == [7]


def test_a_lost_connection_does_not_lose_the_query(
    snowflake_table: dict[str, Any], tmp_path: Path
) -> None:
    """fakesnow, through a proxy that breaks all connections when the query is first asked for."""
    with proxied(snowflake_table["port"], b"GET /monitoring/queries", refusals=3) as proxy:
        table = {**snowflake_table, "port": proxy.port, "network_timeout": 2, "connect_timeout": 2}
        warehouse = made(table, tmp_path)
        query = by_id("create table made as select 1 as a; insert into made values (2)")
        assert query.run(warehouse=warehouse).rows == 1
        assert proxy.broke == 1
        assert proxy.refused == 3
    direct = made(snowflake_table, tmp_path)
    rows = SnowflakeQuery("select a from made order by 1").run(warehouse=direct).value
    assert rows == [(1,), (2,)]  # neither lost nor done twice


def test_a_server_that_stays_away_is_given_up(
    snowflake_table: dict[str, Any], tmp_path: Path
) -> None:
    with proxied(snowflake_table["port"], b"GET /monitoring/queries", refusals=10_000) as proxy:
        table = {**snowflake_table, "port": proxy.port, "network_timeout": 1, "connect_timeout": 1}
        # Another attempt may succeed: so it is retried, whatever retry_on says.
        with pytest.raises(ConnectionError):
            by_id("select 1", patience=0.0).run(warehouse=made(table, tmp_path))


def test_it_is_asked_for_until_it_is_done(recorded: Recorded, spoken: Any) -> None:
    recorded.answer("^call", [("answer", "FIXED")], (42,))
    recorded.looks = 4
    assert by_id("call long_work()").run(warehouse=spoken).value == [(42,)]
    assert recorded.statements[0]["asyncExec"] is True
    assert recorded.looks < 0


def test_it_fails_in_snowflakes_words(recorded: Recorded, spoken: Any) -> None:
    recorded.refuse("^insert", SnowflakeError("100072", "22000", "NULL result in a column"))
    with pytest.raises(FAIL, match="NULL result in a column") as raised:
        by_id("insert into t select null").run(warehouse=spoken)
    assert raised.value.code == "100072"  # type: ignore[attr-defined]


def test_it_is_cancelled_by_its_id(recorded: Recorded, spoken: Any) -> None:
    recorded.looks = 10_000
    context = RunContext("r1", "nightly", "load")
    threading.Timer(0.5, context.cancelled.set).start()
    with entered(context), pytest.raises(FAIL) as raised:
        by_id("select slow()").run(warehouse=spoken)
    assert raised.value.status == "cancelled"
    assert set(recorded.aborted) == set(recorded.queries)


def test_a_connected_query_is_cancelled_too(recorded: Recorded, spoken: Any) -> None:
    recorded.hang("slow")
    context = RunContext("r1", "nightly", "load")
    threading.Timer(0.5, context.cancelled.set).start()
    with entered(context), pytest.raises(FAIL) as raised:
        SnowflakeQuery("select slow()").run(warehouse=spoken)
    assert raised.value.status == "cancelled"
    assert set(recorded.aborted) == {"select slow()"}


def test_what_belongs_to_a_session_is_said_in_it(recorded: Recorded, spoken: Any) -> None:
    by_id("use role loader; select 1").run(warehouse=spoken)
    assert [said["asyncExec"] for said in recorded.statements] == [False, True, False]
