"""What a statement does is told by reading it: never by words in texts, comments and names."""

from __future__ import annotations

import pytest

from orchestrator.model.dataset import Namespace
from orchestrator.service.policy.keys import STATEMENTS
from orchestrator.service.policy.statements import Stated, stated

DUCKDB = Namespace("duckdb", "lake", "main")


def one(sql: str, namespace: Namespace = DUCKDB) -> Stated:
    [found] = stated(sql, namespace)
    return found


@pytest.mark.parametrize(
    ("sql", "words", "concerns"),
    [
        ("drop table core.orders", "drop", "lake.core.orders"),
        ("DROP  View IF EXISTS orders", "drop", "lake.main.orders"),
        ("drop schema core cascade", "drop", "schema core"),
        ("drop schema other.core", "drop", "schema other.core"),
        ("drop database lake", "drop", "database lake"),
        ("drop function core.f", "drop", "function core.f"),
        ("drop user anna", "drop", ""),
        ("truncate core.orders", "truncate", "lake.core.orders"),
        ("delete from orders", "delete delete_without_where", "lake.main.orders"),
        ("delete from orders where 1 = 1", "delete delete_without_where", "lake.main.orders"),
        ("delete from orders where true or id = 3", "delete delete_without_where", "lake.main.orders"),
        ("delete from orders where id = 3", "delete", "lake.main.orders"),
        ("delete from orders using late where orders.id = late.id", "delete", "lake.main.orders"),
        ("update orders set a = 1", "update update_without_where", "lake.main.orders"),
        ("update orders set a = 1 where id = 3", "update", "lake.main.orders"),
        ("insert into core.orders select 1", "insert", "lake.core.orders"),
        ("alter table orders add column a int", "alter", "lake.main.orders"),
        ("alter table orders drop column a", "alter", "lake.main.orders"),
        ("alter table orders rename to old", "alter", "lake.main.old; lake.main.orders"),
        ("create or replace table core.orders as select 1", "create", "lake.core.orders"),
        ("grant select on orders to public", "grant", ""),
        ("revoke all on orders from anna", "grant", ""),
        ("call core.wipe()", "call", ""),
        ("attach 'other.duckdb' as other", "attach", ""),
        ("install httpfs", "install", ""),
        # Words that stand there and do nothing.
        ("select 'drop table orders' as text", "", ""),
        ("select 1 -- drop table orders", "", ""),
        ("/* drop table orders; */ select 1", "", ""),
        ('select "drop" from "truncate"', "", ""),
        ("select grant_date as \"grant\" from orders", "", ""),
        ("with drops as (select 1) select * from drops", "", ""),
    ],
)  # fmt: skip
def test_one_statement(sql: str, words: str, concerns: str) -> None:
    found = one(sql)
    assert found.words == set(words.split())
    assert "; ".join(name for name, _ in found.concerns) == concerns
    assert found.words <= set(STATEMENTS)


def test_a_delete_inside_a_query() -> None:
    found = one("with gone as (delete from core.a returning *) select * from gone",
                Namespace("postgres", None, "public"))  # fmt: skip
    assert found.words == {"delete", "delete_without_where"}
    assert [str(dataset) for _, dataset in found.concerns] == ["core.a"]


def test_statements_inside_blocks_and_texts() -> None:
    postgres = Namespace("postgres", None, "public")
    found = stated("do $$ begin drop table core.a; end $$", postgres)
    assert [str(dataset) for each in found for _, dataset in each.concerns] == ["core.a"]
    found = stated("execute immediate 'drop table core.b'", Namespace("snowflake", "DB", "S"))
    assert [sorted(each.words) for each in found] == [["execute"], ["drop"]]


def test_what_lives_only_in_the_session_is_nobody_s() -> None:
    script = """
        create temp table scratch as select 1 as id;
        delete from scratch;
        drop table scratch;
        drop table scratch;
    """
    found = stated(script, DUCKDB)
    assert [sorted(each.words) for each in found] == [[], [], [], ["drop"]]
    assert [len(each.writes) for each in found] == [0, 0, 0, 1]


def test_names_are_folded_as_their_dialect_folds_them() -> None:
    [(_, dataset)] = one("drop table Core.Orders", Namespace("snowflake", "PROD", "X")).concerns
    assert str(dataset) == "PROD.CORE.ORDERS"
    [(_, dataset)] = one('drop schema "Core"', Namespace("snowflake", "PROD", "X")).concerns
    assert dataset is not None
    assert (dataset.catalog, dataset.schema) == ("PROD", "Core")


def test_writes_have_their_lines() -> None:
    [found] = stated("\n\ninsert into\n  core.a\nselect * from core.b", DUCKDB)
    assert found.line == 3
    assert [(verb, str(dataset), line) for verb, dataset, line in found.writes] == [
        ("writes", "lake.core.a", 4)
    ]


def test_what_cannot_be_read_keeps_its_first_word() -> None:
    found = one("drop tabel orders")
    assert found.words == {"drop"}
    assert found.concerns == ()
    assert found.problem == "DROP of 'tabel' is not known; did you mean TABLE?"
    assert stated("selekt 1; drop table a", DUCKDB)[1].words == {"drop"}


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery", "redshift"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("before", ["", "-- a\n", "/* drop */ ", "select 'it''s; drop' as a;\n"])
def test_a_drop_is_found_however_it_is_written(dialect: str, case: object, before: str) -> None:
    assert callable(case)
    found = stated(before + case("drop table if exists core.orders;"), Namespace(dialect))
    assert [sorted(each.words) for each in found if each.words] == [["drop"]]
    [(_, dataset)] = found[-1].concerns
    assert dataset is not None
    assert str(dataset).lower() == "core.orders"


def test_what_is_executed_and_not_prepared_here() -> None:
    """``EXECUTE`` of a text that is made while it runs is not known, of a prepared one it is."""
    postgres = Namespace("postgres", "lake", "main")
    made = "do $$ begin execute format('drop table %I', 'x'); end $$"
    assert [bool(each.problem) for each in stated(made, postgres)] == [False, True]
    assert one("execute wipe", postgres).problem == "the SQL it executes is only known when it runs"
    known = stated("prepare wipe as delete from orders; EXECUTE Wipe", postgres)
    assert not any(each.problem for each in known)
    assert "delete_without_where" in known[1].words
    assert one("execute core.wipe", Namespace("tsql", "lake", "dbo")).problem is None
