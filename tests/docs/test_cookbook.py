"""The cookbook runs: each script as a person runs it, each flow of a page, on small data."""

from __future__ import annotations

import ast
import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import Request, RunResult, run_flow
from tests.docs import pages
from tests.notify.receivers import receiving

COOKBOOK = pages.DOCS / "cookbook"
SCRIPTS = sorted(path.name for path in COOKBOOK.glob("*.py"))


def run_script(name: str, folder: Path, **env: str) -> str:
    """Run a script of the cookbook in an empty project; return what it prints."""
    shutil.copy(COOKBOOK / name, folder)
    (folder / "orchestrator.toml").write_text("")
    done = subprocess.run(
        [sys.executable, name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(pages.ROOT), **env},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attempts(folder: Path) -> dict[str, int]:
    with Project.find(folder).store() as store:
        return {row.key: row.attempt for row in store.task_runs(store.run("latest").id)}


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, RunResult]:
    """Write the files that a page names, and run the flows among them."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (folder / "orchestrator.toml").write_text("")
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    project = Project.find(folder)
    return {name: run_flow(project, project.flow(name), Request()) for name in project.flow_names()}


def test_taxi_tips(tmp_path: Path) -> None:
    pytest.importorskip("dask.dataframe")
    assert run_script("taxi_tips.py", tmp_path).startswith("Success")
    with (tmp_path / "tips.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["passengers"] for row in rows] == ["1", "2", "3", "4", "5", "6"]

    import pandas

    files = sorted((tmp_path / "rides").glob("*.parquet"))
    assert len(files) == 4
    sums = pandas.concat(map(pandas.read_parquet, files)).groupby("passengers").sum()
    expected = (sums["tip"] / sums["fare"]).tolist()
    assert [float(row["share"]) for row in rows] == pytest.approx(expected, abs=1e-4)


def test_generous_riders(tmp_path: Path) -> None:
    with receiving() as slack:
        out = run_script(
            "generous_riders.py", tmp_path, ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL=slack.url
        )
        assert slack.url not in out
        (body,) = slack.bodies()
    lines = body["text"].splitlines()
    assert lines[0] == "*The most generous riders*"

    tips: dict[str, float] = {}
    for file in sorted((tmp_path / "riders").glob("*.csv")):
        with file.open() as opened:
            for ride in csv.DictReader(opened):
                if float(ride["fare"]) >= 10:
                    tips[ride["rider"]] = tips.get(ride["rider"], 0) + float(ride["tip"])
    best = sorted(tips, key=lambda rider: -tips[rider])[:3]
    assert lines[1:4] == [f"{n}. {rider}: {tips[rider]:.2f}" for n, rider in enumerate(best, 1)]
    tried = attempts(tmp_path)
    assert [tried[f"tips_of_day[{day}]"] for day in range(5)] == [1, 2, 1, 1, 1]


def test_the_flow_that_was_a_celery_chain(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = run_page(COOKBOOK / "celery.md", in_tmp, monkeypatch)
    assert results["sales"].state.is_successful(), results["sales"].state.result
    # 5 + 10 of north and of south, 4 + 10 of east; what is negative was left out.
    assert (in_tmp / "report.txt").read_text() == "2026-03-01: 44\n"
    tried = attempts(in_tmp)
    assert [tried[f"fetch[{number}]"] for number in range(3)] == [1, 2, 1]


def test_commands_and_a_team_s_own_dbt(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_tmp / "shop"
    (shop / "models").mkdir(parents=True)
    (shop / "seeds").mkdir()
    (shop / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (shop / "seeds" / "orders.csv").write_text("id,amount\n1,5\n2,7\n")
    (shop / "models" / "total.sql").write_text("select sum(amount) as t from {{ ref('orders') }}")
    results = run_page(pages.DOCS / "shell.md", in_tmp, monkeypatch)
    assert results.keys() == {"commands", "nightly"}
    for name, result in results.items():
        assert result.state.is_successful(), f"{name}: {result.state.result}"
    assert results["commands"].state.result["look"].type.value == "Skipped"
    with Project.find(in_tmp).store() as store:
        rows = {row.key: row for run in store.runs() for row in store.task_runs(run.id)}
    assert rows["say"].result == {"value": "2 files; $HOME"}
    assert rows["models"].detail["statuses"] == {"success": 1}
    assert rows["seeds"].detail["nodes"][0]["unique_id"] == "seed.shop.orders"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_page_quotes_its_script(name: str) -> None:
    """What a page shows of a script stands in it, word for word."""
    script = (COOKBOOK / name).read_text(encoding="utf-8")
    page = COOKBOOK / name.replace(".py", ".md")
    quoted = [
        b.text for b in pages.blocks(page.read_text(encoding="utf-8")) if b.language == "python"
    ]
    assert quoted, f"{page.name} shows nothing of its script"
    for text in quoted:
        assert text in script, f"{page.name} shows what is not in {name}:\n{text}"


@pytest.mark.parametrize("page", sorted(COOKBOOK.glob("*.md")), ids=lambda page: page.name)
def test_code_on_a_page_is_python(page: Path) -> None:
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        if block.language == "python" and not block.text.startswith("    "):
            body = "    ..." if block.text.rstrip().endswith(":") else ""
            ast.parse(block.text + body)
