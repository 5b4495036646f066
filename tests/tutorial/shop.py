"""The shop that pages go on from: a dbt project, files that came in, and what a page adds to them."""

from __future__ import annotations

from pathlib import Path

from tests.docs import pages

#: The dbt project that the pages leave as it is, and files of orders.
DBT = {
    "dbt/dbt_project.yml": "name: shop\nprofile: shop\n",
    "dbt/profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: ../shop.duckdb, threads: 2}\n",
    "dbt/models/sources.yml": "sources:\n  - name: raw\n    tables: [{name: orders}]\n",
    "dbt/models/daily.sql": "select day, sum(amount) as revenue\n"
    "from {{ source('raw', 'orders') }} group by day\n",
    "dbt/models/extra.sql": "{{ config(tags=['adhoc']) }} select 1 as one\n",
    "incoming/orders_1.csv": "day,amount\n2026-03-02,5\n2026-03-02,7\n",
    "incoming/orders_2.csv": "day,amount\n2026-03-10,9\n",
    "exports/.keep": "",
}


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files by their names."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def files_of(page: Path) -> dict[str, str]:
    """The files that a page shows."""
    found = pages.blocks(page.read_text(encoding="utf-8"))
    return {block.file: block.text for block in found if "." in block.file}
