"""What a check may assert, on each database: what holds, what does not, and which rows are shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.errors import FlowError, SqlError
from orchestrator.model.signals import FAIL
from tasks.sql.check import SqlCheck
from tests.sql_tasks.databases import Database

Checked = Callable[..., Any]
SIX = datetime(2026, 3, 1, 6, tzinfo=UTC)


def failed(checked: Checked, *args: Any, **said: Any) -> FAIL:
    with pytest.raises(FAIL) as raised:
        checked(*args, **said)
    return raised.value


def rows(error: FAIL) -> list[list[Any]]:
    """The rows shown, without the case of their columns' names."""
    return [list(row.values()) for row in error.detail["findings"][0]["rows"]]


def test_all_of_it_holds(checked: Checked) -> None:
    with instants.fixed(SIX):
        result = checked(
            "orders",
            rows=(1, 3),
            unique="id",
            not_null=["id", "status"],
            accepted={"status": ["open", "closed", "it's"]},
            freshness=("loaded_at", timedelta(hours=1)),
            compare={"count(*)": 0.1},
        )
    assert result.message == "all 7 assertions hold"
    assert result.value is None
    assert result.status is None


@pytest.mark.parametrize(
    ("asserted", "text", "failures", "shown"),
    [
        ({"unique": "status"}, "status is not unique: 1 value more than once", 1, [["open", 2]]),
        ({"unique": ["status", "id"], "rows": 4}, "1 of 2 assertions fail: 3 rows, expected at least 4", 1, []),
        ({"rows": (None, 2)}, "3 rows, expected at most 2", 1, []),
        ({"rows": (5, None), "where": "amount > 10"}, "2 rows, expected at least 5", 1, []),
        ({"accepted": {"amount": [10, 20]}}, "amount holds 1 value not accepted", 1, [[30, 1]]),
        ({"accepted": {"status": ["closed"]}}, "status holds 1 value not accepted", 1, [["open", 2]]),
    ],
)  # fmt: skip
def test_what_does_not_hold(
    checked: Checked, asserted: dict[str, Any], text: str, failures: int, shown: list[Any]
) -> None:
    error = failed(checked, "orders", **asserted)
    assert error.message == text
    assert (error.status, error.failures) == ("fail", failures)
    assert rows(error) == shown


def test_nulls_are_shown_with_their_rows(checked: Checked, database: Database) -> None:
    database.run("insert into orders values (4, null, 1, null)")
    error = failed(checked, "orders", not_null=["id", "status"])
    assert error.message == "1 of 2 assertions fail: status is null in 1 row"
    assert [row[:3] for row in rows(error)] == [[4, None, 1]]
    assert "=null" in error.detail["error"]
    checked("orders", unique="status", where="id > 2")  # nulls are equal to nothing
    checked("orders", accepted={"status": ["open", "closed"]})


def test_words_that_mean_something_else_in_sql_are_columns(
    checked: Checked, database: Database
) -> None:
    """Unquoted, ``user`` is who is logged in, at least on Postgres: it would never be null."""
    user, order = (
        word.upper() if database.dialect == "snowflake" else word for word in ("user", "order")
    )
    database.run(f'create table words ("{user}" varchar(10), "{order}" int, "Mixed" int)')
    database.run("insert into words values (null, 1, 2), (null, 1, 2)")
    error = failed(checked, "words", not_null="user", unique=["order", '"Mixed"'])
    assert [each["text"] for each in error.detail["findings"]] == [
        'order, "Mixed" is not unique: 1 value more than once',
        "user is null in 2 rows",
    ]


def test_the_newest_row_is_too_old(checked: Checked) -> None:
    with instants.fixed(SIX + timedelta(hours=1)):
        error = failed(checked, "orders", freshness=("loaded_at", timedelta(hours=1)))
        assert (
            error.message
            == "the newest loaded_at is 2026-03-01 05:30 UTC, 2 h ago; 1 h are allowed"
        )
        empty = failed(checked, "orders", where="id > 9", freshness=("loaded_at", timedelta(1)))
        assert empty.message == "there is no loaded_at to be fresh"


def test_a_query_gives_no_rows(checked: Checked) -> None:
    assert checked(query="select * from orders where amount > 30;").message == "1 assertion holds"
    error = failed(checked, query="select id, status from orders where amount >= 20 order by id")
    assert error.message == "the query gives 2 rows where none should be"
    assert sorted(rows(error)) == [[2, "open"], [3, "closed"]]
    assert error.failures == 2


def test_only_the_first_rows_are_shown(checked: Checked) -> None:
    error = failed(checked, query="select id from orders", sample=2)
    assert len(rows(error)) == 2
    assert error.detail["error"].endswith("… 1 more")
    assert rows(failed(checked, query="select id from orders", sample=0)) == []


def test_a_warning_lets_the_flow_go_on(checked: Checked) -> None:
    result = checked("orders", rows=5, severity="warn")
    assert (result.status, result.failures) == ("warn", 1)
    assert result.message == "3 rows, expected at least 5"


def test_values_are_bound(checked: Checked) -> None:
    checked(query="select * from orders where status = $status", data={"status": "'; --"})
    failed(checked, query="select * from orders where status = $status", data={"status": "open"})


def test_a_check_that_cannot_be_asked_says_why(checked: Checked) -> None:
    error = failed(checked, query="select id\nfrom orders\nwhere nope > 1")
    assert "nope" in error.message.lower()
    assert error.status == "error"


# -- compared with the run before --------------------------------------------------------------


def test_a_measure_is_compared_with_its_value_when_the_check_last_held(
    checked: Checked, database: Database
) -> None:
    asserted = {"compare": {"count(*)": 0.4, "sum(amount)": 0.5}}
    checked("orders", **asserted)  # 3 rows, 60 in all: nothing to compare with
    database.run("insert into orders values (4, 'open', 10, null)")
    checked("orders", **asserted)  # 4 rows (+33 %), 70 in all (+17 %)
    database.run("insert into orders values (5, 'open', 40, null)")
    error = failed(checked, "orders", **asserted)  # 5 rows (+25 %), 110 in all (+57 %)
    assert (
        error.message
        == "1 of 2 assertions fail: sum(amount) is 110 after 70, +57%; 50% are allowed"
    )
    assert "--full-refresh" in error.detail["error"]
    failed(checked, "orders", **asserted)  # a value that did not hold is no measure for the next
    checked("orders", **asserted, options={"full_refresh": True})
    checked("orders", **asserted)


def test_two_checks_do_not_share_their_measures(checked: Checked) -> None:
    checked("orders", compare={"count(*)": 0}, name="one")
    checked("orders", where="id = 1", compare={"count(*)": 0}, name="other")
    checked("orders", compare={"count(*)": 0}, name="one")
    error = failed(checked, "orders", where="id = 1", compare={"count(*)": 0}, name="one")
    assert error.message == "count(*) is 1 after 3, -67%; 0% are allowed"


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({}, "one of table, query and path"),
        ({"table": "t", "query": "select 1"}, "one of table, query and path"),
        ({"table": "t"}, "asserts nothing"),
        ({"query": "select 1", "where": "a"}, "a table for its where"),
        ({"table": "t", "rows": ()}, "no bounds"),
        ({"table": "t", "rows": (5, 1)}, "no bounds"),
        ({"table": "t", "rows": -1}, "no bounds"),
        ({"table": "t", "freshness": "loaded_at"}, "cannot read freshness"),
        ({"table": "t", "freshness": ("loaded_at", 24)}, "cannot read freshness"),
        ({"table": "t", "accepted": {"a": "open"}}, "no list of values"),
        ({"table": "t", "accepted": {"a": []}}, "no list of values"),
        ({"table": "t", "compare": {"count(*)": "20%"}}, "cannot compare count(*)"),
        ({"table": "t", "unique": "a", "severity": "wrn"}, "did you mean 'warn'?"),
    ],
)
def test_what_cannot_be_a_check(said: dict[str, Any], what: str) -> None:
    with pytest.raises(FlowError) as raised:
        SqlCheck(**said)
    assert what in str(raised.value)
    assert "test_assertions.py:" in (raised.value.where or "")


@pytest.mark.parametrize(
    ("query", "error", "what"),
    [
        ("delete from orders", FlowError, "a check looks at a SELECT, and this is a DELETE"),
        ("select 1; select 2", FlowError, "here are 2 statements"),
        ("select {{ ref('x') }}", SqlError, "needs dbt's manifest"),
    ],
)
def test_what_is_said_when_planned(
    duck: Database, query: str, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what.replace("(", r"\(")):
        SqlCheck(query=query).facts("check", duck.planning())


def test_a_check_reads_and_writes_nothing(duck: Database) -> None:
    check = SqlCheck("orders", where="shop in (select id from shops)", unique="id")
    facts = check.facts("check", duck.planning())
    assert facts.resource_type == "test"
    assert [str(a.dataset) for a in facts.reads] == ["shop.main.orders", "shop.main.shops"]
    assert all("checks shop.main." in str(a.evidence) for a in facts.reads)
    assert facts.writes == ()


def test_it_runs_without_a_flow(duck: Database) -> None:
    duck.run("create table orders as select 1 as id")
    check = SqlCheck("orders", unique="id")
    assert check.run(warehouse=duck.warehouse).message == "1 assertion holds"
