"""Scripts: session state, net effects, blocks and routines, and what cannot be read."""

from __future__ import annotations

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.lineage import SqlLineage, analyze_sql
from orchestrator.model.dataset import Dataset

# what it shows, dialect, script, reads, writes, drops
SCRIPTS = [
    # session state
    ("USE names a catalog", "snowflake", "use database d; use schema s; select * from a", "D.S.A", "", ""),
    ("USE names both", "snowflake", "use d.s; insert into a select * from b", "D.S.B", "D.S.A", ""),
    ("USE ROLE changes no names", "snowflake", "use role r; use warehouse w; select * from a", "A", "", ""),
    ("USE names a schema", "mysql", "use s; select * from a", "s.a", "", ""),
    ("USE CATALOG", "databricks", "use catalog c; use s; select * from a", "c.s.a", "", ""),
    ("USE catalog.schema", "trino", "use c.s; select * from a", "c.s.a", "", ""),
    ("USE of an attached file", "duckdb", "attach 'f.db' as f; use f; select * from s.a", "f.s.a", "", ""),
    ("a search path decides where things are made", "postgres", "set search_path to app, public; create table a as select * from s.b", "s.b", "app.a", ""),
    ("a search path finds what the script made", "postgres", "create table public.a as select * from s.b; set search_path = app, public; create table c as select * from a", "s.b", "app.c public.a", ""),
    ("set_config", "postgres", "select set_config('search_path', 'app', false); select * from a", "app.a", "", ""),
    ("SET SCHEMA", "postgres", "set schema 'app'; select * from a", "app.a", "", ""),
    ("CURRENT_SCHEMA", "oracle", "alter session set current_schema = app; select * from a", "APP.A", "", ""),
    ("a variable holds a name", "snowflake", "set t = 'd.s.a'; select * from identifier($t)", "D.S.A", "", ""),
    # net effects
    ("a temporary table falls out", "duckdb", "create temp table t as select * from a; insert into b select * from t", "a", "b", ""),
    ("what the script makes is not needed before", "duckdb", "create table t as select * from a; create view v as select * from t", "a", "t v", ""),
    ("what it makes and drops falls out", "duckdb", "create table t as select * from a; insert into b select * from t; drop table t", "a", "b", ""),
    ("a new table under an old name is no drop", "duckdb", "drop table if exists t; create table t as select * from a", "a", "t", ""),
    ("truncated content is not needed", "duckdb", "truncate t; insert into t select * from a; select * from t", "a", "t", ""),
    ("appended content is needed", "duckdb", "insert into t select * from a; create table u as select * from t", "a t", "t u", ""),
    ("a rename carries what was written", "postgres", "create table t as select * from a; alter table t rename to u", "a", "u", ""),
    ("rename away and in", "postgres", "create table n as select * from a; alter table t rename to o; alter table n rename to t; drop table o", "a", "t", ""),
    ("swap in and drop", "snowflake", "create table n as select * from a; alter table t swap with n; drop table n", "A", "T", ""),
    ("swap in and keep the old", "snowflake", "create table n as select * from a; alter table t swap with n", "A T", "N T", ""),
    ("a temporary table hides a real one", "postgres", "create temp table a as select * from s.b; create table c as select * from a", "s.b", "c", ""),
    ("dropped and read", "duckdb", "create table b as select * from a; drop table a", "a", "b", "a"),
    # blocks and routines
    ("a block", "snowflake", "begin insert into a select * from b; delete from c; end; select * from d", "B D", "A C", ""),
    ("BEGIN of a transaction", "postgres", "begin; insert into a select * from b; commit", "b", "a", ""),
    ("conditions and loops", "snowflake", "declare c cursor for select * from q; begin if (exists (select 1 from x)) then insert into a select * from b; elseif (1 = 1) then delete from d; else update e set v = 1; end if; for r in c do insert into f select * from g; end for; exception when other then insert into h values (1); end", "B G Q X", "A D E F H", ""),
    ("CASE does not end a block", "snowflake", "begin let x := (select case when v then 1 else 2 end from a); insert into b select * from c; end", "A C", "B", ""),
    ("EXECUTE IMMEDIATE", "snowflake", "execute immediate $$ begin insert into a select * from b; end $$", "B", "A", ""),
    ("EXECUTE IMMEDIATE of a plain text", "bigquery", "execute immediate 'insert into d.a select * from d.b'", "d.b", "d.a", ""),
    ("DO", "postgres", "do $$ begin insert into a select * from b; end $$", "b", "a", ""),
    ("a task", "snowflake", "create task t warehouse = w schedule = '1 minute' as insert into a select * from b", "B", "A", ""),
    ("a task with a block", "snowflake", "create task t as begin insert into a select * from b; end", "B", "A", ""),
    ("a pipe", "snowflake", "create pipe p auto_ingest = true as copy into a from @st", "@st", "A", ""),
    ("a procedure in dollars", "snowflake", "create procedure p() returns int language sql as $$ begin insert into a select * from b; end $$", "B", "A", ""),
    ("a procedure in plpgsql", "postgres", "create procedure p() language plpgsql as $$ declare v int; begin select max(x) into v from a; if v > 1 then insert into b select * from c; end if; for r in select * from d loop execute 'insert into e select * from f'; end loop; end $$", "a c d f", "b e", ""),
    ("a procedure in another language", "snowflake", "create procedure p() language javascript as 'insert into a select * from b'", "", "", ""),
    ("a procedure of MySQL", "mysql", "delimiter //\ncreate procedure p() begin declare v int; set v = (select max(x) from a); insert into b select * from c; end //\ndelimiter ;\nselect * from d", "a c d", "b", ""),
    ("a procedure of Oracle", "oracle", "create or replace procedure p is v number; begin select max(x) into v from a; insert into b select * from c; end p;\n/\nselect * from d", "A C D", "B", ""),
    ("T-SQL without semicolons", "tsql", "declare @x int = (select max(i) from a)\nif @x > 1\n update b set y = 1\nelse\n delete from c where i in (select i from d)\ninsert into e\nselect * from f\nselect * from g\ngo\ndrop table h", "a d f g", "b c e", "h"),
    ("a procedure of T-SQL", "tsql", "create proc p @x int = 1 as\nset nocount on\nbegin try\ninsert into a select * from b\nend try\nbegin catch\nexec ('insert into c select * from d')\nend catch\ngo\nselect * from e", "b d e", "a c", ""),
    ("scripting of BigQuery", "bigquery", "declare x int64 default (select max(i) from d.a); if x > 1 then insert into d.b select * from d.c; end if", "d.a d.c", "d.b", ""),
    ("a SQL function", "postgres", "create function f() returns setof int as $$ select x from a $$ language sql", "a", "", ""),
    ("a macro", "duckdb", "create macro m(i) as table select * from a where x = i; create macro one() as 1", "a", "", ""),
    # texts around SQL
    ("semicolons that end nothing", "postgres", "select ';' from a; /* ; */ select 1 from b -- ; select 1 from x\n; select $$;$$ from c", "a b c", "", ""),
    ("COPY data and client commands", "postgres", "copy a (x) from stdin;\n1\tit's\n\\.\n\\connect x\nselect * from b", "b", "a", ""),
    ("a mark at the beginning of the file", "duckdb", "\ufeffselect * from a", "a", "", ""),
]  # fmt: skip


def words(datasets: frozenset[Dataset]) -> str:
    return " ".join(sorted(map(str, datasets)))


@pytest.mark.parametrize(
    ("dialect", "sql", "reads", "writes", "drops"),
    [case[1:] for case in SCRIPTS],
    ids=[f"{case[0]} ({case[1]})" for case in SCRIPTS],
)
def test_a_script(dialect: str, sql: str, reads: str, writes: str, drops: str) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert lineage.errors == ()
    found = (words(lineage.reads), words(lineage.writes), words(lineage.drops))
    assert found == (reads, writes, drops)


@pytest.mark.parametrize(
    ("dialect", "unquoted", "quoted"),
    [
        ("snowflake", "RAW.ORDERS", "Raw.Orders"),
        ("oracle", "RAW.ORDERS", "Raw.Orders"),
        ("exasol", "RAW.ORDERS", "Raw.Orders"),
        ("db2", "RAW.ORDERS", "Raw.Orders"),
        ("postgres", "raw.orders", "Raw.Orders"),
        ("materialize", "raw.orders", "Raw.Orders"),
        ("duckdb", "raw.orders", "raw.orders"),
        ("redshift", "raw.orders", "raw.orders"),
        ("tsql", "raw.orders", "raw.orders"),
        ("spark", "raw.orders", "raw.orders"),
        ("databricks", "raw.orders", "raw.orders"),
        ("hive", "raw.orders", "raw.orders"),
        ("trino", "raw.orders", "raw.orders"),
        ("athena", "raw.orders", "raw.orders"),
        ("sqlite", "raw.orders", "raw.orders"),
        ("teradata", "raw.orders", "raw.orders"),
        ("bigquery", "Raw.Orders", "Raw.Orders"),
        ("mysql", "Raw.Orders", "Raw.Orders"),
        ("clickhouse", "Raw.Orders", "Raw.Orders"),
        ("starrocks", "Raw.Orders", "Raw.Orders"),
    ],
)
def test_names_are_folded_as_the_dialect_folds_them(
    dialect: str, unquoted: str, quoted: str
) -> None:
    backticks = dialect in {"spark", "databricks", "hive", "bigquery", "mysql", "starrocks"}
    mark = "`" if backticks else '"'
    text = f"select * from Raw.Orders; select * from {mark}Raw{mark}.{mark}Orders{mark}"

    plain, marked = analyze_sql(text, dialect=dialect).statements

    assert words(plain.reads) == unquoted
    assert words(marked.reads) == quoted


def test_defaults_complete_short_names_and_fold_like_unquoted_ones() -> None:
    def names(catalog: str, schema: str) -> str:
        sql = "select * from a, s.b, c.s.d"
        return words(
            analyze_sql(
                sql, dialect="snowflake", default_catalog=catalog, default_schema=schema
            ).reads
        )

    assert names("prod", "public") == "C.S.D PROD.PUBLIC.A PROD.S.B"
    assert names("PROD", '"public"') == "C.S.D PROD.S.B PROD.public.A"


def test_known_tables_settle_a_search_path() -> None:
    sql = "set search_path to app, public; select * from a, b"

    lineage = analyze_sql(sql, dialect="postgres", schema={"public.a": ["x"]})

    assert words(lineage.reads) == "app.b public.a"


def test_dialects_go_by_the_names_people_use() -> None:
    for name in ("PostgreSQL", "mssql", "sparksql", " duckdb ", "ansi"):
        assert words(analyze_sql("select * from a", dialect=name).reads) == "a"


def test_an_unknown_dialect_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"snowflak(.|\n)*'snowflake'"):
        analyze_sql("select 1", dialect="snowflak")


# -- lines ------------------------------------------------------------------------------------


def lines(lineage: SqlLineage, name: str) -> tuple[int | None, int | None]:
    dataset = Dataset(None, None, name)
    return lineage.first_read(dataset), lineage.first_write(dataset)


def test_every_name_has_the_line_it_stands_on() -> None:
    lineage = analyze_sql(
        "-- daily\ncreate table t as\nselect *\nfrom a\njoin b using (x);\n\ninsert into a\nselect * from t",
        dialect="duckdb",
    )

    assert [effect.line for effect in lineage.statements] == [2, 7]
    assert lines(lineage, "a") == (4, 7)
    assert lines(lineage, "b") == (5, None)
    assert lines(lineage, "t") == (8, 2)


def test_lines_of_sql_inside_sql_are_lines_of_the_file() -> None:
    sql = (
        "select 1;\ncreate procedure p() as $$\nbegin\n  insert into a\n  select * from b;\nend\n$$"
    )

    lineage = analyze_sql(sql, dialect="postgres")

    assert lines(lineage, "a") == (None, 4)
    assert lines(lineage, "b") == (5, None)


# -- what cannot be read ------------------------------------------------------------------------


def test_one_bad_statement_loses_no_other_and_is_reported_with_its_place() -> None:
    sql = "select * from a;\nselect from\n  where where;\ninsert into b select * from c"

    lineage = analyze_sql(sql, dialect="duckdb")

    assert (words(lineage.reads), words(lineage.writes)) == ("a c", "b")
    (problem,) = lineage.errors
    assert (problem.line, problem.statement) == (3, "select from\n  where where")
    assert lineage.statements[1].error == problem
    assert str(problem).startswith("line 3, column ")


@pytest.mark.parametrize(
    "tail", ["select 'open", 'select "open', "select /* open", "select $$open"]
)
def test_an_open_quote_costs_one_statement(tail: str) -> None:
    sql = f"select * from a;\n{tail};\nselect * from b;\nselect * from c"

    lineage = analyze_sql(sql, dialect="postgres")

    assert words(lineage.reads) == "a b c"
    assert [problem.line for problem in lineage.errors] == [2]


def test_a_quote_may_span_lines_that_end_in_a_semicolon() -> None:
    sql = "select 'a;\nb' from a;\nselect 'open;\nselect * from b"

    lineage = analyze_sql(sql, dialect="duckdb")

    assert words(lineage.reads) == "a b"


@pytest.mark.parametrize("text", ["frob the table", "a b", "1 + 1", "case when a then b end"])
def test_what_is_no_statement_is_reported(text: str) -> None:
    assert len(analyze_sql(text, dialect="duckdb").errors) == 1


@pytest.mark.parametrize("text", ["", ";;", " \n", "-- only a comment", "/* x */;"])
def test_what_holds_no_statement_has_no_lineage(text: str) -> None:
    lineage = analyze_sql(text, dialect="duckdb")

    assert (lineage.reads, lineage.writes, lineage.errors) == (frozenset(), frozenset(), ())


def test_an_unrendered_template_is_reported_and_nothing_is_guessed() -> None:
    sql = "select * from a;\nselect * from {{ ref('b') }};\n{% if x %} select * from c {% endif %}"

    lineage = analyze_sql(sql, dialect="duckdb")

    assert words(lineage.reads) == "a"
    assert [problem.line for problem in lineage.errors] == [2, 3]
    assert "template" in lineage.errors[0].message


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("snowflake", "insert into b select * from identifier($unknown)"),
        ("snowflake", "insert into b select * from identifier(:prefix || '.a')"),
        ("databricks", "insert into b select * from identifier(:t)"),
    ],
)
def test_a_name_known_only_at_run_time_is_reported_and_the_rest_counts(
    dialect: str, sql: str
) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert words(lineage.reads) == ""
    assert words(lineage.writes).lower() == "b"
    assert "only known when" in lineage.errors[0].message


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("snowflake", "execute immediate :statement"),
        ("bigquery", "execute immediate format('drop table %s', t)"),
        ("tsql", "exec ('select * from ' + @t)"),
    ],
)
def test_sql_made_at_run_time_is_reported(dialect: str, sql: str) -> None:
    assert "only known when" in analyze_sql(sql, dialect=dialect).errors[0].message


def test_foreign_quotes_are_understood_where_nothing_else_is_meant() -> None:
    assert words(analyze_sql("select * from [s].[a]", dialect="redshift").reads) == "s.a"
    assert words(analyze_sql("select * from `s`.`a`", dialect="athena").reads) == "s.a"


@pytest.mark.parametrize(
    "sql",
    [
        "create or replace view v as select x from a order /* why */ by x",
        "create table t as select sum(x) over (partition -- why\n by y) as s from a",
    ],
)
def test_a_comment_between_the_words_of_a_keyword_hides_nothing(sql: str) -> None:
    lineage = analyze_sql(sql, dialect="duckdb")

    assert (words(lineage.reads), lineage.errors) == ("a", ())


@pytest.mark.parametrize(
    ("dialect", "sql", "reads", "writes"),
    [
        ("duckdb", "create table t frobnicated as select x from a", "a", "t"),
        ("duckdb", "create or replace table t as pivot a on x using sum(y)", "a", "t"),
        ("oracle", "create table t parallel 4 nologging as select * from a", "A", "T"),
        ("oracle", "create materialized view v refresh fast as (select * from a)", "A", "V"),
        ("snowflake", "create hybrid table t (id int primary key)", "", "T"),
        ("snowflake", "create temp table t frobnicated as select * from a", "A", ""),
    ],
)
def test_a_create_with_options_that_the_parser_does_not_know(
    dialect: str, sql: str, reads: str, writes: str
) -> None:
    lineage = analyze_sql(sql, dialect=dialect)

    assert (words(lineage.reads), words(lineage.writes), lineage.errors) == (reads, writes, ())


def test_an_alter_that_the_parser_gives_up_on_still_writes_its_table() -> None:
    lineage = analyze_sql("alter table if exists s.t frobnicate x", dialect="snowflake")

    assert words(lineage.writes) == "S.T"
