"""LoadFromHttp: rows of an API in a table, with their types, all or nothing."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tasks.http.errors import HttpRefusedError
from tasks.http.paginate import LoadFromHttp
from tasks.http.paging import Offset, PageNumber
from tests.http.site import Answer, Asked, Site


def load(site: Site, warehouse: Any, table: str = "raw.items", **arguments: Any) -> Any:
    task = LoadFromHttp(f"{site.url}/items", table, **arguments)
    return task.run(warehouse=warehouse)


def rows(warehouse: Any, sql: str) -> Any:
    with warehouse.connect() as connection:
        return connection.execute(sql).fetchall()


def test_columns_and_types_come_from_all_pages(site: Site, warehouse: Any) -> None:
    pages = [
        [{"id": 1, "price": 2, "note": None, "tags": ["a"]}],
        [{"id": 2, "price": 2.5, "note": "x", "late": True}, {"id": 2**70, "price": None}],
        [],
    ]
    site.pages["/items"] = lambda asked: Answer(pages[int(asked.one("page")) - 1])
    result = load(site, warehouse, paging=PageNumber())
    assert (result.value, result.rows, result.message) == (3, 3, "3 rows from 3 pages")
    assert rows(warehouse, "select * from raw.items") == [
        ("1", 2.0, None, '["a"]', None),
        ("2", 2.5, "x", None, True),
        (str(2**70), None, None, None, None),
    ]
    described = rows(warehouse, "describe raw.items")
    assert [(row[0], row[1]) for row in described] == [
        ("id", "VARCHAR"), ("price", "DOUBLE"), ("note", "VARCHAR"), ("tags", "VARCHAR"),
        ("late", "BOOLEAN"),
    ]  # fmt: skip


def test_columns_by_path_with_types(site: Site, warehouse: Any) -> None:
    site.page(
        "/items",
        Answer([{"at": "2026-03-01T10:00:00+02:00", "price": 0.1, "who": {"name": "Äda"}, "x": 1},
                {"at": None, "price": "7", "who": {}}]),
    )  # fmt: skip
    load(
        site, warehouse,
        columns={"placed": "at", "price": "price", "name": "who.name", "none": "no.such"},
        types={"placed": "timestamp", "price": "decimal(9,2)", "none": "date"},
    )  # fmt: skip
    assert rows(warehouse, "from raw.items") == [
        (dt.datetime(2026, 3, 1, 8), decimal.Decimal("0.10"), "Äda", None),
        (None, decimal.Decimal("7.00"), None, None),
    ]


def test_modes(site: Site, warehouse: Any) -> None:
    site.page("/items", Answer([{"n": 1}]))
    for mode, expected in [("append", 1), ("append", 2), ("truncate", 1), ("replace", 1)]:
        load(site, warehouse, mode=mode)
        assert rows(warehouse, "select count(*) from raw.items") == [(expected,)]
    with pytest.raises(FlowError, match="mode 'apend'"):
        load(site, warehouse, mode="apend")


def test_a_page_that_fails_leaves_the_table_as_it_was(site: Site, warehouse: Any) -> None:
    site.page("/items", Answer([{"n": 1}]))
    load(site, warehouse)
    site.pages["/items"] = lambda asked: (
        Answer([{"n": 2}]) if asked.one("page") == "1" else Answer(b"", 404)
    )
    with pytest.raises(HttpRefusedError, match="answered 404"):
        load(site, warehouse, paging=PageNumber())
    site.page("/items", Answer([{"n": 3}, {"n": "many"}]))
    with pytest.raises(HttpRefusedError, match="column 'n', rows 1 to 2: a value is no int64"):
        load(site, warehouse, types={"n": "integer"})
    assert rows(warehouse, "from raw.items") == [(1,)]


def test_more_rows_than_one_batch(site: Site, warehouse: Any) -> None:
    def page(asked: Asked) -> Answer:
        first = int(asked.one("offset"))
        return Answer([{"n": n} for n in range(first, min(first + 6000, 25_000))])

    site.pages["/items"] = page
    result = load(site, warehouse, paging=Offset(limit=6000))
    assert result.value == 25_000
    assert rows(warehouse, "select count(distinct n), max(n) from raw.items") == [(25_000, 24_999)]


def test_no_rows(site: Site, warehouse: Any) -> None:
    site.page("/items", Answer([]))
    with pytest.raises(HttpRefusedError, match=r"no rows came for raw.items"):
        load(site, warehouse)
    result = load(site, warehouse, columns={"id": "id"}, types={"id": "integer"})
    assert (result.value, rows(warehouse, "from raw.items")) == (0, [])


def test_types_that_there_are_not(site: Site, warehouse: Any) -> None:
    site.page("/items", Answer([{"n": 1}]))
    for word in ("int9", "decimal(39)", "decimal(2,3)"):
        with pytest.raises(FlowError, match="is no type"):
            load(site, warehouse, types={"n": word})
    assert not site.asked, "no page is read first"
    with pytest.raises(FlowError, match="names 'm', which no row has"):
        load(site, warehouse, types={"m": "text"})
    with pytest.raises(ConfigurationError, match="no warehouse to load into"):
        load(site, None)


def test_in_a_flow_what_reads_the_table_waits_for_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/items", Answer({"data": [{"id": 1}, {"id": 2}]}))
    monkeypatch.setenv("ITEMS_URL", f"{site.url}/items")
    (tmp_path / "orchestrator.toml").write_text(
        'name = "shop"\n[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n'
    )
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "items.py").write_text(
        "from orchestrator import Flow\n"
        "from tasks import DuckDBQuery, LoadFromHttp\n"
        "with Flow('items') as flow:\n"
        "    DuckDBQuery('select count(*) from raw.items', fetch='one', name='count')()\n"
        "    LoadFromHttp('env:ITEMS_URL', 'raw.items', rows='data', name='load')()\n"
    )
    monkeypatch.chdir(tmp_path)
    project = Project.find(tmp_path)
    flow = project.flow("items")
    assert flow.plan(project=tmp_path).order() == ["load", "count"]
    result = run_flow(project, flow, Request())
    assert result.state.is_successful(), result.state.result
    assert result.state.result["load"].message == "2 rows from 1 pages"
