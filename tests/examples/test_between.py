"""Python between two dbt models, SQL between a seed and a source: in order, whatever the threads."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.cli.main import execute
from tests.dbt.project import write_project
from tests.examples.side_by_side import contents

FLOW = """
    from orchestrator import Flow, task
    from tasks import DbtBuild, SqlFolder

    @task(reads=["main.staged"], writes=["main.scored"], warehouse="shop")
    def score(warehouse):
        warehouse.execute("create or replace table main.scored as select id * 10 as score from main.staged")

    with Flow("nightly") as flow:
        DbtBuild(".")()
        score()
        SqlFolder("sql")()
    """
FILES = {
    "orchestrator.toml": '[warehouses.shop]\ntype = "dbt"\n',
    "seeds/numbers.csv": "id\n1\n2\n",
    "sql/doubled.sql": "create or replace table main.doubled as select id * 2 as id from main.numbers;",
    "models/sources.yml": """
        sources:
          - {name: made, schema: main, tables: [{name: doubled}, {name: scored}]}
        """,
    "models/staged.sql": "select id from {{ source('made', 'doubled') }}",
    "models/ranked.sql": "select max(score) as best from {{ source('made', 'scored') }}",
}


@pytest.mark.parametrize("threads", ["1", "2", "8"])
def test_what_each_reads_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    project = write_project(tmp_path, {**FILES, "flows/nightly.py": dedent(FLOW)})
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    assert execute(["run", "nightly", "--threads", threads]) == 0
    assert contents(project / "shop.duckdb")["main.ranked"][1] == [(40,)]
