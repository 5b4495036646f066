"""Run by the tests in a process of its own: dbt and a warehouse's tasks on one file, in one process.

Arguments: folder of the dbt project, and which comes first (``dbt`` or ``tasks``); or ``memory``.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import RunOptions
from tasks.duckdb.instances import release_all
from tasks.sql.task import SqlTask
from tasks.warehouses import make


def main(project: Path, first: str) -> None:
    """Let a dbt build and SQL tasks run at once, and let go of the file afterwards."""
    warehouse = make(
        "w", {"type": "duckdb", "path": "shop.duckdb"}, root=project, options=RunOptions()
    )
    assert "dbt" not in sys.modules, "a warehouse must not import dbt"
    os.chdir(project)
    if first == "tasks":
        run_sql(warehouse, "create table before_dbt as select 1 as a")
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    args = ["--quiet", "build", "--project-dir", str(project), "--profiles-dir", str(project)]
    results = []
    if first == "dbt":
        results.append(dbtRunner().invoke(args))
        run_sql(warehouse, "create table before_dbt as select 1 as a")
    thread = threading.Thread(target=lambda: results.append(dbtRunner().invoke(args)))
    thread.start()
    number = 0
    while thread.is_alive() or number == 0:
        run_sql(
            warehouse, f"create or replace table beside_{number % 5} as select * from range(10)"
        )
        number += 1
    thread.join()
    assert all(result.success for result in results), [result.exception for result in results]
    with entered(RunContext("run", "flow", "task")), warehouse.connect() as connection:
        assert connection.execute("select a from from_sql").fetchone() == (1,)
        option = connection.execute("select current_setting('preserve_insertion_order')").fetchone()
        assert option == (False,), "dbt's config_options count for the tasks too"
    release_all("run")
    environment = DuckDBConnectionManager._ENV
    DuckDBConnectionManager.close_all_connections()
    if environment is not None:
        environment.close()
    print("done", number, flush=True)
    sys.stdin.readline()


def in_memory(project: Path) -> None:
    """Read with a SQL task what dbt built in a database in memory."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    os.chdir(project)
    warehouse = make("w", {"type": "dbt"}, root=project, options=RunOptions(target="memory"))
    result = dbtRunner().invoke(["--quiet", "build", "--target", "memory"])
    assert result.success, result.exception
    run_sql(warehouse, "create table copied as select a from from_sql")
    release_all("run")
    environment = DuckDBConnectionManager._ENV
    assert environment.conn.cursor().execute("from copied").fetchone() == (1,)
    environment.close()
    print("done", flush=True)


def run_sql(warehouse: object, sql: str) -> None:
    """Run a SQL task as a flow's run would."""
    with entered(RunContext("run", "flow", "task")):
        SqlTask(sql).run(warehouse=warehouse)


if __name__ == "__main__":
    if sys.argv[2] == "memory":
        in_memory(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]), sys.argv[2])
