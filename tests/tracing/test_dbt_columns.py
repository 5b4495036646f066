"""Columns of a real dbt project: compiled SQL with the lines of its files, and what else dbt knows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestrator.lineage.tracing.graph import ColumnGraph
from orchestrator.model.planning import RunOptions
from orchestrator.service.columns import column_graph
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from tasks.dbt import compiling, session
from tests.dbt.project import write_project
from tests.tracing.flows import short

FILES = {
    "seeds/raw_orders.csv": "id,amount,placed\n1,250,2026-01-01\n",
    "macros/euros.sql": "{% macro euros(name) %}({{ name }} / 100){% endmacro %}\n"
    "{% macro other() %}1{% endmacro %}",
    "models/brief.sql": "{{ config(materialized='ephemeral') }}\n"
    "select id, {{ euros('amount') }} as euros from {{ ref('raw_orders') }}",
    "models/staged.sql": """
        {{ config(materialized='table') }}

        -- in euros
        select
            id,
            {{ euros('amount') }} as euros,
            placed
        from {{ ref('raw_orders') }}
        {% if is_incremental() %} where id > 1 {% endif %}
        """,
    "models/uses_brief.sql": "select\n  id,\n  euros * 2 as twice\nfrom {{ ref('brief') }}",
    "models/loops.sql": """
        select
        {% for n in [1, 2] %}
            sum(id * {{ n }}) as total_{{ n }},
        {% endfor %}
            max(placed) as last
        from {{ ref('staged') }}
        """,
    "models/external.sql": "select * from {{ source('crm', 'people') }}",
    "models/agreed.sql": "select * from {{ source('crm', 'people') }}",
    "models/counted.py": "def model(dbt, session):\n    return dbt.ref('staged')\n",
    "models/broken.sql": "select {{ exceptions.raise_compiler_error('not today') "
    "if execute else 1 }} as x",
    "models/below_broken.sql": "select x from {{ ref('broken') }}",
    "models/asks.sql": "select '{{ run_query('select 41 + 1').columns[0].values()[0] if execute }}' as answer",
    "models/schema.yml": """
        models:
          - name: agreed
            config: {contract: {enforced: true}}
            columns: [{name: id, data_type: integer}, {name: who, data_type: varchar}]
          - name: counted
            columns: [{name: n}]
        sources:
          - name: crm
            tables: [{name: people, columns: [{name: id}]}]
        """,
    "snapshots/history.yml": """
        snapshots:
          - name: history
            relation: ref('staged')
            config: {unique_key: id, strategy: check, check_cols: [euros]}
        """,
}


@pytest.fixture
def shop(in_tmp: Path) -> Iterator[Path]:
    yield write_project(in_tmp, FILES)
    if session._current is not None:
        session._current.abandon()


def traced(root: Path, **options: str) -> ColumnGraph:
    project = Project.find(root)
    flow = project.flow()
    request = Request(options=RunOptions(**options))
    return column_graph(project, flow, plan_flow(project, flow, request), request)


def columns_of(graph: ColumnGraph, name: str) -> str:
    """Names, with a star at the end where there may be others, or why none is known."""
    [found] = [columns for dataset, columns in graph.columns.items() if dataset.name == name]
    names = [*found.names, *(["*"] if found.is_open else [])]
    return " ".join(names) if found.names or not found.unknown else found.unknown


def up(graph: ColumnGraph, text: str) -> list[str]:
    name, _, column = text.partition(".")
    [dataset] = [dataset for dataset in graph.columns if dataset.name == name]
    return [short(step) for step in graph.steps((dataset, column), up=True)]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The nodes that dbt was asked for, call by call, without their package."""
    calls: list[list[str]] = []
    really = compiling.compile_nodes

    def counted(options: object, plain: list[str], asking: list[str]) -> object:
        calls.append(sorted(key.split(".")[-1] for key in (*plain, *asking)))
        return really(options, plain, asking)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_nodes", counted)
    return calls


def test_every_kind_of_node(shop: Path) -> None:
    graph = traced(shop)
    assert {name: columns_of(graph, name) for name in sorted(d.name for d in graph.columns)} == {
        "agreed": "id who",
        "asks": "its code asks the warehouse while it compiles, and the warehouse is not built yet",
        "below_broken": "x",
        "broken": "x *",
        "counted": "n *",
        "external": "id *",
        "history": "id euros placed dbt_scd_id dbt_updated_at dbt_valid_from dbt_valid_to",
        "loops": "total_1 total_2 last",
        "people": "id *",
        "raw_orders": "id amount placed",
        "staged": "id euros placed",
        "uses_brief": "id twice",
    }
    [why] = [c.unknown for d, c in graph.columns.items() if d.name == "broken"]
    assert "Compilation Error in model broken (models/broken.sql) not today" in (why or "")
    assert not (shop / "shop.duckdb").exists(), "nothing is built by asking"


def test_steps_have_the_lines_of_the_files(shop: Path) -> None:
    graph = traced(shop)
    assert up(graph, "staged.euros") == [
        "main.raw_orders.amount > main.staged.euros at models/staged.sql:6 (value)"
    ]
    assert up(graph, "uses_brief.twice") == [
        "main.raw_orders.amount > main.uses_brief.twice at models/uses_brief.sql:3 (value)"
    ]
    assert up(graph, "loops.total_2") == [
        "main.staged.id > main.loops.total_2 at models/loops.sql:3 (value)"
    ]
    assert up(graph, "loops.last") == [
        "main.staged.placed > main.loops.last at models/loops.sql:5 (value)"
    ]
    assert up(graph, "raw_orders.id") == [
        "- > main.raw_orders.id at seeds/raw_orders.csv:1 (value)"
    ]
    assert up(graph, "history.euros") == [
        "main.staged.euros > main.history.euros at snapshots/history.yml:2 (value)"
    ]
    assert up(graph, "counted.n") == ["main.staged.* > main.counted.n at models/schema.yml:5 (any)"]
    assert up(graph, "agreed.who") == [
        "crm.people.who > main.agreed.who at models/agreed.sql:1 (value)"
    ]
    assert up(graph, "broken.x") == ["- > main.broken.* at models/broken.sql (unknown)"]


@pytest.mark.slow
def test_dbt_compiles_again_only_what_changed(
    shop: Path, compiled: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def again() -> list[str]:
        compiled.clear()
        traced(shop)
        return [name for call in compiled for name in call if name != "broken"]

    assert len(again()) == 7
    (shop / "models" / "broken.sql").write_text("select 1 as x")
    again()
    assert again() == []

    (shop / "models" / "loops.sql").write_text("select id from {{ ref('staged') }} -- now")
    assert again() == ["loops"]
    macros = FILES["macros/euros.sql"]
    (shop / "macros" / "euros.sql").write_text(macros.replace("%}1{%", "%}2{%"))
    assert again() == [], "nobody calls that macro"
    (shop / "macros" / "euros.sql").write_text(macros.replace("/ 100", "/ 10"))
    assert again() == ["staged", "uses_brief"], "in the ephemeral model too"
    (shop / "models" / "staged.sql").write_text(
        "{{ config(alias='st') }} select id from {{ ref('raw_orders') }}"
    )
    assert sorted(again()) == ["history", "loops", "staged"], "who refers to it gets another name"


@pytest.mark.slow
def test_another_target_or_other_vars_are_other_code(shop: Path, compiled: list[list[str]]) -> None:
    traced(shop)
    for options in ({"target": "other"}, {"vars": "{day: 1}"}):
        compiled.clear()
        traced(shop, **options)
        assert len(compiled[0]) == 8


@pytest.mark.slow
def test_code_that_asks_the_warehouse_is_compiled_each_time(
    shop: Path, compiled: list[list[str]]
) -> None:
    duckdb.connect(str(shop / "shop.duckdb")).close()
    (shop / "models" / "broken.sql").write_text("select 1 as x")
    first, second = traced(shop), traced(shop)
    assert columns_of(first, "asks") == columns_of(second, "asks") == "answer"
    assert [len(call) for call in compiled] == [9, 1]
    duckdb.connect(str(shop / "shop.duckdb")).close()  # nobody holds the file


def test_the_warehouse_knows_a_source(shop: Path) -> None:
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        connection.execute("create schema crm; create table crm.people (id int, Who varchar)")
    graph = traced(shop)
    assert columns_of(graph, "external") == "id Who"
    assert graph.notes == ()


HOLD = "import duckdb, sys; c = duckdb.connect('shop.duckdb'); print('open', flush=True); sys.stdin.read()"


@pytest.mark.slow
def test_a_held_database_is_no_obstacle(shop: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        graph = traced(shop)
        assert holder.stdin is not None
        holder.stdin.close()
    assert columns_of(graph, "uses_brief") == "id twice"
    assert "held by" in columns_of(graph, "asks")
    [note] = graph.notes
    assert "held by another process" in note


@pytest.mark.slow
def test_a_given_manifest_is_taken_as_it_is(shop: Path, compiled: list[list[str]]) -> None:
    traced(shop)
    compiled.clear()
    document = json.loads((shop / "target" / "manifest.json").read_text())
    document["nodes"]["model.shop.staged"]["compiled_code"] = "select 1 as given"
    (shop / "given.json").write_text(json.dumps(document))
    graph = traced(shop, manifest=str(shop / "given.json"))
    assert compiled == []
    assert columns_of(graph, "staged") == "given"
    assert "given.json has no compiled code of it" in columns_of(graph, "loops")
