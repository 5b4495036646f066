"""Column edges: queries, writers, scripts, and what is not guessed."""

from __future__ import annotations

import pytest

from orchestrator.lineage import SqlLineage, analyze_sql

SCHEMA = {
    "a": ["i", "x", "y"],
    "b": ["i", "z"],
    "t": ["p", "q"],
}


def edges(lineage: SqlLineage) -> str:
    """``a.x>t.p`` for each edge, in the order of the alphabet."""
    return " ".join(
        sorted(
            f"{source}.{column}>{target}.{into}" for source, column, target, into in lineage.columns
        )
    )


def outputs(sql: str, dialect: str = "duckdb", **options: object) -> str:
    """``x<a.x,a.y`` for each column of a query; a name in question ends in ``?``."""
    parts = []
    for flow in analyze_sql(sql, dialect=dialect, **options).column_flows:  # type: ignore[arg-type]
        sources = [f"{dataset}.{column}" for dataset, column in flow.sources]
        sources += [f"{name}?" for name in flow.unresolved]
        parts.append(f"{flow.column}<{','.join(sources)}")
    return " ".join(parts)


# what it shows, query, columns: with the schema above
QUERIES = [
    ("a plain column", "select x from a", "x<a.x"),
    ("an alias", "select x as v from a", "v<a.x"),
    ("an expression", "select x + y * 2 as v from a", "v<a.x,a.y"),
    ("a constant", "select 1 as v from a", "v<"),
    ("a qualified column", "select a.x, u.z from a join b as u using (i)", "x<a.x z<b.z"),
    ("a column of the one table that has it", "select x, z from a join b on a.i = b.i", "x<a.x z<b.z"),
    ("a column of both tables", "select i from a join b on a.x = b.z", "i<i?"),
    ("a column that USING makes one of", "select i from a join b using (i)", "i<a.i,b.i"),
    ("a star", "select * from a", "i<a.i x<a.x y<a.y"),
    ("a star of one table", "select b.*, x from a join b using (i)", "i<b.i z<b.z x<a.x"),
    ("a star over USING", "select * from a join b using (i)", "i<a.i,b.i x<a.x y<a.y z<b.z"),
    ("EXCLUDE", "select * exclude (i, y) from a", "x<a.x"),
    ("REPLACE", "select * replace (x + y as x) from a", "i<a.i x<a.x,a.y y<a.y"),
    ("RENAME", "select * rename (x as v) from a", "i<a.i v<a.x y<a.y"),
    ("a subquery", "select v + 1 as w from (select x as v from a) s", "w<a.x"),
    ("names for the columns of a subquery", "select v from (select x, y from a) s (u, v)", "v<a.y"),
    ("a common table expression", "with c as (select x + y as v from a) select v from c", "v<a.x,a.y"),
    ("names for the columns of one", "with c (u, v) as (select x, y from a) select v from c", "v<a.y"),
    ("one that shadows a table", "with a as (select y as x from a) select x from a", "x<a.y"),
    ("one upon another", "with c as (select x from a), d as (select x as v from c) select v from d", "v<a.x"),
    ("a union, by position", "select x from a union all select z from b", "x<a.x,b.z"),
    ("a union by name", "select x, i from a union all by name select i from b", "x<a.x i<a.i,b.i"),
    ("recursion", "with recursive c as (select i, x from a union all select c.i, b.z from c join b using (i)) select x from c", "x<a.x,b.z"),
    ("a scalar subquery", "select (select max(z) from b where b.i = a.i) as v from a", "v<b.z"),
    ("a correlated name", "select (select x) as v from a", "v<a.x"),
    ("CASE", "select case when x > 1 then y else i end as v from a", "v<a.i,a.x,a.y"),
    ("a window", "select sum(x) over (partition by i order by y) as v from a", "v<a.i,a.x,a.y"),
    ("a named window", "select sum(x) over w as v from a window w as (partition by i)", "v<a.i,a.x"),
    ("FILTER", "select count(*) filter (where x > 1) as v from a", "v<a.x"),
    ("what filters is no source", "select x from a where y > 1 group by i order by y", "x<a.x"),
    ("a lateral alias", "select x + 1 as v, v * 2 as w from a", "v<a.x w<a.x"),
    ("a column before an alias of its name", "select y as x, x as v from a", "x<a.y v<a.x"),
    ("LATERAL", "select s.v from a, lateral (select z + a.x as v from b) s", "v<a.x,b.z"),
    ("UNNEST", "select u from a, unnest(a.x) as s (u)", "u<a.x"),
    ("parameters of a lambda", "select list_transform(x, e -> e + y) as v from a", "v<a.x,a.y"),
    ("VALUES", "select v from (values (1, 2)) s (u, v)", "v<"),
    ("parentheses", "select x from ((select x from a))", "x<a.x"),
    ("joins in parentheses", "select x, z from (a join b on a.i = b.i)", "x<a.x z<b.z"),
    ("PIVOT", "from (pivot a on y using sum(x)) select i", "i<a.i"),
    ("a table function", "select v from range(3) s (v)", "v<"),
    ("the schema.table.column", "select main.a.x from main.a", "x<main.a.x"),
    ("a cast keeps the name", "select x::int from a", "x<a.x"),
    ("a field of a struct", "select x.f.g as v from a", "v<a.x.f.g"),
    ("no name at all", "select max(x) from a", "MAX(x)<a.x"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), [q[1:] for q in QUERIES], ids=[q[0] for q in QUERIES])
def test_columns_of_a_query(sql: str, found: str) -> None:
    assert outputs(sql, schema=SCHEMA) == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select x from a", "x<a.x"),
        ("select x, u.y from a join u on true", "x<x? y<u.y"),
        ("select * from a", "*<a.*"),
        ("select *, 1 as v from a join b using (i)", "*<a.* *<b.* v<"),
        ("select x from (select * from a) s", "x<a.x"),
        ("with c as (select *, y as v from a) select v, w from c", "v<a.y w<a.w"),
        ("select x from a union all select * from b", "x<a.x,b.x *<b.*"),
        ("select x + 1 as v, v as w from a", "v<a.x w<a.x"),
        ("select x as x, x as w from a", "x<a.x w<a.x"),
    ],
)
def test_columns_of_tables_that_nothing_is_known_of(sql: str, found: str) -> None:
    assert outputs(sql) == found


WRITERS = [
    ("CREATE TABLE AS", "create table n as select x, y as v from a", "a.x>n.x a.y>n.v"),
    ("a view with names of its own", "create view n (u, v) as select x, y from a", "a.x>n.u a.y>n.v"),
    ("INSERT with a list", "insert into n (u, v) select x, y from a", "a.x>n.u a.y>n.v"),
    ("INSERT by position", "insert into t select x, y from a", "a.x>t.p a.y>t.q"),
    ("INSERT by name", "insert into t by name select x as q from a", "a.x>t.q"),
    ("INSERT into a table not known by column", "insert into n select x, y as v from a", "a.x>n.x a.y>n.v"),
    ("INSERT VALUES", "insert into t values ((select max(x) from a), 1)", "a.x>t.p"),
    ("UPDATE", "update t set p = q + 1", "t.q>t.p"),
    ("UPDATE FROM", "update t set p = b.z from b where b.i = t.q", "b.z>t.p"),
    ("UPDATE from a subquery", "update t set p = (select max(z) from b where b.i = t.q)", "b.z>t.p"),
    ("MERGE", "merge into t using (select i, x + y as v from a) s on t.p = s.i when matched then update set q = s.v when not matched then insert (p, q) values (s.i, s.v)", "a.i>t.p a.x>t.q a.y>t.q"),
    ("MERGE by position", "merge into t using b on t.p = b.i when not matched then insert values (b.i, b.z)", "b.i>t.p b.z>t.q"),
    ("a star", "create table n as select * from b", "b.i>n.i b.z>n.z"),
    ("a writer in a common table expression", "with c as (select z from b) insert into n select z from c", "b.z>n.z"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), [w[1:] for w in WRITERS], ids=[w[0] for w in WRITERS])
def test_columns_that_are_written(sql: str, found: str) -> None:
    assert edges(analyze_sql(sql, dialect="duckdb", schema=SCHEMA)) == found


@pytest.mark.parametrize(
    ("dialect", "sql", "found"),
    [
        ("tsql", "update s set x = b.z from a as s join b on b.i = s.i", "b.z>a.x"),
        ("mysql", "update a join b on a.i = b.i set a.x = b.z, b.z = a.y", "a.y>b.z b.z>a.x"),
        ("tsql", "select x, z as v into n from a join b on a.i = b.i", "a.x>n.x b.z>n.v"),
        ("tsql", "insert into n select v = x from a", "a.x>n.v"),
        (
            "databricks",
            "merge into t using b on t.p = b.i when matched then update set * when not matched then insert *",
            "b.i>t.i b.z>t.z",
        ),
        (
            "snowflake",
            "insert all into n (u) values (x) into o (v) values (y) select x, y from a",
            "A.X>N.U A.Y>O.V",
        ),
        ("snowflake", "create table n clone b", "B.I>N.I B.Z>N.Z"),
        ("snowflake", 'create table n as select "x" as "v", x as w from a', "A.X>N.W A.X>N.v"),
        (
            "snowflake",
            "create table n as select f.value as v from a, lateral flatten(input => a.x) f",
            "A.X>N.V",
        ),
        (
            "spark",
            "insert into n select item from a lateral view explode(x) e as item",
            "a.x>n.item",
        ),
        ("clickhouse", "create materialized view v to n as select x as u from a", "a.x>n.u"),
        ("postgres", "with gone as (delete from b returning *) select 1", ""),
    ],
)
def test_columns_in_other_dialects(dialect: str, sql: str, found: str) -> None:
    upper = {name.upper(): [c.upper() for c in columns] for name, columns in SCHEMA.items()}
    schema = upper if dialect == "snowflake" else SCHEMA

    assert edges(analyze_sql(sql, dialect=dialect, schema=schema)) == found


SCRIPTS = [
    ("a temporary table", "create temp table s as select x + y as v from a; insert into n select v from s", "a.x>n.v a.y>n.v"),
    ("a chain of them", "create temp table s as select x from a; create temp table u as select x as v from s; create table n as select v from u", "a.x>n.v"),
    ("one not known by column", "create temp table s as select * from k; create table n as select v from s", "k.v>n.v"),
    ("a table that is dropped again", "create table s as select x from a; create table n as select x from s; drop table s", "a.x>n.x"),
    ("a table that stays", "create table s as select x from a; create table n as select x from s", "a.x>s.x s.x>n.x"),
    ("a table that is renamed", "create table s as select x from a; alter table s rename to n", "a.x>n.x"),
    ("a star over what the script made", "create table s as select x, y as v from a; create table n as select * from s", "a.x>s.x a.y>s.v s.v>n.v s.x>n.x"),
    ("columns that the script defined", "create table n (u int, v int); insert into n select x, y from a", "a.x>n.u a.y>n.v"),
    ("a temporary table made anew", "create temp table s as select x as v from a; drop table s; create temp table s as select z as v from b; create table n as select v from s", "b.z>n.v"),
    ("a bad statement between", "create temp table s as select x from a; select from where; insert into n select x from s", "a.x>n.x"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), [s[1:] for s in SCRIPTS], ids=[s[0] for s in SCRIPTS])
def test_columns_of_a_script(sql: str, found: str) -> None:
    assert edges(analyze_sql(sql, dialect="duckdb", schema=SCHEMA)) == found


def test_swapped_tables_take_their_columns_along() -> None:
    sql = "create table s as select x from a; alter table n swap with s; drop table s"

    assert edges(analyze_sql(sql, dialect="snowflake")) == "A.X>N.X"


def test_defaults_and_long_names_find_what_is_known() -> None:
    schema = {"prod.raw.a": ["x"], "raw.b": ["y"]}
    lineage = analyze_sql(
        "create table n as select * from a, raw.b",
        dialect="duckdb",
        default_catalog="prod",
        default_schema="raw",
        schema=schema,
    )

    assert edges(lineage) == "prod.raw.a.x>prod.raw.n.x prod.raw.b.y>prod.raw.n.y"


def test_what_a_table_is_known_to_lack_is_taken_where_the_text_is_sure() -> None:
    assert outputs("select s.new from a s", schema=SCHEMA) == "new<a.new"
    assert outputs("select new from a", schema=SCHEMA) == "new<new?"


def test_a_long_union_is_followed() -> None:
    sql = " union all ".join(f"select c{n} as v from t{n}" for n in range(500))

    flows = analyze_sql(sql, dialect="duckdb").column_flows

    assert len(flows) == 1
    assert len(flows[0].sources) == 500


def test_columns_cost_nothing_until_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lineage = analyze_sql("create table n as select x from a", dialect="duckdb")
    asked = []
    monkeypatch.setattr(
        "orchestrator.lineage.columns.flows.read_columns",
        lambda request: asked.append(request) or ((), ()),
    )

    assert asked == []
    assert lineage.columns == lineage.columns == ()
    assert len(asked) == 1
