"""What a SQL task reads, writes and drops, with the line that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError, FlowError, SqlError
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.signals import FAIL
from tasks.sql.task import SqlTask

Planned = Callable[..., Planning]
Write = Callable[[str, str], Path]


def said(facts: TaskFacts, which: str) -> dict[str, str]:
    return {str(access.dataset): str(access.evidence) for access in getattr(facts, which)}


def test_each_dataset_has_its_line(planning: Planned, write: Write) -> None:
    write(
        "sql/daily.sql",
        "-- orders a day\ncreate temporary table t as\nselect * from raw.orders;\n"
        "create table daily as\nselect * from t\njoin raw.days using (day);\ndrop table old_daily;\n",
    )
    facts = SqlTask(path="sql/daily.sql", tags=["core"]).facts("daily", planning())
    assert said(facts, "reads") == {
        "shop.raw.days": "sql/daily.sql:6 reads shop.raw.days",
        "shop.raw.orders": "sql/daily.sql:3 reads shop.raw.orders",
    }
    assert said(facts, "writes") == {"shop.main.daily": "sql/daily.sql:4 writes shop.main.daily"}
    assert said(facts, "drops") == {
        "shop.main.old_daily": "sql/daily.sql:7 drops shop.main.old_daily"
    }
    assert (facts.key, facts.name, facts.resource_type) == ("daily", "daily", "sql")
    assert (facts.path, facts.tags) == ("sql/daily.sql", frozenset({"core"}))


def test_sql_in_the_flow_names_the_flows_line(planning: Planned) -> None:
    task = SqlTask("create table daily as\nselect * from raw.orders", name="daily")
    facts = task.facts("daily", planning())
    place = f"{__file__}:{task.defined_at[1]}"  # type: ignore[index]
    assert said(facts, "reads") == {"shop.raw.orders": f"{place} reads shop.raw.orders"}


def test_what_is_declared_counts_too(planning: Planned) -> None:
    task = SqlTask("call load_it()", reads=["raw.orders"], writes=["daily"])
    facts = task.facts("load", planning())
    assert list(said(facts, "reads")) == ["shop.raw.orders"]
    assert list(said(facts, "writes")) == ["shop.main.daily"]


def test_it_belongs_to_the_owner_of_the_default_warehouse(
    planning: Planned, warehouse: Any
) -> None:
    assert SqlTask("select 1").affinity(planning()) == warehouse.affinity


def test_without_a_warehouse_it_cannot_be_planned(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no default warehouse"):
        SqlTask("select 1").facts("t", Planning(tmp_path))


def test_sql_that_cannot_be_read_keeps_its_task(planning: Planned, write: Write) -> None:
    write("sql/odd.sql", "create table a as select * from raw.b;\n\nselect * from (;\n")
    facts = SqlTask(path="sql/odd.sql").facts("odd", planning())
    assert facts.lineage_unknown is not None
    assert facts.lineage_unknown.startswith("line 3, column ")
    assert list(said(facts, "reads")) == ["shop.raw.b"]


def test_a_strict_project_refuses_it(planning: Planned, write: Write) -> None:
    write("sql/odd.sql", "create table a as select 1;\n\nselect * from (;\n")
    with pytest.raises(SqlError) as raised:
        SqlTask(path="sql/odd.sql").facts("odd", planning(strict_sql=True))
    assert "3 | select * from (;\n" in raised.value.what
    assert raised.value.what.endswith("^")
    assert (raised.value.where or "").startswith("sql/odd.sql:3, column ")


def test_the_projects_cache_is_asked(planning: Planned) -> None:
    from orchestrator.lineage import analyze_sql

    asked: list[tuple[str, dict[str, Any]]] = []

    def analyze(sql: str, **options: Any) -> Any:
        asked.append((sql, options))
        return analyze_sql(sql, **options)

    facts = SqlTask("select * from t").facts("t", planning(analyze=analyze))
    assert list(said(facts, "reads")) == ["shop.main.t"]
    assert [sql for sql, _ in asked] == ["select * from t"]


# -- templates ---------------------------------------------------------------------------------

MANIFEST = """{
  "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
               "adapter_type": "duckdb", "project_name": "shop"},
  "nodes": {
    "model.shop.stg": {"resource_type": "model", "name": "stg", "package_name": "shop",
      "relation_name": "\\"shop\\".\\"staging\\".\\"stg\\"", "config": {"materialized": "view"}},
    "model.shop.eph": {"resource_type": "model", "name": "eph", "package_name": "shop",
      "relation_name": null, "config": {"materialized": "ephemeral"}}
  },
  "sources": {
    "source.shop.raw.orders": {"resource_type": "source", "source_name": "raw", "name": "orders",
      "relation_name": "\\"shop\\".\\"raw\\".\\"orders\\"", "package_name": "shop"}
  },
  "unit_tests": {}, "functions": {}, "exposures": {}, "metrics": {}, "semantic_models": {},
  "saved_queries": {}
}"""


def test_ref_and_source_are_what_the_manifest_says(planning: Planned, write: Write) -> None:
    write("target/manifest.json", MANIFEST)
    write(
        "sql/t.sql",
        "create table t as\nselect * from {{ ref('stg') }}\njoin {{ source('raw', 'orders') }} using (id)\n",
    )
    facts = SqlTask(path="sql/t.sql").facts("t", planning())
    assert said(facts, "reads") == {
        "shop.raw.orders": "sql/t.sql:3 reads shop.raw.orders",
        "shop.staging.stg": "sql/t.sql:2 reads shop.staging.stg",
    }


def test_var_and_params(planning: Planned) -> None:
    task = SqlTask("select * from {{ var('schema', 'x') }}.{{ params.name }}", params={"name": "t"})
    facts = task.facts("t", planning(options=RunOptions(vars="{schema: raw}")))
    assert list(said(facts, "reads")) == ["shop.raw.t"]


def test_refs_may_be_resolved_otherwise(planning: Planned) -> None:
    task = SqlTask("select * from {{ ref('stg') }}", resolve_ref=lambda call: f"stage.{call[-1]}")
    assert list(said(task.facts("t", planning()), "reads")) == ["shop.stage.stg"]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("\nselect * from {{ ref('stgg') }}", "names nothing in dbt's manifest"),
        ("\nselect * from {{ ref('eph') }}", "ephemeral"),
        ("\nselect {{ var('day') }}", "day"),
        ("\nselect {{ params.day }}", "day"),
        ("\nselect {{ this }}", "this"),
        ("\nselect {{ 1 + }}", "cannot be rendered"),
    ],
)
def test_what_cannot_be_rendered_is_an_error_with_its_line(
    planning: Planned, write: Write, template: str, message: str
) -> None:
    write("target/manifest.json", MANIFEST)
    write("sql/t.sql", template)
    with pytest.raises(SqlError, match=message) as raised:
        SqlTask(path="sql/t.sql").facts("t", planning())
    assert raised.value.where == "sql/t.sql:2"


def test_without_a_manifest_a_ref_cannot_be_resolved(planning: Planned) -> None:
    with pytest.raises(SqlError, match="needs dbt's manifest"):
        SqlTask("select * from {{ ref('stg') }}").facts("t", planning())


def test_front_matter_of_sql_in_the_flow_counts(
    planning: Planned, query: Callable[[str], list[Any]]
) -> None:
    text = "-- orchestrator: transaction=off, tags=core\ncreate table a as select 1;\nselect nope;"
    task = SqlTask(text, name="two")
    assert task.facts("two", planning()).tags == frozenset({"core"})
    with pytest.raises(FAIL, match=r"statement 2 of 2; statement 1 stays"):
        task.run(warehouse=planning().warehouse(None))
    assert query("from a") == [(1,)]


def test_wrong_front_matter_of_sql_in_the_flow_names_its_line(planning: Planned) -> None:
    task = SqlTask("select 1;\n-- orchestrator: tagz=core", name="two")
    with pytest.raises(FlowError, match="cannot set 'tagz'") as raised:
        task.facts("two", planning())
    line = task.defined_at[1]  # type: ignore[index]
    assert raised.value.where == f"{__file__}:{line}, line 2 of the SQL"
