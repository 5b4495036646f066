"""The same loads and exports on Postgres: streamed, all or nothing, noted in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from orchestrator.model.planning import RunOptions
from orchestrator.model.signals import FAIL
from tasks.dbapi.pooling import release_all
from tasks.files import Csv, ExportTable, LoadFiles
from tasks.tables import read
from tasks.warehouses import make

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def postgres(postgres_url: str, folder: Path) -> Iterator[Any]:
    """An empty schema on the tests' own server."""
    url = make_url(postgres_url)
    config = {
        "type": "postgres",
        "host": url.query["host"],
        "dbname": url.database,
        "user": url.username,
        "schema": str(url.query["options"]).partition("=")[2],
    }
    yield make("main", config, root=folder, options=RunOptions())
    release_all()


def rows(warehouse: Any, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(warehouse, query, as_="dicts")]


def test_load_broken_rows_and_once(write: Write, postgres: Any) -> None:
    write("in/a.csv", 'id,name,amount\n1,"x, ""y""",1.50\n2,,\nthree,z,1\n')
    form = Csv(types={"id": "bigint", "amount": "decimal(9,2)"})
    load = LoadFiles("in/*.csv", "orders", format=form, once=True, file_column="file")
    with pytest.raises(FAIL, match="1 row cannot be read"):
        load.run(warehouse=postgres)
    assert rows(postgres, "select count(*) from orchestrator_loaded_files") == [(0,)]
    assert rows(postgres, "select count(*) from orders") == [(0,)]

    assert load.copy(max_broken=1).run(warehouse=postgres).rows == 2
    assert load.run(warehouse=postgres).rows == 0
    found = rows(postgres, "select id, name, amount::text, file from orders order by id")
    assert found == [(1, 'x, "y"', "1.50", "in/a.csv"), (2, None, None, "in/a.csv")]


def test_types_of_the_table_count(write: Write, postgres: Any) -> None:
    write("in.csv", "zip,day\n01234,2026-03-01\n1,tomorrow\n")
    with postgres.connect() as connection:
        connection.execute("create table places (zip text, day date)")
    result = LoadFiles("in.csv", "places", max_broken=1).run(warehouse=postgres)
    assert result.value["broken"] == 1
    assert rows(postgres, "select zip, day::text from places") == [("01234", "2026-03-01")]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "xlsx"])
def test_what_is_exported_comes_back(ending: str, postgres: Any) -> None:
    query = "select n as id, 'row ' || n as name, n * 0.5::float8 as half from generate_series(1, 5000) n"
    ExportTable(query=query, target=f"out/a.{ending}").run(warehouse=postgres)
    load = LoadFiles(f"out/a.{ending}", "again", mode="replace")
    assert load.run(warehouse=postgres).rows == 5000
    assert rows(postgres, "select sum(id) as i, sum(half) as h, max(name) as n from again") == [
        (12502500, 6251250.0, "row 999")
    ]


def test_a_query_that_fails(postgres: Any, folder: Path) -> None:
    with pytest.raises(FAIL) as raised:
        ExportTable(query="select 1 / 0 as id", target="a.csv").run(warehouse=postgres)
    assert raised.value.code == "22012"
    assert not (folder / "a.csv").exists()
