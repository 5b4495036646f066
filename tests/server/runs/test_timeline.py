"""When tasks waited, ran, and were tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.model.state import StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import Change, FlowRun, TaskRun
from tests.server.runs.conftest import Api

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
GRAPH: dict[str, Any] = {
    "nodes": [
        {"key": key, "name": key, "resource_type": "python", "path": "flows/nightly.py",
         "tags": [], "reads": [], "writes": []}
        for key in ("load", "clean", "mail", "publish")
    ],
    "edges": [
        {"upstream": up, "downstream": down, "dataset": None, "evidence": []}
        for up, down in (("load", "clean"), ("load", "mail"), ("clean", "publish"))
    ],
}  # fmt: skip


def at(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)


def said(second: float) -> str:
    return at(second).isoformat().replace("+00:00", "Z")


def filled(store: RunStore, *, graph: bool = True) -> None:
    """load fails at 2, and runs again from 3 to 5; clean waits for a place from 5 to 7."""
    keys = ("load", "clean", "mail", "publish")
    store.create_run(
        FlowRun("a1", "nightly", "shop", created=BEGIN, started=BEGIN),
        [TaskRun("a1", key, key) for key in keys],
    )
    if graph:
        store.keep_graph("a1", GRAPH)
    run, retry, good = StateType.RUNNING, StateType.RETRYING, StateType.SUCCESS
    for key, state, second, token in (
        ("load", run, 0, "l1"), ("load", retry, 2, "l1"), ("load", run, 3, "l2"),
        ("load", good, 5, "l2"), ("mail", run, 5, "m1"), ("mail", good, 6, "m1"),
        ("clean", run, 7, "c1"), ("clean", good, 9, "c1"), ("publish", run, 9, "p1"),
    ):  # fmt: skip
        refused = store.transition("a1", [Change(key, state, at=at(second), token=token)])
        assert not refused


def spans(row: dict[str, Any]) -> list[tuple[str, str, str | None, int]]:
    return [(s["kind"], s["started"], s["finished"], s["attempt"]) for s in row["spans"]]


def test_the_spans_of_tasks(api: Api, store: RunStore) -> None:
    filled(store)
    found = api.get("/runs/a1/timeline")
    rows = {row["key"]: row for row in found["rows"]}
    assert spans(rows["load"]) == [
        ("running", said(0), said(2), 1),
        ("retrying", said(2), said(3), 2),
        ("running", said(3), said(5), 2),
    ]
    assert [span["state"] for span in rows["load"]["spans"]] == ["Failed", "Retrying", "Success"]
    assert spans(rows["clean"]) == [
        ("waiting", said(5), said(7), 0),
        ("running", said(7), said(9), 1),
    ]
    assert spans(rows["publish"]) == [("running", said(9), None, 1)]
    assert (rows["mail"]["folder"], rows["mail"]["layer"]) == ("flows", "python")
    assert (found["started"], found["finished"]) == (said(0), None)


def test_the_critical_path_goes_over_what_has_ended(api: Api, store: RunStore) -> None:
    filled(store)
    found = api.get("/runs/a1/timeline")
    assert found["critical_path"] == ["load", "clean"]
    assert {row["key"] for row in found["rows"] if row["critical"]} == {"load", "clean"}


def test_without_a_graph_nobody_knows_what_waited(api: Api, store: RunStore) -> None:
    filled(store, graph=False)
    found = api.get("/runs/a1/timeline")
    assert found["critical_path"] == []
    assert {span["kind"] for row in found["rows"] for span in row["spans"]} == {
        "running",
        "retrying",
    }


def test_the_nodes_that_dbt_reported_are_rows_of_their_own(api: Api, store: RunStore) -> None:
    nodes = [
        {"unique_id": "model.shop.orders", "status": "success", "seconds": 1.0,
         "started": "2026-03-01T00:00:01.5", "finished": "2026-03-01T00:00:02.5Z"},
        {"unique_id": "model.shop.sales", "status": "error", "error": "no column"},
        "nonsense",
    ]  # fmt: skip
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", "dbt", "dbt build")])
    store.transition("a1", [Change("dbt", StateType.FAILED, detail={"nodes": nodes})])
    (row,) = api.get("/runs/a1/timeline")["rows"]
    orders, sales = row["nodes"]
    assert (orders["name"], orders["resource_type"], orders["state"]) == (
        "orders",
        "model",
        "Success",
    )
    assert spans(orders) == [
        ("running", "2026-03-01T00:00:01.500000Z", "2026-03-01T00:00:02.500000Z", 0)
    ]
    assert (sales["state"], sales["spans"]) == ("Failed", [])
    told = api.get("/runs/a1/task", key="dbt")["nodes"]
    assert [(node["name"], node["state"], node["message"]) for node in told] == [
        ("orders", "Success", ""),
        ("sales", "Failed", "no column"),
    ]


def test_what_was_left_out_never_waited(api: Api, store: RunStore) -> None:
    filled(store)
    store.transition("a1", [Change("publish", StateType.FAILED, token="p1")])
    store.create_run(
        FlowRun("b1", "nightly", "shop", started=BEGIN), [TaskRun("b1", "load", "load")]
    )
    store.keep_graph("b1", GRAPH)
    store.transition("b1", [Change("load", StateType.SKIPPED, at=at(1))])
    (row,) = api.get("/runs/b1/timeline")["rows"]
    assert row["spans"] == []


# -- graphs ----------------------------------------------------------------------------------------


def test_the_graph_of_a_run_and_where_it_is_drawn(api: Api, store: RunStore) -> None:
    filled(store)
    found = api.get("/runs/a1/graph")
    assert [node["key"] for node in found["nodes"]] == ["load", "clean", "mail", "publish"]
    assert len(found["edges"]) == 3
    assert found["layout"] is None
    path, positions = f"/graphs/{found['hash']}/layout", {"load": [0, 1.5], "clean": [2, 3]}
    api.send("PUT", path, {"positions": positions}, 204)
    assert api.get("/runs/a1/graph")["layout"] == {"load": [0.0, 1.5], "clean": [2.0, 3.0]}
    api.send("PUT", path, {"positions": {"load": [9, 9]}}, 204)
    assert api.get("/runs/a1/graph")["layout"]["load"] == [0.0, 1.5]  # kept once


def test_layouts_that_are_refused(api: Api, store: RunStore) -> None:
    filled(store)
    path = f"/graphs/{api.get('/runs/a1/graph')['hash']}/layout"
    api.send("PUT", path, {"positions": {"nope": [0, 0]}}, 400)
    api.send("PUT", path, {"positions": {"load": [0]}}, 422)
    api.send("PUT", path, {"positions": {"load": ["a", 0]}}, 422)
    api.send("PUT", path, {}, 422)
    api.send("PUT", "/graphs/0123456789abcdef/layout", {"positions": {}}, 404)
    text = '{"positions": {"load": [Infinity, 0]}}'
    headers = {"Content-Type": "application/json"}
    assert api.http.put(f"/api/v1{path}", content=text, headers=headers).status_code == 422
    assert api.get("/runs/a1/graph")["layout"] is None


def test_a_run_whose_graph_is_not_known(api: Api, store: RunStore) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"))
    empty = {"hash": None, "nodes": [], "edges": [], "layout": None}
    assert api.get("/runs/a1/graph") == empty
