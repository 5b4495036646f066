"""What must never change reads and writes, and what must never bring the reader down."""

from __future__ import annotations

import random

import probes_dialects
import probes_queries
import probes_scripts
import probes_writers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import ConfigurationError
from orchestrator.lineage import SqlLineage, analyze_sql

QUERIES = [
    "select a.x , b.y from s.a as a join b on a.i = b.i where a.z in ( select z from c )",
    "with r as ( select * from a ) , q as ( select * from r ) select * from q , b",
    "select x from a union all select x from ( select x from b ) t order by 1 limit 3",
    "select sum ( x ) over ( partition by y ) from a where exists ( select 1 from b where b.i = a.i )",
    "select case when x > 1 then 'it;s -- no' else y end as z from a left join b using ( i )",
]
WRITERS = [
    "insert into t {}",
    "create table t as {}",
    "create or replace view t as {}",
]
NOISE = [" ", "\n", "\t", " -- a ; b from c\n", " /* drop table x; */ ", "\n\n  "]
KEYWORDS = {
    "select", "from", "join", "on", "where", "in", "with", "as", "union", "all", "order", "by",
    "limit", "over", "partition", "exists", "case", "when", "then", "else", "end", "left", "using",
    "insert", "into", "create", "table", "or", "replace", "view", "sum",
}  # fmt: skip


def effect(sql: str, dialect: str = "duckdb") -> tuple[frozenset[object], frozenset[object]]:
    lineage = analyze_sql(sql, dialect=dialect)
    assert lineage.errors == ()
    return lineage.reads, lineage.writes


SCHEMA = {"a": ["i", "x", "y", "z"], "b": ["i", "x", "y"], "c": ["z"]}


def columns(sql: str, dialect: str = "duckdb") -> list[tuple[object, ...]]:
    """What goes into each column, in order; names of columns without an alias are texts."""
    lineage = analyze_sql(sql, dialect=dialect, schema=SCHEMA)
    assert lineage.column_problems == ()
    return [
        (str(flow.target), flow.column if flow.named else "", flow.sources, flow.unresolved)
        for flow in lineage.column_flows
    ]


def pieces(sql: str) -> list[str]:
    """Words and texts of a query; a text in quotes stays whole."""
    found: list[str] = []
    for index, part in enumerate(sql.split("'")):
        found += [f"'{part}'"] if index % 2 else part.split()
    return found


queries = st.sampled_from(QUERIES)
writers = st.sampled_from(WRITERS)


@settings(max_examples=60, deadline=None)
@given(queries, writers, st.data())
def test_comments_and_whitespace_change_nothing(
    query: str, writer: str, data: st.DataObject
) -> None:
    sql = writer.format(query)
    noise = data.draw(st.lists(st.sampled_from(NOISE), min_size=40, max_size=40))
    noisy = "".join(piece + noise[index % len(noise)] for index, piece in enumerate(pieces(sql)))

    assert effect(noisy) == effect(sql)
    assert columns(noisy) == columns(sql)


@settings(max_examples=40, deadline=None)
@given(queries, writers, st.randoms(use_true_random=False))
def test_the_case_of_keywords_changes_nothing(query: str, writer: str, rng: random.Random) -> None:
    sql = writer.format(query)
    mixed = " ".join(
        "".join(rng.choice((c.upper(), c.lower())) for c in piece) if piece in KEYWORDS else piece
        for piece in pieces(sql)
    )

    for dialect in ("snowflake", "postgres", "bigquery"):
        assert effect(mixed, dialect) == effect(sql, dialect)
        assert columns(mixed, dialect) == columns(sql, dialect)


@settings(max_examples=40, deadline=None)
@given(queries, st.lists(st.sampled_from(["cte", "subquery", "union"]), max_size=4))
def test_wrapping_a_query_changes_nothing(query: str, wraps: list[str]) -> None:
    wrapped = query
    for level, wrap in enumerate(wraps):
        if wrap == "cte":
            wrapped = f"with wrapped_{level} as ({wrapped}) select * from wrapped_{level}"
        elif wrap == "subquery":
            wrapped = f"select * from ({wrapped}) as wrapped_{level}"
        else:
            wrapped = f"select * from ({wrapped}) as wrapped_{level} union all ({query})"

    assert effect(wrapped) == effect(query)


@settings(max_examples=40, deadline=None)
@given(queries, st.lists(st.sampled_from(["cte", "subquery", "parentheses"]), max_size=4))
def test_wrapping_a_query_changes_no_column(query: str, wraps: list[str]) -> None:
    wrapped = query
    for level, wrap in enumerate(wraps):
        if wrap == "cte":
            wrapped = f"with wrapped_{level} as ({wrapped}) select * from wrapped_{level}"
        elif wrap == "subquery":
            wrapped = f"select * from ({wrapped}) as wrapped_{level}"
        else:
            wrapped = f"select * from (({wrapped}))"

    assert columns(wrapped) == columns(query)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(queries, writers), min_size=1, max_size=4))
def test_a_script_reads_what_its_statements_read_and_it_does_not_write(
    parts: list[tuple[str, str]],
) -> None:
    statements = [writer.format(query) for query, writer in parts]

    lineage = analyze_sql(";\n".join(statements), dialect="duckdb")

    alone = [analyze_sql(statement, dialect="duckdb") for statement in statements]
    assert lineage.reads == frozenset().union(*(single.reads for single in alone))
    assert lineage.writes == frozenset().union(*(single.writes for single in alone))


# -- texts that are not SQL ---------------------------------------------------------------------

SEEDS = [
    *QUERIES,
    "create procedure p() as $$ begin insert into a select * from b; end $$",
    "merge into a using b on a.i = b.i when matched then update set x = b.x when not matched then insert (i) values (b.i)",
    "begin insert into a select case when x then 1 end from b; if (x) then delete from c; end if; end",
    "copy into a from @st/path file_format = (type = csv); alter table a swap with b; use schema x.y",
    "execute immediate 'insert into a select 1'; create task t as select 1; unload ('select 1') to 's3://x'",
    "update a set x = 1 from b; delete from a using b; truncate a; drop table if exists a, b",
    "select * from identifier($x), table('y'), lateral flatten(input => z) f; set x = 'y'",
]
DIALECTS = ["duckdb", "snowflake", "postgres", "tsql", "bigquery", "spark", "mysql", "oracle", ""]


def mutated(sql: str, rng: random.Random) -> str:
    tokens = sql.split(" ")
    for _ in range(rng.randint(1, 4)):
        index, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        change = rng.randrange(6)
        if change == 0:
            tokens[index], tokens[other] = tokens[other], tokens[index]
        elif change == 1:
            del tokens[index]
            tokens = tokens or ["x"]
        elif change == 2:
            tokens.insert(
                index,
                rng.choice(
                    [
                        "(",
                        ")",
                        ";",
                        "'",
                        '"',
                        "$$",
                        "begin",
                        "end",
                        "\x00",
                        "{{",
                        "as",
                        "\u00e9",
                        "/*",
                        "[",
                        "with",
                    ]
                ),
            )
        elif change == 3:
            tokens = tokens[: index + 1]
        elif change == 4:
            tokens[index] = tokens[index][: rng.randint(0, len(tokens[index]))]
        else:
            tokens.insert(index, tokens[other])
    return " ".join(tokens)


PROBES = [
    *(probe[:2] for group in probes_queries.QUERIES.values() for probe in group),
    *(probe[:2] for group in probes_writers.WRITERS.values() for probe in group),
    *(probe[:2] for group in probes_dialects.DIALECTS.values() for probe in group),
    *(probe[:2] for group in probes_scripts.SCRIPTS.values() for probe in group),
    *((dialect, seed) for dialect in DIALECTS for seed in SEEDS),
]


@pytest.mark.parametrize("seed", range(20))
def test_mutated_statements_are_read_or_reported(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(250):
        dialect, sql = rng.choice(PROBES)
        sql = mutated(sql, rng)
        lineage = analyze_sql(sql, dialect=rng.choice((dialect, *DIALECTS)))
        assert isinstance(lineage, SqlLineage)
        assert isinstance(lineage.columns, tuple), sql
        assert all(problem.line >= 1 for problem in (*lineage.errors, *lineage.column_problems))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.sampled_from(DIALECTS))
def test_any_text_is_read_or_reported(text: str, dialect: str) -> None:
    assert isinstance(analyze_sql(text, dialect=dialect), SqlLineage)


DEEP = {
    "parentheses": lambda n: "select " + "(" * n + "1" + ")" * n,
    "open parentheses": lambda n: "select " + "(" * n,
    "subqueries": lambda n: "select * from " + "(select * from " * n + "t" + ")" * n,
    "case": lambda n: "select " + "case when " * n + "1" + " then 1 end" * n,
    "functions": lambda n: "select " + "f(" * n + ")" * n,
    "lists": lambda n: "select " + "[" * n + "]" * n,
    "types": lambda n: "select x::" + "array<" * n + "int" + ">" * n,
    "negations": lambda n: "select " + "not " * n + "a",
    "signs": lambda n: "select " + "- " * n + "1",
    "sums": lambda n: "select " + "a + " * n + "1",
    "unions": lambda n: "select 1 from t" + " union all select 1 from t" * n,
    "joins": lambda n: "select * from t" + " join t" * n,
    "subscripts": lambda n: "select a" + "[1]" * n,
    "blocks": lambda n: "begin " * n + "select 1;" + "end; " * n,
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [12, 100, 20_000])
def test_deep_nesting_neither_hangs_nor_overflows(shape: str, depth: int) -> None:
    sql = f"{DEEP[shape](depth)};\nselect * from after_it"

    lineage = analyze_sql(sql, dialect="duckdb")

    assert "after_it" in {str(dataset) for dataset in lineage.reads}
    assert isinstance(lineage.columns, tuple)


def test_a_long_row_of_joins_without_conditions_keeps_its_tables() -> None:
    names = [f"t{number}" for number in range(40)]

    lineage = analyze_sql("select * from " + " join ".join(names), dialect="duckdb")

    assert {str(dataset) for dataset in lineage.reads} == set(names)


def test_a_megabyte_of_values_is_read() -> None:
    rows = ", ".join(f"({number}, 'text {number}', null)" for number in range(40_000))

    lineage = analyze_sql(f"insert into a values {rows}; select * from b", dialect="snowflake")

    assert len(rows) > 1_000_000
    assert {str(dataset) for dataset in lineage.writes} == {"A"}
    assert {str(dataset) for dataset in lineage.reads} == {"B"}


MEGABYTE = {
    "one text": "select '{}' from t".format("x" * 1_000_000),
    "one name": "select {} from t".format("x" * 1_000_000),
    "a comment": "/* {} */ select 1 from t".format("x" * 1_000_000),
    "semicolons": ";" * 300_000 + "select 1 from t",
    "open quotes": "'" * 1_000_001,
    "NUL": "\x00" * 1_000_000 + "select 1 from t",
    "line ends": "\n" * 1_000_000 + "select 1 from t",
    "words": "word " * 200_000,
    "conditions": "select 1 from t where " + "a = 1 and " * 100_000 + "true",
    "templates": "{{ x }} " * 120_000,
    "dollars": "$$ " * 300_000,
    "unions": "select 1 from t union all " * 40_000 + "select 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", MEGABYTE)
@pytest.mark.parametrize("dialect", ["snowflake", "tsql"])
def test_a_megabyte_of_anything_is_read_or_reported(shape: str, dialect: str) -> None:
    lineage = analyze_sql(MEGABYTE[shape], dialect=dialect)

    assert lineage.errors or {str(dataset).lower() for dataset in lineage.reads} == {"t"}
    assert isinstance(lineage.columns, tuple)


def test_an_unknown_dialect_is_an_error_that_names_a_near_one() -> None:
    with pytest.raises(ConfigurationError, match="snowflake"):
        analyze_sql("select 1", dialect="snowflak")


def test_queries_among_many_values_are_found() -> None:
    rows = ", ".join(f"({number})" for number in range(3_000))

    lineage = analyze_sql(f"insert into a values {rows}, ((select 1 from b))", dialect="duckdb")

    assert {str(dataset) for dataset in lineage.reads} == {"b"}
