"""A flow runs on given tables, with stubs in the place of tasks, and leaves its project alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pandas
import pytest

from orchestrator import Flow, Parameter, Task, context, task
from orchestrator.errors import ConfigurationError, NotFoundError, ParameterError, UsageError
from orchestrator.model.state import StateType
from orchestrator.store.memory import MemoryStore
from orchestrator.testing import assert_table, run_flow
from tasks import DbtShellTask, SqlTask, Table
from tests.testing.projects import shop, write

DAY = date(2026, 3, 1)
ORDERS = [{"id": 1, "ordered_on": DAY}, {"id": 2, "ordered_on": DAY}]


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if "__pycache__" not in p.parts}


def test_rows_stand_in_for_a_loader_and_the_project_is_left_alone(elsewhere: Path) -> None:
    shop(elsewhere)
    before = files_of(elsewhere)
    result = run_flow("nightly", stub={"load_orders": ORDERS}, now="2026-03-29 01:59")
    assert result.succeeded, result
    assert result.states["load_orders"] == "Success"
    assert result.states["orders_by_day"] is StateType.SUCCESS
    assert result.results["double"] == [2, 4, 6]
    assert result.results["load_orders"] == ORDERS
    assert result.results["today"] == "2026-03-29"
    assert result.logs("today") == ["it is 2026-03-29"]
    assert_table(result, "marts.orders_by_day", [{"day": "2026-03-01", "orders": 2}])
    assert result.query("select count(*) as n from raw.orders") == [{"n": 2}]
    assert files_of(elsewhere) == before
    assert result.state.result["double"].is_successful()


def test_the_databases_go_with_the_result(elsewhere: Path) -> None:
    result = run_flow("nightly", project=shop(elsewhere), stub={"load_orders": ORDERS})
    with result.warehouse.connect() as connection:
        file = Path(connection.execute("select path from duckdb_databases()").fetchone()[0])
    assert file.name == "shop.duckdb"
    assert file.is_file()
    del result
    assert not file.exists()


def test_the_real_database_is_not_even_opened(elsewhere: Path) -> None:
    shop(elsewhere)
    with duckdb.connect("shop.duckdb") as real:
        real.execute("create table kept as select 1 as id")
        before = Path("shop.duckdb").read_bytes()
        result = run_flow("nightly", stub={"load_orders": ORDERS})
        assert result.succeeded
        assert result.warehouse.tables() == ["marts.orders_by_day", "raw.orders"]
        assert Path("shop.duckdb").read_bytes() == before


def test_an_exception_fails_its_task_at_once(elsewhere: Path) -> None:
    result = run_flow("nightly", project=shop(elsewhere), stub={"load_orders": OSError("no net")})
    assert result.failed == ["load_orders"]
    assert result.states["orders_by_day"] == "Skipped"
    assert "OSError: no net" in result.messages["load_orders"]
    assert len(result.store.attempts(result.run_id, "load_orders")) == 3  # without an hour between
    assert "load_orders: OSError: no net" in repr(result)


def test_a_table_that_a_broken_task_did_not_make_says_so(elsewhere: Path) -> None:
    stub = {"load_orders": OSError("no net")}
    given: dict[str, Any] = {"marts.orders_by_day": [{"day": DAY, "orders": 9}]}
    result = run_flow("nightly", project=shop(elsewhere), stub=stub)
    with pytest.raises(NotFoundError) as caught:
        assert_table(result, "marts.orders_by_day", [])
    assert "no table 'marts.orders_by_day' after the run: load_orders broke: " in caught.value.what
    assert "OSError: no net" in caught.value.what
    assert caught.value.fix == "mend load_orders, or give a stub for it"
    result = run_flow("nightly", project=shop(elsewhere), stub=stub, tables=given)
    with pytest.raises(AssertionError, match=r"did not succeed: load_orders broke: .*no net"):
        assert_table(result, "marts.orders_by_day", [{"day": DAY, "orders": 1}])


def test_an_exception_type_will_do(elsewhere: Path) -> None:
    result = run_flow("nightly", project=shop(elsewhere), stub={"load_orders": TimeoutError})
    assert "TimeoutError: raised by the test's stub" in result.messages["load_orders"]


def test_a_function_gets_the_arguments_that_it_takes(elsewhere: Path) -> None:
    seen = []

    def load(day: str) -> list[dict[str, Any]]:
        seen.append(day)
        if len(seen) < 2:
            raise OSError("once more")
        return ORDERS

    result = run_flow(
        "nightly", project=shop(elsewhere), stub={"load_orders": load}, parameters={"day": "x"}
    )
    assert result.succeeded
    assert seen == ["x", "x"]
    assert result.states["load_orders"] == "Success"


def test_a_member_of_a_folder_can_be_stubbed(elsewhere: Path) -> None:
    stub = {"load_orders": None, "orders_by_day": [{"day": DAY, "orders": 7}]}
    result = run_flow("nightly", project=shop(elsewhere), stub=stub)
    assert result.succeeded, result
    assert result.table("marts.orders_by_day") == [{"day": DAY, "orders": 7}]
    assert result.warehouse.tables() == ["marts.orders_by_day"]
    by_key = run_flow(
        "nightly", project=shop(elsewhere),
        stub={"load_orders": None, "sql/orders_by_day.sql": ValueError("x")},
    )  # fmt: skip
    assert by_key.failed == ["orders_by_day"]


def test_given_tables_are_there_before_the_run(elsewhere: Path) -> None:
    write(elsewhere, {"orders.csv": "id,ordered_on\n1,2026-03-01\n"})
    for rows in (ORDERS[:1], "orders.csv", {"rows": ORDERS[:1], "types": {"id": "integer"}}):
        result = run_flow(
            "nightly", project=shop(elsewhere), select="orders_by_day", tables={"raw.orders": rows}
        )
        assert list(result.states) == ["sql/orders_by_day.sql"]
        assert_table(result, "marts.orders_by_day", [{"day": DAY, "orders": 1}])


def test_runs_in_one_folder_find_each_others_tables(elsewhere: Path, tmp_path: Path) -> None:
    shop(elsewhere)
    run_flow("nightly", stub={"load_orders": ORDERS}, folder=tmp_path / "databases")
    again = run_flow("nightly", select="orders_by_day", folder=tmp_path / "databases")
    assert again.succeeded


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"stub": {"load_order": 1}}, NotFoundError, "did you mean 'load_orders'?"),
        ({"stub": {"xyz": 1}}, NotFoundError, "it has double, load_orders, orders_by_day, today"),
        ({"tables": {"raw.orders": []}}, UsageError, "rows given for raw.orders: without rows"),
        ({"tables": {"a.b.c.d": ORDERS}}, UsageError, "not a table name"),
        ({"parameters": {"dai": 1}}, ParameterError, "has no parameter 'dai'"),
        ({"now": "soon"}, UsageError, "no point in time"),
        ({"select": "nothing_here"}, UsageError, "nothing_here"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    elsewhere: Path, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as raised:
        run_flow("nightly", project=shop(elsewhere), **asked)
    assert says in str(raised.value)


def test_names_that_a_result_does_not_have_offer_the_nearest(elsewhere: Path) -> None:
    result = run_flow("nightly", project=shop(elsewhere), stub={"load_orders": ORDERS})
    with pytest.raises(NotFoundError, match="did you mean 'orders_by_day'"):
        _ = result.states["orders_by_dya"]
    with pytest.raises(NotFoundError, match=r"did you mean 'marts.orders_by_day'"):
        result.table("marts.orders_by_dai")
    with pytest.raises(NotFoundError, match="no flow 'nigtly'"):
        run_flow("nigtly", project=elsewhere)
    assert "double" in result.states
    assert "nothing" not in result.states


# -- flows that are written in the test ---------------------------------------------------------


def test_a_flow_without_project_has_a_database_all_the_same(elsewhere: Path) -> None:
    @task(writes=["raw.orders"])
    def load() -> None: ...

    @task
    def count(rows: Any) -> int:
        return len(rows)

    with Flow("own") as flow:
        count(load())
    result = run_flow(flow, project=elsewhere, stub={"load": ORDERS})
    assert result.results["count"] == 2
    assert_table(result, "raw.orders", [{"id": 1}, {"id": 2}])


def test_each_element_of_a_mapped_task_is_stubbed(elsewhere: Path) -> None:
    @task
    def fetch(page: int) -> int:
        raise AssertionError

    @task
    def total(pages: list[int]) -> int:
        return sum(pages)

    with Flow("own") as flow:
        total(fetch.map([1, 2, 3]))
    result = run_flow(flow, project=elsewhere, stub={"fetch": lambda page: 10 * page})
    assert result.results["total"] == 60
    assert result.results["fetch"] == [10, 20, 30]
    assert result.states["fetch[1]"] == "Success"


def test_a_stub_of_a_task_that_writes_several_tables_names_them(elsewhere: Path) -> None:
    @task(writes=["raw.orders", "raw.customers"])
    def load() -> None: ...

    with Flow("own") as flow:
        load()
    both = {"raw.orders": ORDERS, "customers": [{"name": "Ada"}]}
    result = run_flow(flow, project=elsewhere, stub={"load": both})
    assert result.warehouse.tables() == ["raw.customers", "raw.orders"]


def test_a_stub_of_an_annotated_function_writes_as_the_annotation_says(elsewhere: Path) -> None:
    @task
    def load(
        raw: Annotated[pandas.DataFrame, Table("raw.orders", warehouse="local")],
    ) -> Annotated[pandas.DataFrame, Table("marts.orders", warehouse="local")]:
        raise AssertionError

    with Flow("own") as flow:
        load()
    made = pandas.DataFrame({"id": [1, 2]})
    result = run_flow(flow, project=shop(elsewhere), stub={"load": made})
    assert result.succeeded, result
    assert_table(result, "marts.orders", [{"id": 1}, {"id": 2}])


def test_two_tasks_of_a_name_are_stubbed_together_or_by_key(elsewhere: Path) -> None:
    @task
    def load() -> int:
        return 0

    with Flow("own") as flow:
        load()
        load()
    assert dict(run_flow(flow, project=elsewhere, stub={"load-2": 5}).results) == {
        "load": 0, "load-2": 5,
    }  # fmt: skip
    assert next(iter(flow)).run() == 0, "the flow itself is left as it is"


def test_nobody_is_told_unless_asked(elsewhere: Path) -> None:
    told = []

    @task(on_failure=lambda task, state: told.append(task.name))
    def fail() -> None:
        raise ValueError("x")

    with Flow("own", on_failure=lambda flow, state: told.append(flow.name)) as flow:
        fail()
    run_flow(flow, project=elsewhere)
    assert told == []
    run_flow(flow, project=elsewhere, handlers=True)
    assert told == ["fail", "own"]


def test_results_are_not_stored_elsewhere(elsewhere: Path) -> None:
    @task(persist=True, result="made/{task}.json", cache="inputs")
    def made() -> int:
        return 1

    with Flow("own") as flow:
        made()
    assert run_flow(flow, project=elsewhere).results["made"] == 1
    assert not (elsewhere / "made").exists()


def test_the_clock_reaches_parameters_sql_and_scheduled_time(elsewhere: Path) -> None:
    @task
    def when() -> Any:
        return context.get("scheduled_start_time").isoformat()

    with Flow("own") as flow:
        when()
        SqlTask("create table days as select {{ today }} as day", name="days", warehouse="local")()
        flow.add_task(Parameter("unused", default=1))
    result = run_flow(
        flow, project=shop(elsewhere), now="2026-10-25 02:30", timezone="Europe/Berlin"
    )
    assert result.results["when"] == "2026-10-25T00:30:00+00:00"
    assert result.table("days") == [{"day": "2026-10-25"}]
    assert result.store.run(result.run_id).created.isoformat() == "2026-10-25T00:30:00+00:00"


def test_a_store_of_ones_own_keeps_several_runs(elsewhere: Path) -> None:
    store = MemoryStore()
    for _ in range(2):
        run_flow("nightly", project=shop(elsewhere), stub={"load_orders": ORDERS}, store=store)
    assert len(store.runs()) == 2


def test_another_executor_gives_what_json_can_hold(elsewhere: Path) -> None:
    from orchestrator import ThreadsExecutor

    result = run_flow(
        "nightly", project=shop(elsewhere), stub={"load_orders": None}, exclude="orders_by_day",
        executor=ThreadsExecutor(),
    )  # fmt: skip
    assert result.results["double"] == [2, 4, 6]


# -- what would reach a real database -----------------------------------------------------------


class Loads(Task):
    """A task that is told a file."""

    def __init__(self, path: str) -> None:
        super().__init__(name="loads")
        self.path_of_database = path

    def run(self) -> None: ...


def _function_with(path: str) -> Any:
    @task
    def loads() -> None:
        duckdb.connect("PLACE")

    loads.fn.__code__ = loads.fn.__code__.replace(
        co_consts=tuple(path if c == "PLACE" else c for c in loads.fn.__code__.co_consts)
    )
    return loads


@pytest.mark.parametrize("kind", ["attribute", "function", "sql", "file", "relative"])
def test_a_task_that_names_the_database_is_refused(elsewhere: Path, kind: str) -> None:
    shop(elsewhere)
    duckdb.connect("shop.duckdb").close()
    path = str(elsewhere / "shop.duckdb")
    attach = f"attach '{path}' as real_one; create table real_one.t as select 1 as id"
    (elsewhere / "one.sql").write_text(attach)
    tasks = {
        "attribute": Loads(path),
        "relative": Loads("shop.duckdb"),
        "function": _function_with(path),
        "sql": SqlTask(attach, name="loads", warehouse="local"),
        "file": SqlTask(path="one.sql", name="loads", warehouse="local"),
    }
    with Flow("own") as flow:
        tasks[kind]()
    with pytest.raises(ConfigurationError, match=r"'loads' names the database .*shop\.duckdb") as e:
        run_flow(flow, project=elsewhere)
    assert "stub it" in str(e.value.fix)
    assert run_flow(flow, project=elsewhere, stub={"loads": None}).succeeded


def test_dbt_with_a_profile_of_its_own_is_refused(elsewhere: Path) -> None:
    with Flow("own") as flow:
        DbtShellTask("dbt build", name="build", dbt_kwargs={"type": "duckdb", "path": "x.duckdb"})()
    with pytest.raises(ConfigurationError, match="'build' brings a dbt profile of its own"):
        run_flow(flow, project=shop(elsewhere))
    assert (
        run_flow(flow, project=shop(elsewhere), stub={"build": "done"}).results["build"] == "done"
    )


def test_attached_databases_are_temporary_too(elsewhere: Path) -> None:
    shop(elsewhere)
    (elsewhere / "orchestrator.toml").write_text(
        '[warehouses.local]\ntype = "duckdb"\npath = "shop.duckdb"\n'
        'attach = ["crm.duckdb", {path = "old.duckdb", alias = "archive", read_only = true}]\n'
    )
    with Flow("own") as flow:
        SqlTask("create table crm.main.a as select 1 as id", name="one")()
        SqlTask("create table archive.main.b as select * from crm.main.a", name="two")()
    result = run_flow(flow, project=elsewhere)
    assert result.succeeded, result
    assert result.query("from archive.main.b") == [{"id": 1}]
    assert not list(elsewhere.glob("*.duckdb"))
