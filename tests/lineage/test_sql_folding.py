"""Which spellings of a name mean one table or one column, dialect by dialect."""

from __future__ import annotations

import pytest

from orchestrator.lineage import analyze_sql

#: dialect: (quote that opens, quote that closes)
QUOTES = {
    "athena": '""',
    "bigquery": "``",
    "clickhouse": '""',
    "databricks": "``",
    "db2": '""',
    "duckdb": '""',
    "exasol": '""',
    "fabric": "[]",
    "hive": "``",
    "mysql": "``",
    "oracle": '""',
    "postgres": '""',
    "presto": '""',
    "redshift": '""',
    "snowflake": '""',
    "spark": "``",
    "sqlite": '""',
    "teradata": '""',
    "trino": '""',
    "tsql": "[]",
}
UPPER = {"snowflake", "oracle", "db2", "exasol"}
SENSITIVE = {"bigquery", "clickhouse", "mysql"}
#: Dialects in which quotes keep the case of a name.
QUOTES_KEEP = {*UPPER, *SENSITIVE, "postgres"}
#: Of these, those whose columns have no case although their tables have.
COLUMNS_WITHOUT_CASE = {"bigquery", "mysql"}


def quoted(name: str, dialect: str) -> str:
    opening, closing = QUOTES[dialect]
    return f"{opening}{name}{closing}"


def folded(name: str, dialect: str) -> str:
    if dialect in SENSITIVE:
        return name
    return name.upper() if dialect in UPPER else name.lower()


def read(sql: str, dialect: str) -> set[str]:
    lineage = analyze_sql(sql, dialect=dialect)
    assert lineage.errors == ()
    return {str(dataset) for dataset in lineage.reads}


@pytest.mark.parametrize("dialect", QUOTES)
def test_tables(dialect: str) -> None:
    kept = "sCh.tAb" if dialect in QUOTES_KEEP else "sch.tab"
    spelled = f"{quoted('sCh', dialect)}.{quoted('tAb', dialect)}"

    assert read("select x from sCh.tAb", dialect) == {folded("sCh.tAb", dialect)}
    assert read(f"select x from {spelled}", dialect) == {kept}


@pytest.mark.parametrize("dialect", QUOTES)
def test_quotes_around_the_folded_name_change_nothing(dialect: str) -> None:
    spelled = quoted(folded("tAb", dialect), dialect)

    assert read(f"select x from {spelled}", dialect) == read("select x from tAb", dialect)


@pytest.mark.parametrize("dialect", QUOTES)
def test_what_is_written_under_one_spelling_is_read_under_another(dialect: str) -> None:
    same = "Tab" if dialect in SENSITIVE else "TAB"
    script = f"create table Tab as select x from a; create table n as select x from {same}"

    lineage = analyze_sql(script, dialect=dialect)

    assert {str(dataset).lower() for dataset in lineage.reads} == {"a"}


@pytest.mark.parametrize("dialect", sorted(SENSITIVE))
def test_another_case_is_another_table_where_case_counts(dialect: str) -> None:
    assert read("select x from Tab join tab using (i)", dialect) == {"Tab", "tab"}


@pytest.mark.parametrize("dialect", QUOTES)
def test_columns(dialect: str) -> None:
    keeps = dialect in QUOTES_KEEP and dialect not in COLUMNS_WITHOUT_CASE
    plain = folded("cOl", dialect) if dialect not in COLUMNS_WITHOUT_CASE else "col"

    lineage = analyze_sql(f"select cOl, {quoted('cOl', dialect)} from tab", dialect=dialect)

    first, second = lineage.column_flows
    assert (first.column, first.sources[0][1]) == (plain, plain)
    assert second.sources[0][1] == ("cOl" if keeps else "col")


@pytest.mark.parametrize("dialect", sorted(set(QUOTES) - {"clickhouse"}))
def test_common_table_expressions_shadow_under_any_case(dialect: str) -> None:
    assert read("with Tab as (select x from a) select x from TAB", dialect) in ({"a"}, {"A"})


@pytest.mark.parametrize("dialect", ["snowflake", "postgres", "oracle"])
def test_a_quoted_expression_does_not_shadow_a_table_of_another_case(dialect: str) -> None:
    found = read('with "tAb" as (select x from a) select x from tAb', dialect)

    assert folded("tab", dialect) in found


@pytest.mark.parametrize("dialect", QUOTES)
def test_defaults_fold_as_unquoted_names_do(dialect: str) -> None:
    lineage = analyze_sql(
        "select x from t", dialect=dialect, default_catalog="cAt", default_schema="sCh"
    )

    assert [str(d) for d in lineage.reads] == [folded("cAt.sCh.t", dialect)]
