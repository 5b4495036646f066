"""The line to add: it says what was found, and with it nothing is found any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InlineExecutor, task
from orchestrator.lineage import analyze_sql
from orchestrator.lineage.derivation.observed import observe
from orchestrator.lineage.derivation.remedies import spelled
from orchestrator.lineage.derivation.undeclared import Undeclared
from orchestrator.model.dataset import Access, Dataset, DatasetKind, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.executed import LONGEST_STATEMENT, Executed, StatementRecorder, Touch
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph
from tasks import SqlTask
from tests.undeclared.conftest import RunIt, Write

LOAD = (
    "create schema if not exists raw; create table if not exists raw.orders as select 1 as id;"
    "create table if not exists raw.items as select 1 as id; create table if not exists log (n int)"
)


def test_the_line_for_a_sql_file(run: RunIt, write: Write) -> None:
    text = (
        "set variable a = 'raw.orders'; set variable b = 'raw.items'; create or replace table daily "
        "as from query_table(getvariable('a')), query_table(getvariable('b'))"
    )
    path = write("sql/daily.sql", f"-- orchestrator: reads=outside.x\n{text}")
    run(_flow(path))
    found = run(_flow(path))
    assert len(found.found("daily")) == 2
    (line,) = set(found.remedies("daily"))
    assert line == "-- orchestrator: reads=outside.x raw.items raw.orders"
    path.write_text(f"{line}\n{text}")
    assert run(_flow(path)).all_found() == {}


def _flow(path: Path) -> Flow:
    with Flow("f") as flow:
        SqlTask(LOAD, name="load")()
        SqlTask(path="sql/daily.sql")()
    return flow


def test_the_line_for_a_python_task(run: RunIt) -> None:
    def flow(**declared: Any) -> Flow:
        @task(warehouse="main", **declared)
        def work(warehouse: Any) -> None:
            warehouse.execute("insert into log select count(*) from raw.orders")

        with Flow("f") as made:
            SqlTask(LOAD, name="load")()
            work()
        return made

    run(flow(), executor=InlineExecutor())
    found = run(flow(), executor=InlineExecutor())
    assert len(found.found("work")) == 2
    (line,) = set(found.remedies("work"))
    assert line == '@task(reads=["raw.orders", "main.log"], writes=["main.log"])'
    declared = eval(line.replace("@task", "dict"))
    assert run(flow(**declared), executor=InlineExecutor()).all_found() == {}


@pytest.mark.parametrize(
    ("dataset", "namespace", "text"),
    [
        (Dataset("PROD", "RAW", "ORDERS"), Namespace("snowflake", "PROD"), "RAW.ORDERS"),
        (Dataset("PROD", "RAW", "Orders"), Namespace("snowflake", "DEV"), 'PROD.RAW."Orders"'),
        (Dataset("db", "public", "Orders"), Namespace("postgres", "db"), 'public."Orders"'),
        (Dataset(None, None, "out/a.csv", DatasetKind.FILE), Namespace(), "out/a.csv"),
        (Dataset(None, None, "plain", DatasetKind.FILE), Namespace(), "./plain"),
        (Dataset(None, None, "@stage/a", DatasetKind.STAGE), Namespace("snowflake"), "@stage/a"),
    ],
)
def test_a_name_is_read_as_the_same_dataset_again(
    dataset: Dataset, namespace: Namespace, text: str
) -> None:
    assert spelled(dataset, namespace) == text
    again = Dataset.parse(text, namespace)
    assert str(again).removeprefix("./") == str(dataset)


def test_names_that_are_not_full_are_compared_by_what_they_say() -> None:
    place = Evidence(Source.DECLARED, "x")
    load = TaskFacts("load", "load", writes=(Access(Dataset(None, "raw", "orders"), place),))
    facts = {"load": load, "report": TaskFacts("report", "report")}
    compared = Undeclared(facts, Graph(facts))
    touch = Touch(Dataset("shop", "raw", "orders"), Namespace("duckdb", "shop", "main"))
    other = Touch(Dataset("shop", "main", "orders"), Namespace("duckdb", "shop", "main"))
    assert len(compared.findings("report", Executed(reads=(touch,)))) == 1
    assert compared.findings("report", Executed(reads=(other,))) == ()
    assert compared.findings("load", Executed(reads=(touch,), writes=(touch,))) == ()


def test_what_is_kept_of_an_attempt_is_bounded() -> None:
    recorder = StatementRecorder()
    for number in range(20_000):
        recorder.add(f"insert into t values ({number}, 'x')", Namespace())
    assert len(recorder.statements()) == 1
    recorder.add("select '" + "x" * LONGEST_STATEMENT + "' from raw.orders", Namespace())
    for number in range(10_000):
        recorder.add(f"update t set n = {number}", Namespace())
    found = observe(recorder, analyze_sql)
    assert found is not None
    assert [str(touch.dataset) for touch in found.writes] == ["t"]
    assert found.unchecked == 1 + 10_000 - 4_999
    assert recorder.statements()[0].text == "insert into t values (0)"


@pytest.mark.parametrize(
    ("statements", "reads", "writes"),
    [
        (["create table a__tmp as select * from b", "drop table if exists a cascade",
          "alter table a__tmp rename to a"], ["m.b"], ["m.a"]),
        (["use other", "select * from b"], ["other.b"], []),
        (["insert into t values ((select max(n) from b))"], ["m.b"], ["m.t"]),
        (["create procedure p() language sql as $$ delete from b $$"], [], []),
        (["begin", "grant select on b to c", "comment on table b is 'x'", "commit"], [], []),
        (["/* a */ -- b\nselect * from pg_temp_3.x, information_schema.tables"], [], []),
        (["this is no sql at all ("], [], []),
    ],
)  # fmt: skip
def test_what_statements_come_to(
    statements: list[str], reads: list[str], writes: list[str]
) -> None:
    recorder = StatementRecorder()
    for text in statements:
        recorder.add(text, Namespace("postgres", None, "m"))
    found = observe(recorder, analyze_sql)
    assert found is not None
    assert [str(touch.dataset) for touch in found.reads] == reads
    assert [str(touch.dataset) for touch in found.writes] == writes
