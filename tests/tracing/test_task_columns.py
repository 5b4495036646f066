"""What tasks and warehouses tell of columns: declared ones, SQL in a flow's module, DuckDB's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestrator.errors import ConfigurationError, FlowError, WarehouseBusyError
from orchestrator.model.code import Code, Extent
from orchestrator.model.dataset import Dataset, Namespace
from orchestrator.model.planning import Planning
from orchestrator.model.task import task
from tasks import SqlTask
from tasks.duckdb.opening import Opening
from tasks.duckdb.warehouse import DuckDBWarehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse("w", Opening(str(tmp_path / "Shop.duckdb")), "Shop")


@pytest.fixture
def planning(tmp_path: Path, warehouse: DuckDBWarehouse) -> Planning:
    return Planning(tmp_path, find_warehouse=lambda name: warehouse)


def test_declared_columns_are_read_as_the_warehouse_reads_names(planning: Planning) -> None:
    @task(writes={"Marts.Scores": {"Total": ["raw.orders.amount", "fees.fee"], "id": []}})
    def score() -> None: ...

    code = score.code(planning)
    assert code is not None
    [output] = code.outputs
    assert (str(output.dataset), output.extent) == ("shop.marts.scores", Extent.ALL)
    assert output.columns == {
        "Total": (
            (Dataset("shop", "raw", "orders"), "amount"),
            (Dataset("shop", "main", "fees"), "fee"),
        ),
        "id": None,
    }
    assert (output.evidence.line or 0) == score.function_at[1]


def test_a_task_without_declared_columns_has_no_code(planning: Planning) -> None:
    @task(writes=["marts.scores"])
    def score() -> None: ...

    assert score.code(planning) is None


@pytest.mark.parametrize("source", ["amount", ".amount", "orders."])
def test_a_source_that_is_no_column_is_refused(planning: Planning, source: str) -> None:
    @task(writes={"scores": {"total": source}})
    def score() -> None: ...

    with pytest.raises(FlowError, match="total comes from") as caught:
        score.code(planning)
    assert caught.value.fix == "name it with its table: raw.orders.amount"


def test_sql_in_a_flow_module_has_the_line_of_its_call(planning: Planning) -> None:
    sql = SqlTask("create table a as\nselect 1 as x", name="a")
    line = (sql.defined_at or ("", 0))[1]
    sql.facts("a", planning)
    code = sql.code(planning)
    assert (code.line(1), code.line(2)) == (line, line)
    assert (code.file or "").endswith("test_task_columns.py")
    assert code.namespace == Namespace("duckdb", "shop", "main")


def test_lines_that_are_not_mapped_are_those_of_the_text() -> None:
    assert [Code("a\nb", lines=(7,)).line(n) for n in (1, 2)] == [7, 2]


def test_columns_of_a_duckdb_file(warehouse: DuckDBWarehouse) -> None:
    with duckdb.connect(warehouse.opening.path) as connection:
        connection.execute(
            'create schema Raw; create table Raw.Orders (id int, "Big Amount" int);'
            "create view seen as select id as b, id as a from raw.orders"
        )
    assert warehouse.columns() == {
        Dataset("shop", "raw", "orders"): ("id", "Big Amount"),
        Dataset("shop", "main", "seen"): ("b", "a"),
    }
    duckdb.connect(warehouse.opening.path).close()  # nothing holds it


def test_a_file_that_is_not_there_is_not_made(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(ConfigurationError, match="not built yet"):
        warehouse.columns()
    assert not Path(warehouse.opening.path).exists()


def test_a_file_that_is_no_database(warehouse: DuckDBWarehouse) -> None:
    Path(warehouse.opening.path).write_text("id,name\n" * 4000)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        warehouse.columns()


HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_a_file_that_another_process_holds_is_not_waited_for(warehouse: DuckDBWarehouse) -> None:
    line = [sys.executable, "-c", HOLD, warehouse.opening.path]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(WarehouseBusyError, match="held by another process"):
            warehouse.columns()
        assert holder.stdin is not None
        holder.stdin.close()
