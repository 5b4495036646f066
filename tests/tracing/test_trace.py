"""Which columns feed which across tasks, how each list of columns is trusted, and what is not known."""

from __future__ import annotations

import pytest

from orchestrator.model.code import Extent
from tests.tracing.flows import (
    column_of,
    down,
    drawn,
    model,
    python,
    says,
    short,
    sql,
    table,
    up,
)

RAW = python("load", writes="raw.orders", said=(says("raw.orders", {"id": (), "amount": ()}),))


def test_a_column_is_followed_from_task_to_task_with_file_and_line() -> None:
    graph = drawn(
        RAW,
        model("staged", "select\n  id,\n  amount / 100 as euros\nfrom raw.orders"),
        sql("daily", "-- sums\ncreate table daily as\nselect sum(euros) as total\nfrom staged"),
        python("score", "daily", "scores", (says("scores", {"score": ["daily.total"]}),)),
    )
    steps = [short(step) for step in graph.reach(column_of("scores.score"), up=True)]
    assert steps == [
        "main.daily.total > main.scores.score at flows/nightly.py:5 (value)",
        "main.staged.euros > main.daily.total at sql/daily.sql:3 (value)",
        "raw.orders.amount > main.staged.euros at models/staged.sql:3 (value)",
        "- > raw.orders.amount at flows/nightly.py:5 (value)",
    ]
    below = [short(step) for step in graph.reach(column_of("raw.orders.amount"), up=False)]
    assert below == list(reversed(steps[:3]))
    [step] = graph.steps(column_of("daily.total"), up=True)
    assert step.evidence.text == "select sum(euros) as total"


def test_names_are_compared_without_case() -> None:
    graph = drawn(model("a", "select 1 as Total"), model("b", "select TOTAL as t from a"))
    assert up(graph, "b.T") == ["main.a.total > main.b.t at models/b.sql:1 (value)"]
    assert down(graph, "a.total") == up(graph, "b.t")


# -- stars -----------------------------------------------------------------------------------------


def test_a_star_takes_what_the_flow_itself_writes() -> None:
    graph = drawn(
        RAW,
        model("staged", "select *, amount * 2 as twice from raw.orders"),
        model("last", "select * from staged"),
    )
    assert graph.columns[table("last")].names == ("id", "amount", "twice")
    assert up(graph, "last.twice") == [
        "main.staged.twice > main.last.twice at models/last.sql:1 (value)"
    ]
    assert not graph.columns[table("last")].is_open


def test_a_star_of_a_table_that_nobody_knows_stays_open() -> None:
    graph = drawn(model("a", "select * from raw.x"), model("b", "select foo from a"))
    assert up(graph, "a.foo") == ["raw.x.foo > main.a.foo at models/a.sql:1 (value)"]
    assert down(graph, "raw.x.foo") == up(graph, "a.foo")
    columns = graph.columns[table("a")]
    assert (columns.is_open, columns.names) == (True, ("foo",))
    assert columns.unknown == "it takes * of shop.raw.x, whose columns are not known"


def test_the_warehouse_is_asked_for_what_the_flow_does_not_know_and_only_then() -> None:
    asked = []

    def catalog() -> dict[object, tuple[str, ...]]:
        asked.append(1)
        return {table("raw.x"): ("id", "amount"), table("a"): ("stale",)}

    graph = drawn(model("a", "select * from raw.x"), model("b", "select * from a"), catalog=catalog)
    assert graph.columns[table("b")].names == ("id", "amount"), "what a writes is trusted first"
    assert asked == [1]
    drawn(RAW, model("c", "select * from raw.orders"), catalog=catalog)
    assert asked == [1], "everything was known"


def test_a_contract_is_trusted_before_the_warehouse_and_the_description_last() -> None:
    def star_of_x(said: Extent, catalog: dict[object, tuple[str, ...]]) -> tuple[str, ...]:
        described = (says("a", {"id": (), "said": ()}, said),)
        graph = drawn(
            model("a", "select * from raw.x", outputs=described),
            model("b", "select * from a"),
            catalog=lambda: catalog,
        )
        columns = graph.columns[table("b")]
        return (*columns.names, "*") if columns.is_open else columns.names

    in_catalog: dict[object, tuple[str, ...]] = {table("a"): ("id", "kept")}
    assert star_of_x(Extent.ALL, in_catalog) == ("id", "said")
    assert star_of_x(Extent.SOME, in_catalog) == ("id", "kept")
    assert star_of_x(Extent.SOME, {}) == ("id", "said", "*"), "a description may leave columns out"


def test_described_columns_tell_which_table_a_name_belongs_to() -> None:
    query = "select amount from raw.x join raw.y using (id)"
    graph = drawn(model("a", query))
    [step] = graph.steps(column_of("a.amount"), up=True)
    assert (step.how, step.note, step.source) == ("unresolved", "amount", None)
    known = {table("raw.y"): ("id", "amount"), table("raw.x"): ("id",)}
    graph = drawn(model("a", query, known=known))
    assert up(graph, "a.amount") == ["raw.y.amount > main.a.amount at models/a.sql:1 (value)"]


def test_a_stale_description_adds_no_column_to_what_the_sql_writes() -> None:
    described = (says("a", {"old": ()}, Extent.SOME),)
    graph = drawn(model("a", "select 1 as id", outputs=described))
    assert graph.columns[table("a")].names == ("id",)
    assert up(graph, "a.old") == []


def test_columns_that_a_tool_adds() -> None:
    added = (says("a", {"dbt_valid_from": ()}, Extent.MORE),)
    graph = drawn(RAW, model("a", "select * from raw.orders", outputs=added))
    assert graph.columns[table("a")].names == ("id", "amount", "dbt_valid_from")
    assert up(graph, "a.dbt_valid_from") == [
        "- > main.a.dbt_valid_from at flows/nightly.py:5 (value)"
    ]


# -- scripts ---------------------------------------------------------------------------------------


def test_temporary_tables_are_seen_through_and_the_lasting_line_is_kept() -> None:
    graph = drawn(
        sql(
            "daily",
            "create temp table t as\nselect amount * 2 as twice, 1 as one from raw.orders;\n"
            "create table daily as\nselect\n  sum(twice) as total,\n  one,\n  count(*) as n\nfrom t;",
        )
    )
    assert up(graph, "daily.total") == [
        "raw.orders.amount > main.daily.total at sql/daily.sql:5 (value)"
    ]
    assert up(graph, "daily.one") == ["- > main.daily.one at sql/daily.sql:6 (value)"]
    assert up(graph, "daily.n") == ["raw.orders.* > main.daily.n at sql/daily.sql:7 (rows)"]
    assert graph.columns[table("daily")].names == ("total", "one", "n")
    assert table("t") not in graph.columns


def test_a_table_that_is_built_beside_and_renamed() -> None:
    graph = drawn(
        sql(
            "daily",
            "drop table if exists daily_new;\ncreate table daily_new as\nselect amount as total\n"
            "from raw.orders;\ninsert into daily_new\nselect fee from raw.fees;\n"
            "drop table if exists daily;\nalter table daily_new rename to daily;",
        )
    )
    assert up(graph, "daily.total") == [
        "raw.fees.fee > main.daily.total at sql/daily.sql:6 (value)",
        "raw.orders.amount > main.daily.total at sql/daily.sql:3 (value)",
    ]
    assert up(graph, "daily_new.total") == []


def test_several_tasks_write_one_table() -> None:
    graph = drawn(
        sql("make", "create table log (who varchar, n int)"),
        sql("fill", "insert into log (who, n) select name, 1 from raw.people"),
        model("last", "select * from log"),
    )
    assert up(graph, "log.who") == [
        "- > main.log.who at sql/make.sql:1 (value)",
        "raw.people.name > main.log.who at sql/fill.sql:1 (value)",
    ]
    assert graph.columns[table("last")].names == ("who", "n")


def test_a_table_that_is_altered_may_have_other_columns() -> None:
    graph = drawn(sql("make", "create table a as select 1 as x; alter table a add column y int"))
    assert graph.columns[table("a")].is_open


def test_lines_of_the_file_where_the_text_was_rendered() -> None:
    graph = drawn(sql("a", "create table a as\nselect 1 as x", lines=(4, 7)))
    assert up(graph, "a.x") == ["- > main.a.x at sql/a.sql:7 (value)"]


# -- what cannot be known --------------------------------------------------------------------------


def test_a_task_that_says_names_only_may_take_them_from_anything_it_reads() -> None:
    graph = drawn(
        RAW, python("score", "raw.orders", "scores", (says("scores", {"id": None, "s": None}),))
    )
    assert up(graph, "scores.s") == ["raw.orders.* > main.scores.s at flows/nightly.py:5 (any)"]
    assert down(graph, "raw.orders.amount") == [
        "raw.orders.* > main.scores.id at flows/nightly.py:5 (any)",
        "raw.orders.* > main.scores.s at flows/nightly.py:5 (any)",
    ]


def test_a_task_that_says_nothing_is_named_where_it_reads_and_where_it_writes() -> None:
    graph = drawn(RAW, python("blind", "raw.orders", "out"), model("last", "select x from out"))
    [step] = graph.steps(column_of("raw.orders.amount"), up=False)
    assert (step.how, step.target, step.goes_on) == ("unknown", (table("out"), "*"), False)
    assert step.note == "python blind does not say which columns it writes"
    assert graph.columns[table("out")].unknown == step.note
    assert [s.how for s in graph.reach(column_of("last.x"), up=True)] == ["value", "unknown"]


@pytest.mark.parametrize("reads", ["raw.orders", ""])
def test_sql_that_cannot_be_read(reads: str) -> None:
    _, code = sql("bad", "select 1;\ncreate table bad as select from (((")
    task = python("bad", reads, "bad")[0]
    graph = drawn((task, code))
    assert "line 2 cannot be read" in (graph.columns[table("bad")].unknown or "")


def test_a_reader_that_writes_nothing() -> None:
    graph = drawn(RAW, python("publish", "raw.orders"))
    assert down(graph, "raw.orders.id") == ["raw.orders.* > - at flows/nightly.py:5 (unknown)"]


def test_counted_rows_do_not_depend_on_a_column() -> None:
    graph = drawn(RAW, model("n", "select count(*) as n from raw.orders"))
    assert down(graph, "raw.orders.id") == []
    assert [s.goes_on for s in graph.steps(column_of("n.n"), up=True)] == [False]


def test_a_table_that_reads_itself_ends() -> None:
    graph = drawn(
        sql("log", "create table log as select 1 as n; insert into log select n + 1 as n from log")
    )
    assert len(list(graph.reach(column_of("log.n"), up=True))) == 2
    assert len(list(graph.reach(column_of("log.n"), up=False))) == 1


def test_a_chain_of_many_tasks() -> None:
    tasks = [model("m0", "select 1 as x")]
    tasks += [model(f"m{n}", f"select x + 1 as x from m{n - 1}") for n in range(1, 300)]
    graph = drawn(*tasks)
    assert len(list(graph.reach(column_of("m299.x"), up=True))) == 300
