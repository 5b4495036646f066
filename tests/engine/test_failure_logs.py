"""Failed tasks leave a file with what they said; others leave none."""

from __future__ import annotations

from pathlib import Path

from orchestrator import FAIL, Flow, ThreadsExecutor, context, task
from orchestrator.service.project import Project


@task(name="what/ever: x")
def talkative() -> None:
    context.current().logger.info("first I looked")
    raise ValueError("then I fell")


@task
def sql_like() -> None:
    raise FAIL("no such column", detail={"error": "no such column: x", "sql": "select x"})


@task
def fine() -> None:
    context.current().logger.info("all well")


def test_each_failure_has_its_file(in_tmp: Path) -> None:
    with Flow("f") as flow:
        talkative()
        sql_like()
        fine()
    flow.run(executor=ThreadsExecutor(2), project=in_tmp)
    with Project.find(in_tmp).store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    paths = {key: row.detail.get("log_path") for key, row in rows.items()}
    assert paths["fine"] is None
    first = Path(paths["what/ever: x"]).read_text()
    assert "first I looked" in first
    assert first.rstrip().endswith("ValueError: then I fell")
    assert Path(paths["sql_like"]).read_text().rstrip().endswith("select x")
    assert {p.name for p in Path(paths["sql_like"]).parent.iterdir()} == {
        "what_ever_x.log",
        "sql_like.log",
    }
