"""What is said of statements that cannot be read: plain words, the right place, never silence."""

from __future__ import annotations

import re

import pytest

from orchestrator.lineage import analyze_sql

DIALECTS = ["duckdb", "snowflake", "postgres", "bigquery", "tsql", "mysql", "spark", "oracle", ""]
INTERNAL = re.compile(r"Token|SENTINEL|<class|sqlglot|\x1b|\[4m")

# statement, what is said, column
SAID = [
    ("create tble c (x int)", "CREATE of 'tble' is not known; did you mean TABLE?", 8),
    ("create or replace tabel c as select 1", "CREATE of 'tabel' is not known; did you mean TABLE?", 19),
    ("drop tabl c", "DROP of 'tabl' is not known; did you mean TABLE?", 6),
    ("alter vew c add x", "ALTER of 'vew' is not known; did you mean VIEW?", 7),
    ("create", "CREATE of what? The statement ends too early", 1),
    ("truncate tabl t", "this is not a statement that is known", 1),
    ("insrt into t select 1", "no statement begins with 'insrt'; did you mean INSERT?", 1),
    ("select a form t", "'t' is not expected here", 15),
    ("select (a + from t", "something is missing at 'from'", 13),
    ("create view as select 1", "table name is expected at 'as'", 13),
    ("insert into", "table name is expected after 'into', where the statement ends", 8),
    ("foo bar 'a long text\nof several lines'", "''a long text of several lines'' is not expected here", 9),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message", "column"), SAID)
def test_what_is_wrong_and_where(sql: str, message: str, column: int) -> None:
    (problem,) = analyze_sql(f"select 1;\n\n{sql};\nselect 2", dialect="postgres").errors

    assert (problem.message, problem.line, problem.column) == (message, 3, column)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql",
    [
        *(
            "create tble c (x int)",
            "drop tabl c",
            "alter tabl c add x int",
            "creat table c (x int)",
        ),
        *(
            "create tabel c as select 1",
            "create external tabl c (x int)",
            "create",
            "drop",
            "alter",
        ),
    ],
)
def test_a_mistyped_statement_is_an_error_in_every_dialect(sql: str, dialect: str) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert len(lineage.errors) == 1
    assert lineage.writes == lineage.drops == frozenset()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "sql",
    [
        *("select from where", "insert into", "merge into t using", "update t set", "select a b c"),
        *("create table", "select (((", "create view as", "with a as (b) c", "delete from where x"),
        *("select case when", "select cast(x as)", "alter table", "copy into from", "x from t t t"),
    ],
)
def test_messages_are_readable(sql: str, dialect: str) -> None:
    for problem in analyze_sql(sql, dialect=dialect).errors:
        assert not INTERNAL.search(problem.message), problem.message
        assert "\n" not in problem.message
        assert problem.column >= 1


def test_delete_needs_from_where_the_dialect_says_so() -> None:
    (problem,) = analyze_sql("delete form t", dialect="snowflake").errors

    assert (problem.message, problem.column) == ("FROM is expected after DELETE", 8)
    assert analyze_sql("delete t where x = 1", dialect="oracle").errors == ()


def test_a_statement_in_the_middle_of_a_line_has_its_column() -> None:
    (problem,) = analyze_sql("select 1; execute immediate x || 'y'", dialect="snowflake").errors

    assert (problem.line, problem.column) == (1, 11)


# what it shows, dialect, text, lines of problems with columns
UNFOLLOWED = [
    ("rows of a procedure", "tsql", "select 1 as a;\ninsert into t exec p", [2]),
    ("a function of a model", "bigquery", "select * from ml.predict(model d.m, (select x from d.a))", [1]),
    ("a query", "duckdb", "select * from a", []),
    ("rows given in the text", "duckdb", "insert into t values (1)", []),
    ("no rows moved", "duckdb", "delete from t; drop table t; create table t (x int); vacuum", []),
    ("MERGE that only deletes", "snowflake", "merge into t using a on a.i = t.i when matched then delete", []),
    ("between files", "snowflake", "put file:///x @st", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql", "lines"), [c[1:] for c in UNFOLLOWED], ids=[c[0] for c in UNFOLLOWED]
)
def test_columns_that_cannot_be_followed_are_reported(
    dialect: str, sql: str, lines: list[int]
) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert [problem.line for problem in lineage.column_problems] == lines
    assert lineage.errors == ()
