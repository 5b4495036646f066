"""Rows of a node on DuckDB, of which dbt-duckdb tells dbt nothing: dbt itself must not notice."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.dbt.internals.counts import count_into, keep_counts
from tasks.dbt.options import DbtOptions
from tests.dbt.driver import build
from tests.dbt.project import write_project

FILES = {
    "models/made.sql": "{{ config(materialized='table') }} select i from range(5) as t(i)",
    "models/none_left.sql": "{{ config(materialized='table') }} select 1 as i where false",
    "models/seen.sql": "{{ config(materialized='view') }} select * from {{ ref('made') }}",
    "models/growing.sql": """
        {{ config(materialized='incremental', unique_key='i',
                  post_hook='insert into {{ this }} select 100 + i from range(9) as t(i)') }}
        select i from {{ ref('made') }} {{ 'where i < 2' if is_incremental() }}
        """,
}


def rows(project: Path) -> dict[str, int | None]:
    found = build(DbtOptions(str(project)), threads=1)
    assert all(result.ok for result in found.values())
    return {name.rpartition(".")[2]: result.rows for name, result in found.items()}


@pytest.mark.slow
def test_rows_are_those_of_the_main_statement(tmp_path: Path) -> None:
    project = write_project(tmp_path, FILES)
    first = {"made": 5, "none_left": 0, "seen": None, "growing": 5}
    assert rows(project) == first
    assert rows(project) == first | {"growing": 2}
    written = json.loads((project / "target" / "run_results.json").read_text())["results"]
    assert {str(r["adapter_response"]) for r in written} == {"{'_message': 'OK'}"}


class Response:
    """As dbt's own."""


class Manager:
    """A connection manager that tells nothing."""

    TYPE = "duckdb"

    @classmethod
    def get_response(cls, cursor: Any) -> Response:
        return Response()


class Silent:
    """A cursor that cannot tell."""

    @property
    def rowcount(self) -> int:
        raise RuntimeError("closed")


class Runner:
    """Builds a result of the response it has got."""

    def _build_run_model_result(self, model: Any, context: Any, elapsed_time: float = 0.0) -> str:
        return "result"


@pytest.mark.parametrize(
    ("cursor", "counted"),
    [
        (SimpleNamespace(rowcount=7), 7),
        (SimpleNamespace(rowcount=0), 0),
        (SimpleNamespace(rowcount=-1), None),
        (SimpleNamespace(), None),
        (Silent(), None),
    ],
)
def test_a_cursor_that_cannot_tell_is_no_failure(cursor: Any, counted: int | None) -> None:
    manager = Manager()
    counts = keep_counts(SimpleNamespace(connections=manager))
    assert counts == {}
    main = SimpleNamespace(response=manager.get_response(cursor))
    runner = Runner()
    count_into(counts, runner)
    model = SimpleNamespace(unique_id="model.shop.made")
    assert runner._build_run_model_result(model, {"load_result": lambda _: main}) == "result"
    assert counts == {"model.shop.made": counted}


def test_an_adapter_that_tells_is_left_alone() -> None:
    manager = SimpleNamespace(TYPE="postgres")
    assert keep_counts(SimpleNamespace(connections=manager)) is None
    assert vars(manager) == {"TYPE": "postgres"}
