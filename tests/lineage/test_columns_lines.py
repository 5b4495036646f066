"""The line at which the expression stands that makes a column."""

from __future__ import annotations

import pytest

from orchestrator.lineage import analyze_sql

SCHEMA = {"t": ["i", "p"], "u": ["i", "q"]}


def lines(sql: str, dialect: str = "duckdb") -> str:
    """``column:line`` for each column that the text produces."""
    flows = analyze_sql(sql, dialect=dialect, schema=SCHEMA).column_flows
    return " ".join(f"{flow.column}:{flow.line}" for flow in flows)


# what it shows, text, columns with their lines
CASES = [
    ("the expression, not its alias", "select\n  p\n  + 1\n  as v\nfrom t", "v:2"),
    ("a constant", "select\n1\nas v", "v:2"),
    ("CASE has the line of what is nearest inside", "select\ncase\nwhen p then 1 end as v from t", "v:3"),
    ("NULL alone has nothing inside", "\nselect\nnull from t", "NULL:2"),
    ("a later statement", "select 1 as a;\n\nselect\np from t", "a:1 p:4"),
    ("a star of a table", "select\n*\nfrom t", "i:2 p:2"),
    ("USING under a star", "select\n*\nfrom t join u using (i)", "i:2 p:2 q:2"),
    ("a star over an expression", "with c as (\nselect\np + 1 as v from t)\nselect * from c", "v:3"),
    ("a name on top of an expression", "with c as (\nselect p + 1 as v from t)\nselect\nv from c", "v:4"),
    ("REPLACE", "select *\nreplace (\np + 1 as p) from t", "i:1 p:3"),
    ("a set operation has its first branch", "select p\nfrom t union all\nselect q from u", "p:1"),
    ("names given to a view", "create view n (\nv) as\nselect p from t", "v:3"),
    ("definitions", "create table n (\na int,\nb int)", "a:2 b:3"),
    ("INSERT", "insert into t (i, p)\nselect\ni,\nq from u", "i:3 p:4"),
    ("UPDATE", "update t set\ni = 1,\np = (select\nq from u)", "i:2 p:3"),
    ("MERGE", "merge into t using u on t.i = u.i\nwhen matched then update set\np = u.q\n"
     "when not matched then insert (i, p) values (u.i,\nu.q)", "p:3 i:4 p:5"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_column_has_the_line_of_its_expression(sql: str, found: str) -> None:
    assert lines(sql) == found


# what it shows, dialect, text, columns with their lines
INSIDE = [
    ("a procedure of dollars", "snowflake", "select 1 as a;\ncreate procedure p() as $$\nbegin\n"
     "insert into n\nselect\nq from u;\nend $$", "A:1 Q:6"),
    ("a body without quotes", "tsql", "create procedure p as\nbegin\nselect\nq\ninto n from u\nend", "q:4"),
    ("EXECUTE IMMEDIATE", "snowflake", "select 1 as a;\nexecute immediate 'insert into n\nselect\n"
     "q from u'", "A:1 Q:4"),
    ("text in text", "snowflake", "\nexecute immediate $$\nbegin\nexecute immediate '\ninsert into n "
     "select\nq from u';\nend $$", "Q:6"),
    ("a task", "snowflake", "create task k as\ninsert into n select\nq from u", "Q:3"),
    ("after an open quote", "duckdb", "select 'open;\nselect\np from t;\n", "p:3"),
    ("a foreign spelling", "duckdb", "\nselect\n`p`,\ni from t", "p:3 i:4"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql", "found"), [c[1:] for c in INSIDE], ids=[c[0] for c in INSIDE]
)
def test_lines_are_those_of_the_whole_text(dialect: str, sql: str, found: str) -> None:
    assert lines(sql, dialect) == found
