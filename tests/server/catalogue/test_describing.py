"""Artifacts of dbt, outcomes of tasks, and parameters, as the catalogue tells them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.model.dataset import Dataset
from orchestrator.model.parameter import JSON, Parameter
from orchestrator.model.state import StateType
from orchestrator.service.catalogue.describing import ColumnSaid, Said, described, together
from orchestrator.service.catalogue.outcomes import OutcomeReader
from orchestrator.service.catalogue.parameters import parameter_schema, parameter_shapes, stand_in
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Change, FlowRun, TaskRun

MANIFEST = "https://schemas.getdbt.com/dbt/manifest/v12.json"


def _file(folder: Path, kind: str, document: dict[str, Any]) -> Path:
    url = f"https://schemas.getdbt.com/dbt/{kind}.json"
    path = folder / f"{kind.partition('/')[0]}.json"
    path.write_text(json.dumps({"metadata": {"dbt_schema_version": url, "adapter_type": "duckdb"},
                                **document}))  # fmt: skip
    return path


def _manifest(folder: Path) -> Path:
    source = {
        "resource_type": "source", "name": "orders", "source_name": "raw", "fqn": ["shop", "raw", "orders"],
        "database": "shop", "schema": "raw", "relation_name": '"shop"."raw"."orders"',
        "columns": {"ID": {"name": "ID", "description": "The number."}},
        "freshness": {"warn_after": {"count": None, "period": None},
                      "error_after": {"count": 2, "period": "hour"}},
    }  # fmt: skip
    return _file(
        folder, "manifest/v12", {"nodes": {}, "sources": {"source.shop.raw.orders": source}}
    )


def test_the_table_itself_knows_types_and_order(tmp_path: Path) -> None:
    columns = {
        "amount": {"name": "amount", "type": "BIGINT", "index": 2},
        "id": {"name": "id", "type": "INTEGER", "index": 1},
    }
    tables = {"sources": {"source.shop.raw.orders": {"columns": columns}}, "nodes": {}}
    results = [{"unique_id": "source.shop.raw.orders", "max_loaded_at": "2026-03-01T05:00:00Z"}]
    artifacts = [
        _manifest(tmp_path), _file(tmp_path, "catalog/v1", tables),
        _file(tmp_path, "sources/v3", {"results": results}),
    ]  # fmt: skip
    said = described(artifacts)[Dataset("shop", "raw", "orders")]
    assert dict(said.columns) == {
        "id": ColumnSaid("INTEGER", "The number."), "amount": ColumnSaid("BIGINT"),
    }  # fmt: skip
    assert (said.layer, said.limit, said.loaded) == ("sources", 7200, "2026-03-01T05:00:00Z")


def test_a_source_that_dbt_does_not_describe_is_described_by_the_file_that_writes_it(
    tmp_path: Path,
) -> None:
    orders, totals = Dataset("shop", "raw", "orders"), Dataset("shop", "raw", "totals")
    files = {name: Said("sql", "sql", "", "Orders, by day.") for name in (orders, totals)}
    dbt = described([_manifest(tmp_path)])
    assert dbt[orders].description == ""
    said = together(files, dbt)
    assert (said[orders].layer, said[orders].description) == ("sources", "Orders, by day.")
    assert said[totals] == files[totals]
    own = {orders: replace(dbt[orders], description="As they come in.")}
    assert together(files, own)[orders].description == "As they come in."


def test_files_that_cannot_be_read_say_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "catalog.json"
    broken.write_text("{")
    assert list(described([_manifest(tmp_path), broken, tmp_path / "none.json"])) == [
        Dataset("shop", "raw", "orders")
    ]
    assert described([broken]) == {}


def test_elements_of_a_mapped_task_are_told_as_one() -> None:
    at = datetime(2026, 3, 1, 3, tzinfo=UTC)
    with MemoryStore() as store:
        for number in range(3):
            run = FlowRun(f"a{number}", "nightly", "shop", created=at + timedelta(days=number))
            keys = ["load", "load[0]", "load[1]", "late"]
            store.create_run(run, [TaskRun(run.id, key, key) for key in keys])
            rows = [("load", None), ("load[0]", 2), ("load[1]", 3)]
            store.transition(
                run.id,
                [Change(key, StateType.SUCCESS, at=run.created, rows=n) for key, n in rows]
                + [Change("late", StateType.SKIPPED, at=run.created)],
            )
            store.transition(run.id, [Change(None, StateType.SUCCESS)])
        now = [0.0]
        reader = OutcomeReader(store, "shop", lambda: now[0])
        found = reader.outcomes()
        assert [(one.run_id, one.rows) for one in found["load"]] == [
            ("a2", 5), ("a1", 5), ("a0", 5),
        ]  # fmt: skip
        assert set(found) == {"load"}
        store.prune(most=1)
        assert reader.outcomes() is found
        now[0] = 10
        assert [one.run_id for one in reader.outcomes()["load"]] == ["a2"]


def test_parameters_as_json() -> None:
    known = [
        Parameter("day", type=date), Parameter("size", default=3, choices=[1, 3]),
        Parameter("what", type=JSON, default={"a": [1]}), Parameter("any", default=None),
    ]  # fmt: skip
    assert [(one["name"], one["type"], one["default"]) for one in parameter_shapes(known)] == [
        ("day", "date", None), ("size", "int", 3), ("what", "json", {"a": [1]}), ("any", "str", None),
    ]  # fmt: skip
    schema = parameter_schema(known)
    assert schema["required"] == ["day"]
    assert schema["properties"]["size"] == {
        "type": "integer", "title": "size", "enum": [1, 3], "default": 3,
    }  # fmt: skip
    assert schema["properties"]["any"] == {"title": "any", "default": None}
    assert all(one.parse(stand_in(one)) == stand_in(one) for one in known if one.required)
