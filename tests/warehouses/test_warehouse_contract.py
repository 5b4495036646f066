"""What every SQL warehouse does alike: one suite, run on each database."""

from __future__ import annotations

import gc
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import make_url

from orchestrator.errors import FlowError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.dataset import Dataset
from orchestrator.model.executed import StatementRecorder
from orchestrator.model.planning import RunOptions
from orchestrator.model.signals import FAIL
from orchestrator.model.warehouse import Warehouse
from tasks.sql.running import Script, Transaction, run_script
from tasks.sql.session import Mode, SqlWarehouse
from tasks.warehouses import make


@dataclass(frozen=True)
class Place:
    """A database under test.

    Args:
        warehouse: It.
        slow: A query that runs for minutes.
        numbers: A query of the column ``n``, 0 up to what ``{}`` stands for.
        one_transaction: Whether ``create table`` can be undone with the rest of a script.
        lacks: What the server that stands for the database cannot do, though the database can.
    """

    warehouse: Any
    slow: str
    numbers: str
    one_transaction: bool = True
    lacks: frozenset[str] = frozenset()

    def needs(self, ability: str) -> None:
        """Skip where the server lacks an ability."""
        if ability in self.lacks:
            pytest.skip(f"its server lacks {ability}")

    def run(self, script: str, data: Any = None, fetch: str = "none", **said: Any) -> Any:
        """Run a script on a connection of its own."""
        with self.warehouse.connect() as connection:
            session = self.warehouse.session(connection)
            return run_script(
                session, Script(script, **said), data, fetch, self.warehouse.namespace
            )

    def rows(self, query: str) -> list[Any]:
        """The rows of a query, in order."""
        return sorted(self.run(query, fetch="all").value)


def _duckdb(request: pytest.FixtureRequest) -> Place:
    root: Path = request.getfixturevalue("tmp_path")
    table = {"type": "duckdb", "path": "shop.duckdb"}
    return Place(
        make("local", table, root=root, options=RunOptions()),
        slow="select count(*) from range(1000000000) a, range(1000000000) b where a.range < b.range",
        numbers="select range as n from range({})",
    )


def _postgres(request: pytest.FixtureRequest) -> Place:
    url = make_url(request.getfixturevalue("postgres_url"))
    table = {
        "type": "postgres",
        "host": url.query["host"],
        "dbname": url.database,
        "user": url.username,
        "schema": str(url.query["options"]).partition("=")[2],
    }
    return Place(
        make("server", table, root=Path(), options=RunOptions()),
        slow="select pg_sleep(600)",
        numbers="select n from generate_series(0, {} - 1) as g (n)",
    )


def _snowflake(request: pytest.FixtureRequest) -> Place:
    table = request.getfixturevalue("snowflake_table")
    return Place(
        make("cloud", table, root=Path(), options=RunOptions()),
        slow="",
        numbers="select seq4() as n from table(generator(rowcount => {}))",
        one_transaction=False,
        # Of fakesnow; tests/snowflake has what can be told of these by other means.
        lacks=frozenset({"cancel", "counts of what CREATE writes", "empty instants", "$ in texts"}),
    )


#: A new database joins here.
PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "duckdb": _duckdb,
    "postgres": _postgres,
    "snowflake": _snowflake,
}


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The database."""
    made = PLACES[request.param](request)
    yield made
    for run in ("run-1", "run-2"):
        made.warehouse.release(run)


def running(run_id: str = "run-1", **said: Any) -> RunContext:
    return RunContext(run_id, "nightly", "load", **said)


def reader(**columns: list[Any]) -> pa.RecordBatchReader:
    return pa.table(columns).to_reader()


# -- the warehouse -----------------------------------------------------------------------------


def test_it_is_described_without_being_opened(place: Place) -> None:
    assert isinstance(place.warehouse, Warehouse)
    assert isinstance(place.warehouse, SqlWarehouse)
    assert pickle.loads(pickle.dumps(place.warehouse)) == place.warehouse
    assert hash(place.warehouse) == hash(pickle.loads(pickle.dumps(place.warehouse)))


def test_what_one_task_leaves_open_another_does_not_see(place: Place) -> None:
    with entered(running()):
        for _ in range(3):
            with place.warehouse.connect() as connection:
                session = place.warehouse.session(connection)
                run_script(session, Script("create temporary table passing as select 1 as a"))
                session.begin()  # and forgets to end it
        assert place.rows("select 1 as a") == [(1,)]


def test_threads_have_connections_of_their_own(place: Place) -> None:
    place.run("create table t (n integer)")
    failures: list[BaseException] = []
    seen: list[int] = []
    meet = threading.Barrier(4, timeout=60)

    def work(number: int) -> None:
        try:
            with entered(running()), place.warehouse.connect() as connection:
                seen.append(id(connection))
                meet.wait()
                session = place.warehouse.session(connection)
                for _ in range(5):
                    run_script(session, Script("insert into t values ($n)"), {"n": number})
                meet.wait()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(set(seen)) == 4
    assert place.rows("select n, count(*) from t group by n") == [(n, 5) for n in range(4)]


def test_a_running_statement_is_cancelled_with_its_attempt(place: Place) -> None:
    place.needs("cancel")
    context = running()
    threading.Timer(0.5, context.cancelled.set).start()
    with entered(context), pytest.raises(FAIL) as raised:
        place.run(place.slow)
    assert raised.value.status == "cancelled"
    with entered(running()):
        assert place.rows("select 1 as a") == [(1,)]


def test_the_columns_of_tables_and_views(place: Place) -> None:
    place.run("create table t (b integer, a integer); create view v as select a from t")
    columns = place.warehouse.columns()
    namespace = place.warehouse.namespace
    assert columns[Dataset.parse("t", namespace)] == _cased(place, "b", "a")
    assert columns[Dataset.parse("v", namespace)] == _cased(place, "a")


def _cased(place: Place, *names: str) -> tuple[str, ...]:
    upper = place.warehouse.namespace.dialect == "snowflake"
    return tuple(name.upper() if upper else name for name in names)


def test_what_runs_is_taken_down(place: Place) -> None:
    place.run("create table t as select 1 as a; create view v as select a from t")
    recorder = StatementRecorder()
    with entered(running(executed=recorder)), place.warehouse.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("select a from v")
        assert [tuple(row) for row in cursor.fetchall()] == [(1,)]
        session = place.warehouse.session(connection)
        run_script(session, Script("select 1"), namespace=place.warehouse.namespace)
    taken = recorder.statements()
    assert [ran.text for ran in taken] == ["select a from v", "select 1"]
    assert "test_warehouse_contract.py" in taken[0].place(1)  # type: ignore[misc]
    view, table = (Dataset.parse(name, place.warehouse.namespace) for name in ("v", "t"))
    behind = recorder.behind[place.warehouse.namespace]
    assert list(behind([view, table])) == [(view, table)]


# -- scripts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fetch", "value"),
    [("none", None), ("one", (1, "x")), ("all", [(1, "x"), (2, None)])],
)
def test_what_is_fetched(place: Place, fetch: str, value: Any) -> None:
    query = "select 1 as n, 'x' as s union all select 2, null order by 1"
    assert place.run(query, fetch=fetch).value == value


def test_frames_and_arrow_tables(place: Place) -> None:
    place.run(
        "create table t (n integer, s varchar(5), d decimal(10, 2));"
        "insert into t values (1, 'x', 1.5), (2, null, null)"
    )
    query = "select n, s, d from t order by n"
    table = place.run(query, fetch="arrow").value
    assert [list(row.values())[:2] for row in table.to_pylist()] == [[1, "x"], [2, None]]
    assert table.schema.types[2] == pa.decimal128(10, 2)
    frame = place.run(query, fetch="df").value
    assert frame.iloc[:, 0].sum() == 3
    assert frame.iloc[:, 2].sum() == 1.5


def test_no_rows_have_columns(place: Place) -> None:
    assert place.run("select 1 as n where 1 = 0", fetch="one").value is None
    table = place.run("select 1 as n, 'x' as s where 1 = 0", fetch="arrow").value
    assert [name.lower() for name in table.column_names] == ["n", "s"]
    assert table.num_rows == 0


HOSTILE = "it's 50% $n -- ; drop table t"


def test_values_are_bound(place: Place) -> None:
    place.needs("$ in texts")
    place.run("create table t as select 1 as a")
    script = "-- $c is none; '\nselect $a as a, '%s $a' as b, $b as c, 7 % 4 as d"
    assert place.run(script, {"a": HOSTILE, "b": 2}, "one").value == (HOSTILE, "%s $a", 2, 3)
    script = "create table u as select cast($a as varchar(100)) as a; select a from u"
    assert place.run(script, {"a": HOSTILE}, "all").value == [(HOSTILE,)]
    assert place.rows("select a from t") == [(1,)]


def test_values_by_position(place: Place) -> None:
    assert place.run("select ? as a, ? as b", [HOSTILE, 2], "one").value == (HOSTILE, 2)


def test_the_rows_that_were_written(place: Place) -> None:
    script = "create table t as select 1 as a; insert into t select 2 union all select 3"
    assert place.run(script).rows == (2 if "counts of what CREATE writes" in place.lacks else 3)
    assert place.run("update t set a = a + 1 where a > 1").rows == 2
    assert place.run("delete from t").rows is None
    assert place.run("create temporary table p as select 1 as a").rows is None


FIVE = """create table made as select 1 as a;
insert into made values (2);
insert into made
select nope from made;
insert into made values (4);
insert into made values (5)"""


def test_a_statement_in_the_middle_fails(place: Place) -> None:
    with pytest.raises(FAIL) as raised:
        place.run(FIVE, file="sql/five.sql")
    detail = raised.value.detail
    assert detail["start_line"] == 3
    assert detail["path"].startswith("sql/five.sql:")
    assert "nope" in raised.value.message.lower()
    assert "statement 3 of 5" in raised.value.message
    if place.one_transaction:
        assert "nothing was kept" in raised.value.message
        with pytest.raises(FAIL):
            place.rows("select a from made")


def test_what_was_kept_of_a_script_without_a_transaction(place: Place) -> None:
    with pytest.raises(FAIL) as raised:
        place.run(FIVE, transaction=Transaction.OFF)
    assert "statement 3 of 5; statements 1 and 2 stay" in raised.value.message
    assert place.rows("select a from made") == [(1,), (2,)]


def test_a_failure_has_the_line_the_text_and_nothing_of_a_conflict(place: Place) -> None:
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        (statement,) = session.split("select 1,\n\n  from nowhere_at_all")
        with pytest.raises(session.errors) as raised:
            session.execute(statement)
        failure = session.failure(raised.value)
    assert "\n" not in failure.message
    assert failure.message
    assert failure.message.split()[0] in failure.text
    assert not failure.conflict
    assert not failure.lost
    assert failure.line in (None, 3)


def test_a_rollback_undoes_and_is_harmless_without_a_transaction(place: Place) -> None:
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        run_script(session, Script("create table t as select 1 as a"))
        session.rollback()
        session.begin()
        run_script(session, Script("insert into t values (2)"))
        session.rollback()
        session.begin()
        run_script(session, Script("insert into t values (3)"))
        session.commit()
    assert place.rows("select a from t") == [(1,), (3,)]


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("select 1", [1]),
        ("\n\nselect 1;\n\n;\nselect ';' -- ;\n;/* ; */ select\n2;", [3, 6, 7]),
        ("select '\n;\n' as a;\nselect 2", [1, 4]),
        ("-- nothing\n", []),
        ("", []),
    ],
)
def test_how_a_script_is_cut(place: Place, script: str, lines: list[int]) -> None:
    with place.warehouse.connect() as connection:
        found = place.warehouse.session(connection).split(script)
    assert [s.line + _leading_lines(s.text) for s in found] == lines


def _leading_lines(text: str) -> int:
    """Lines before the first word: databases give comments to one statement or the other."""
    return text.lower().index("select") and text[: text.lower().index("select")].count("\n")


# -- Arrow in and out --------------------------------------------------------------------------


def test_batches_come_one_by_one(place: Place) -> None:
    with place.warehouse.connect() as connection:
        found = place.warehouse.session(connection).batches(place.numbers.format(250_000))
        sizes = [batch.num_rows for batch in found]
    assert sum(sizes) == 250_000
    assert len(sizes) > 1


def test_batches_of_values(place: Place) -> None:
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        rows = session.batches("select $word as word", {"word": HOSTILE}).read_all()
        assert [list(row.values()) for row in rows.to_pylist()] == [[HOSTILE]]


def test_batches_that_nobody_reads_to_the_end(place: Place) -> None:
    with entered(running()):
        for _ in range(3):
            with place.warehouse.connect() as connection:
                found = place.warehouse.session(connection).batches(place.numbers.format(250_000))
                assert found.read_next_batch().num_rows
            del found
            gc.collect()
        assert place.rows("select 1 as a") == [(1,)]


def test_loading_makes_table_and_schema(place: Place) -> None:
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        rows: dict[str, list[Any]] = {"a": [1, 2], "b": ["x, 'y'\n", None], "c": ["", '"']}
        assert session.load("marts.made", reader(**rows)) == 2
        assert session.load("marts.made", reader(**rows)) == 2
    assert place.rows("select a, b, c from marts.made where a = 1")[0] == (1, "x, 'y'\n", "")
    assert place.rows("select count(*) from marts.made where b is null") == [(2,)]
    place.run("drop table marts.made; drop schema marts")


@pytest.mark.parametrize(
    ("mode", "left"),
    [
        (Mode.APPEND, [(1, "old"), (2, "new")]),
        (Mode.TRUNCATE, [(2, "new")]),
        (Mode.REPLACE, [("new", 2)]),  # made anew, with the order of the batches' columns
    ],
)
def test_modes_of_loading(place: Place, mode: Mode, left: list[Any]) -> None:
    place.run("create table t (id integer, word varchar(10)); insert into t values (1, 'old')")
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        assert session.load("t", reader(WORD=["new"], Id=[2]), mode) == 1
    assert place.rows("select * from t") == left


@pytest.mark.parametrize("mode", list(Mode))
def test_rows_that_break_off_leave_the_table_as_it_was(place: Place, mode: Mode) -> None:
    place.run("create table t as select 1 as a")

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": list(range(100_000))})
        raise KeyError("the source broke off")

    rows = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), broken())
    with place.warehouse.connect() as connection:
        with pytest.raises(KeyError, match="broke off"):
            place.warehouse.session(connection).load("t", rows, mode)
        assert run_script(
            place.warehouse.session(connection), Script("select a from t"), fetch="all"
        ).value == [(1,)]


def test_a_value_that_does_not_fit_leaves_the_table_as_it_was(place: Place) -> None:
    place.run("create table t as select 1 as a")
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        with pytest.raises(session.errors):
            session.load("t", reader(a=["2", "x"]), Mode.TRUNCATE)
    assert place.rows("select a from t") == [(1,)]


def test_columns_that_do_not_fit_are_named(place: Place) -> None:
    place.run("create table t (id integer, amount integer)")
    with (
        place.warehouse.connect() as connection,
        pytest.raises(FlowError, match="the columns do not fit t: the table has no 'amonut'"),
    ):
        place.warehouse.session(connection).load("t", reader(id=[1], amonut=[2]))


TYPES = pa.table(
    {
        "truth": pa.array([True, None]),
        "small": pa.array([1, None], pa.int8()),
        "large": pa.array([2**62, None], pa.int64()),
        "real": pa.array([1.5, None], pa.float64()),
        "money": pa.array([pa.scalar("12.34").cast(pa.decimal128(10, 2)).as_py(), None]),
        "word": pa.array(["Übergrößenträger \\N \t", None]),
        "day": pa.array([18_000, None], pa.date32()),
        "at": pa.array([1_600_000_000_123_456, None], pa.timestamp("us")),
        "instant": pa.array([1_600_000_000_123_456, None], pa.timestamp("us", "UTC")),
    }
)


def test_types_come_back_as_they_went(place: Place) -> None:
    place.needs("empty instants")
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        session.load("kinds", TYPES.to_reader(), Mode.REPLACE)
        back = session.batches("select * from kinds").read_all()
    got, given = (
        sorted((list(row.values()) for row in table.to_pylist()), key=lambda row: row[0] is None)
        for table in (back, TYPES)
    )
    assert got == given


def test_loading_within_a_transaction_is_part_of_it(place: Place) -> None:
    place.run("create table t as select 1 as a")
    with place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        session.begin()
        session.load("t", reader(a=[2]))
        session.rollback()
    assert place.rows("select a from t") == [(1,)]


def test_a_cancelled_read_of_batches_ends(place: Place) -> None:
    place.needs("cancel")
    context = running()
    with entered(context), place.warehouse.connect() as connection:
        session = place.warehouse.session(connection)
        threading.Timer(0.5, context.cancelled.set).start()
        began = time.monotonic()
        with pytest.raises(session.errors):
            for _ in session.batches(place.slow):
                pass
        assert time.monotonic() - began < 60  # the query itself runs for minutes
