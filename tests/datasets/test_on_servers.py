"""The same annotated flow on servers: Postgres, and Snowflake's protocol as fakesnow speaks it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from orchestrator.model.planning import RunOptions
from tasks import tables
from tasks.dbapi.pooling import release_all
from tasks.warehouses import make

Run = Callable[..., Any]

FLOW = """
@task
def load() -> Annotated[list, Table("{schema}.orders")]:
    return [{"id": number, "amount": number * 10} for number in range(5)]


@task
def score(
    orders: Annotated[pd.DataFrame, Table("{schema}.orders")],
    con: Annotated[Any, Connection("main")],
    lake: Annotated[Any, Connection("lake")],
) -> Annotated[pl.DataFrame, Table("{schema}.scores", mode="append")]:
    import polars

    orders.columns = [name.lower() for name in orders.columns]
    with con.cursor() as cursor:
        cursor.execute("select max(amount) from {schema}.orders")
        most = cursor.fetchone()[0]
    factor = lake.execute("select count(*) from raw.orders").fetchone()[0]
    return polars.from_pandas(orders.assign(share=orders.amount / most, score=orders.id * factor))


@task
def total(scores: Annotated[pa.RecordBatchReader, Table("{schema}.scores", columns=["score"])]):
    return sum(int(batch.column(0).to_pandas().sum()) for batch in scores)


with Flow("f") as flow:
    total()
    score()
    load()
"""


@pytest.fixture(params=["postgres", "snowflake"])
def server(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A ``[warehouses.main]`` table of an empty place on a server."""
    if request.param == "postgres":
        url = make_url(request.getfixturevalue("postgres_url"))
        schema = str(url.query["options"]).partition("=")[2]
        yield {
            "type": "postgres", "host": url.query["host"], "dbname": url.database,
            "user": url.username, "schema": schema,
        }  # fmt: skip
    else:
        fakesnow = request.getfixturevalue("fakesnow")
        yield {
            "type": "snowflake", **fakesnow.parameters, "database": f"T{uuid.uuid4().hex}".upper(),
            "schema": "PUBLIC",
        }  # fmt: skip
    release_all()


@pytest.fixture
def on_server(project: Path, server: dict[str, Any]) -> Any:
    """The project with its default warehouse on the server."""
    text = (project / "orchestrator.toml").read_text()
    own = 'type = "duckdb"\npath = "shop.duckdb"'
    told = "\n".join(f"{key} = {value!r}" for key, value in server.items())
    (project / "orchestrator.toml").write_text(text.replace(own, told))
    return make("main", server, root=project, options=RunOptions())


@pytest.mark.parametrize("executor", ["threads", pytest.param("dask", marks=pytest.mark.slow)])
def test_the_same_flow(on_server: Any, server: dict[str, Any], run: Run, executor: str) -> None:
    ran = run(FLOW.replace("{schema}", "marts"), executor=executor)
    assert ran.state == "Success", {key: ran.told(key) for key in ran.tasks}
    assert ran.tasks["total"].result == {"value": 50}
    assert (ran.tasks["load"].rows, ran.tasks["score"].rows) == (5, 5)
    found = tables.read(on_server, "select id, share from marts.scores order by id", as_="dicts")
    assert [tuple(row.values()) for row in found] == [(n, n / 4) for n in range(5)]
    if server["type"] == "postgres":
        with on_server.connect() as connection:
            connection.execute("drop schema marts cascade")


def test_mistakes(on_server: Any, server: dict[str, Any], run: Run) -> None:
    schema = server["schema"]
    tables.write(on_server, f"{schema}.there", [{"id": 1}])
    ran = run(f"""
@task
def absent(orders: Annotated[list, Table("{schema}.absent")]):
    return len(orders)


@task
def unfitting() -> Annotated[list, Table("{schema}.there", mode="append")]:
    return [{{"number": 1}}]


with Flow("f") as flow:
    absent()
    unfitting()
""")
    assert ran.told("absent").startswith(f"Failed: cannot read {schema}.absent for argument orders")
    assert "argument orders of absent" in ran.tasks["absent"].detail["path"]
    assert tables.write(on_server, f"{schema}.there", [], mode="truncate") == 0
    count = tables.read(on_server, f"select count(*) as n from {schema}.there", as_="dicts")
    assert list(count[0].values()) == [0]
    said = ran.told("unfitting").lower()
    assert "has no 'number'" in said
    assert "lacks 'id'" in said
