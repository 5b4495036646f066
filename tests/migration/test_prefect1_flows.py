"""Five flows as teams wrote them for Prefect 1: with other imports, and nothing else, they run here."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.flow import Flow
from orchestrator.model.state import State
from orchestrator.service.project import Project
from orchestrator.store.records import TaskRun
from tests.fakesnow_server import Server as FakesnowServer
from tests.notify.receivers import receiving

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NAMES = sorted(path.parent.name for path in HERE.glob("*/before.py"))


def without_imports(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    inner = (ast.Import, ast.ImportFrom)
    assert not any(isinstance(node, inner) for node in ast.walk(tree)), "imports stand at the top"
    return ast.dump(tree, indent=1)


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_only_import_lines_differ(name: str) -> None:
    before, after = HERE / name / "before.py", HERE / name / "after.py"
    assert without_imports(before) == without_imports(after)
    assert "prefect" in imported(before)
    assert "prefect" not in imported(after)
    assert "orchestrator" in imported(after)


def test_there_are_five() -> None:
    assert NAMES == ["nightly_dbt", "orders_etl", "regions", "scoring", "snowflake_summary"]


@pytest.fixture
def folder(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder; loading its flows leaves no trace in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (in_tmp / "flows").mkdir()
    return in_tmp


def moved(folder: Path, name: str, settings: str = "") -> Project:
    """A project whose one flow file is the one that moved over."""
    (folder / "orchestrator.toml").write_text(settings)
    shutil.copy(HERE / name / "after.py", folder / "flows" / f"{name}.py")
    return Project.find(folder)


def run(project: Project, flow: Flow, **parameters: Any) -> tuple[State, dict[str, TaskRun]]:
    state = flow.run(parameters=parameters, project=project.root)  # type: ignore[attr-defined]
    with project.store() as store:
        [done] = store.runs(flow=flow.name, limit=1)
        rows = {row.key: row for row in store.task_runs(done.id)}
    return state, rows


def messages(state: State) -> dict[str, str]:
    return {key: f"{found.type}: {found.message}" for key, found in state.result.items()}


def as_script(folder: Path, name: str, **env: str) -> str:
    """What ``python flows/NAME.py`` prints."""
    done = subprocess.run(
        [sys.executable, f"flows/{name}.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- mapping, retries, parameters, results -------------------------------------------------------


def orders(folder: Path) -> None:
    (folder / "flows" / "orders").mkdir()
    (folder / "flows" / "orders" / "orders_2022-03-01.csv").write_text("id,amount\n1,10\n2,20\n")
    (folder / "flows" / "orders" / "orders_2022-03-02.csv").write_text("id,amount\n3,30\n")


def test_the_etl_maps_retries_skips_and_keeps_results(folder: Path) -> None:
    orders(folder)
    project = moved(folder, "orders_etl")
    state, rows = run(project, project.flow("orders-etl"), days=3)
    assert state.is_successful(), messages(state)
    # 10 + 20 on the first day, 30 on the second, nothing on the third
    assert state.result["report"].result == "3 orders for 60.00 EUR"
    assert [rows[f"extract[{n}]"].state.value for n in range(3)] == [
        "Success",
        "Success",
        "Skipped",
    ]
    assert [rows[f"extract[{n}]"].attempt for n in range(3)] == [1, 2, 1]
    kept = rows["extract[1]"].result
    assert kept is not None
    assert Path(kept["location"]).is_relative_to(folder / "flows"), "LocalResult(HERE)"
    with project.store() as store:
        lines = [line.text for line in store.logs(rows["load"].run_id)]
    assert any("2 orders on 2022-03-01" in line for line in lines)


def test_the_etl_runs_as_a_script(folder: Path) -> None:
    orders(folder)
    moved(folder, "orders_etl")
    assert "3 orders for 54.00 USD" in as_script(folder, "orders_etl")


# -- signals, triggers, resources, targets, on Dask ----------------------------------------------


@pytest.mark.slow
def test_the_scores_on_a_dask_cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_RESULTS", str(folder / "kept"))
    project = moved(folder, "scoring")
    state, rows = run(project, project.flow("scoring"), parts=5)
    assert state.is_successful(), messages(state)
    assert state.result["total"].result == 2 * (1 + 2 + 3 + 4)
    states = [rows[f"score[{n}]"].state.value for n in range(5)]
    assert states == ["Skipped", "Success", "Success", "Success", "Success"]
    assert {rows[f"score[{n}]"].detail["task_run_name"] for n in (1, 2)} == {
        "score part 1", "score part 2",
    }  # fmt: skip
    with project.store() as store:
        said = [line.text for line in store.logs(rows["score[1]"].run_id, "score[1]")]
    assert any(line.startswith("scoring part 1 in scores-") for line in said)
    assert state.result["call_somebody"].is_skipped()
    assert not (folder / "called.txt").exists()
    assert (folder / "kept" / "model-v1.pickle").is_file()

    # Once more: the model lies where its target says; a part that is too large breaks.
    state, rows = run(project, project.flow("scoring"), most=2)
    assert rows["train"].state == "Cached"
    assert rows["score[3]"].message == "part 3 is too large"
    assert rows["score[3]"].attempt == 2
    assert state.result["call_somebody"].is_successful()
    assert (folder / "called.txt").read_text() == "the scores are not complete"
    assert state.result["say_so"].result == "scoring is over"
    assert state.is_successful(), "the sum of those that are there decides"
    assert state.result["total"].result == 2 * (1 + 2)


# -- flows of flows, a schedule with parameters for each clock ------------------------------------


def test_the_schedule_gives_each_clock_its_region(folder: Path) -> None:
    flow = moved(folder, "regions").flow("regions")
    due = list(islice(flow.schedule.occurrences(datetime(2026, 3, 27, 12, tzinfo=UTC)), 4))
    # 17:00 at UTC+1; 5:00 and 17:00; and, after the clocks went forward on the 29th, 5:00 at UTC+2
    assert [f"{one.instant:%d %H}" for one in due] == ["27 16", "28 04", "28 16", "29 03"]
    assert [one.parameters["region"] for one in due] == ["south", "north", "south", "north"]


@pytest.mark.slow
def test_the_flow_of_flows_runs_the_others(folder: Path) -> None:
    project = moved(folder, "regions", 'name = "analytics"\n')
    state, rows = run(project, project.flow("regions"), region="south")
    assert state.is_successful(), messages(state)
    with project.store() as store:
        runs = {found.flow: found for found in store.runs()}
        ingested = {row.key: row for row in store.task_runs(runs["ingest"].id)}
        published = [line.text for line in store.logs(runs["publish"].id)]
        told = [line.text for line in store.logs(rows["name_of"].run_id)]
    assert runs["ingest"].parameters == {"region": "south"}
    assert ingested["orders_of"].result == {"value": 80}
    assert "published south for yesterday" in published
    assert any("called 'south on " in line for line in told), "run_name="
    assert any("orders of the south" in line for line in told), "stream_logs=True"


def test_a_flow_of_another_project_is_refused(folder: Path) -> None:
    project = moved(folder, "regions", 'name = "shop"\n')
    _, rows = run(project, project.flow("regions"))
    assert "the project is 'shop', not 'analytics'" in rows["create_flow_run"].message


# -- Snowflake, secrets, branches ---------------------------------------------------------------


@pytest.fixture
def snowflake(
    fakesnow_server: FakesnowServer,
    snowflake_table: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Lets what asks for an account of Snowflake come to the tests' own server."""
    from snowflake.connector import SnowflakeConnection
    from snowflake.connector import connect as connected

    connect = SnowflakeConnection.connect
    place = {name: fakesnow_server.parameters[name] for name in ("host", "port", "protocol")}

    def redirected(connection: SnowflakeConnection, **settings: Any) -> None:
        asked.append(settings)
        connect(connection, **{**settings, **place})

    asked: list[dict[str, Any]] = []
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", str(fakesnow_server.parameters["account"]))
    monkeypatch.setenv("SNOWFLAKE_DATABASE", str(snowflake_table["database"]))
    monkeypatch.setenv("SNOWFLAKE_USER", "tester")
    monkeypatch.setenv("ORCHESTRATOR_SECRET_SNOWFLAKE_PASSWORD", "nobody knows it")
    with connected(
        **fakesnow_server.parameters, database=snowflake_table["database"], schema="PUBLIC"
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("create table orders (day varchar, amount integer)")
        cursor.execute("create table daily (day varchar, amount integer)")
        cursor.execute("insert into orders values ('2022-03-01', 5), ('2022-03-01', 7)")
    monkeypatch.setattr(SnowflakeConnection, "connect", redirected)
    return asked


def test_the_summary_in_snowflake(folder: Path, snowflake: list[dict[str, Any]]) -> None:
    project = moved(folder, "snowflake_summary")
    state, rows = run(project, project.flow("snowflake-summary"))
    assert state.is_successful(), messages(state)
    assert state.result["say"].result == "1 rows"
    assert rows["nothing"].state == "Skipped"
    assert {asked["password"] for asked in snowflake} == {"nobody knows it"}

    state, rows = run(project, project.flow("snowflake-summary"), day="2022-03-02")
    assert state.is_successful(), messages(state)
    assert state.result["say"].result == "no rows"
    assert rows["summarise"].state == "Skipped"
    assert rows["SNOWFLAKE_PASSWORD"].result is None, "a secret is kept nowhere"
    kept = b"".join(path.read_bytes() for path in (folder / ".orchestrator").rglob("*.db*"))
    assert kept
    assert b"nobody knows it" not in kept


# -- dbt every night, Slack ----------------------------------------------------------------------

SHOP = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "seeds/orders.csv": "id,amount\n1,5\n2,7\n",
    "models/total.sql": "select sum(amount) as amount, '{{ env_var('SHOP_CURRENCY') }}' as currency\n"
    "from {{ ref('orders') }}\n",
    "models/schema.yml": "models:\n  - name: total\n    columns: [{name: amount, data_tests: [not_null]}]\n",
}


@pytest.mark.slow
def test_dbt_every_night(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    for name, text in SHOP.items():
        path = folder / "flows" / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = moved(folder, "nightly_dbt")
    flow = project.flow("nightly-dbt")
    due = next(flow.schedule.occurrences(datetime(2026, 7, 1, tzinfo=UTC)))
    assert due.instant == datetime(2026, 7, 1, 0, 30, tzinfo=UTC), "half past two in summer"

    with receiving() as slack:
        monkeypatch.setenv("ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL", slack.url)
        state, rows = run(project, flow)
        assert state.is_successful(), messages(state)
        assert not slack.bodies()
        with duckdb.connect(str(folder / "flows" / "shop.duckdb")) as connection:
            assert connection.execute("from total").fetchall() == [(12, "EUR")]

        (folder / "flows" / "shop" / "models" / "total.sql").write_text("select amont from nothing")
        state, rows = run(project, flow, full_refresh=True)
        assert state.result["dbt run"].is_failed()
        assert rows["dbt run"].attempt == 2
        assert state.result["count_lines"].is_skipped()
        slack.wait()
        assert "dbt run" in str(slack.bodies()[0])
