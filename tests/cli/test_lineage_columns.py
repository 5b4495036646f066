"""``orchestrator lineage TABLE.COLUMN``: its screens, and a project of dbt, SQL and Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli import columns as column_words
from orchestrator.cli.main import execute
from orchestrator.cli.terminal import columns
from orchestrator.lineage.tracing.graph import ColumnGraph
from tests.cli.conftest import Compare
from tests.tracing.flows import column_of, drawn, model, python, says, sql

FLOW = """
from orchestrator import Flow, task
from tasks import DbtBuild, SqlFolder

@task(
    reads=["main.daily"],
    writes={"main.scores": {"score": ["main.daily.total"], "day": ["main.daily.day"]}},
)
def score(): ...

@task(reads=["main.scores"], writes=["main.report"])
def report(): ...

with Flow("nightly") as flow:
    DbtBuild(project_dir="shop")()
    SqlFolder("sql")()
    score()
    report()
"""
FILES = {
    "orchestrator.toml": '[warehouses.w]\ntype = "duckdb"\npath = "shop/shop.duckdb"\n',
    "flows/nightly.py": FLOW,
    "shop/dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n'
    "flags: {send_anonymous_usage_stats: false}\n",
    "shop/profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: shop.duckdb, schema: main}\n",
    "shop/seeds/raw_orders.csv": "id,amount,day\n1,250,2026-01-01\n",
    "shop/models/staged.sql": "select\n    *,\n    amount / 100 as euros\n"
    "from {{ ref('raw_orders') }}\n",
    "sql/daily.sql": "create or replace table main.daily as\nselect\n    day,\n"
    "    sum(euros) as total\nfrom main.staged\ngroup by day\n",
}
Ran = tuple[int, str, str]
Call = Callable[..., Ran]


@pytest.fixture
def project(in_tmp: Path) -> Path:
    for name, text in FILES.items():
        path = in_tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return in_tmp


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setattr(column_words, "_PATIENCE", 600.0)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*args: str) -> Ran:
        code = execute(args)
        return (code, *capsys.readouterr())

    return run


def test_from_dbt_through_sql_into_python(project: Path, call: Call) -> None:
    code, out, err = call("lineage", "main.scores.score", "--up")
    assert (code, err) == (0, "")
    assert out.splitlines()[:7] == [
        "shop.main.scores.score  in flow nightly",
        "",
        "comes from",
        "   shop.main.daily.total  by python score  flows/nightly.py:5  writes main.scores (score)",
        "      shop.main.staged.euros  by sql daily  sql/daily.sql:4  sum(euros) as total",
        "         shop.main.raw_orders.amount  by model staged  shop/models/staged.sql:3  "
        "amount / 100 as euros",
        "            no column  by seed raw_orders  shop/seeds/raw_orders.csv:1  its header",
    ]
    code, out, _ = call("lineage", "raw_orders.AMOUNT", "--down", "--format", "json")
    shape = json.loads(out)
    assert (code, shape["column"], "up" in shape) == (0, "amount", False)
    assert [
        (s["task"], s["how"], s["target"]["column"], s["evidence"]["file"], s["evidence"]["line"])
        for s in shape["down"]
    ] == [
        ("model.shop.staged", "value", "amount", "shop/models/staged.sql", 2),
        ("model.shop.staged", "value", "euros", "shop/models/staged.sql", 3),
        ("sql/daily.sql", "value", "total", "sql/daily.sql", 4),
        ("score", "value", "score", "flows/nightly.py", 5),
        ("report", "unknown", "*", "flows/nightly.py", 11),
    ]
    assert not (project / "shop" / "shop.duckdb").exists(), "nothing is built by asking"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("main.daily.totl", ["has no column 'totl'", "day, total", "did you mean total?"]),
        ("main.report.x", ["the columns of shop.main.report are not known", "python report"]),
        ("main.dayly.total", ["no task reads or writes 'main.dayly.total'", "main.daily"]),
        ("staged.", ["no task reads or writes 'staged.'"]),
    ],
)
def test_what_is_not_there_exits_with_2(
    project: Path, call: Call, name: str, said: list[str]
) -> None:
    code, out, err = call("lineage", name)
    assert (code, out) == (2, "")
    assert all(words in err for words in said), err
    code, out, _ = call("lineage", name, "--format", "json")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "NotFoundError")


def test_a_table_is_still_shown_as_a_table(project: Path, call: Call) -> None:
    code, out, _ = call("lineage", "main.daily", "--up")
    assert code == 0
    assert "shop.main.staged  by sql daily" in out
    assert not (project / ".orchestrator" / "cache" / "columns.json").exists()


def test_a_source_column_that_is_declared_without_its_table(project: Path, call: Call) -> None:
    flow = (project / "flows" / "nightly.py").read_text()
    (project / "flows" / "nightly.py").write_text(flow.replace('"main.daily.total"', '"total"'))
    code, _, err = call("lineage", "main.scores.score")
    assert code == 2
    assert "score comes from 'total', which is no column" in err


def test_a_column_that_only_another_flow_has_wrong_is_explained_by_that_flow(
    project: Path, call: Call
) -> None:
    (project / "flows" / "a_first.py").write_text(
        "from orchestrator import Flow, task\n@task(writes=['x.y'])\ndef lone(): ...\n"
        "with Flow('another') as f:\n    lone()\n"
    )
    code, _, err = call("lineage", "main.daily.totl")
    assert code == 2
    assert "has no column 'totl'" in err


@pytest.mark.slow
def test_whoever_waits_is_told_what_goes_on(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_words, "_PATIENCE", 0.0)
    assert execute(["lineage", "main.daily.total"]) == 0
    assert "dbt compiles what it has not compiled before" in capsys.readouterr().err
    assert execute(["lineage", "main.daily.total", "--format", "json"]) == 0
    assert capsys.readouterr().err == ""


# -- screens ---------------------------------------------------------------------------------------


def shop() -> ColumnGraph:
    """A column that is followed through everything that can be said of a step."""
    return drawn(
        python("load", writes="raw.orders", said=(says("raw.orders", {"id": (), "amount": ()}),)),
        model(
            "staged_orders_with_their_customers",
            "select\n  id,\n  amount / 100 as euros\nfrom raw.orders",
        ),
        sql(
            "daily",
            "create table daily as\nselect\n  sum(euros) as total,\n  count(*) as n\n"
            "from staged_orders_with_their_customers",
        ),
        sql("joined", "create view joined as\nselect total + fee as all_in from daily, x, y"),
        python("score", "joined", "scores", (says("scores", {"score": None}),)),
        python("export", "scores daily", "report out"),
        python("publish", "scores"),
        model("last", "select *, all_in as once_more from joined join scores on true"),
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_lineage_of_a_column(same_screen: Compare, width: int) -> None:
    graph = shop()
    lines = columns.picture(graph, column_of("daily.total"), True, True, width=width)
    for column in ("daily.n", "last.once_more", "last.score"):
        lines += columns.picture(graph, column_of(column), True, False, width=width)
    same_screen("lineage-column", lines, width)


@pytest.mark.parametrize("width", [80, 120])
def test_columns_that_are_not_all_known(same_screen: Compare, width: int) -> None:
    tasks = [model("a", "select * from raw.x"), model("b", "select foo from a")]
    known = drawn(*tasks)
    graph = ColumnGraph("nightly", [], known.columns, ("warehouse w was not asked: it is away",))
    lines = columns.picture(graph, column_of("a.foo"), True, True, width=width)
    same_screen("lineage-column-open", lines, width)


def test_a_large_tree_is_cut(same_screen: Compare) -> None:
    tasks = [model("m0", "select 1 as x")]
    tasks += [model(f"m{n}", "select x from m0") for n in range(1, 200)]
    graph = drawn(*tasks)
    shown = columns.picture(graph, column_of("m0.x"), False, True, width=80)
    assert "… more: --all" in shown[-1].plain
    assert len(shown) < 110
    assert len(columns.picture(graph, column_of("m0.x"), False, True, width=80, whole=True)) > 199
