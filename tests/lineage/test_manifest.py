"""The manifest reader: what runs, what it waits for, and what is no manifest."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from dbt_oracle import Shop

from benchmarks._projects import write_manifest
from orchestrator.errors import ManifestError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.dbt.manifest import facts, landmarks, read_manifest
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph


def _graph(found: Iterable[TaskFacts]) -> Graph:
    return Graph((), [(up, fact.key) for fact in found for up, _ in fact.upstream])


def _order(found: list[DbtFacts], *, without_units: bool = True) -> set[tuple[str, str]]:
    graph = _graph(found)
    keys = [f.key for f in found if not (without_units and f.resource_type == "unit_test")]
    kept = set(keys)
    return {(k, d) for k in keys if k in graph for d in graph.descendants(k) if d in kept}


def _by_name(shop: Shop) -> dict[str, DbtFacts]:
    return {fact.name: fact for fact in facts(shop.manifest)}


def test_order_is_that_of_dbt_build(shop: Shop) -> None:
    found = facts(shop.manifest)
    keys = {fact.key for fact in found}
    expected = {(a, b) for a, b in shop.order if a in keys and b in keys}
    assert _order(found) == expected
    assert len(expected) > 150


def test_order_is_that_of_dbt_build_on_generated_projects(shop: Shop) -> None:
    for path, order in shop.generated:
        found = facts(read_manifest(path))
        keys = {fact.key for fact in found}
        assert _order(found) == {(a, b) for a, b in order if a in keys and b in keys}


def test_order_survives_selection(shop: Shop) -> None:
    """As in dbt, what is left out still keeps the order of what is before and after it."""
    for path, order in shop.generated:
        manifest = read_manifest(path)
        chosen = {fact.key for fact in facts(manifest)[::3]}
        kept = facts(manifest, selected=chosen)
        assert {fact.key for fact in kept} == chosen
        assert _order(kept) == {(a, b) for a, b in order if a in chosen and b in chosen}


def test_direct_edges_are_depends_on_without_what_does_not_run(shop: Shop) -> None:
    found = facts(shop.manifest)
    running = {fact.key for fact in found}
    for fact in found:
        direct = {up for up, _ in fact.upstream}
        if fact.resource_type != "unit_test":
            assert {parent for parent in fact.parents if parent in running} <= direct


def test_what_runs_is_what_build_runs(shop: Shop) -> None:
    names = set(_by_name(shop))
    assert {"orders", "facts", "scored", "snap", "raw_orders", "twice", "unit_orders"} <= names
    assert {"no_negative", "tool", "tool_more", "v"} <= names
    for absent in ("eph_lines", "off", "blank", "look", "board", "how_many", "shop-on-run-start-0"):
        assert absent not in names


def test_facts_of_a_model(shop: Shop) -> None:
    model = _by_name(shop)["facts"]
    assert model.key == "model.shop.facts"
    assert model.resource_type == "model"
    assert model.path == "models/marts/facts.sql"
    assert model.fqn == ("shop", "marts", "facts")
    assert model.package == "shop"
    assert model.tags == {"nightly", "big"}
    assert model.config["materialized"] == "incremental"
    assert [str(access.dataset) for access in model.writes] == ["shop.main.facts"]


def test_seeds_and_snapshots_write_their_tables_and_tests_none(shop: Shop) -> None:
    found = _by_name(shop)
    assert str(found["raw_orders"].writes[0].dataset) == "shop.main_raw.raw_orders"
    assert str(found["snap"].writes[0].dataset) == "shop.main_snap.snap"
    assert found["no_negative"].writes == ()
    assert found["unit_orders"].writes == ()


def test_reads_are_the_tables_of_sources_also_through_ephemeral_models(shop: Shop) -> None:
    orders = _by_name(shop)["orders"]
    # orders → eph_more (ephemeral) → source crm.contacts, and → eph_lines → stg_orders
    assert {str(a.dataset) for a in orders.reads} == {"shop.crm.contacts"}
    assert orders.sources == {"crm.contacts"}
    assert "through eph_more" in str(orders.reads[0].evidence)


def test_tests_read_their_sources(shop: Shop) -> None:
    found = _by_name(shop)
    two = next(f for n, f in found.items() if n.startswith("source_relationships"))
    assert {str(a.dataset) for a in two.reads} == {
        "shop.main_raw.raw_orders",
        "shop.main_raw.raw_customers",
    }


def test_evidence_names_file_and_line_of_the_reference(shop: Shop) -> None:
    found = _by_name(shop)
    upstream = dict(found["orders"].upstream)
    assert str(upstream["model.shop.stg_customers"]) == (
        "models/marts/orders.sql:3 refs stg_customers"
    )
    assert str(upstream["seed.shop.countries"]).startswith("models/marts/orders.sql:5 ")
    assert str(upstream["model.shop.stg_orders"]) == (
        "models/marts/orders.sql:2 refs eph_more (ephemeral), which refs eph_lines (ephemeral), "
        "which refs stg_orders"
    )
    read = found["stg_customers"].reads[0].evidence
    assert (read.file, read.line) == ("models/staging/stg_customers.sql", 3)
    assert read.node == "model.shop.stg_customers"
    assert dict(found["scored"].upstream)["model.shop.facts"].line == 3
    assert dict(found["facts"].upstream)["function.shop.twice"].line == 2


def test_a_guard_names_the_test(shop: Shop) -> None:
    upstream = dict(_by_name(shop)["facts"].upstream)
    evidence = upstream["test.shop.no_negative"]
    assert evidence.node == "test.shop.no_negative"
    assert evidence.file == "tests/no_negative.sql"


def test_a_test_of_two_models_guards_what_comes_after_both(shop: Shop) -> None:
    found = _by_name(shop)
    both = found["orders_in_contacts"].key
    waiting = {f.name for f in found.values() if both in dict(f.upstream)}
    assert waiting == {"wide"}  # after orders and contacts; facts and snap are after orders only


def test_unit_tests_run_after_the_inputs_of_their_model_and_before_it(shop: Shop) -> None:
    found = _by_name(shop)
    unit, model = found["unit_orders"], found["orders"]
    assert unit.key in dict(model.upstream)
    inputs = {up for up, _ in model.upstream} - {unit.key}
    assert {up for up, _ in unit.upstream} == inputs
    assert {a.dataset for a in unit.reads} == {a.dataset for a in model.reads}


def test_unit_test_of_an_ephemeral_model_guards_what_reads_it(shop: Shop) -> None:
    found = _by_name(shop)
    assert found["unit_eph"].key in dict(found["orders"].upstream)
    assert {up for up, _ in found["unit_eph"].upstream} >= {"model.shop.stg_orders"}


def test_landmarks_are_what_a_selector_can_name_but_nothing_runs(shop: Shop) -> None:
    marks = {mark.key: mark for mark in landmarks(shop.manifest)}
    assert {m.resource_type for m in marks.values()} == {
        "source", "model", "analysis", "exposure", "metric", "semantic_model", "saved_query"
    }  # fmt: skip
    assert not set(marks) & {fact.key for fact in facts(shop.manifest)}
    source = marks["source.shop.raw.raw_orders"]
    assert str(source.reads[0].dataset) == "shop.main_raw.raw_orders"


def test_metadata(shop: Shop) -> None:
    manifest = shop.manifest
    assert (manifest.project_name, manifest.adapter_type, manifest.dialect) == (
        "shop", "duckdb", "duckdb"
    )  # fmt: skip
    assert manifest.version == 12


def test_what_is_not_selected_is_read_as_a_table(shop: Shop) -> None:
    """Another task of the flow may write it: a second dbt build, SQL, Python."""
    chosen = {"model.shop.orders", "test.shop.no_negative"}
    orders, check = facts(shop.manifest, selected=chosen)
    assert orders.upstream == ()
    assert {str(access.dataset) for access in orders.reads} == {
        "shop.main.stg_orders",  # through two ephemeral models
        "shop.main.stg_customers",
        "shop.main_raw.countries",
        "shop.crm.contacts",
    }
    assert orders.sources == {"crm.contacts"}
    assert [up for up, _ in check.upstream] == ["model.shop.orders"]
    read = {str(a.dataset): str(a.evidence) for a in orders.reads}
    assert read["shop.main.stg_customers"] == "models/marts/orders.sql:3 reads stg_customers"


def test_files_below_the_folder_of_the_project(shop: Shop) -> None:
    found = {fact.name: fact for fact in facts(shop.manifest, folder="warehouse/dbt")}
    orders = found["orders"]
    assert orders.path == "warehouse/dbt/models/marts/orders.sql"
    assert orders.patch_path == "warehouse/dbt/models/marts/marts.yml"
    assert orders.writes[0].evidence.file == orders.path
    assert dict(orders.upstream)["model.shop.stg_customers"].place == f"{orders.path}:3"
    assert found["stg_customers"].reads[0].evidence.place.startswith("warehouse/dbt/models/")
    marks = landmarks(shop.manifest, folder="warehouse/dbt")
    assert all(mark.path and mark.path.startswith("warehouse/dbt/") for mark in marks)


# -- older schema versions -------------------------------------------------------------------------


def _document(**metadata: Any) -> dict[str, Any]:
    version = metadata.pop("version", 12)
    schema = f"https://schemas.getdbt.com/dbt/manifest/v{version}.json"
    common = {"package_name": "p", "database": "DB", "schema": "RAW", "raw_code": "select 1"}
    model = {
        **common,
        "resource_type": "model",
        "name": "m",
        "alias": "m",
        "unique_id": "model.p.m",
        "fqn": ["p", "m"],
        "original_file_path": "models/m.sql",
        "raw_code": "select * from {{ source('s', 't') }}",
        "relation_name": "DB.RAW.m",
        "refs": [],
        "sources": [["s", "t"]],
        "depends_on": {"macros": [], "nodes": ["source.p.s.t"]},
        "config": {"enabled": True, "materialized": "table"},
        "tags": "one",
    }
    source = {
        **common,
        "resource_type": "source",
        "name": "t",
        "source_name": "s",
        "identifier": "T",
        "unique_id": "source.p.s.t",
        "fqn": ["p", "s", "t"],
        "original_file_path": "models/s.yml",
        "relation_name": None,
    }
    return {
        "metadata": {"dbt_schema_version": schema, "adapter_type": "snowflake", **metadata},
        "nodes": {"model.p.m": model},
        "sources": {"source.p.s.t": source},
        "exposures": {},
        "metrics": {},
    }


@pytest.mark.parametrize("version", [9, 10, 11, 12])
def test_reads_every_supported_version(tmp_path: Path, version: int) -> None:
    """Versions 9 to 11 have no unit tests, functions or saved queries; 9 has no project name."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(_document(version=version)))
    manifest = read_manifest(path)
    (model,) = facts(manifest)
    assert (manifest.version, manifest.project_name) == (version, None)
    assert str(model.writes[0].dataset) == "DB.RAW.M"  # folded as Snowflake folds bare names
    assert str(model.reads[0].dataset) == "DB.RAW.T"
    assert model.tags == {"one"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ('{"metadata": {"dbt_schema_version": ', "is cut off or no JSON (line 1"),
        ("select 1", "is cut off or no JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no `metadata`"),
        ('{"metadata": []}', "no `metadata`"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "dbt parse" in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_collector_goes_on_after_reading(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json", models=5)
    facts(read_manifest(path))
    assert gc.isenabled()
    with pytest.raises(ManifestError):
        read_manifest(tmp_path / "none.json")
    assert gc.isenabled()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        read_manifest(tmp_path / "manifest.json")


def test_a_directory_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(("version", "said"), [(8, "v8"), (13, "v13"), ("x", "dbt_schema|'")])
def test_other_versions_are_named(tmp_path: Path, version: object, said: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(_document(version=version, dbt_version="1.4.9")))
    with pytest.raises(ManifestError, match=said) as caught:
        read_manifest(path)
    assert "v9 to v12" in str(caught.value)
    assert "dbt 1.4.9" in str(caught.value)


def test_sections_of_the_wrong_shape(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    for broken in ({"nodes": []}, {"nodes": {"model.p.m": 1}}, {"sources": None}):
        path.write_text(json.dumps({**_document(), **broken}))
        with pytest.raises(ManifestError, match="not a whole dbt manifest"):
            read_manifest(path)


def test_cut_off_anywhere_is_an_error(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "manifest.json", models=5, tests=5)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, len(whole) // 20):
        path.write_bytes(whole[:length])
        with pytest.raises(ManifestError):
            read_manifest(path)


def test_dependencies_on_what_is_not_there_are_passed_over(tmp_path: Path) -> None:
    document = _document()
    document["nodes"]["model.p.m"]["depends_on"]["nodes"] += ["model.p.gone", "source.p.s.gone"]
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    (model,) = facts(read_manifest(path))
    assert model.upstream == ()


def test_disabled_nodes_are_left_out(tmp_path: Path) -> None:
    document = _document()
    document["nodes"]["model.p.m"]["config"]["enabled"] = False
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    manifest = read_manifest(path)
    assert facts(manifest) == []
    assert [mark.key for mark in landmarks(manifest)] == ["source.p.s.t"]


@pytest.mark.parametrize(
    ("relation", "dataset"),
    [
        ("'data/raw.csv'", "data/raw.csv"),
        ("read_csv('data/raw_*.csv', header = true)", "data/raw_*.csv"),
        ('"db"."main"."a.b"', "db.main.a.b"),
        ("`proj-x`.`set`.`t`", "proj-x.set.t"),
        ("RAW.JSON", "RAW.JSON"),
    ],
)
def test_relations_of_sources(tmp_path: Path, relation: str, dataset: str) -> None:
    document = _document()
    document["sources"]["source.p.s.t"]["relation_name"] = relation
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    (model,) = facts(read_manifest(path))
    assert str(model.reads[0].dataset) == dataset
