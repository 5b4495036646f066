"""DuckDBQuery: what it fetches, bound values, lineage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks.duckdb.query import DuckDBQuery

Planned = Callable[..., Planning]
NUMBERS = "select n, 'x' as s from range(3) as r (n)"


def value(warehouse: Any, query: str | None = NUMBERS, **arguments: Any) -> Any:
    return DuckDBQuery(query, **arguments).run(warehouse=warehouse).value


def test_what_it_fetches(warehouse: Any) -> None:
    assert value(warehouse) is None
    assert value(warehouse, fetch="one") == (0, "x")
    assert value(warehouse, "select 1 where false", fetch="one") is None
    assert value(warehouse, fetch="all") == [(0, "x"), (1, "x"), (2, "x")]
    frame = value(warehouse, fetch="df")
    assert frame["n"].sum() == 3
    table = value(warehouse, fetch="arrow")
    assert table.column("n").to_pylist() == [0, 1, 2]


def test_values_are_bound(warehouse: Any, query: Any) -> None:
    query("create table t as select 1 as a")
    hostile = "1; drop table t"
    assert value(warehouse, "select ?, ?", fetch="one", data=[hostile, 2]) == (hostile, 2)
    assert value(warehouse, "select $a, $b", fetch="one", data={"a": hostile, "b": 2}) == (
        hostile,
        2,
    )
    assert query("from t") == [(1,)]


def test_run_may_bring_query_and_values(warehouse: Any, planning: Planned) -> None:
    task = DuckDBQuery(fetch="one", data=[1])
    assert task.run("select ?", warehouse=warehouse).value == (1,)
    assert task.run("select ?", data=[2], warehouse=warehouse).value == (2,)
    with pytest.raises(FlowError, match="has no query"):
        task.run(warehouse=warehouse)


def test_the_rows_it_wrote(warehouse: Any) -> None:
    assert DuckDBQuery("create table t as from range(4)").run(warehouse=warehouse).rows == 4


def test_it_fetches_from_the_last_statement_and_keeps_all_or_nothing(
    warehouse: Any, query: Any
) -> None:
    assert value(warehouse, "create table t as select 5 as a; from t", fetch="all") == [(5,)]
    with pytest.raises(FAIL):
        value(warehouse, "insert into t values (6); select nope", fetch="all")
    assert query("from t") == [(5,)]


def test_its_query_is_read_for_lineage(planning: Planned) -> None:
    facts = DuckDBQuery("select * from raw.orders", fetch="df").facts("q", planning())
    assert [str(access.dataset) for access in facts.reads] == ["shop.raw.orders"]
    assert facts.lineage_unknown is None


def test_a_query_that_comes_later_is_not_known(planning: Planned) -> None:
    assert DuckDBQuery().facts("q", planning()).lineage_unknown
    assert DuckDBQuery(reads=["raw.orders"]).facts("q", planning()).lineage_unknown is None


def test_a_wrong_word_for_fetch() -> None:
    with pytest.raises(FlowError, match="cannot fetch 'al'") as raised:
        DuckDBQuery("select 1", fetch="al")
    assert raised.value.fix == "did you mean 'all'?"
