"""What goes wrong with annotated tasks, when the flow is loaded, planned and run, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from orchestrator import task
from orchestrator.errors import ConfigurationError, FlowError, ProjectError
from tasks import Connection, Table

Run = Callable[..., Any]
Rows = Callable[..., Any]


def test_a_type_that_nothing_is_read_as() -> None:
    with pytest.raises(FlowError) as raised:

        @task
        def count(day: int, orders: Annotated[dict, Table("raw.orders")]) -> None: ...

    assert raised.value.what == "task 'count': argument orders cannot be read as builtins.dict"
    assert (raised.value.where or "").startswith(f"{__file__}:")
    assert "pandas.DataFrame" in (raised.value.fix or "")


def test_a_mark_that_is_imported_for_type_checkers_only() -> None:
    with pytest.raises(FlowError) as raised:

        @task
        def count(orders: Annotated[list, Missing("raw.orders")]) -> None:  # type: ignore  # noqa: F821
            ...

    assert "argument 'orders' of count cannot be read" in raised.value.what
    assert "name 'Missing' is not defined" in raised.value.what
    assert "TYPE_CHECKING" in (raised.value.fix or "")


@pytest.mark.parametrize("name", ["", "data/orders.parquet", "@stage/orders"])
def test_a_name_that_is_no_tables(name: str) -> None:
    with pytest.raises(FlowError, match="names no table"):
        Table(name)


def test_an_unknown_mode() -> None:
    with pytest.raises(FlowError, match="mode 'upsert'"):
        Table("t", mode="upsert")


def test_a_connection_is_no_result() -> None:
    with pytest.raises(FlowError, match="cannot return a connection"):

        @task
        def give() -> Annotated[Any, Connection("main")]: ...


def test_columns_of_a_result() -> None:
    with pytest.raises(FlowError, match="columns= says which columns are read"):

        @task
        def give() -> Annotated[list, Table("t", columns=["a"])]: ...


def test_a_process_of_its_own_cannot_have_connections() -> None:
    with pytest.raises(FlowError, match="isolate"):

        @task(isolate=True)
        def count(orders: Annotated[list, Table("raw.orders")]) -> None: ...


def test_a_warehouse_that_is_not_configured(run: Run) -> None:
    with pytest.raises(ConfigurationError, match="'lakee'"):
        run("""
@task
def count(con: Annotated[Any, Connection("lakee")]):
    return 1


with Flow("f") as flow:
    count()
""")


def test_no_warehouse_at_all(run: Run, project: Path) -> None:
    (project / "orchestrator.toml").write_text('name = "shop"\n')
    with pytest.raises(ConfigurationError, match="no default warehouse is set"):
        run("""
@task
def count(orders: Annotated[list, Table("raw.orders")]):
    return 1


with Flow("f") as flow:
    count()
""")


def test_a_table_that_is_missing_when_it_runs(run: Run) -> None:
    ran = run("""
@task
def count(orders: Annotated[pa.RecordBatchReader, Table("raw.ordres")]):
    return sum(batch.num_rows for batch in orders)


with Flow("f") as flow:
    count()
""")
    told = ran.told("count")
    assert told.startswith("Failed: cannot read raw.ordres for argument orders: Catalog Error")
    assert "ordres" in told
    assert ran.tasks["count"].detail["path"].startswith("flows/f.py:15 (argument orders of count)")


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("3", "task 'load' cannot write loaded: a int is no frame"),
        ("None", "task 'load' cannot write loaded: nothing (None) is no frame"),
        ("[]", "what is to be written to loaded has no columns"),
        ("[{'a': 1}, {'a': 'x'}]", "task 'load' cannot write loaded: the frame cannot be written"),
    ],
)
def test_what_is_returned_is_no_frame(run: Run, returned: str, said: str) -> None:
    ran = run(f"""
@task
def load() -> Annotated[list, Table("loaded")]:
    return {returned}


with Flow("f") as flow:
    load()
""")
    assert ran.told("load").startswith(f"Failed: {said}")


def test_columns_that_do_not_fit(run: Run, rows: Rows) -> None:
    ran = run("""
@task
def load() -> Annotated[list, Table("raw.orders", mode="append")]:
    return [{"id": 9, "amonut": 1}]


with Flow("f") as flow:
    load()
""")
    assert ran.told("load") == (
        "Failed: the columns do not fit raw.orders: the table has no 'amonut'; "
        "the frame lacks 'amount'"
    )
    assert "is 'amonut' meant to be 'amount'?" in ran.tasks["load"].detail["error"]
    assert rows("select count(*) from raw.orders") == [(5,)]


def test_a_value_that_the_table_cannot_take(run: Run) -> None:
    ran = run("""
@task
def load() -> Annotated[list, Table("raw.orders", mode="append")]:
    return [{"id": "nine", "amount": 1}]


with Flow("f") as flow:
    load()
""")
    assert ran.told("load").startswith(
        "Failed: cannot write raw.orders for the result: Conversion Error"
    )


def test_fewer_results_than_tables(run: Run) -> None:
    ran = run("""
@task
def load() -> tuple[Annotated[list, Table("a")], Annotated[list, Table("b")]]:
    return [{"id": 1}]


with Flow("f") as flow:
    load()
""")
    assert ran.told("load") == "Failed: task 'load' is to return 2 things, and returned a list"


def test_an_argument_that_is_neither_given_nor_annotated(run: Run) -> None:
    with pytest.raises((FlowError, ProjectError), match="lacks its argument 'day'"):
        run("""
@task
def load(day, orders: Annotated[list, Table("raw.orders")]):
    return day


with Flow("f") as flow:
    load()
""")
