"""Many small statements, construct by construct and dialect by dialect; the probes are beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import probes_dialects
import probes_engines
import probes_queries
import probes_scripts
import probes_writers
import pytest

from orchestrator.lineage import SqlLineage, analyze_sql
from orchestrator.model.dataset import Dataset

SCHEMA = probes_queries.SCHEMA


def _all(groups: dict[str, list[Any]]) -> list[Any]:
    """The probes of all constructs, each with an id that names its construct."""
    return [
        pytest.param(*probe, id=f"{construct}-{probe[0]}-{number}")
        for construct, probes in groups.items()
        for number, probe in enumerate(probes)
    ]


def words(datasets: Iterable[Dataset]) -> str:
    return " ".join(sorted(str(dataset).lower() for dataset in datasets))


def columns(lineage: SqlLineage) -> str:
    """``v<a.x,a.y`` for each column that a statement produces."""
    found = []
    for flow in lineage.column_flows:
        sources = [f"{dataset}.{column}".lower() for dataset, column in flow.sources]
        sources += [f"{name.lower()}?" for name in flow.unresolved]
        found.append(f"{flow.column.lower()}<{','.join(sorted(sources))}")
    return " ".join(found)


def edges(lineage: SqlLineage) -> list[str]:
    """``n.v<a.x`` for each edge of the net effect."""
    return sorted(
        f"{target}.{into}<{source}.{column}".lower()
        for source, column, target, into in lineage.columns
    )


@pytest.mark.parametrize(("dialect", "sql", "reads", "put_out"), _all(probes_queries.QUERIES))
def test_queries(dialect: str, sql: str, reads: str, put_out: str) -> None:
    lineage = analyze_sql(sql, dialect=dialect, schema=SCHEMA)

    assert lineage.errors == lineage.column_problems == ()
    assert (words(lineage.reads), columns(lineage)) == (reads, put_out)
    assert lineage.writes == lineage.drops == frozenset()


@pytest.mark.parametrize(
    ("dialect", "sql", "reads", "writes", "drops", "written"),
    [
        *_all(probes_writers.WRITERS),
        *_all(probes_dialects.DIALECTS),
        *_all(probes_engines.ENGINES),
    ],
)
def test_writers(
    dialect: str, sql: str, reads: str, writes: str, drops: str, written: str | None
) -> None:
    lineage = analyze_sql(sql, dialect=dialect, schema=SCHEMA)

    assert lineage.errors == ()
    assert words(lineage.drops) == drops
    if reads is not None:
        assert (words(lineage.reads), words(lineage.writes)) == (reads, writes)
    if written is not None:
        assert columns(lineage) == written


@pytest.mark.parametrize(("dialect", "sql", "reads", "writes", "net"), _all(probes_scripts.SCRIPTS))
def test_scripts(dialect: str, sql: str, reads: str, writes: str, net: str | None) -> None:
    lineage = analyze_sql(sql, dialect=dialect, schema=SCHEMA)

    assert (words(lineage.reads), words(lineage.writes)) == (reads, writes)
    if net is not None:
        assert edges(lineage) == sorted(net.split())


@pytest.mark.parametrize(
    ("dialect", "sql", "deferred"),
    [
        ("postgres", "create function f() returns int as $$ insert into t select x from a $$ language sql; insert into n select i from b", [False, True, False]),
        ("postgres", "create function f() returns void as $b$ begin delete from t; update b set z = 1; end $b$ language plpgsql; delete from n", [False, True, True, False]),
        ("snowflake", "create procedure p() returns int language sql as $$ begin delete from t; end $$; delete from n", [False, True, False]),
        ("postgres", "create rule r as on insert to t do also insert into n select 1", [False, True]),
        ("postgres", "do $$ begin delete from t; end $$; delete from n", [False, False, False]),
        ("snowflake", "execute immediate $$ begin delete from t; end $$", [False, False]),
        ("tsql", "create procedure p as begin exec('delete from t') end", [False, True, True]),
    ],
)  # fmt: skip
def test_what_stands_in_a_routine_is_deferred(dialect: str, sql: str, deferred: list[bool]) -> None:
    assert [s.deferred for s in analyze_sql(sql, dialect=dialect).statements] == deferred


# -- what DuckDB itself says --------------------------------------------------------------------

TYPES = {"payload": "struct(k int)", "tags": "int[]", "ts": "int"}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A real database with the tables of the probes."""
    with duckdb.connect() as connection:
        for table, names in SCHEMA.items():
            definitions = ", ".join(f"{name} {TYPES.get(name, 'int')}" for name in names)
            connection.execute(f"create table {table} ({definitions})")
        yield connection


def _on_known_tables() -> list[Any]:
    probes = [probe for group in probes_queries.QUERIES.values() for probe in group]
    return [
        (sql, put_out)
        for dialect, sql, reads, put_out in probes
        if dialect == "duckdb" and set(reads.split()) <= set(SCHEMA)
    ]


@pytest.mark.parametrize(("sql", "put_out"), _on_known_tables())
def test_duckdb_puts_out_the_columns_that_the_probes_expect(
    warehouse: duckdb.DuckDBPyConnection, sql: str, put_out: str
) -> None:
    lineage = analyze_sql(sql, dialect="duckdb", schema=SCHEMA)
    wanted = [flow.column.lower() for flow in lineage.column_flows if flow.named]

    result = warehouse.execute(sql)

    names = [column[0].lower() for column in result.description]
    assert columns(lineage) == put_out
    assert [name for name in names if name in wanted] == wanted
    assert len(names) == len(lineage.column_flows) or sql.startswith("pivot")
