"""Values that only a run knows, in the Jinja of SQL: written as SQL, and nowhere but where values stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import SqlError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import Planning
from tasks.sql.literals import Value, literal
from tasks.sql.task import SqlTask

Planned = Callable[..., Planning]
Query = Callable[[str], list[Any]]
Write = Callable[[str, str], Path]


def running(**parameters: Any) -> RunContext:
    at = datetime(2026, 3, 1, 5, tzinfo=UTC)
    return RunContext("run-1", "nightly", "task", parameters=parameters, scheduled_time=at)


def run(task: SqlTask, planning: Planning, **parameters: Any) -> None:
    task.facts("t", planning)
    with entered(running(**parameters)):
        task.run()


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    with duckdb.connect() as opened:
        yield opened


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_comes_back_as_it_was(connection: Any, text: str) -> None:
    assert connection.execute(f"select {literal(text, 'duckdb')}").fetchall() == [(text,)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"), (True, "true"), (7, "7"), (-7, "(-7)"), (2.5, "2.5"),
        (date(2026, 3, 1), "'2026-03-01'"), ([], "(null)"), (["a", 1], "('a', 1)"),
        ({"a": "it's"}, "'{\"a\": \"it''s\"}'"),
    ],
)  # fmt: skip
def test_how_values_are_written(value: Any, written: str) -> None:
    assert literal(value, "duckdb") == written
    assert str(Value(value, "duckdb")) == written


def test_a_backslash_is_doubled_where_it_would_speak() -> None:
    assert literal("a\\' or 1=1", "snowflake") == "'a\\\\'' or 1=1'"
    assert literal("a\\", "postgres") == "'a\\'"


@pytest.mark.parametrize("value", [float("nan"), object(), "a\0b"])
def test_what_sql_cannot_write_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be written in SQL"):
        literal(value, "duckdb")


def test_parameters_and_times_of_the_run(planning: Planned, query: Query) -> None:
    task = SqlTask(
        "create table t as select {{ parameters.word }} as word, {{ today }} as day, {{ yesterday }},"
        " {{ tomorrow }}, {{ scheduled_time }}, {{ run_id }}, {{ flow_name }}, 5 - {{ parameters.n }}"
        "{% if parameters.wide %}, 'wide'{% endif %}"
        "{% for x in parameters['list'] %}, {{ x }}{% endfor %}"
    )
    hostile = "'); drop table t; --"
    run(task, planning(), word=hostile, n=-2, wide=True, list=["a", "b"])
    assert query("from t") == [
        (
            hostile, "2026-03-01", "2026-02-28", "2026-03-02", "2026-03-01 05:00:00+00:00",
            "run-1", "nightly", 7, "wide", "a", "b",
        )
    ]  # fmt: skip


def test_a_parameter_in_an_increment(planning: Planned, query: Query, write: Write) -> None:
    write(
        "sql/t.sql",
        "-- orchestrator: materialized=incremental, unique_key=n\n"
        "select {{ parameters.n }} as n, {{ is_incremental() }} as more;\n-- the end",
    )
    for number in (1, 2):
        run(SqlTask(path="sql/t.sql"), planning(), n=number)
    assert query("from t order by n") == [(1, False), (2, True)]


@pytest.mark.parametrize(
    "sql",
    [
        "select '{{ parameters.word }}'",
        'select 1 as "{{ parameters.word }}"',
        "select 1 -- of {{ parameters.word }}",
        "select 1 /* {{ parameters.word }} */",
        "select $${{ parameters.word }}$$",
        "select 1,\n  {{ parameters.word }}'",
    ],
)
def test_a_value_where_none_can_stand_is_refused_when_planned(planning: Planned, sql: str) -> None:
    with pytest.raises(SqlError, match="stands where SQL takes none") as raised:
        SqlTask(sql, name="t").facts("t", planning())
    assert "it brings its quotes" in (raised.value.fix or "")


def test_a_value_that_reaches_a_comment_only_in_the_run_is_refused(
    planning: Planned, query: Query
) -> None:
    task = SqlTask("select 1{% if parameters.x == 'a\nb' %} -- {{ parameters.x }}{% endif %}")
    with pytest.raises(SqlError, match="stands where SQL takes none"):
        run(task, planning(), x="a\nb")


def test_a_value_that_is_changed_as_a_text_is_refused(planning: Planned) -> None:
    with pytest.raises(SqlError, match="stands where SQL takes none"):
        run(SqlTask("select {{ parameters.word | upper }}"), planning(), word="a' or 'b")


def test_a_misspelt_parameter_is_named_with_its_line(planning: Planned, write: Write) -> None:
    write("sql/t.sql", "select 1,\n  {{ parameters.mnth }}")
    with pytest.raises(SqlError, match="no parameter 'mnth'; did you mean 'month'") as raised:
        run(SqlTask(path="sql/t.sql"), planning(), month=3)
    assert raised.value.where == "sql/t.sql:2"


def test_a_file_that_a_parameter_names_is_not_known_when_planned(planning: Planned) -> None:
    facts = SqlTask("create table t as from read_csv({{ parameters.file }})").facts("t", planning())
    assert facts.reads == ()
    assert facts.lineage_unknown == "a value of the run says what it reads"


def test_what_refs_stand_for_is_known_from_the_plan(planning: Planned, query: Query) -> None:
    query("create table stage_orders as select 3 as n")
    asked: list[tuple[str, ...]] = []

    def resolve(call: tuple[str, ...]) -> str:
        asked.append(call)
        return "stage_orders"

    task = SqlTask(
        "create table t as select n + {{ parameters.n }} as n from {{ ref('orders') }}",
        resolve_ref=resolve,
    )
    task.facts("t", planning())
    task.resolve_ref = None  # a worker need not have dbt's manifest
    with entered(running(n=1)):
        task.run()
    assert asked == [("ref", "orders")]
    assert query("from t") == [(4,)]
