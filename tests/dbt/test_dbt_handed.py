"""A session that takes over what dbt parsed in another process, compared with one that parses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from tasks.dbt.errors import DbtParseError
from tasks.dbt.internals.travel import pack_parsed, unpack_parsed
from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tests.dbt.project import write_project

LOOKUPS = ("ref_lookup", "source_lookup", "doc_lookup", "metric_lookup", "disabled_lookup")
FILES = {
    "seeds/raw.csv": "id,name\n1,Ann\n2,Bob\n",
    "macros/doubled.sql": "{% macro doubled(x) %} 2 * {{ x }} {% endmacro %}",
    "models/people.sql": "select id, {{ doubled('id') }} as twice from {{ ref('raw') }}",
    "models/brief.sql": """
        {{ config(materialized='ephemeral') }}
        select {{ exceptions.raise_compiler_error('no cte') if execute else 1 }}
        """,
    "models/below_brief.sql": "select * from {{ ref('brief') }}",
    "models/schema.yml": """
        models:
          - name: people
            columns: [{name: id, data_tests: [unique, not_null]}]
        unit_tests:
          - name: doubles
            model: people
            given: [{input: ref('raw'), rows: [{id: 3}]}]
            expect: {rows: [{id: 3, twice: 6}]}
        """,
}


@pytest.fixture
def options(tmp_path: Path) -> DbtOptions:
    return DbtOptions(str(write_project(tmp_path, FILES)))


def first(options: DbtOptions) -> tuple[Any, bytes, Any]:
    """What a session reports that parses, what it hands on, and the manifest as dbt writes it."""
    session = WarmSession(options)
    report, packed = session.parse(), session.packed_parsed()
    manifest = said(session)
    session.abandon()
    return report, packed, manifest


def said(session: WarmSession) -> dict[str, Any]:
    found: dict[str, Any] = session._task.manifest.writable_manifest().to_dict(omit_none=False)
    return found


def unparsed(*_: object, **__: object) -> None:
    raise AssertionError("dbt parsed")


def test_it_does_all_without_parsing(options: DbtOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    report, packed, manifest = first(options)
    monkeypatch.setattr("dbt.parser.manifest.ManifestLoader.get_full_manifest", unparsed)
    session = WarmSession(options, parsed=packed, second=True, invocation=report.invocation)
    again = session.parse()
    assert (again.selected, again.invocation) == (report.selected, report.invocation)
    assert said(session) == manifest
    session.begin()
    chosen = [u for u in report.selected if u.startswith(("seed", "unit", "model.shop.p", "test"))]
    ran = [session.run_node(u) for u in sorted(chosen, key=rank)]
    assert {r.status for r in ran} == {"success", "pass"}, ran
    assert len(ran) == 5
    assert session.run_node("model.shop.brief").status == "error"
    skipped = session.skip_node("model.shop.below_brief", "")
    assert "brief" in (skipped.message or "")
    session.abandon()


def rank(unique_id: str) -> int:
    """Seeds, unit tests, models, tests."""
    return ("seed", "unit_test", "model", "test").index(unique_id.split(".")[0])


def test_it_parses_where_there_are_catalogs(
    options: DbtOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt tells its adapter of them as it parses; this adapter knows none of their types."""
    report, packed, _ = first(options)
    (Path(options.project_dir) / "catalogs.yml").write_text(
        "catalogs: [{name: lake, active_write_integration: here, write_integrations: "
        "[{name: here, catalog_type: iceberg_rest, external_volume: there}]}]"
    )
    session = WarmSession(options, parsed=packed, second=True, invocation=report.invocation)
    with pytest.raises(DbtParseError, match="iceberg_rest"):
        session.parse()


def test_each_lookup_of_a_manifest_that_travelled_is_its_own() -> None:
    manifest = Manifest(fixtures={"people": "a fixture"})  # type: ignore[dict-item]
    kinds = {name: type(getattr(manifest, name)) for name in LOOKUPS}
    queue = SimpleNamespace(get_selected_nodes=lambda: {"model.shop.people"})
    task = SimpleNamespace(manifest=manifest, job_queue=queue, selected_unit_tests=set())
    found = unpack_parsed(pack_parsed(task))
    assert found.nodes == {"model.shop.people"}
    assert {name: type(getattr(found.manifest, name)) for name in LOOKUPS} == kinds
    assert found.manifest.fixtures == {"people": "a fixture"}
