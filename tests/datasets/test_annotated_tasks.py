"""Tables in and out of a task's function by annotation, and connections by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.service.planning import plan_flow
from orchestrator.service.project import Project
from tests.datasets.conftest import HEAD

Run = Callable[..., Any]
Rows = Callable[..., Any]

SCORES = """
@task
def score(
    orders: Annotated[pd.DataFrame, Table("raw.orders")],
    lake: Annotated[Any, Connection("lake")],
) -> Annotated[pd.DataFrame, Table("marts.scores", mode="replace")]:
    factor = lake.execute("select count(*) from raw.orders").fetchone()[0]
    return orders.assign(score=orders.amount * factor)


@task
def best(scores: Annotated[pl.DataFrame, Table("marts.scores")], limit=1):
    return scores.sort("score", descending=True).head(limit)["id"].to_list()


with Flow("f") as flow:
    best(limit=2)
    score()
"""


@pytest.mark.parametrize("executor", ["inline", "threads", "dask"])
def test_tables_go_in_and_out(run: Run, rows: Rows, executor: str) -> None:
    ran = run(SCORES, executor=executor)
    assert ran.told("score") == "Success: 5 rows written to marts.scores"
    assert ran.tasks["score"].rows == 5
    assert ran.tasks["best"].result == {"value": [4, 3]}
    assert rows("select sum(score) from marts.scores") == [(500,)]


def test_the_warehouse_of_the_task_is_where_its_annotations_look(run: Run, rows: Rows) -> None:
    """Whether or not the function takes the connection itself, too."""
    ran = run(
        """
@task(warehouse="lake")
def made() -> Annotated[list, Table("marts.made", mode="replace")]:
    return [{"id": 1}, {"id": 2}]


@task(warehouse="lake")
def seen(made: Annotated[list, Table("marts.made")], warehouse):
    return [len(made), warehouse.execute("select count(*) from marts.made").fetchone()[0]]


with Flow("f") as flow:
    seen()
    made()
""",
        executor="inline",
    )
    assert ran.told("made") == "Success: 2 rows written to marts.made"
    assert ran.tasks["seen"].result == {"value": [2, 2]}


def test_the_command_line_shows_where_it_is_said(run: Run, project: Path) -> None:
    run(SCORES)
    asked = [sys.executable, "-m", "orchestrator", "why", "score", "best", "--format", "json"]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(asked, capture_output=True, text=True, cwd=project, env=environment)
    assert done.returncode == 0, done.stderr
    said = [piece for edge in json.loads(done.stdout)["path"] for piece in edge["evidence"]]
    lines = (project / "flows" / "f.py").read_text().splitlines()
    for piece, text, line in zip(
        sorted(said, key=lambda piece: str(piece["text"])),
        [
            "reads marts.scores (annotation of argument scores of best)",
            "writes marts.scores (annotation of the result of score)",
        ],
        ['scores: Annotated[pl.DataFrame, Table("marts.scores")]', ") -> Annotated[pd.DataFrame"],
        strict=True,
    ):
        assert (piece["source"], piece["text"], piece["file"]) == ("annotation", text, "flows/f.py")
        assert line in lines[piece["line"] - 1]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("pd.DataFrame", "len(orders.columns)"),
        ("pl.DataFrame", "orders.width"),
        ("pa.Table", "orders.num_columns"),
        ("pa.RecordBatchReader", "len(orders.schema)"),
        ("list[dict]", "len(orders[0])"),
    ],
)
def test_the_type_says_what_it_is_read_as(run: Run, kind: str, body: str) -> None:
    ran = run(f"""
@task
def count(orders: Annotated[{kind}, Table("raw.orders", columns=["id"])]):
    return {body}


with Flow("f") as flow:
    count()
""")
    assert ran.tasks["count"].result == {"value": 1}


def test_a_stream_in_and_out_passes_through(run: Run, rows: Rows) -> None:
    ran = run("""
@task
def double(
    orders: Annotated[pa.RecordBatchReader, Table("raw.orders")],
) -> Annotated[Any, Table("doubled", warehouse="lake", mode="append")]:
    for batch in orders:
        yield batch.to_pandas() * 2


with Flow("f") as flow:
    double()
""")
    assert ran.tasks["double"].rows == 5
    assert rows("select sum(amount) from doubled", "lake") == [(200,)]


def test_a_stream_of_an_injected_connection_is_written_while_it_is_open(
    run: Run, rows: Rows
) -> None:
    ran = run("""
@task
def copy(lake: Annotated[Any, Connection("lake")]) -> Annotated[Any, Table("copied")]:
    return tables.stream(lake, "select * from raw.orders where id > ?", [2])


with Flow("f") as flow:
    copy()
""")
    assert ran.state == "Success", ran.told("copy")
    assert rows("select count(*) from copied") == [(2,)]


def test_what_is_given_wins_and_is_no_read(run: Run, rows: Rows) -> None:
    ran = run("""
@task
def some():
    return [{"id": 1, "amount": 7}]


@task
def total(
    orders: Annotated[pd.DataFrame, Table("raw.missing")],
) -> Annotated[list, Table("totals")]:
    return [{"total": sum(row["amount"] for row in orders)}]


with Flow("f") as flow:
    total(some())
""")
    assert ran.state == "Success", ran.told("total")
    assert rows("from totals") == [(7,)]


def test_several_results_go_to_several_tables(run: Run, rows: Rows) -> None:
    ran = run("""
@task(nout=2)
def split(
    orders: Annotated[pd.DataFrame, Table("raw.orders")],
) -> tuple[Annotated[pd.DataFrame, Table("small")], Annotated[pd.DataFrame, Table("large")]]:
    return orders[orders.id < 2], orders[orders.id >= 2]


@task
def width(frame):
    return len(frame)


with Flow("f") as flow:
    small, large = split()
    width(large)
""")
    assert ran.told("split") == "Success: 2 rows written to small, 3 rows written to large"
    assert ran.tasks["width"].result == {"value": 3}
    assert rows("select (select count(*) from small), (select count(*) from large)") == [(2, 3)]


def test_the_tasks_own_words_stay(run: Run) -> None:
    ran = run("""
@task
def load() -> Annotated[list, Table("loaded")]:
    return Result([{"id": 1}], message="from the archive", detail={"day": "Monday"})


with Flow("f") as flow:
    load()
""")
    assert ran.told("load") == "Success: from the archive"
    assert (ran.tasks["load"].rows, ran.tasks["load"].detail["day"]) == (1, "Monday")


def test_a_task_that_skips_writes_nothing(run: Run, rows: Rows) -> None:
    ran = run("""
@task
def load() -> Annotated[list, Table("loaded")]:
    raise SKIP("nothing new")


with Flow("f") as flow:
    load()
""")
    assert ran.told("load") == "Skipped: nothing new"
    assert rows("select count(*) from duckdb_tables() where table_name = 'loaded'") == [(0,)]


def test_elements_append_to_one_table_and_may_not_replace_it(run: Run, rows: Rows) -> None:
    text = """
@task
def load(month) -> Annotated[list, Table("months", mode="{mode}")]:
    return [dict(month=month)]


with Flow("f") as flow:
    load.map([1, 2, 3])
"""
    assert run(text.replace("{mode}", "append"), executor="threads").state == "Success"
    assert rows("select count(*), sum(month) from months") == [(3, 6)]
    ran = run(text.replace("{mode}", "replace"), name="f")
    assert "would replace months" in ran.told("load[0]")
    assert rows("select count(*) from months") == [(3,)]


def test_a_warehouse_of_the_task_is_that_of_its_tables(run: Run, rows: Rows) -> None:
    ran = run("""
@task(warehouse="lake", reads=["raw.orders"])
def load(warehouse, orders: Annotated[list, Table("raw.orders")]) -> Annotated[list, Table("out")]:
    count = warehouse.execute("select count(*) from raw.orders").fetchone()[0]
    return [{"same": count == len(orders)}]


with Flow("f") as flow:
    load()
""")
    assert ran.state == "Success", ran.told("load")
    assert rows("from out", "lake") == [(True,)]


def test_a_function_can_be_tried_without_a_flow(project: Path) -> None:
    (project / "mine.py").write_text(
        "from typing import Annotated\n"
        "from orchestrator import task\n"
        "from tasks import Table\n"
        "@task\n"
        "def late(orders: Annotated[list, Table('raw.orders')], days=3) -> Annotated[list, Table('late')]:\n"
        "    return [o for o in orders if o['days'] > days]\n"
        "assert late.run([{'days': 2}, {'days': 9}]) == [{'days': 9}]\n"
        "assert late.run(days=1, orders=[{'days': 2}]) == [{'days': 2}]\n"
        "late.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "mine.py"], capture_output=True, text=True, cwd=project, check=False
    )
    assert (
        "task 'late': argument orders comes from its annotation only where a flow runs"
        in done.stderr
    )
    assert "pass orders=… yourself" in done.stderr


def test_a_task_of_two_files_and_the_tasks_of_each_meet_in_one_process(project: Path) -> None:
    (project / "flows" / "f.py").write_text(
        HEAD
        + SCORES.replace("flow:", "flow:\n    SqlTask('select 1', warehouse='lake', name='x')()")
    )
    plan = plan_flow(found := Project.find(project), found.flow("f"))
    owners = {planned.affinity for planned in plan.tasks.values()}
    assert len(plan.tasks) == 3
    assert owners == {f"duckdb:{project.resolve() / 'lake.duckdb'}"}


@pytest.mark.slow
def test_two_processes_do_not_want_one_file(run: Run) -> None:
    ran = run(
        """
from orchestrator import DaskExecutor


@task
def shop(orders: Annotated[list, Table("raw.orders")]):
    return len(orders)


@task
def lake(orders: Annotated[list, Table("raw.orders", warehouse="lake")]):
    return len(orders)


@task
def both(one: Annotated[Any, Connection("main")], other: Annotated[Any, Connection("lake")]):
    return sum(con.execute("select count(*) from raw.orders").fetchone()[0] for con in (one, other))


two = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
with Flow("f", executor=DaskExecutor(cluster_kwargs=two)) as flow:
    for _ in range(2):
        shop()
        lake()
        both()
""",
        executor=None,
    )
    assert ran.state == "Success", {key: ran.told(key) for key in ran.tasks}
    assert ran.tasks["both-2"].result == {"value": 10}


def test_the_files_are_let_go_when_the_run_has_ended(run: Run, project: Path) -> None:
    assert run(SCORES, executor="threads").state == "Success"
    code = "import duckdb; [duckdb.connect(f).close() for f in ('shop.duckdb', 'lake.duckdb')]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=project)
    assert done.returncode == 0, done.stderr


def test_a_view_over_files_is_read_where_its_files_are_written(run: Run, project: Path) -> None:
    with (project / "orchestrator.toml").open("a") as file:
        file.write('files = { "landed.orders" = "landing/*.parquet" }\n')
    ran = run("""
@task
def count(orders: Annotated[list, Table("landed.orders", warehouse="lake")]):
    return len(orders)


@task(writes=["landing/new.parquet"])
def land(lake: Annotated[Any, Connection("lake")]):
    import os
    os.mkdir("landing")
    lake.execute("copy (from range(4)) to 'landing/new.parquet'")


with Flow("f") as flow:
    count()
    land()
""")
    assert ran.state == "Success", ran.told("count")
    assert ran.tasks["count"].result == {"value": 4}
    plan = plan_flow(found := Project.find(project), found.flow("f"))
    said = [str(piece) for piece in plan.edges["land", "count"].evidence]
    assert "orchestrator.toml landed.orders is a view over landing/*.parquet" in said


def test_what_ran_is_checked_against_what_is_said(run: Run) -> None:
    ran = run("""
@task
def load() -> Annotated[list, Table("made", mode="append")]:
    return [{"id": 1}]


@task
def peek(
    seen: Annotated[list, Table("raw.orders")], con: Annotated[Any, Connection("main")]
) -> Annotated[list, Table("peeked")]:
    try:
        return tables.read(con, "select * from made", as_="dicts")
    except Exception:
        return seen


with Flow("f") as flow:
    load()
    peek()
""")
    assert "undeclared" not in ran.tasks["load"].detail
    (found,) = ran.tasks["peek"].detail["undeclared"]
    assert "made" in found["text"]
    assert found["add"] == '@task(reads=["main.made"])'


def test_a_time_limit_ends_it_in_its_own_process(run: Run) -> None:
    ran = run("""
@task(timeout=1)
def slow(orders: Annotated[list, Table("raw.orders")], con: Annotated[Any, Connection("main")]):
    con.execute("select count(*) from range(10000000000) a, range(100) b").fetchall()


with Flow("f") as flow:
    slow()
""")
    assert ran.told("slow").startswith("TimedOut: stopped after 1 s")
