"""Two runs beside one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.model.state import StateType
from orchestrator.server.runs import comparing
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun
from tests.server.runs.conftest import Api

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def task(key: str, seconds: float, rows: int | None = None, sql: str | None = None) -> TaskRun:
    return TaskRun(
        "a1", key, key, state=StateType.SUCCESS, attempt=1, rows=rows, started=BEGIN,
        finished=BEGIN + timedelta(seconds=seconds), detail={"compiled_code": sql} if sql else {},
    )  # fmt: skip


def compared(a: Sequence[TaskRun], b: Sequence[TaskRun]) -> list[Mapping[str, Any]]:
    """The tasks of runs whose SQL stands in the details themselves."""
    return comparing.compared(a, b, lambda hashes: {})


def test_tasks_are_compared_by_key() -> None:
    found = compared(
        [task("load", 2, 10, "select 1\n"), task("gone", 1)],
        [task("new", 1), task("load", 6, 4, "select 2\n")],
    )
    rows = {row["key"]: row for row in found}
    assert list(rows) == ["load", "gone", "new"]
    load = rows["load"]
    assert (load["seconds_ratio"], load["rows_change"], load["sql_changed"]) == (3.0, -6, True)
    assert "-select 1" in load["sql_diff"]
    assert "+select 2" in load["sql_diff"]
    assert (rows["gone"]["b"], rows["new"]["a"]) == (None, None)
    assert rows["gone"]["sql_changed"] is None


def test_sql_that_is_the_same_has_no_difference() -> None:
    (row,) = compared([task("a", 1, sql="select 1")], [task("a", 1, sql="select 1")])
    assert (row["sql_changed"], row["sql_diff"]) == (False, None)


def test_nodes_of_dbt_as_a_command_are_compared_one_by_one() -> None:
    def build(text: str, seconds: int) -> TaskRun:
        end = (BEGIN + timedelta(seconds=seconds)).isoformat()
        node = {"unique_id": "model.shop.orders", "status": "success", "sql": text,
                "started": BEGIN.isoformat(), "finished": end}  # fmt: skip
        return replace(task("build", 9), detail={"nodes": [node]})

    whole, orders = compared([build("select 1", 2)], [build("select 2", 6)])
    assert (whole["key"], whole["sql_changed"]) == ("build", None)
    assert (orders["key"], orders["name"]) == ("build/model.shop.orders", "orders")
    assert (orders["seconds_ratio"], orders["sql_changed"]) == (3.0, True)
    assert "+select 2" in orders["sql_diff"]


def test_very_long_sql_is_only_said_to_differ() -> None:
    before, after = ("\n".join(f"{word} {n}" for n in range(9000)) for word in ("a", "b"))
    (row,) = compared([task("a", 1, sql=before)], [task("a", 1, sql=after)])
    assert (row["sql_changed"], row["sql_diff"]) == (True, None)


def test_nothing_is_divided_by_nothing() -> None:
    (row,) = compared([task("a", 0)], [task("a", 1)])
    assert row["seconds_ratio"] is None


def test_two_runs_are_told_with_their_tasks(api: Api, store: RunStore) -> None:
    for run_id in ("a1", "b1"):
        store.create_run(FlowRun(run_id, "nightly", "shop"), [TaskRun(run_id, "load", "load")])
    found = api.get("/runs/a1/compare/b1")
    assert (found["a"]["run_id"], found["b"]["run_id"]) == ("a1", "b1")
    assert [row["key"] for row in found["tasks"]] == ["load"]
