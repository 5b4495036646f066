"""The project of docs/sql.md runs, and does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.lineage.sql.jinja import render
from tasks.sql import front_matter
from tasks.sql.templates import LATE
from tests.docs import pages

PAGE = pages.DOCS / "sql.md"


@pytest.fixture
def project(in_tmp: Path) -> Path:
    for found in pages.sections(PAGE).values():
        for block in found:
            if block.file:
                path = in_tmp / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
    return in_tmp


def test_the_project_runs(project: Path, capsys: pytest.CaptureFixture[str], query: object) -> None:
    assert execute(["run", "nightly", "-p", "days=3"]) == 0, capsys.readouterr()
    assert execute(["run", "nightly", "-p", "days=4", "-p", "least=60"]) == 0, capsys.readouterr()
    import duckdb

    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        daily = connection.execute("select orders from daily order by day").fetchall()
        measured = connection.execute("select value from orchestrator_measurements").fetchall()
    assert daily == [(5,), (5,), (4,), (4,)]
    assert measured == [(30,), (40,)]
    assert execute(["run", "nightly", "-p", "days=9"]) == 1
    assert "count(*) is 90 after 40, +125%; 50% are allowed" in capsys.readouterr().out
    again = ["run", "nightly", "--select", "load_orders", "check_raw.orders", "--full-refresh"]
    assert execute([*again, "-p", "days=9"]) == 0, capsys.readouterr()


def test_why_is_as_the_page_says(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["why", "orders_large"]) == 0
    told = capsys.readouterr().out
    shown = next(
        block.text for block in pages.sections(PAGE)["Checks"] if "waits for" in block.text
    )
    assert shown in told


def test_every_key_and_every_value_of_the_run_is_on_the_page() -> None:
    text = PAGE.read_text()
    assert [key for key in front_matter.KEYS if f"`{key}`" not in text] == []
    assert [name for name in LATE if f"{{{{ {name}" not in text] == []
    assert not render("{{ parameters.day }}", params={"parameters": {"day": 1}}).problems
