"""Which files of macros each node of a manifest is made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.lineage.dbt.file import Manifest
from orchestrator.lineage.dbt.macros import MacroFiles


def macro(name: str, *calls: str, package: str = "shop", sql: str = "") -> tuple[str, Any]:
    return f"macro.{package}.{name}", {
        "name": name, "package_name": package, "original_file_path": f"macros/{name}.sql",
        "macro_sql": sql, "depends_on": {"macros": list(calls)},
    }  # fmt: skip


MACROS = dict(
    [
        macro("cents", "macro.shop.hundred", "macro.dbt.concat"),
        macro("hundred"),
        macro("late", sql="{% if execute %}{{ hundred(1) }}{% endif %}"),
        macro("round", "macro.shop.round"),
        macro("concat", package="dbt"),
    ]
)


@pytest.mark.parametrize(
    ("calls", "code", "files"),
    [
        ([], "select 1", ""),
        (["macro.shop.hundred"], "", "hundred"),
        (["macro.shop.cents"], "", "cents hundred"),
        ([], "{% if execute %}{{ cents (1) }}{% endif %}", "cents hundred"),
        (["macro.shop.late"], "", "hundred late"),
        (["macro.shop.round"], "", "round"),  # it calls itself
        (["macro.dbt.concat"], "select concat(a, b)", ""),
        ([], "select hundreds(1), hundred from t", ""),
    ],
)
def test_macros_are_followed_from_call_to_call(calls: list[str], code: str, files: str) -> None:
    manifest = Manifest(Path("m.json"), 12, "1.11", "shop", "duckdb", {}, {}, {}, {}, {}, MACROS)
    node = {"raw_code": code, "depends_on": {"macros": calls}}
    found = MacroFiles(manifest, "warehouse").of(node)
    assert sorted(found) == [f"warehouse/macros/{name}.sql" for name in files.split()]
    none = Manifest(Path("m.json"), 12, "1.11", "shop", "duckdb", {}, {}, {}, {}, {})
    assert MacroFiles(none).of(node) == frozenset()
