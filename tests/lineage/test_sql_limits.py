"""Long texts: lists of literals are cut short, and what is too long is reported at once."""

from __future__ import annotations

import pytest

from orchestrator.lineage import analyze_sql
from orchestrator.lineage.sql.limits import MOST_TOKENS
from orchestrator.lineage.sql.thinning import thinned
from orchestrator.lineage.sql.tokens import tokenize

ROWS = ", ".join(f"({n}, 'text {n}', null, -1)" for n in range(20_000))
NUMBERS = ", ".join(str(n) for n in range(100_000))


def left(sql: str, dialect: str = "duckdb") -> str:
    """The words that are left to parse."""
    return " ".join(token.text for token in thinned(tokenize(sql, dialect)))


# what it shows, statement, what is left of it
SHORTENED = [
    ("rows", f"insert into t values {ROWS}", "insert into t values ( 0 , text 0 , null , - 1 )"),
    ("rows in FROM", f"select * from (values {ROWS}) v (k)", "select * from ( values ( 0 , text 0 , null , - 1 ) ) v ( k )"),
    ("IN", f"select 1 from t where x in ({NUMBERS})", "select 1 from t where x in ( 0 )"),
    ("an array", f"select [{NUMBERS}] as v from t", "select [ 0 ] as v from t"),
    ("signs", f"select 1 where x in (-1, {NUMBERS})", "select 1 where x in ( - 1 )"),
    ("what follows", f"insert into t values {ROWS} on conflict do nothing", "insert into t values ( 0 , text 0 , null , - 1 ) on conflict do nothing"),
    ("a row with a query", "insert into t values (1), (2), ((select x from a)), (3)", "insert into t values ( 1 ) , ( ( select x from a ) )"),
    ("a row with a name", "select * from t, lateral (values (1), (t.x), (t.x), (t.y)) v", "select * from t , lateral ( values ( 1 ) , ( t . x ) , ( t . y ) ) v"),
    ("calls", "insert into t values (now()), (now()), (f(x))", "insert into t values ( now ( ) ) , ( f ( x ) )"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "words"), [c[1:] for c in SHORTENED], ids=[c[0] for c in SHORTENED]
)
def test_lists_of_literals_are_cut_short(sql: str, words: str) -> None:
    assert left(sql) == words


@pytest.mark.parametrize(
    "sql",
    [
        "select f(1, 2, 3), x in (4, 5) from t",
        "select x from t where y in (select y from a)",
        "insert into t values (1, 2, 3)",
        "insert into t values",
        "values (",
    ],
)
def test_what_is_short_stays_as_it_is(sql: str) -> None:
    tokens = tokenize(sql, "duckdb")

    assert thinned(tokens) is tokens


def test_a_list_of_literals_is_not_too_long() -> None:
    lineage = analyze_sql(f"select x from t where x in ({NUMBERS})", dialect="snowflake")

    assert lineage.errors == ()
    assert [str(dataset) for dataset in lineage.reads] == ["T"]
    assert [flow.column for flow in lineage.column_flows] == ["X"]


@pytest.mark.parametrize("word", ["x + ", "(", "word ", "case ", "select ", "a.", "[1", "'a' || "])
def test_what_is_too_long_is_reported_and_costs_no_other_statement(word: str) -> None:
    text = "select " + word * (MOST_TOKENS + 1)

    lineage = analyze_sql(f"select * from a;\n{text};\nselect * from b", dialect="duckdb")

    assert [error.line for error in lineage.errors] == [2]
    assert {str(dataset) for dataset in lineage.reads} == {"a", "b"}
    assert lineage.column_problems == ()


def test_a_chain_of_many_common_table_expressions() -> None:
    count = 2_000
    links = ", ".join(f"c{n} as (select * from c{n - 1})" for n in range(1, count))
    sql = f"with c0 as (select x from t), {links} select x from c{count - 1}"

    lineage = analyze_sql(sql, dialect="duckdb")

    assert {str(dataset) for dataset in lineage.reads} == {"t"}
    assert lineage.statements[0].unused == frozenset()
    assert [[str(d) for d, _ in flow.sources] for flow in lineage.column_flows] == [["t"]]


def test_a_union_of_many_branches() -> None:
    sql = " union all ".join(f"select x from t{n}" for n in range(2_000))

    (flow,) = analyze_sql(sql, dialect="duckdb").column_flows

    assert len(flow.sources) == 2_000
