"""Logging in to Postgres: who is told, what is tried again, and what is never shown."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine.codes import codes_of
from orchestrator.errors import ConfigurationError, InfrastructureError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import RunOptions
from tasks.dbapi.errors import LoginRefusedError, UnreachableError
from tasks.warehouses import make

Made = Callable[..., Any]
PASSWORD = "correct-horse-battery"
WRONG = "wrong-horse-battery"
TAGS = "select application_name from pg_stat_activity where application_name like 'orchestrator%'"


def running(run_id: str = "run-1", flow: str = "nightly", task: str = "load") -> RunContext:
    return RunContext(run_id, flow, task, attempt=2)


@pytest.fixture
def secretive(admin: Any) -> Iterator[str]:
    """A user of the server who needs the password ``PASSWORD``."""
    name = "secretive"
    (file,) = admin.execute("show hba_file").fetchone()
    rules = "local all all trust"
    admin.execute(f"create user {name} password '{PASSWORD}'")
    _write_rules(admin, file, f"local all {name} scram-sha-256", rules)
    yield name
    _write_rules(admin, file, rules)
    admin.execute(f"drop owned by {name}; drop user {name}")


def _write_rules(admin: Any, file: str, *rules: str) -> None:
    values = ", ".join(f"('{rule}')" for rule in rules)
    admin.execute(f"copy (values {values}) to '{file}'")
    admin.execute("select pg_reload_conf()")


# -- who ---------------------------------------------------------------------------------------


def test_the_server_sees_who_uses_a_connection(warehouse: Any, admin: Any) -> None:
    def tag() -> str:
        (row,) = admin.execute(TAGS).fetchall()
        return row[0]

    with entered(running()), warehouse.connect() as one:
        first = one.info.backend_pid
        assert tag() == "orchestrator nightly/load#2 run-1"
    with entered(running(task="another")), warehouse.connect() as same:
        assert same.info.backend_pid == first
        assert tag() == "orchestrator nightly/another#2 run-1"
    long = running("20260301T040000-abcdef", "a_flow_with_a_long_name", "a_task_of_a_longer_name")
    with entered(long), warehouse.connect():
        assert tag() == "orchestrator a_flow_with~/a_task_of_a~#2 20260301T040000-abcdef"


def test_names_without_a_schema_live_in_the_warehouses(made: Made, admin: Any) -> None:
    with made(schema="Some Schema").connect() as connection:
        connection.execute("create table t as select 1 as a")
    assert admin.execute('select a from "Some Schema".t').fetchall() == [(1,)]
    admin.execute('drop schema "Some Schema" cascade')


def test_settings_role_and_search_path(made: Made, admin: Any) -> None:
    admin.execute("create role reporting; grant pg_read_all_data to reporting")
    warehouse = made(
        settings={"statement_timeout": "7s", "enable_seqscan": False, "my.word": "it's"},
        role="reporting",
        search_path="pg_temp, public",
    )
    for _ in range(2):  # the second time it comes from the pool
        with entered(running()), warehouse.connect() as connection:
            for name, value in [
                ("statement_timeout", "7s"), ("enable_seqscan", "off"), ("my.word", "it's"),
                ("role", "reporting"), ("search_path", "pg_temp, public"),
            ]:  # fmt: skip
                assert connection.execute(f"show {name}").fetchone() == (value,)
            connection.execute("set statement_timeout to 0; reset role")
    warehouse.release("run-1")
    admin.execute("drop owned by reporting; drop role reporting")


def test_a_setting_that_there_is_not(made: Made) -> None:
    with (
        pytest.raises(ConfigurationError, match='unrecognized configuration parameter "wrok_mem"'),
        made(settings={"wrok_mem": "1GB"}).connect(),
    ):
        pass


# -- where it is described ---------------------------------------------------------------------


def test_a_dsn(settings: dict[str, Any], made: Made) -> None:
    nothing = dict.fromkeys(("host", "dbname", "user"))
    for dsn in (
        f"postgresql://test@/test?host={settings['host']}",
        f"postgresql+psycopg://test@/test?host={settings['host']}",
        f"host={settings['host']} user=test dbname='test'",
    ):
        warehouse = made(dsn=dsn, **nothing)
        assert warehouse.catalog == "test"
        with warehouse.connect() as connection:
            assert connection.execute("select current_database()").fetchone() == ("test",)


def test_dbts_profile(settings: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    target = {
        "type": "postgres",
        "host": settings["host"],
        "port": 5432,
        "user": "test",
        "pass": "{{ env_var('PG_WORD') }}",
        "database": "test",
        "schema": settings["schema"],
        "threads": 4,
        "retries": 2,
    }
    profile = {"shop": {"target": "dev", "outputs": {"dev": target}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profile))
    monkeypatch.setenv("PG_WORD", PASSWORD)
    warehouse: Any = make("main", {"type": "dbt"}, root=tmp_path, options=RunOptions())
    assert (warehouse.catalog, warehouse.schema) == ("test", settings["schema"])
    assert PASSWORD.encode() not in pickle.dumps(warehouse)
    with warehouse.connect() as connection:
        assert connection.execute("select current_schema()").fetchone() == (settings["schema"],)
        assert connection.info.password == PASSWORD


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dbnam": "x"}, "unknown key 'dbnam'"),
        ({"port": "high"}, "port must be a whole number"),
        ({"password": 5}, "password must be text"),
        ({"settings": ["a"]}, "settings must be a table"),
        ({"dbname": None}, "names no database"),
        ({"dbname": None, "dsn": "secret:DSN"}, "names no database"),
    ],
)
def test_wrong_tables(made: Made, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        made(**changes)
    assert "[warehouses.main]" in str(raised.value.where)


def test_making_one_imports_no_driver(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tasks.warehouses import make; import tasks\n"
        "from orchestrator.model.planning import RunOptions\n"
        "tasks.PostgresQuery('select 1')\n"
        "make('m', {'type': 'postgres', 'dbname': 'd'}, root=pathlib.Path(), options=RunOptions())\n"
        "print([n for n in ('psycopg', 'pyarrow', 'pandas', 'sqlalchemy') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout == "[]\n"


# -- what cannot be reached ----------------------------------------------------------------------


def test_a_host_that_cannot_be_reached(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    warehouse = made(host="127.0.0.1", port=1, retries=2, password=WRONG)
    with pytest.raises(UnreachableError) as raised, warehouse.connect():
        pass
    said = str(raised.value)
    assert "warehouse 'main' cannot be reached: tried 3 times in" in said
    assert "Connection refused" in said
    assert "where: 127.0.0.1, port 1, database test" in said
    assert codes_of(raised.value) == ("08001",)
    assert [r.levelno for r in caplog.records] == [logging.WARNING] * 2
    assert WRONG not in said + caplog.text


def test_a_server_that_comes_up_meanwhile(
    made: Made, settings: dict[str, Any], tmp_path: Path
) -> None:
    host = tmp_path / "socket"
    threading.Timer(0.2, lambda: host.symlink_to(settings["host"])).start()
    with made(host=str(host)).connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_cancelled_attempt_stops_trying(made: Made) -> None:
    context = running()
    threading.Timer(0.2, context.cancelled.set).start()
    with (
        entered(context),
        pytest.raises(InfrastructureError, match="cancelled while waiting"),
        made(host="127.0.0.1", port=1, retries=1000).connect(),
    ):
        pass


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
        ({"user": "nobody_here"}, 'role "nobody_here" does not exist'),
        (
            {"dsn": f"postgresql//me:{WRONG}@host/test"},
            "the dsn of warehouse 'main' cannot be read",
        ),
        ({"sslmode": "require", "sslcert": "/none", "host": "127.0.0.1"}, "ssl|refused|reached"),
    ],
)
def test_what_the_server_refuses(
    made: Made, changes: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        pytest.raises((ConfigurationError, InfrastructureError), match=said) as raised,
        made(retries=0, **changes).connect(),
    ):
        pass
    assert WRONG not in str(raised.value) + caplog.text


# -- passwords -----------------------------------------------------------------------------------


def test_a_password_from_the_secrets(
    made: Made, secretive: str, admin: Any, settings: dict[str, Any], monkeypatch: Any
) -> None:
    admin.execute(f"grant all on schema {settings['schema']} to {secretive}")
    monkeypatch.setenv("ORCHESTRATOR_SECRET_PG", PASSWORD)
    warehouse = made(user=secretive, password="secret:PG")
    assert PASSWORD not in repr(warehouse)
    assert PASSWORD.encode() not in pickle.dumps(warehouse)
    with warehouse.connect() as connection:
        assert connection.execute("select current_user").fetchone() == (secretive,)


def test_a_wrong_password_is_not_tried_again_and_never_shown(
    made: Made, secretive: str, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = made(user=secretive, password=WRONG, retries=5)
    with pytest.raises(LoginRefusedError) as raised, warehouse.connect():
        pass
    said = str(raised.value)
    assert 'password authentication failed for user "secretive"' in said
    assert not caplog.records  # a second try would be told
    chain = "".join(str(e) for e in (raised.value, raised.value.__cause__)) + repr(raised.value)
    assert WRONG not in chain + repr(warehouse)


def test_a_password_that_is_missing(made: Made, secretive: str) -> None:
    with (
        pytest.raises(ConfigurationError, match="no password supplied"),
        made(user=secretive).connect(),
    ):
        pass


def test_a_secret_that_is_not_set(made: Made) -> None:
    with (
        pytest.raises(ConfigurationError, match="'PG_NONE' is not set"),
        made(password="secret:PG_NONE").connect(),
    ):
        pass
