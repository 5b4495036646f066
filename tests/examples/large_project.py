"""Writes a dbt project of any size: layers of tables and views, tests by the thousand, some broken."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dbt.project import write_project


def write_large_project(folder: Path, models: int, tests: int, of_each: int) -> Path:
    """Write a project.

    Args:
        folder: Where.
        models: How many models; each refers to up to three that come before it.
        tests: How many data tests, spread evenly.
        of_each: How many models break, how many tests fail and how many only warn.
    """
    step = max(2, models // max(1, of_each))
    broken = set(range(1, models, step)[:of_each])
    failing = {n + step // 2 for n in broken if n + step // 2 < models}
    wrong = broken | failing
    avoided = wrong | {n + 1 for n in wrong}
    files = {
        f"models/l{n % 10}/m{n:04}.sql": _model(n, wrong, avoided, n in broken)
        for n in range(models)
    }
    properties = [_properties(n, models, tests, n in failing) for n in range(models)]
    files["models/models.yml"] = json.dumps({"models": properties})
    return write_project(folder, files)


def _model(n: int, wrong: set[int], avoided: set[int], broken: bool) -> str:
    """One model; what is wrong holds up only the next model, so that most of the project runs."""
    kind = "view" if n % 3 == 0 else "table"
    near = {p for p in (n - 1 - n % 7, n // 2, n - 10) if 0 <= p < n and p not in avoided}
    parents = sorted(near | ({n - 1} & wrong))
    config = f"{{{{ config(materialized='{kind}', tags=['t{n % 5}']) }}}}\n"
    rows = f"select {n} as id, 'x' as label"
    unions = "".join(
        f"\nunion all select id + {(i + 1) * 10000}, label from {{{{ ref('m{p:04}') }}}} where id = {p}"
        for i, p in enumerate(parents)
    )
    end = (
        f"\nunion all select nope_{n}, label from (select 1 as id, 'x' as label)" if broken else ""
    )
    return config + rows + unions + end


def _properties(n: int, models: int, tests: int, failing: bool) -> dict[str, object]:
    count = tests // models + (n < tests % models)
    told: list[object] = ["not_null", "unique"]
    if failing:  # the one fails, the other warns
        told[0] = {"accepted_values": {"arguments": {"values": [-1], "quote": False}}}
        told[1] = {
            "not_null": {
                "name": f"warns_{n}",
                "config": {"severity": "warn", "fail_calc": "count(*) + 3"},
            }
        }
    while len(told) < count:
        extra = {"arguments": {"values": ["x"]}, "name": f"label_{n}_{len(told)}"}
        told.append({"accepted_values": extra})
    on_id, on_label = told[:2], told[2:]
    return {
        "name": f"m{n:04}",
        "columns": [
            {"name": "id", "data_tests": on_id[:count]},
            {"name": "label", "data_tests": on_label[: max(0, count - 2)]},
        ],
    }
