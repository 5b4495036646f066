"""The pytest plugin: its fixtures in a real pytest, and nothing for those who do not use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.projects import shop, write

TESTS = """
import pytest
from orchestrator.testing import assert_table

ROWS = [{"id": 1, "ordered_on": "2026-03-01"}]


def test_run_flow(run_flow, warehouse):
    result = run_flow("nightly", stub={"load_orders": ROWS})
    assert result.succeeded
    assert_table(result, "marts.orders_by_day", [{"day": "2026-03-01", "orders": 1}])
    assert_table(warehouse, "raw.orders", ROWS)  # one database for the whole test


def test_each_test_has_its_own(warehouse, project):
    assert warehouse.tables() == []
    assert project.name == "shop"


def test_tables_of_the_fixture_are_seen_by_the_run(run_flow, warehouse, flow):
    warehouse.load("raw.orders", ROWS)
    warehouse.execute("insert into raw.orders values (2, '2026-03-01')")
    result = run_flow(flow("nightly"), select="orders_by_day")
    assert warehouse.query("select orders from marts.orders_by_day") == [{"orders": 2}]


def test_frozen_time(run_flow, frozen_time):
    frozen_time("2026-03-29 00:30", "Europe/Berlin")
    result = run_flow("nightly", stub={"load_orders": ROWS})
    assert result.results["today"] == "2026-03-28"


def test_time_goes_on():
    from orchestrator import instants
    assert instants.now().isoformat() > "2026-04"


def test_it_fails(run_flow):
    result = run_flow("nightly", stub={"load_orders": OSError("no net")})
    assert result.succeeded


@pytest.mark.skip(reason="not yet")
def test_later(): ...
"""
OWN = """
import pytest

@pytest.fixture
def project():
    return "mine"

@pytest.fixture
def flow():
    return 7

def test_own_fixtures_win(project, flow):
    assert (project, flow) == ("mine", 7)
"""
#: Modules that must not be there when pytest has only loaded the plugin.
HEAVY = ("duckdb", "sqlglot", "dbt", "distributed", "sqlalchemy", "pendulum", "rich", "click")


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *words],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
def test_the_fixtures_in_a_pytest_of_a_project(tmp_path: Path) -> None:
    shop(tmp_path, **{"tests/test_nightly.py": TESTS})
    done = run_pytest(tmp_path, "tests")
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed, 5 passed, 1 skipped" in done.stdout
    assert "load_orders: OSError: no net" in done.stdout
    assert not (tmp_path / "shop.duckdb").exists()
    assert not (tmp_path / ".orchestrator").exists()


@pytest.mark.slow
def test_whoever_has_such_fixtures_keeps_them(tmp_path: Path) -> None:
    write(tmp_path, {"test_own.py": OWN})
    done = run_pytest(tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import orchestrator.testing.plugin\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        f"print(sorted(new & {set(HEAVY)!r}), len(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy, count = done.stdout.rsplit(" ", 1)
    assert heavy == "[]"
    assert int(count) < 30
