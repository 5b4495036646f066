"""What tasks run on their psycopg connection is taken down, and the connection stays what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from orchestrator.model.context import RunContext, entered
from orchestrator.model.dataset import Dataset
from orchestrator.model.executed import StatementRecorder


@pytest.fixture
def recorder() -> StatementRecorder:
    return StatementRecorder()


@pytest.fixture
def connection(warehouse: Any, recorder: StatementRecorder) -> Iterator[Any]:
    context = RunContext("run-1", "nightly", "load", executed=recorder)
    with entered(context), warehouse.connect() as made:
        made.unrecorded.execute("create table t (a int, b text)")
        yield made


def _copied(connection: Any) -> None:
    with connection.cursor() as cursor, cursor.copy("copy t (a) from stdin") as copy:
        copy.write_row([1])


def _named(connection: Any) -> None:
    with connection.transaction(), connection.cursor(name="server") as cursor:
        cursor.execute("select a from t")
        list(cursor)


WAYS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "execute": (lambda c: c.execute("select a from t").fetchall(), "select a from t"),
    "cursor": (lambda c: c.cursor().execute("select a from t").fetchone(), "select a from t"),
    "executemany": (
        lambda c: c.cursor().executemany("insert into t (a) values (%s)", [[1], [2]]),
        "insert into t (a) values (0)",
    ),
    "copy": (_copied, "copy t (a) from stdin"),
    "server's cursor": (_named, "select a from t"),
    "stream": (lambda c: list(c.cursor().stream("select a from t")), "select a from t"),
    "bytes": (lambda c: c.execute(b"select a from t"), "select a from t"),
    "composed": (
        lambda c: c.execute(sql.SQL("select a from {}").format(sql.Identifier("t"))),
        'select a from "t"',
    ),
    "pandas": (lambda c: pd.read_sql("select a from t", c), "select a from t"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.filterwarnings("ignore:pandas only supports SQLAlchemy")
def test_ways_of_running_a_statement(
    connection: Any, recorder: StatementRecorder, way: str
) -> None:
    run, text = WAYS[way]
    run(connection)
    taken = recorder.statements()
    assert [ran.text for ran in taken] == [text]
    assert "test_recording.py:" in taken[0].place(1)  # type: ignore[misc]


def test_it_is_a_connection_to_everybody(connection: Any) -> None:
    with pytest.raises(TypeError):
        connection.__class__ = int
    assert isinstance(connection, psycopg.Connection)
    cursor: Any = connection.cursor()
    assert isinstance(cursor, psycopg.Cursor)
    assert cursor.execute("select 1 as a") is cursor
    assert list(cursor) == [(1,)]
    assert [column.name for column in cursor.description or ()] == ["a"]
    assert connection.execute("select 2").fetchone() == (2,)
    with connection.transaction():
        connection.execute("insert into t values (1)")
    connection.row_factory = psycopg.rows.dict_row
    assert connection.execute("select a from t").fetchone() == {"a": 1}
    assert sql.Identifier("we'ird").as_string(connection) == '"we\'ird"'
    assert "psycopg" in repr(connection)


def test_without_a_check_it_is_psycopgs_own(warehouse: Any) -> None:
    with entered(RunContext("run-1", "nightly", "load")), warehouse.connect() as connection:
        assert type(connection) is psycopg.Connection


def test_what_stands_behind_views(warehouse: Any, recorder: StatementRecorder) -> None:
    context = RunContext("run-1", "nightly", "load", executed=recorder)
    with entered(context), warehouse.connect() as connection:
        connection.execute(
            """create table a (n int); create table b (n int); create table part (n int)
               partition by list (n);
               create view over_a as select n from a;
               create view over_both as select n from over_a union select n from b;
               create materialized view kept as select n from over_both;
               create view recursive_one as with recursive r as (
                   select 1 as n union all select r.n from r join part using (n)) select * from r"""
        )
    namespace = warehouse.namespace
    names = ("a", "over_a", "over_both", "kept", "recursive_one", "nowhere", "elsewhere.x.y")
    asked = [Dataset.parse(name, namespace) for name in names]
    found: dict[str, set[str]] = {}
    for view, table in recorder.behind[namespace](asked):
        found.setdefault(view.name, set()).add(table.name)
    assert found == {
        "over_a": {"a"},
        "over_both": {"a", "b"},
        "kept": {"a", "b"},
        "recursive_one": {"part"},
    }
