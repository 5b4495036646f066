"""What a failed script says: which statement of how many, where, why, and what of it was kept."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from orchestrator import Flow
from orchestrator.engine.codes import codes_of
from orchestrator.model.dataset import Namespace
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from orchestrator.model.state import StateType
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tasks.sql.failing import ConnectionLostError, SqlFailure, progressed
from tasks.sql.running import run_script
from tasks.sql.script import Script
from tasks.sql.session import Failure, Outcome, Statement
from tasks.sql.task import SqlTask
from tests.sql_tasks.databases import Database

FIVE = """create table a (n integer);
insert into a values (1);
insert into a select nope from a;
insert into a values (3);
insert into a values (4);
"""


def failed(database: Database, sql: str) -> FAIL:
    with pytest.raises(FAIL) as raised:
        database.made(sql)
    return raised.value


def there(database: Database) -> list[str]:
    found = database.run(
        "select lower(table_name) from information_schema.tables"
        f" where lower(table_schema) = lower('{database.warehouse.namespace.schema}')"
    )
    return sorted(name for (name,) in found)


def test_the_third_of_five_in_one_transaction(database: Database) -> None:
    error = failed(database, FIVE)
    assert "nope" in error.message.lower()
    if database.dialect == "snowflake":  # whose DDL commits
        assert error.message.endswith("(statement 3 of 5; statement 1 stays)")
        assert error.detail["kept"] == [1]
        assert database.rows("select n from a") == []
    else:
        assert error.message.endswith("(statement 3 of 5; nothing was kept)")
        assert error.detail["kept"] == []
        assert there(database) == []
    assert error.detail["path"] == "sql/daily.sql:3"
    assert (error.detail["statement"], error.detail["statements"]) == (3, 5)
    assert pickle.loads(pickle.dumps(error)).detail == error.detail


def test_the_third_of_five_each_by_itself(database: Database) -> None:
    error = failed(database, "-- orchestrator: transaction=off\n" + FIVE)
    assert error.message.endswith("(statement 3 of 5; statements 1 and 2 stay)")
    assert error.detail["path"] == "sql/daily.sql:4"
    assert database.rows("select n from a") == [(1,)]


def test_what_a_script_committed_itself_stays(database: Database) -> None:
    sql = (
        "create table a (n integer); begin; insert into a values (1); commit;"
        " begin; insert into a values (2); insert into a select nope from a"
    )
    error = failed(database, sql)
    assert error.message.endswith("(statement 7 of 7; statements 1 to 4 stay)")
    assert database.rows("select n from a") == [(1,)]


@pytest.mark.parametrize("said", ["", " if not exists"])
def test_a_schema_that_a_script_makes_sure_of_first_stays(database: Database, said: str) -> None:
    name = f"ops_{database.warehouse.namespace.schema}".lower()
    sql = (
        f"create schema{said} {name}; create table {name}.a (n integer); select nope from {name}.a"
    )
    error = failed(database, sql)
    names = "select lower(schema_name) from information_schema.schemata"
    if database.dialect == "snowflake":
        assert error.message.endswith("; statements 1 and 2 stay)")
    elif said:
        assert error.message.endswith("; statement 1 stays)")
        assert (name,) in database.run(names)
        database.run(f"drop schema {name}")  # which fails if the table is in it
    else:
        assert error.message.endswith("; nothing was kept)")
        assert (name,) not in database.run(names)


def test_a_single_statement_is_not_counted(database: Database) -> None:
    assert "statement" not in failed(database, "select nope").message


def test_ddl_that_commits_keeps_what_was_before_it(database: Database) -> None:
    error = failed(
        database,
        "create table a (n integer); insert into a values (1); create table b (n integer);"
        " insert into a values (2); select nope",
    )
    if database.dialect == "snowflake":
        assert error.message.endswith("(statement 5 of 5; statements 1 to 3 stay)")
        assert database.rows("select n from a") == [(1,)]
    else:
        assert error.message.endswith("(statement 5 of 5; nothing was kept)")


# -- told without a database -------------------------------------------------------------------


def script(*texts: str) -> list[Statement]:
    """Statements: ``ddl`` commits by itself, ``schema`` is harmless."""
    return [
        Statement(
            text, 1, "", transactional=text in ("begin", "commit", "rollback", "rollback to x"),
            harmless=text == "schema", commits=text == "ddl",
        )
        for text in texts
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "together", "kept"),
    [
        (["insert", "insert"], True, "nothing was kept"),
        (["insert", "insert"], False, "statements 1 and 2 stay"),
        (["schema", "insert", "schema"], True, "statement 1 stays"),
        (["insert", "ddl", "insert"], True, "statements 1 and 2 stay"),
        (["ddl", "schema", "insert"], True, "statement 1 stays"),
        (["begin", "insert", "rollback", "insert"], False, "statement 4 stays"),
        (["begin", "insert", "rollback to x", "insert"], False, "nothing was kept"),
        (["insert", "begin", "insert", "commit", "begin", "insert"], False, "statements 1 to 4 stay"),
        (["begin", "insert", "ddl", "insert"], False, "statements 1 to 4 stay"),
    ],
)  # fmt: skip
def test_what_stays(texts: list[str], together: bool, kept: str) -> None:
    statements = [*script(*texts), Statement("fails", 1, "")]
    progress = progressed(statements, len(texts), one_transaction=together)
    number = len(statements)
    assert str(progress) == f"statement {number} of {number}; {kept}"


def test_what_may_stay_where_the_failing_one_commits_as_it_begins() -> None:
    progress = progressed(script("ddl", "insert", "ddl"), 2, one_transaction=True)
    assert str(progress) == "statement 3 of 3; statement 1 stays; statement 2 may stay"


class _Error(Exception):
    pass


class _Session:
    """A database whose third statement fails as told."""

    errors = (_Error,)

    def __init__(self, failure: Failure, fails_at: str = "c") -> None:
        self._failure, self._fails_at = failure, fails_at
        self.said: list[str] = []

    def split(self, text: str) -> list[Statement]:
        return [Statement(word, 1, word.upper()) for word in text.split(";")]

    def execute(self, statement: Statement, data: Any = None, fetch: str = "none") -> Outcome:
        self._say(statement.text)
        return Outcome()

    def begin(self) -> None:
        self.said.append("begin")

    def commit(self) -> None:
        self._say("commit")

    def rollback(self) -> None:
        self.said.append("rollback")

    def failure(self, error: Exception) -> Failure:
        return self._failure

    def _say(self, word: str) -> None:
        if word == self._fails_at:
            raise _Error
        self.said.append(word)


def raised(session: Any) -> SqlFailure:
    with pytest.raises(SqlFailure) as error:
        run_script(session, Script("a;b;c"), namespace=Namespace())
    return error.value


def test_a_commit_that_fails_keeps_nothing() -> None:
    session = _Session(Failure("disk full", "disk full"), "commit")
    assert raised(session).message == "disk full (the commit after 3 statements; nothing was kept)"
    assert session.said == ["begin", "a", "b", "c", "rollback"]


def test_the_databases_code_is_what_retry_on_takes() -> None:
    error = raised(_Session(Failure("serialize", "…", code="40001")))
    assert not isinstance(error, ConnectionLostError)
    assert codes_of(pickle.loads(pickle.dumps(error)))[0] == "40001"
    task = SqlTask("select 1", max_retries=1, retry_on="40001")
    assert task.retry.decide(1, error, codes_of(error)) is not None
    assert task.retry.decide(1, error, ("42601", "error")) is None


def test_a_lost_connection_is_worth_another_attempt_whatever_retry_on_names(
    planning: Any,
) -> None:
    error = raised(_Session(Failure("gone", "gone", lost=True)))
    assert isinstance(error, ConnectionError)
    assert codes_of(error)[0] == "08006"
    made: Planning = planning()
    for retry_on in ("40001", ValueError):
        task = SqlTask("select 1", max_retries=1, retry_on=retry_on)
        task.facts("t", made)
        assert task.retry.decide(1, pickle.loads(pickle.dumps(error)), codes_of(error)) is not None
        assert task.retry.decide(1, KeyError("x"), ()) is None
        assert task.retry.decide(2, error, codes_of(error)) is None


def test_a_connection_that_breaks_is_tried_again_by_the_engine(
    postgres_url: str, in_tmp: Path
) -> None:
    url = make_url(postgres_url)
    (in_tmp / "orchestrator.toml").write_text(
        f'warehouse = "main"\n[warehouses.main]\ntype = "postgres"\nhost = "{url.query["host"]}"\n'
        f'dbname = "{url.database}"\nuser = "{url.username}"\n'
        f'schema = "{str(url.query["options"]).partition("=")[2]}"\n'
    )
    (in_tmp / "breaks.sql").write_text(
        "-- orchestrator: transaction=off, retries=1, retry_on=40001\n"
        "create table if not exists tries (n integer);\n"
        "insert into tries values (1);\n"
        "select case when count(*) = 1 then pg_terminate_backend(pg_backend_pid()) end from tries;\n"
    )
    with Flow("breaking") as flow:
        SqlTask(path="breaks.sql")()
        SqlTask("select nope", name="wrong", max_retries=3, retry_on="40001")()
    result = run_flow(Project.find(in_tmp), flow, Request())
    found = result.state.result
    assert (found["breaks"].type, found["wrong"].type) == (StateType.SUCCESS, StateType.FAILED)
    with Project.find(in_tmp).store() as store:
        tasks = {task.name: task for task in store.task_runs(result.run_id)}
    assert (tasks["breaks"].attempt, tasks["wrong"].attempt) == (2, 1)
