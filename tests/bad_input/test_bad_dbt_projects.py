"""dbt projects that cannot be planned: each says what, where and what to do next."""

from __future__ import annotations

import json

import pytest

from tests.bad_input.screens import Terminal
from tests.dbt.project import write_project

BASE = {
    "models/orders.sql": "select 1 as id",
    "models/next.sql": "select * from {{ ref('orders') }}",
}
DUCKDB = "{type: duckdb, path: shop.duckdb}"
#: name: (files, files to take away, words of the command line, word that must be said)
CASES = {
    "no-profiles": ({}, ["profiles.yml"], "run .", "profiles.yml"),
    "empty-profiles": ({"profiles.yml": ""}, [], "run .", "profiles.yml"),
    "broken-profiles": (
        {"profiles.yml": "shop: {target: dev\n  outputs: ["}, [], "run .", "profiles.yml:2"
    ),
    "missing-profile": (
        {"profiles.yml": f"other: {{target: dev, outputs: {{dev: {DUCKDB}}}}}"}, [], "run .", "'shop'"
    ),
    "missing-target": ({}, [], "run . --target prod", "dev, other"),
    "missing-variable": (
        {"profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, "
            "path: \"{{ env_var('NO_SUCH') }}\"}}}"},
        [], "run .", "NO_SUCH",
    ),
    "missing-variable-of-a-model": (
        {"models/orders.sql": "select '{{ env_var(\"NO_SUCH\") }}' as x"}, [], "run .", "NO_SUCH"
    ),
    "unknown-adapter": (
        {"profiles.yml": "shop: {target: dev, outputs: {dev: {type: oracle}}}"}, [], "run .", "oracle"
    ),
    "broken-project": ({"dbt_project.yml": "name: shop\n  x: [\n"}, [], "run .", "dbt_project.yml:2"),
    "empty-project": ({"dbt_project.yml": ""}, [], "run .", "dbt_project.yml"),
    "project-without-name": ({"dbt_project.yml": "profile: shop\n"}, [], "run .", "name"),
    "jinja-error": ({"models/orders.sql": "select 1,\n {{ 1 + }} as id"}, [], "run .", "orders.sql"),
    "unknown-ref": (
        {"models/next.sql": "select * from {{ ref('ordrs') }}"}, [], "run .", "ordrs"
    ),
    "broken-properties": ({"models/s.yml": "models: [{name: orders"}, [], "run .", "s.yml"),
    "bad-vars": ({}, [], "run . --vars {a", "--vars"),
    "no-manifest": ({}, [], "plan . --manifest nowhere.json", "nowhere.json"),
    "unknown-task": ({}, [], "run . --select ordrs", "orders"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(terminal: Terminal, name: str) -> None:
    files, gone, line, said = CASES[name]
    write_project(terminal.folder, {**BASE, **files})
    for file in gone:
        (terminal.folder / file).unlink()
    assert said in terminal.refuses(name, *line.split(" ", 3))


def test_no_project_at_all(terminal: Terminal) -> None:
    assert "dbt_project.yml" in terminal.refuses("no-project", "run", ".")


V12 = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}
MANIFESTS = {
    "manifest-empty": "",
    "manifest-truncated": json.dumps({"metadata": V12, "nodes": {"model.shop.orders": 1}})[:-4],
    "manifest-of-another-version": json.dumps(
        {"metadata": {"dbt_schema_version": V12["dbt_schema_version"].replace("12", "4")}}
    ),
    "manifest-of-something-else": "[1, 2]",
}


@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_manifests(terminal: Terminal, name: str, command: str) -> None:
    write_project(terminal.folder, BASE)
    (terminal.folder / "m.json").write_text(MANIFESTS[name])
    assert "m.json" in terminal.refuses(f"{name}-{command}", command, ".", "--manifest", "m.json")
