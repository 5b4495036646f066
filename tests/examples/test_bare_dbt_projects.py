"""A dbt project is a flow as it stands: what `orchestrator run .` leaves is what `dbt build` leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dbt.project import EVERYTHING, PROJECT, write_project
from tests.dbt.test_dbt_equality import dbt, outcome, tables

BIN = Path(sys.executable).parent
DAYS = ("--event-time-start", "2026-01-01", "--event-time-end", "2026-01-05")


def orchestrator(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run our own command line in a folder."""
    return subprocess.run(
        [str(BIN / "orchestrator"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"NO_COLOR": "1"},
    )


def both(tmp_path: Path, files: dict[str, str], *dbt_words: str) -> tuple[Path, Path]:
    theirs, ours = (write_project(tmp_path / name, files) for name in ("theirs", "ours"))
    dbt(theirs, "build", *dbt_words)
    return theirs, ours


#: Without microbatch, whose window would be given by flags that `orchestrator run` does not have.
PLAIN = {
    name: text
    for name, text in EVERYTHING.items()
    if name not in ("models/daily.sql", "models/halves.sql")
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    theirs, ours = both(tmp_path_factory.mktemp("everything"), PLAIN)
    done = orchestrator(ours, "run", ".")
    assert done.returncode == 1, done.stderr
    return theirs, ours, done.stdout


def test_each_node_ends_as_with_dbt_build(built: tuple[Path, Path, str]) -> None:
    theirs, ours, _ = built
    assert outcome(ours) == outcome(theirs)


def test_the_tables_are_those_of_dbt_build(built: tuple[Path, Path, str]) -> None:
    theirs, ours, _ = built
    left, right = tables(ours), tables(theirs)
    # The number of results at on-run-end, and of nodes at on-run-start, are part of it.
    assert left == right


def test_the_terminal_shows_each_failure_with_its_sql(built: tuple[Path, Path, str]) -> None:
    screen = built[2]
    assert "nope as y" in screen
    assert "target/compiled/shop/models/broken.sql" in screen
    assert "orchestrator runs retry" in screen


def test_dbts_own_tools_go_on_from_here(built: tuple[Path, Path, str]) -> None:
    _, ours, _ = built
    retried = dbt(ours, "retry")
    assert "Completed with" in retried.stdout
    document = json.loads((ours / "target" / "run_results.json").read_text())
    names = {r["unique_id"] for r in document["results"]}
    assert "model.shop.broken" in names
    assert "model.shop.customers" not in names, "dbt retry runs only what failed"


@pytest.mark.slow
def test_a_second_run_is_incremental_and_a_retry_runs_only_what_failed(tmp_path: Path) -> None:
    files = {**PLAIN}
    theirs, ours = both(tmp_path, files)
    dbt(theirs, "build")
    orchestrator(ours, "run", ".")
    orchestrator(ours, "run", ".")
    assert tables(ours) == tables(theirs)
    for project in (theirs, ours):
        (project / "models" / "broken.sql").write_text("select id from {{ ref('customers') }}")
    retried = orchestrator(ours, "runs", "retry", "latest", "--format", "json")
    names = {
        r["unique_id"]
        for r in json.loads((ours / "target" / "run_results.json").read_text())["results"]
    }
    assert retried.returncode == 1
    assert "model.shop.below_below_broken" in names
    assert "model.shop.customers" not in names


@pytest.mark.slow
def test_seeds_that_write_the_sources_build_in_one_run(tmp_path: Path) -> None:
    files = {
        "dbt_project.yml": PROJECT + "seeds: {shop: {+schema: raw}}\n",
        "macros/schema.sql": "{% macro generate_schema_name(custom, node) %}"
        "{{ custom or target.schema }}{% endmacro %}",
        "seeds/raw_orders.csv": "id,amount\n1,10\n2,20\n",
        "models/sources.yml": "sources: [{name: shop, schema: raw, tables: [{name: raw_orders}]}]\n",
        "models/orders.sql": "select sum(amount) as total from {{ source('shop', 'raw_orders') }}",
    }
    theirs, ours = both(tmp_path, files)
    assert outcome(theirs)["model.shop.orders"][0] == "error", "dbt build cannot know this order"
    done = orchestrator(ours, "run", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(ours)["main.orders"] == [(30,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "threads",
    [pytest.param("1", marks=pytest.mark.slow), "2", pytest.param("8", marks=pytest.mark.slow)],
)
def test_sql_between_a_seed_and_a_source(tmp_path: Path, threads: str) -> None:
    project = write_project(
        tmp_path,
        {
            "seeds/letters.csv": "letter\na\nb\n",
            "sql/doubled.sql": "create or replace table main.doubled as\n"
            "select letter || letter as pair from main.letters;\n",
            "models/sources.yml": "sources: [{name: made, schema: main, tables: [{name: doubled}]}]\n",
            "models/last.sql": "select max(pair) as pair from {{ source('made', 'doubled') }}",
        },
    )
    done = orchestrator(project, "run", ".", "--threads", threads)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(project)["main.last"] == [("bb",)]
    why = orchestrator(project, "why", "letters", "last")
    assert "sql/doubled.sql:2 reads" in why.stdout
    assert "models/last.sql:1 reads source made.doubled" in why.stdout


@pytest.mark.slow
def test_an_empty_selection_is_refused_and_near_names_are_offered(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"models/orders.sql": "select 1 as id"})
    done = orchestrator(project, "run", ".", "--select", "ordrs")
    assert done.returncode == 2
    assert "orders" in done.stderr
    assert not (project / "shop.duckdb").exists(), "nothing half-written"


@pytest.mark.slow
def test_dbts_flags_mean_what_they_mean_to_dbt(tmp_path: Path) -> None:
    files = {
        "models/a.sql": 'select \'{{ var("who", "nobody") }}\' as who',
        "models/b.sql": "select * from {{ ref('a') }}",
    }
    project = write_project(tmp_path, files)
    done = orchestrator(
        project, "run", ".", "--vars", "{who: Ann}", "--target", "other", "--select", "a", "--empty"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(project, "other.duckdb") == {"main.a": [("Ann",)]}
