"""SnowflakeQuery and SnowflakeQueriesFromFile, in Prefect 1's words and in ours, on fakesnow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from snowflake.connector import DictCursor

from orchestrator import Flow
from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks import SnowflakeQueriesFromFile, SnowflakeQuery
from tests.snowflake.recorded_snowflake import Recorded

TWO = "create table t (id int, s varchar); insert into t values (1, 'a'), (2, 'b');"


@pytest.mark.parametrize(
    ("fetch", "value"),
    [
        ("all", [(1, "a"), (2, "b")]),
        ("one", (1, "a")),
        ("dicts", [{"ID": 1, "S": "a"}, {"ID": 2, "S": "b"}]),
        ("none", None),
    ],
)
def test_what_is_fetched(warehouse: Any, fetch: str, value: Any) -> None:
    done = SnowflakeQuery(TWO + "select * from t order by id", fetch=fetch).run(warehouse=warehouse)
    assert done.value == value
    assert done.rows == 2


def test_frames_have_names_in_lower_case(warehouse: Any) -> None:
    query = TWO + 'select id, s, 1.5 as "Half" from t order by id'
    frame = SnowflakeQuery(query, fetch="df").run(warehouse=warehouse).value
    assert list(frame.columns) == ["id", "s", "Half"]
    assert list(frame["s"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("select s from t where id = ? and s = ?", [1, "a"]),
        ("select s from t where id = %s and s = %s", (1, "a")),
        ("select s from t where id = $id and s = $s", {"id": 1, "s": "a"}),
        ("select s from t where id = %(id)s and s = %(s)s", {"id": 1, "s": "a"}),
    ],
)
def test_values_are_bound(warehouse: Any, query: str, data: Any) -> None:
    SnowflakeQuery(TWO).run(warehouse=warehouse)
    assert SnowflakeQuery(query, data=data).run(warehouse=warehouse).value == [("a",)]
    hostile = "'; drop table t; --"
    assert SnowflakeQuery("select %s").run(warehouse=warehouse, data=(hostile,)).value[0] == (
        hostile,
    )


def test_a_remainder_is_no_placeholder(warehouse: Any) -> None:
    query = "select 7 %s from (select 4 as s)"
    assert SnowflakeQuery(query).run(warehouse=warehouse).value == [(3,)]


def test_variables_of_the_session_stay(warehouse: Any) -> None:
    query = "set low = 2; select $low, $high"
    assert SnowflakeQuery(query, data={"high": 9}).run(warehouse=warehouse).value == [(2, 9)]


def test_a_cursor_of_dicts_as_in_prefect_1(warehouse: Any) -> None:
    query = SnowflakeQuery("select 1 as n", cursor_type=DictCursor)
    assert query.run(warehouse=warehouse).value == [{"N": 1}]


FIVE = TWO + "insert into t values (3, 'c');\nselect *\nfrom nowhere;\nselect 1"


def test_a_failure_names_the_statement_and_what_stays(warehouse: Any) -> None:
    with pytest.raises(FAIL) as raised:
        SnowflakeQuery(FIVE).run(warehouse=warehouse)
    # The table was made by DDL, which commits; the rows were not kept.
    assert "statement 4 of 5; statement 1 stays" in raised.value.message
    assert raised.value.code == "42S02"  # type: ignore[attr-defined]
    assert raised.value.detail["start_line"] == 2
    assert SnowflakeQuery("select count(*) from t").run(warehouse=warehouse).value == [(0,)]


def test_with_autocommit_each_statement_stands_for_itself(warehouse: Any) -> None:
    with pytest.raises(FAIL, match="statements 1 to 3 stay"):
        SnowflakeQuery(FIVE, autocommit=True).run(warehouse=warehouse)
    assert SnowflakeQuery("select count(*) from t").run(warehouse=warehouse).value == [(3,)]


def test_a_file_gives_what_each_statement_gives(warehouse: Any, tmp_path: Path) -> None:
    path = tmp_path / "both.sql"
    path.write_text(TWO + "\nselect max(id) from t; -- the last\nselect s from t order by 1")
    done = SnowflakeQueriesFromFile(path).run(warehouse=warehouse)
    assert done.value[1:] == [[(2,)], [(2,)], [("a",), ("b",)]]
    assert done.rows == 2


def test_a_file_that_is_not_there(warehouse: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"nowhere\.sql"):
        SnowflakeQueriesFromFile(tmp_path / "nowhere.sql").run(warehouse=warehouse)


def test_a_login_of_its_own_as_in_prefect_1(recorded: Recorded, monkeypatch: Any) -> None:
    told = _told(recorded)
    query = SnowflakeQuery(query="select 1", warehouse="ETL", role="R", **told)
    _at(recorded, monkeypatch)
    assert query.run(password="the right words").value
    assert recorded.logins[0]["role"] == "R"
    assert "the right words" not in repr(query)


def test_a_login_told_when_it_runs_wants_an_account(warehouse: Any) -> None:
    with pytest.raises(FlowError, match="how to log in, but not where"):
        SnowflakeQuery("select 1").run(password="x")
    with pytest.raises(ConfigurationError, match="no warehouse to run on"):
        SnowflakeQuery("select 1").run()


def test_in_a_flow_names_are_those_of_the_login(recorded: Recorded, monkeypatch: Any) -> None:
    _at(recorded, monkeypatch)
    told = {**_told(recorded), "password": "env:SF_PASSWORD"}
    monkeypatch.setenv("SF_PASSWORD", "the right words")
    with Flow("old") as flow:
        query = "create table b as select * from a"
        task = SnowflakeQuery(query=query, warehouse="ETL", **told)
        task()
    recorded.answer("information_schema", [("view", "TEXT")])  # asked for by the check of lineage
    assert flow.run().is_successful()
    assert recorded.texts[0] == "create table b as select * from a"
    (write,) = task.facts("old", Planning(Path.cwd())).writes
    assert str(write.dataset) == "SHOP.RAW.B"


def _told(recorded: Recorded) -> dict[str, Any]:
    table = recorded.table()
    return {k: table[k] for k in ("account", "user", "database", "schema")}


def _at(recorded: Recorded, monkeypatch: Any) -> None:
    """Prefect 1's arguments name no host: here the account stands for the server of our own."""
    from tasks.snowflake import opening

    own = opening.Opening._arguments

    def there(self: Any) -> dict[str, Any]:
        return {**own(self), "host": "127.0.0.1", "port": recorded.port, "protocol": "http"}

    monkeypatch.setattr(opening.Opening, "_arguments", there)


@pytest.mark.parametrize(
    ("said", "fix"), [({"fetch": "dict"}, "dicts"), ({"waiting": "byid"}, "by_id")]
)
def test_a_word_that_is_not_known(said: dict[str, str], fix: str) -> None:
    with pytest.raises(FlowError, match=f"did you mean '{fix}'"):
        SnowflakeQuery("select 1", **said)
