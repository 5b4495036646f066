"""What each kind of statement reads, writes and drops, dialect by dialect."""

from __future__ import annotations

import pytest

from orchestrator.lineage import analyze_sql

# dialect, statement, reads, writes, drops: names parted by blanks, in the order of the alphabet
STATEMENTS = [
    # queries
    ("duckdb", "select * from a join b using (x), c", "a b c", "", ""),
    ("duckdb", "from a select x", "a", "", ""),
    ("postgres", "table a", "a", "", ""),
    ("duckdb", "select (select max(x) from b) from a where x in (select x from c)", "a b c", "", ""),
    ("duckdb", "select 1 from a where exists (select 1 from b where b.x = a.x)", "a b", "", ""),
    ("duckdb", "select * from a union all (select * from b except select * from c)", "a b c", "", ""),
    ("duckdb", "pivot a on x using sum(y)", "a", "", ""),
    ("duckdb", "summarize a", "a", "", ""),
    ("bigquery", "select * from d.s, s.arr", "d.s", "", ""),
    ("redshift", "select * from d.s t, t.arr", "d.s", "", ""),
    ("bigquery", "select * from `p-1.d.t`, unnest(items)", "p-1.d.t", "", ""),
    ("snowflake", "select f.value from a, lateral flatten(input => a.items) f", "A", "", ""),
    ("snowflake", "select * from table(db.s.make_rows(1)), b", "B", "", ""),
    ("spark", "select * from a lateral view explode(items) t as item", "A".lower(), "", ""),
    ("oracle", "select * from dual, a", "A", "", ""),
    ("postgres", "select * from generate_series(1, 3), lateral (select * from a) x", "a", "", ""),
    ("duckdb", "select * from range(10)", "", "", ""),
    ("tsql", "select * from a with (nolock) cross apply f(a.x)", "a", "", ""),
    ("postgres", "explain select * from a", "", "", ""),
    # names that are not plain names
    ("snowflake", "select * from table('db.s.t')", "DB.S.T", "", ""),
    ("snowflake", "select * from identifier('db.\"S\".t')", "DB.S.T", "", ""),
    ("databricks", "select * from identifier('c.s.t')", "c.s.t", "", ""),
    ("duckdb", "select * from 'in/a.parquet', read_csv(['b.csv', 'c.csv'])", "b.csv c.csv in/a.parquet", "", ""),
    ("spark", "select * from parquet.`/data/a`", "/data/a", "", ""),
    ("snowflake", "select $1 from @db.s.stage/path", "@db.s.stage/path", "", ""),
    ("tsql", "select * from db..a", "db.dbo.a", "", ""),
    ("tsql", "select * from server.db.dbo.a", "server.db.dbo.a", "", ""),
    ("clickhouse", "select dictGet('d.rates', 'x', id) from a", "a d.rates", "", ""),
    # create
    ("postgres", "create table a (x int references b (x))", "", "a", ""),
    ("postgres", "create table a as select * from b", "b", "a", ""),
    ("snowflake", "create or replace transient table a as select * from b", "B", "A", ""),
    ("snowflake", "create or replace dynamic table a target_lag = '1 minute' warehouse = w as select * from b", "B", "A", ""),
    ("postgres", "create materialized view a as select * from b", "b", "a", ""),
    ("snowflake", "create view a (x, y) as select * from b", "B", "A", ""),
    ("clickhouse", "create materialized view a to c as select * from b", "b", "a c", ""),
    ("mysql", "create table a like b", "b", "a", ""),
    ("postgres", "create table a (like b including all)", "b", "a", ""),
    ("snowflake", "create table a clone b", "B", "A", ""),
    ("databricks", "create table a shallow clone b", "b", "a", ""),
    ("bigquery", "create table d.a copy d.b", "d.b", "d.a", ""),
    ("hive", "create external table a (x int) stored as parquet location 's3://lake/a'", "s3://lake/a", "a", ""),
    ("spark", "create table a using csv options (path '/in/a')", "/in/a", "a", ""),
    ("snowflake", "create stage st url = 's3://lake/x'", "s3://lake/x", "ST", ""),
    ("snowflake", "create or replace stream st on table db.s.t", "DB.S.T", "ST", ""),
    ("spark", "cache table a as select * from b", "b", "", ""),
    ("postgres", "create temp table a as select * from b", "b", "", ""),
    ("tsql", "select * into a from b", "b", "a", ""),
    ("tsql", "select * into #a from b", "b", "", ""),
    ("postgres", "create index i on a (x)", "", "a", ""),
    ("postgres", "create schema s", "", "", ""),
    ("postgres", "refresh materialized view concurrently a", "", "a", ""),
    # insert
    ("duckdb", "insert into a (x, y) select x, y from b", "b", "a", ""),
    ("duckdb", "insert into a values (1), ((select max(x) from b))", "b", "a", ""),
    ("postgres", "insert into a default values", "", "a", ""),
    ("postgres", "insert into a select * from a", "a", "a", ""),
    ("postgres", "insert into a select * from b on conflict (x) do update set y = excluded.y", "b", "a", ""),
    ("hive", "insert overwrite table a partition (day = '1') select * from b", "b", "a", ""),
    ("hive", "insert overwrite directory '/out' select * from b", "b", "/out", ""),
    ("hive", "from s insert into a select x insert into b select y", "s", "a b", ""),
    ("snowflake", "insert all into a values (x) into b select x from s", "S", "A B", ""),
    ("snowflake", "insert first when x > 1 then into a else into b select x from s", "S", "A B", ""),
    ("mysql", "replace into a select * from b", "b", "a", ""),
    ("sqlite", "insert or replace into a select * from b", "b", "a", ""),
    ("tsql", "with c as (select * from b) insert into a select * from c", "b", "a", ""),
    ("postgres", "with gone as (delete from b returning *) insert into a select * from gone", "", "a b", ""),
    # update, delete, merge, truncate
    ("postgres", "update a set x = b.x from b where a.i = b.i", "b", "a", ""),
    ("tsql", "update t set x = b.x from dbo.a as t join b on t.i = b.i", "b", "dbo.a", ""),
    ("tsql", "update a set x += 1", "", "a", ""),
    ("mysql", "update a t join b u on t.i = u.i set t.x = u.x", "b", "a", ""),
    ("mysql", "update a, b set a.x = 1, b.x = 2 where a.i = b.i", "", "a b", ""),
    ("snowflake", "update a set x = (select max(x) from b)", "B", "A", ""),
    ("postgres", "delete from a using b where a.i = b.i", "b", "a", ""),
    ("tsql", "delete t from a t join b on t.i = b.i", "b", "a", ""),
    ("mysql", "delete a, b from a join b on a.i = b.i join c on c.i = b.i", "c", "a b", ""),
    ("oracle", "delete a where x in (select x from b)", "B", "A", ""),
    ("snowflake", "merge into a using (select * from b) s on a.i = s.i when matched then update set x = s.x when not matched then insert (i) values (s.i)", "B", "A", ""),
    ("duckdb", "truncate a", "", "a", ""),
    ("postgres", "truncate table a, b", "", "a b", ""),
    ("tsql", "update t set x = 1 output inserted.x into audit from s", "s", "audit t", ""),
    ("tsql", "delete top (5) from t where x in (select x from s)", "s", "t", ""),
    ("tsql", "insert into @t select * from s", "s", "", ""),
    # drop, alter, rename, swap
    ("redshift", "alter table a append from b", "b", "a", ""),
    ("tsql", "alter table a switch to b", "a", "b", ""),
    ("clickhouse", "exchange tables a and b", "a b", "a b", ""),
    ("teradata", "create volatile table v as (select * from s) with data", "s", "", ""),
    ("teradata", "locking row for access select * from t", "t", "", ""),
    ("mysql", "load data local infile '/in.csv' into table t fields terminated by ','", "/in.csv", "t", ""),
    ("postgres", "drop table if exists a, s.b", "", "", "a s.b"),
    ("postgres", "drop view a", "", "", "a"),
    ("postgres", "drop schema s cascade", "", "", ""),
    ("postgres", "alter table a add column x int", "", "a", ""),
    ("postgres", "alter table s.a rename to b", "s.a", "s.b", "s.a"),
    ("snowflake", "alter table a rename to db.s.b", "A", "DB.S.B", "A"),
    ("mysql", "rename table a to b, c to d", "a c", "b d", "a c"),
    ("tsql", "exec sp_rename 'dbo.a', 'b'", "dbo.a", "dbo.b", "dbo.a"),
    ("snowflake", "alter table a swap with b", "A B", "A B", ""),
    ("hive", "alter table a exchange partition (d = '1') with table b", "b", "a", ""),
    # copy
    ("duckdb", "copy a from 'in.csv'", "in.csv", "a", ""),
    ("duckdb", "copy a to 'out.csv'", "a", "out.csv", ""),
    ("duckdb", "copy (select * from a) to 'out.parquet' (format parquet)", "a", "out.parquet", ""),
    ("postgres", "copy a (x, y) from stdin", "", "a", ""),
    ("postgres", "copy (select * from a) to stdout", "a", "", ""),
    ("snowflake", "copy into a from @st/path", "@st/path", "A", ""),
    ("snowflake", "copy into a from (select $1 from @st)", "@st", "A", ""),
    ("snowflake", "copy into @st/out from a", "A", "@st/out", ""),
    ("snowflake", "copy into 's3://b/x' from (select * from a)", "A", "s3://b/x", ""),
    ("redshift", "copy a from 's3://b/x' iam_role 'r'", "s3://b/x", "a", ""),
    ("redshift", "unload ('select * from a where d = ''x''') to 's3://b/x' iam_role 'r'", "a", "s3://b/x", ""),
    ("athena", "unload (select * from a) to 's3://b/x' with (format = 'parquet')", "a", "s3://b/x", ""),
    ("databricks", "copy into a from '/in' fileformat = csv", "/in", "a", ""),
    ("hive", "load data inpath '/in' into table a", "/in", "a", ""),
    ("bigquery", "load data into d.a from files (uris = ['gs://b/x'])", "gs://b/x", "d.a", ""),
    ("bigquery", "export data options (uri = 'gs://b/x') as select * from d.a", "d.a", "gs://b/x", ""),
    ("tsql", "bulk insert a from 'in.csv'", "in.csv", "a", ""),
    # no data moves
    ("postgres", "grant select on a to me", "", "", ""),
    ("postgres", "comment on table a is 'x'", "", "", ""),
    ("postgres", "vacuum a", "", "", ""),
    ("snowflake", "show tables", "", "", ""),
    ("postgres", "begin transaction", "", "", ""),
]  # fmt: skip


def words(datasets: frozenset[object]) -> str:
    return " ".join(sorted(map(str, datasets)))


@pytest.mark.parametrize(("dialect", "sql", "reads", "writes", "drops"), STATEMENTS)
def test_a_statement_reads_writes_and_drops(
    dialect: str, sql: str, reads: str, writes: str, drops: str
) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert lineage.errors == ()
    found = (words(lineage.reads), words(lineage.writes), words(lineage.drops))
    assert found == (reads, writes, drops)


CTES = [
    ("a name shadows a table of the same name", "with a as (select * from a) select * from a", "a"),
    ("a later one sees an earlier one", "with a as (select * from t), b as (select * from a) select * from b", "t"),
    ("an earlier one does not see a later one", "with a as (select * from b), b as (select * from t) select * from a, b", "b t"),
    ("recursion refers to itself", "with recursive a as (select 1 from t union all select 1 from a) select * from a", "t"),
    ("without RECURSIVE it is a table", "with a as (select 1 from t union all select 1 from a) select * from a", "a t"),
    ("a qualified name is never one", "with a as (select 1) select * from s.a", "s.a"),
    ("an inner one hides an outer one", "with a as (select * from t) select * from (with a as (select * from u) select * from a)", "t u"),
    ("it ends with its query", "select * from (with a as (select 1 from t) select * from a) x, a", "a t"),
    ("case does not matter", "with Recent as (select * from t) select * from RECENT", "t"),
    ("it is seen in subqueries", "with a as (select * from t) select * from u where x in (select x from a)", "t u"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "reads"), [case[1:] for case in CTES], ids=[c[0] for c in CTES])
def test_common_table_expressions(sql: str, reads: str) -> None:
    assert words(analyze_sql(sql, dialect="duckdb").reads) == reads


@pytest.mark.parametrize(
    ("dialect", "sql", "reads"),
    [
        ("snowflake", 'with "Recent" as (select * from t) select * from recent', "RECENT T"),
        ("snowflake", "with recent as (select * from t) select * from RECENT", "T"),
        ("bigquery", "with Recent as (select * from d.t) select * from recent", "d.t"),
        ("postgres", 'with a as (select * from t) select * from "a"', "t"),
        ("tsql", "with a as (select 1 x from t union all select x from a) select * from a", "t"),
        ("oracle", "with a as (select 1 x from t union all select x from a) select * from a", "T"),
    ],
)
def test_common_table_expressions_are_compared_as_the_dialect_does(
    dialect: str, sql: str, reads: str
) -> None:
    assert words(analyze_sql(sql, dialect=dialect).reads) == reads


def test_tables_of_an_unused_expression_are_read_but_marked() -> None:
    sql = "with a as (select * from t), b as (select * from u), c as (select * from b) select * from a"

    effect = analyze_sql(sql, dialect="duckdb").statements[0]

    assert words(effect.reads) == "t u"
    assert words(effect.unused) == "u"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "select"),
        ("create table a (x int)", "create"),
        ("create table a as select 1", "create_as"),
        ("create view a as select 1", "view"),
        ("insert into a values (1)", "insert"),
        ("update a set x = 1", "update"),
        ("delete from a", "delete"),
        ("merge into a using b on a.i = b.i when matched then delete", "merge"),
        ("copy a to 'x.csv'", "copy"),
        ("truncate a", "truncate"),
        ("drop table a", "drop"),
        ("alter table a add column x int", "alter"),
        ("alter table a rename to b", "rename"),
        ("use x", "session"),
        ("commit", "other"),
        ("selec 1", "unknown"),
    ],
)
def test_statements_say_their_kind(sql: str, kind: str) -> None:
    assert analyze_sql(sql, dialect="duckdb").statements[0].kind == kind
