"""Whole flows on Postgres: in threads and on Dask, retried, checked for what nobody declared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import DaskExecutor, Flow, ThreadsExecutor, task
from orchestrator.model.state import StateType
from orchestrator.service.columns import column_graph
from orchestrator.service.planning import plan_flow
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tasks import PostgresQuery, SqlTask

EXECUTORS: dict[str, Callable[[], Any]] = {
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2}),
}


@pytest.fixture
def project(in_tmp: Path, settings: dict[str, Any]) -> Path:
    lines = [f'{key} = "{value}"' for key, value in settings.items()]
    (in_tmp / "orchestrator.toml").write_text("[warehouses.main]\n" + "\n".join(lines) + "\n")
    return in_tmp


def ran(root: Path, flow: Flow, executor: Any) -> tuple[Any, dict[str, Any]]:
    project = Project.find(root)
    result = run_flow(project, flow, executor=executor)
    with project.store() as store:
        return result, {kept.key: kept for kept in store.task_runs(result.run_id)}


def sessions(admin: Any) -> int:
    asked = "select count(*) from pg_stat_activity where application_name like 'orchestrator%'"
    return int(admin.execute(asked).fetchone()[0])


def nightly() -> Flow:
    with Flow("nightly") as flow:
        SqlTask(
            "create table daily as select day, sum(n) as n from orders group by day", name="daily"
        )()
        for part in range(6):
            SqlTask(f"create table part_{part} as select * from daily", name=f"part_{part}")()
        load = (
            "create table orders (day int, n int); insert into orders values (1, 2), (1, 3), (2, 4)"
        )
        SqlTask(load, name="load")()
        total = PostgresQuery("select sum(n)::int from daily", fetch="one", name="total")()

        @task(warehouse="main", reads=["part_0"])
        def peek(warehouse: Any, total: Any) -> int:
            (count,) = warehouse.execute("select count(*) from part_0").fetchone()
            return int(count + total[0])

        peek(total=total)
    return flow


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_flow_runs_in_its_derived_order(project: Path, admin: Any, kind: str) -> None:
    result, kept = ran(project, nightly(), EXECUTORS[kind]())
    assert result.state.is_successful(), {k: t.message for k, t in kept.items()}
    assert kept["peek"].result == {"value": 11}
    assert kept["load"].rows == 3
    assert not any((t.detail or {}).get("undeclared") for t in kept.values())
    assert sessions(admin) == 0


def test_a_lost_connection_is_made_up_for_by_the_next_attempt(project: Path, admin: Any) -> None:
    admin.execute("create sequence tries")

    @task(warehouse="main", max_retries=1, retry_on="57P01")
    def unlucky(warehouse: Any) -> int:
        (number,) = warehouse.execute("select nextval('public.tries')").fetchone()
        if number == 1:
            warehouse.execute("select pg_terminate_backend(pg_backend_pid())")
        return int(number)

    with Flow("f") as flow:
        unlucky()
    result, kept = ran(project, flow, ThreadsExecutor(2))
    admin.execute("drop sequence tries")
    assert result.state.is_successful(), kept["unlucky"].message
    assert kept["unlucky"].result == {"value": 2}


def test_a_script_tells_its_code_to_retry_on(project: Path, admin: Any) -> None:
    admin.execute("create sequence tries")
    script = "select 1 / (nextval('public.tries') - 1)"
    with Flow("f") as flow:
        SqlTask(script, name="once_more", max_retries=1, retry_on="22012")()
        SqlTask("select 1 / 0", name="not_this", max_retries=1, retry_on="40001")()
    _, kept = ran(project, flow, ThreadsExecutor(2))
    admin.execute("drop sequence tries")
    assert kept["once_more"].state is StateType.SUCCESS, kept["once_more"].message
    assert kept["not_this"].attempt == 1


def test_a_read_through_a_view_that_nobody_declared(project: Path) -> None:
    with Flow("f") as flow:
        SqlTask(
            "create table orders as select 1 as n; create view seen as select n from orders",
            name="load",
        )()

        @task(warehouse="main", max_retries=200, retry_delay=0.05)
        def peek(warehouse: Any) -> Any:
            return warehouse.execute("select n from seen").fetchall()

        peek()
    result, kept = ran(project, flow, ThreadsExecutor(2))
    assert result.state.is_successful(), kept["peek"].message
    (found, *_) = [finding["text"] for finding in kept["peek"].detail["undeclared"]]
    assert "which load writes, and nothing orders the two" in found


def test_columns_come_from_the_server(project: Path, admin: Any, settings: dict[str, Any]) -> None:
    admin.execute(f"create table {settings['schema']}.raw (id int, euros numeric)")
    with Flow("f") as flow:
        SqlTask("create table staged as select * from raw", name="staged")()
    found = Project.find(project)
    graph = column_graph(found, flow, plan_flow(found, flow))
    names = {
        str(dataset).rpartition(".")[2]: columns.names for dataset, columns in graph.columns.items()
    }
    assert tuple(names["staged"]) == ("id", "euros")
