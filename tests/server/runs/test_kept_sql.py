"""The SQL that tasks ran, also those that went well: on their page, and between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import secrets
from orchestrator.cli.main import execute
from orchestrator.server.runs import comparing
from orchestrator.server.runs.comparing import compared
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import TaskRun
from orchestrator.store.texts import text_of
from tests.dbt.project import write_project
from tests.server.runs.conftest import Api

FLOW = """
from orchestrator import Flow
from tasks import DbtBuild, DuckDBQuery, SqlCheck, SqlFolder

with Flow("nightly") as flow:
    DbtBuild(".")()
    SqlFolder("sql")()
    SqlCheck("main.doubled", rows=[1, 99], name="enough")()
    DuckDBQuery("select 'open-sesame-77' as word", name="word")()
"""
FILES = {
    "orchestrator.toml": 'name = "shop"\n[warehouses.shop]\ntype = "dbt"\n',
    "flows/nightly.py": FLOW,
    "seeds/numbers.csv": "id\n1\n2\n",
    "models/ranked.sql": "select max(id) as best from {{ ref('numbers') }}",
    "models/steady.sql": "select min(id) as least from {{ ref('numbers') }}",
    "sql/doubled.sql": "create or replace table main.doubled as\nselect id * 2 as id\nfrom main.numbers;\n",
    "sql/grown.sql": "-- orchestrator: materialized=incremental\n"
    "select id from main.numbers\n{% if is_incremental() %}where id > 1{% endif %}\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = write_project(tmp_path, FILES)
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    return project


class Shop:
    """Runs the flow, and asks the API of its runs."""

    def __init__(self, folder: Path) -> None:
        self.project = Project.find(folder)

    def run(self, code: int = 0) -> str:
        assert execute(["run", "nightly"]) == code
        with self.project.store() as store:
            return store.run("latest").id

    def get(self, path: str, **query: Any) -> Any:
        with self.project.store() as store:
            return Api(self.project, store).get(path, **query)

    def page(self, run: str, name: str) -> Any:
        keys = {task["name"]: task["key"] for task in self.get(f"/runs/{run}")["tasks"]}
        return self.get(f"/runs/{run}/task", key=keys[name])

    def compare(self, a: str, b: str) -> dict[str, Any]:
        return {row["name"]: row for row in self.get(f"/runs/{a}/compare/{b}")["tasks"]}


@pytest.fixture
def shop(folder: Path) -> Shop:
    return Shop(folder)


@pytest.mark.slow
def test_two_runs_of_changed_files(shop: Shop, folder: Path) -> None:
    secrets.masker().add("open-sesame-77")
    first = shop.run()
    (folder / "sql" / "doubled.sql").write_text(FILES["sql/doubled.sql"].replace("* 2", "* 3"))
    (folder / "models" / "ranked.sql").write_text(
        FILES["models/ranked.sql"].replace("max(id)", "max(id + 1)")
    )
    second = shop.run()
    rows = shop.compare(first, second)
    changed = {name for name, row in rows.items() if row["sql_changed"]}
    assert changed == {"doubled", "ranked", "grown"}
    assert {"steady", "enough", "word"} <= {n for n, r in rows.items() if r["sql_changed"] is False}
    assert rows["steady"]["sql_diff"] is None
    assert (
        "-select id * 2 as id\n+select id * 3 as id\n from main.numbers;"
        in (rows["doubled"]["sql_diff"])
    )
    assert "max(id + 1)" in rows["ranked"]["b"]["sql"]
    assert '"shop"."main"."numbers"' in rows["ranked"]["a"]["sql"], "compiled"
    assert "where id > 1" in rows["grown"]["b"]["sql"], "an increment has another query"
    page = shop.page(second, "ranked")
    assert page["failure"] is None
    assert page["sql"] == page["attempts"][0]["sql"] == rows["ranked"]["b"]["sql"]
    assert "compiled_code" not in page["task"]["detail"]
    assert shop.page(second, "enough")["sql"] == "select * from main.doubled"
    assert shop.page(second, "word")["sql"] == "select '***' as word"
    assert shop.page(second, "numbers")["sql"] is None, "a seed has none"


def test_what_fails_is_compared_whole_and_shown_as_before(shop: Shop, folder: Path) -> None:
    first = shop.run()
    two = "create or replace table main.one as select 1 as id;\nselect nope from main.one;\n"
    (folder / "sql" / "doubled.sql").write_text(two)
    (folder / "models" / "ranked.sql").write_text("select\n  nope\nfrom {{ ref('numbers') }}")
    second = shop.run(1)
    rows = shop.compare(first, second)
    assert rows["doubled"]["b"]["sql"] == two
    assert "+  nope" in rows["ranked"]["sql_diff"]
    page = shop.page(second, "doubled")
    assert "select nope" in page["failure"]["sql"]
    assert "create" not in page["failure"]["sql"], "the statement that failed, not all"
    assert page["sql"] == two
    model = shop.page(second, "ranked")["failure"]
    assert (model["sql_line"], "nope" in model["sql"]) == (2, True)


@pytest.mark.slow
def test_an_unchanged_night_writes_no_text_again(shop: Shop) -> None:
    first, second = shop.run(), shop.run()
    third = shop.run()
    rows = shop.compare(second, third)
    assert not any(row["sql_changed"] for row in rows.values())
    with shop.project.store() as store:
        hashes = [
            {t.key: t.detail["sql_hash"] for t in store.task_runs(run) if "sql_hash" in t.detail}
            for run in (first, second, third)
        ]
        assert len(hashes[1]) == 6
        assert hashes[1] == hashes[2]
        assert set(store.texts(hashes[2].values())) == set(hashes[2].values())


def _ended(key: str, sql: str) -> TaskRun:
    return TaskRun("a1", key, key, attempt=1, detail={"sql_hash": text_of(sql).hash})


def test_only_so_much_sql_is_told(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_SHOWN", 1_000)
    pairs = [(f"select {n}".ljust(100), f"select {-n}".ljust(100)) for n in range(1, 31)]
    texts = {text_of(sql).hash: sql for pair in pairs for sql in pair}
    asked: list[int] = []

    def read(hashes: Any) -> dict[str, str]:
        asked.append(len(hashes))
        return {name: texts[name] for name in hashes}

    sides = [[_ended(str(n), pair[side]) for n, pair in enumerate(pairs)] for side in (0, 1)]
    rows = compared(sides[0], sides[1], read)
    assert all(row["sql_changed"] for row in rows)
    assert [row["sql_diff"] is not None for row in rows] == [True] * 5 + [False] * 25
    assert asked == [40], "what will not be told is not read"


def test_a_text_that_is_gone_is_no_error(api: Api, store: RunStore) -> None:
    from orchestrator.store.records import FlowRun

    for run_id, sql in (("a1", "select 1"), ("b1", "select 2")):
        store.create_run(FlowRun(run_id, "nightly", "shop"), [_ended("load", sql)])
    (row,) = api.get("/runs/a1/compare/b1")["tasks"]
    assert (row["sql_changed"], row["sql_diff"]) == (True, None)
    assert api.get("/runs/a1/task", key="load")["sql"] is None
