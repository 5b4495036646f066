"""Projects with flows that cannot be planned: each says what, where and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.bad_input.screens import Terminal
from tests.dbt.project import write_project

TOML = 'name = "shop"\n[warehouses.w]\ntype = "duckdb"\npath = "w.duckdb"\n'
HEAD = "from orchestrator import Flow, Parameter, task\nfrom tasks import DbtBuild, SqlFolder\n"
FOLDER = HEAD + 'with Flow("n") as flow:\n    SqlFolder("sql", warehouse="w")()\n'
DAY = HEAD + (
    "@task\ndef load(day):\n    return day\n"
    'with Flow("nightly") as flow:\n    load(Parameter("day", type=int))\n'
)
EMPTY = HEAD + 'with Flow("n") as flow:\n    pass\n'
CIRCLE = HEAD + (
    '@task(reads=["main.middle"], writes=["main.scored"])\ndef score(): ...\n'
    'with Flow("nightly") as flow:\n    score()\n    DbtBuild(".")()\n    SqlFolder("sql")()\n'
)
#: name: (files, words of the command line, what must be said)
CASES = {
    "circle": (
        {
            "flows/f.py": CIRCLE,
            "sql/middle.sql": "create or replace table main.middle as select * from main.orders;",
            "models/sources.yml": "sources: [{name: s, schema: main, tables: [{name: scored}]}]",
            "models/orders.sql": "select * from {{ source('s', 'scored') }}",
            "orchestrator.toml": 'name = "shop"\n',
        },
        "run nightly",
        ["models/orders.sql:1", "sql/middle.sql:1", "flows/f.py:3"],
    ),
    "unordered-writers": (
        {
            "flows/f.py": FOLDER,
            "sql/a.sql": "create or replace table t as select 1 as x;",
            "sql/b.sql": "-- two\ncreate or replace table t as select 2 as x;",
        },
        "run n",
        ["sql/a.sql:1", "sql/b.sql:2", "upstream_tasks"],
    ),
    "reader-of-a-dropped-table": (
        {
            "flows/f.py": FOLDER,
            "sql/a.sql": "drop table t;",
            "sql/b.sql": "create table u as select * from t;",
        },
        "run n",
        ["sql/b.sql:1 reads", "sql/a.sql:1 drops"],
    ),
    "strict-sql": (
        {
            "flows/f.py": FOLDER,
            "sql/bad.sql": "select 1;\nselect (1;\n",
            "orchestrator.toml": "strict_sql = true\n" + TOML,
        },
        "run n",
        ["sql/bad.sql:2, column ", "strict_sql = false"],
    ),
    "unknown-warehouse": (
        {"flows/f.py": FOLDER.replace('"w"', '"v"'), "sql/a.sql": "select 1"},
        "run n",
        ["'v'", "[warehouses.v]"],
    ),
    "missing-parameter": ({"flows/f.py": DAY}, "run nightly", ["'day'", "such as day="]),
    "mistyped-parameter": ({"flows/f.py": DAY}, "run nightly -p day=x", ["int"]),
    "unknown-parameter": ({"flows/f.py": DAY}, "run nightly -p day=1 -p dya=1", ["'dya'", "day"]),
    "unknown-task-of-a-flow": (
        {"flows/f.py": DAY}, "run nightly -p day=1 --select laod", ["load"]
    ),
    "unknown-flow": ({"flows/f.py": DAY}, "run nigtly", ["nightly"]),
    "syntax-error": (
        {"flows/f.py": "x = 1\nwith Flow('n' as f:\n    pass\n"}, "run n", ["flows/f.py:2"]
    ),
    "module-that-raises": (
        {"flows/f.py": "def f():\n    return 1 / 0\n\nf()\n"}, "run n", ["flows/f.py:2"]
    ),
    "module-that-exits": (
        {"flows/f.py": "import sys\nsys.exit(3)\n"}, "run n", ["flows/f.py:2", "SystemExit"]
    ),
    "two-flows-of-one-name": ({"flows/f.py": EMPTY, "flows/g.py": EMPTY}, "run n", ["'n'", "g.py"]),
    "unknown-setting": ({"orchestrator.toml": "theads = 3\n"}, "run n", ["'threads'"]),
    "mistyped-setting": ({"orchestrator.toml": 'threads = "x"\n'}, "run n", ["whole number"]),
    "broken-settings": ({"orchestrator.toml": "name = shop\n"}, "run n", ["orchestrator.toml:1:8"]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """What flows put on the path is gone with them."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.mark.parametrize("name", CASES)
def test_refused(terminal: Terminal, name: str) -> None:
    files, line, said = CASES[name]
    write_project(terminal.folder, {"orchestrator.toml": TOML, **files})
    shown = terminal.refuses(name, *line.split())
    assert [word for word in said if word not in shown] == []


def test_sql_that_cannot_be_read_stays_in_the_plan(terminal: Terminal) -> None:
    files = {"flows/f.py": FOLDER, "sql/bad.sql": "select 1;\nselect (1;\n"}
    write_project(terminal.folder, {"orchestrator.toml": TOML, **files})
    code, out, _ = terminal("plan", "n")
    assert code == 0
    assert "lineage unknown: bad: line 2, column " in out
    assert "sql  bad" in out


def test_the_state_folder_cannot_be_made(terminal: Terminal) -> None:
    write_project(terminal.folder, {"orchestrator.toml": TOML, "flows/f.py": EMPTY})
    (terminal.folder / ".orchestrator").write_text("in the way")
    assert "state_dir" in terminal.refuses("no-state-folder", "run", "n", code=3)


def test_a_broken_store(terminal: Terminal) -> None:
    write_project(terminal.folder, {"orchestrator.toml": TOML, "flows/f.py": EMPTY})
    (terminal.folder / ".orchestrator").mkdir()
    store = terminal.folder / ".orchestrator" / "store.db"
    store.write_bytes(b"not a database " * 100)
    assert "store.db" in terminal.refuses("broken-store", "run", "n", code=3)
    assert store.read_bytes().startswith(b"not a database"), "the file is left as it was found"
