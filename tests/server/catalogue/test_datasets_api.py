"""The catalogue of a project of dbt, SQL and Python, after a run in which a test failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestrator.server.catalogue import models
from tests.server.catalogue.shop_project import Asking


def _by_name(shop: Asking, **query: Any) -> dict[str, Any]:
    found = shop.get("/datasets", models.Datasets, **query)
    return {one["name"].removeprefix("shop."): one for one in found["datasets"]}


def test_every_dataset_with_its_layer_and_kind(shop: Asking) -> None:
    found = {name: (one["layer"], one["kind"]) for name, one in _by_name(shop).items()}
    assert found == {
        "raw.orders": ("sources", "table"),  # a task here writes it
        "raw.payments": ("sources", "source"),
        "main.countries": ("seeds", "seed"),
        "main.stg_orders": ("staging", "model"),
        "main.revenue": ("marts", "model"),
        "main.ranking": ("sql", "table"),
        "reports/ranking.csv": ("python", "file"),
    }


def test_a_module_that_cannot_be_read_hides_no_other(shop: Asking) -> None:
    found = shop.get("/datasets")
    assert found["complete"]
    assert not found["surveying"]
    [error] = found["errors"]
    assert error.startswith("broken: broken.py cannot be imported: ModuleNotFoundError")


def test_when_it_was_built_how_fresh_it_is_and_how_its_tests_came_out(shop: Asking) -> None:
    found = _by_name(shop)
    [run] = shop.get("/runs")["runs"]
    orders, revenue = found["raw.orders"], found["main.revenue"]
    assert (orders["built"]["run_id"], orders["built"]["key"]) == (run["run_id"], "load")
    assert orders["fresh"]["ok"] is True  # dbt wants it within a day
    assert revenue["fresh"]["ok"] is None
    assert revenue["fresh"]["at"]
    assert revenue["tests"] == {"passed": 2, "failed": 1, "unknown": 0}
    assert revenue["built"]["state"] == "Success"
    assert found["main.ranking"]["built"] is None  # skipped: a test before it failed
    assert found["raw.payments"]["writers"] == 0
    assert found["raw.payments"]["built"] is None
    assert found["raw.payments"]["fresh"] == {"at": None, "age_seconds": None, "ok": None}


def test_searched_by_name_description_and_column(shop: Asking) -> None:
    assert set(_by_name(shop, search="RANK")) == {"main.ranking", "reports/ranking.csv"}
    assert list(_by_name(shop, search="as they come")) == ["raw.orders"]
    assert set(_by_name(shop, search="euros")) == {"main.stg_orders", "main.revenue"}
    assert set(_by_name(shop, layer="sources")) == {"raw.orders", "raw.payments"}
    found = shop.get("/datasets", limit=1)
    assert (len(found["datasets"]), found["total"]) == (1, 7)


def test_all_of_a_dataset(shop: Asking) -> None:
    found = shop.get("/dataset", models.WholeDataset, name="main.revenue")
    assert found["columns"] == [
        {"name": "country", "type": "varchar", "description": "Two letters.", "tests": ["not_null"]},
        {"name": "euros", "type": None, "description": "",
         "tests": ["not_null", "accepted_values"]},
    ]  # fmt: skip
    assert found["description"] == "Revenue by country."
    [reader] = found["readers"]
    assert (reader["flow"], reader["key"]) == ("nightly", "sql/ranking.sql")
    evidence = [(one["file"], one["line"]) for one in reader["evidence"]]
    assert evidence == [("sql/ranking.sql", 1)] or evidence == [("sql/ranking.sql", 5)]
    [writer] = found["writers"]
    assert writer["key"] == "model.shop.revenue"
    assert {one["name"]: one["state"] for one in found["tests_list"]} == {
        "not_null_revenue_country": "Success",
        "not_null_revenue_euros": "Success",
        "accepted_values_revenue_euros__1": "Failed",
    }
    assert found["sql"].startswith("select\n    country,")
    assert [one["state"] for one in found["history"]] == ["Success"]


def test_names_that_are_not_there(shop: Asking) -> None:
    status, error = shop.refused("GET", "/dataset", name="main.revenu")
    assert (status, error["kind"]) == (404, "NotFoundError")
    assert "revenue" in error["fix"]
    status, error = shop.refused("GET", "/lineage", dataset="main.revenue", column="euro")
    assert (status, error["fix"]) == (404, "did you mean euros?")
    assert shop.refused("GET", "/lineage", dataset="main.revenue", depth=0)[0] == 422
    assert shop.refused("GET", "/lineage", dataset="main.revenue", direction="x")[0] == 422


def _edges(found: Any) -> set[tuple[str, str, str, str]]:
    def text(end: dict[str, Any]) -> str:
        name = end["dataset"].removeprefix("shop.")
        return f"{name}.{end['column']}" if end["column"] else name

    return {(text(e["from"]), text(e["to"]), e["task"], e["kind"]) for e in found["edges"]}


def test_datasets_that_feed_one_another(shop: Asking) -> None:
    found = shop.get("/lineage", models.Lineage, dataset="revenue", depth=10)
    assert _edges(found) == {
        ("raw.orders", "main.stg_orders", "model.shop.stg_orders", "table"),
        ("main.stg_orders", "main.revenue", "model.shop.revenue", "table"),
        ("main.revenue", "main.ranking", "sql/ranking.sql", "table"),
        ("main.ranking", "reports/ranking.csv", "report", "table"),
    }
    assert not found["truncated"]
    near = shop.get("/lineage", dataset="revenue", depth=1, direction="down")
    assert _edges(near) == {("main.revenue", "main.ranking", "sql/ranking.sql", "table")}
    assert near["truncated"]


def test_a_column_through_python_dbt_and_sql(shop: Asking) -> None:
    up = shop.get("/lineage", models.Lineage, dataset="ranking", column="PLACE", direction="up",
                  depth=10)  # fmt: skip
    assert up["column"] == "place"
    assert _edges(up) == {
        ("main.revenue.euros", "main.ranking.place", "sql/ranking.sql", "value"),
        ("main.stg_orders.euros", "main.revenue.euros", "model.shop.revenue", "value"),
        ("raw.orders.amount", "main.stg_orders.euros", "model.shop.stg_orders", "value"),
    }
    down = shop.get("/lineage", dataset="orders", column="country", direction="down", depth=10)
    assert _edges(down) == {
        ("raw.orders.country", "main.stg_orders.country", "model.shop.stg_orders", "identity"),
        ("main.stg_orders.country", "main.revenue.country", "model.shop.revenue", "value"),
        ("main.revenue.country", "main.ranking.country", "sql/ranking.sql", "value"),
        ("main.ranking", "reports/ranking.csv", "report", "unknown"),
    }
    assert {one["dataset"] for one in down["unknown"]} == {"reports/ranking.csv"}
    assert {place["file"] for edge in down["edges"] for place in edge["evidence"]} >= {
        "models/staging/stg_orders.sql", "models/marts/revenue.sql", "sql/ranking.sql",
    }  # fmt: skip


def test_a_file_that_changes_is_seen(shop: Asking, folder: Path) -> None:
    (folder / "sql" / "more.sql").write_text("create table main.more as select 1 as one;")
    shop.app.state.keeper._looked = float("-inf")  # as if two seconds had gone by
    shop.keeper()
    assert "main.more" in _by_name(shop)
