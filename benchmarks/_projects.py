"""Made-up projects for the benchmarks: a dbt manifest of any size, and SQL files around it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROJECT = "shop"
_DATABASE = "shop"
_COLUMNS = ("id", "customer_id", "status", "amount", "ordered_at", "updated_at")
_GENERIC = ("not_null", "unique", "accepted_values")
_SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"
_Node = dict[str, Any]


def write_manifest(
    path: str | Path, models: int = 5000, tests: int = 0, seed: int = 0, ephemeral: float = 0.02
) -> Path:
    """Write a manifest.json as dbt-core 1.11 writes it: sources, three layers of models, tests.

    Args:
        path: Where to write it.
        models: Number of models; there is one source table for each five of them.
        tests: Number of data tests; one in ten tests two models.
        seed: The same seed gives the same project.
        ephemeral: Share of models in the middle layer that are ephemeral.

    Example:
        >>> write_manifest("/tmp/manifest.json", models=50, tests=20)  # doctest: +SKIP
    """
    chance = random.Random(seed)
    sources = {node["unique_id"]: node for node in map(_source, range(source_count(models)))}
    nodes: dict[str, _Node] = {}
    for node in _models(models, chance, ephemeral):
        nodes[node["unique_id"]] = node
    names = list(nodes)
    for index in range(tests):
        node = _test(index, names, chance)
        nodes[node["unique_id"]] = node
    document = _document(nodes, sources)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def write_sql_files(
    folder: str | Path, files: int = 1000, models: int = 5000, seed: int = 0
) -> list[Path]:
    """Write SQL files around the models of :func:`write_manifest`.

    One in five loads a table that a dbt source reads; the others make reports of marts and of
    each other, one in ten of them through a temporary table.

    Args:
        folder: Where to write them.
        files: Number of files.
        models: Number of models of the manifest.
        seed: The same seed gives the same files.
    """
    chance = random.Random(seed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marts = [name for name, layer in _layers(models) if layer == "marts"]
    paths = []
    for index in range(files):
        load = index % 5 == 0 and index // 5 < source_count(models)
        text = _load(index // 5) if load else _report(index, marts, chance)
        name = f"load_{index // 5:04}.sql" if load else f"report_{index:04}.sql"
        paths.append(folder / name)
        paths[-1].write_text(text)
    return paths


def source_count(models: int) -> int:
    """How many source tables a project of that many models has."""
    return max(1, models // 5)


def _layers(models: int) -> Iterator[tuple[str, str]]:
    """Name and layer of each model: two fifths staging, the rest intermediate and marts."""
    for index in range(models):
        share = index / models
        layer = "staging" if share < 0.4 else "intermediate" if share < 0.7 else "marts"
        prefix = {"staging": "stg", "intermediate": "int", "marts": "fct"}[layer]
        yield f"{prefix}_{index:05}", layer


def _models(models: int, chance: random.Random, ephemeral: float) -> Iterator[_Node]:
    before: dict[str, list[str]] = {"staging": [], "intermediate": [], "marts": []}
    for index, (name, layer) in enumerate(_layers(models)):
        kind = {"staging": "view", "intermediate": "table", "marts": "table"}[layer]
        if layer == "intermediate" and chance.random() < ephemeral:
            kind = "ephemeral"
        if layer == "marts" and chance.random() < 0.1:
            kind = "incremental"
        if layer == "staging":
            yield _model(name, layer, kind, [], index % source_count(models))
        else:
            near = before["staging"] if layer == "intermediate" else before["intermediate"]
            pool = near[-400:] or before["staging"] or [next(iter(_layers(models)))[0]]
            refs = chance.sample(pool, min(len(pool), chance.randint(1, 4)))
            yield _model(name, layer, kind, refs, None)
        before[layer].append(name)


def _model(name: str, layer: str, kind: str, refs: list[str], source: int | None) -> _Node:
    code = _code(kind, refs, source)
    parents = [f"model.{_PROJECT}.{ref}" for ref in refs]
    if source is not None:
        parents = [f"source.{_PROJECT}.raw.{_source_table(source)}"]
    relation = None if kind == "ephemeral" else f'"{_DATABASE}"."{layer}"."{name}"'
    return {
        **_common("model", name, f"models/{layer}/{name}.sql", [_PROJECT, layer, name], code),
        "schema": layer,
        "config": _config(kind, [layer]),
        "tags": [layer],
        "columns": {column: _column(column) for column in _COLUMNS},
        "patch_path": f"{_PROJECT}://models/{layer}/schema.yml",
        "relation_name": relation,
        "refs": [{"name": ref, "package": None, "version": None} for ref in refs],
        "sources": [] if source is None else [["raw", _source_table(source)]],
        "depends_on": {"macros": ["macro.dbt.is_incremental"], "nodes": parents},
        "access": "protected",
        "constraints": [],
        "version": None,
        "latest_version": None,
        "deprecation_date": None,
        "primary_key": ["id"],
        "time_spine": None,
    }


def _test(index: int, models: list[str], chance: random.Random) -> _Node:
    two = index % 10 == 9 and len(models) > 1
    tested = chance.sample(models, 2) if two else [models[index % len(models)]]
    kind = "relationships" if two else _GENERIC[index % len(_GENERIC)]
    column = _COLUMNS[index // max(len(models), 1) % len(_COLUMNS)]
    target = tested[-1].rpartition(".")[2]
    name = f"{kind}_{target}_{column}_{index}"
    code = f"{{{{ test_{kind}(**_dbt_generic_test_kwargs) }}}}"
    common = _common("test", name, "models/schema.yml", [_PROJECT, name], code)
    common["unique_id"] = f"test.{_PROJECT}.{name}.{_digest(name)[:10]}"
    return {
        **common,
        "schema": "dbt_test__audit",
        "config": _test_config(),
        "tags": [],
        "columns": {},
        "patch_path": None,
        "relation_name": None,
        "refs": [
            {"name": key.rpartition(".")[2], "package": None, "version": None} for key in tested
        ],
        "sources": [],
        "depends_on": {"macros": [f"macro.dbt.test_{kind}"], "nodes": tested},
        "column_name": column,
        "file_key_name": f"models.{target}",
        "attached_node": tested[-1],
        "test_metadata": {
            "name": kind,
            "kwargs": {"column_name": column, "model": f"{{{{ get_where_subquery({target}) }}}}"},
            "namespace": None,
        },
    }


def _source(index: int) -> _Node:
    table = _source_table(index)
    return {
        "database": _DATABASE,
        "schema": "raw",
        "name": table,
        "resource_type": "source",
        "package_name": _PROJECT,
        "path": "models/sources.yml",
        "original_file_path": "models/sources.yml",
        "unique_id": f"source.{_PROJECT}.raw.{table}",
        "fqn": [_PROJECT, "raw", table],
        "source_name": "raw",
        "source_description": "",
        "loader": "",
        "identifier": table,
        "quoting": dict.fromkeys(("database", "schema", "identifier", "column")),
        "loaded_at_field": None,
        "loaded_at_query": None,
        "freshness": {"warn_after": _period(), "error_after": _period(), "filter": None},
        "external": None,
        "description": f"Rows of {table} as they came.",
        "columns": {column: _column(column) for column in _COLUMNS},
        "meta": {},
        "source_meta": {},
        "tags": [],
        "config": {"enabled": True, "event_time": None, "meta": {}, "tags": []},
        "patch_path": None,
        "unrendered_config": {},
        "relation_name": f'"{_DATABASE}"."raw"."{table}"',
        "created_at": 1795262846.9,
        "unrendered_database": None,
        "unrendered_schema": "raw",
        "doc_blocks": [],
    }


def _common(kind: str, name: str, path: str, fqn: list[str], code: str) -> _Node:
    return {
        "database": _DATABASE,
        "name": name,
        "resource_type": kind,
        "package_name": _PROJECT,
        "path": path.partition("/")[2],
        "original_file_path": path,
        "unique_id": f"{kind}.{_PROJECT}.{name}",
        "fqn": fqn,
        "alias": name,
        "checksum": {"name": "sha256", "checksum": _digest(code)},
        "description": f"{name}: one row for each id, made for the benchmark. " * 3,
        "meta": {},
        "group": None,
        "docs": {"show": True, "node_color": None},
        "build_path": None,
        "unrendered_config": {"materialized": "table"},
        "created_at": 1795262844.6,
        "raw_code": code,
        "doc_blocks": [],
        "language": "sql",
        "metrics": [],
        "functions": [],
        "compiled_path": None,
        "contract": {"enforced": False, "alias_types": True, "checksum": None},
    }


def _code(kind: str, refs: list[str], source: int | None) -> str:
    columns = ",\n    ".join(f"t0.{column} as {column}" for column in _COLUMNS)
    tables = [f"{{{{ ref('{ref}') }}}}" for ref in refs]
    if source is not None:
        tables = [f"{{{{ source('raw', '{_source_table(source)}') }}}}"]
    joins = "".join(
        f"\nleft join {t} as t{i} on t{i}.id = t0.id" for i, t in enumerate(tables) if i
    )
    since = "\n{% if is_incremental() %}\nwhere t0.updated_at > (select max(updated_at) from {{ this }})\n{% endif %}"
    head = f"{{{{ config(materialized='{kind}') }}}}\n\n-- One row for each id.\n"
    body = f"select\n    {columns}\nfrom {tables[0] if tables else '(select 1 as id)'} as t0{joins}"
    return head + body + (since if kind == "incremental" else "")


def _config(kind: str, tags: list[str]) -> _Node:
    empty = ("alias", "schema", "database", "group", "static_analysis", "incremental_strategy")
    unset = ("batch_size", "begin", "full_refresh", "event_time", "concurrent_batches")
    return {
        "enabled": True,
        **dict.fromkeys(empty),
        **dict.fromkeys(unset),
        "tags": tags,
        "meta": {},
        "materialized": kind,
        "lookback": 1,
        "persist_docs": {},
        "post-hook": [],
        "pre-hook": [],
        "quoting": {},
        "column_types": {},
        "unique_key": "id" if kind == "incremental" else None,
        "on_schema_change": "ignore",
        "on_configuration_change": "apply",
        "grants": {},
        "packages": [],
        "docs": {"show": True, "node_color": None},
        "contract": {"enforced": False, "alias_types": True},
        "access": "protected",
        "freshness": None,
    }


def _test_config() -> _Node:
    unset = ("alias", "database", "group", "store_failures", "store_failures_as", "where", "limit")
    return {
        "enabled": True,
        **dict.fromkeys(unset),
        "schema": "dbt_test__audit",
        "tags": [],
        "meta": {},
        "materialized": "test",
        "severity": "ERROR",
        "fail_calc": "count(*)",
        "warn_if": "!= 0",
        "error_if": "!= 0",
    }


def _column(name: str) -> _Node:
    return {
        "name": name,
        "description": f"The {name} of the row, as the system of record has it.",
        "meta": {},
        "data_type": None,
        "constraints": [],
        "quote": None,
        "config": {"meta": {}, "tags": []},
        "tags": [],
        "granularity": None,
        "doc_blocks": [],
    }


def _document(nodes: dict[str, _Node], sources: dict[str, _Node]) -> _Node:
    parents = {key: list(node["depends_on"]["nodes"]) for key, node in nodes.items()}
    parents |= {key: [] for key in sources}
    children: dict[str, list[str]] = {key: [] for key in parents}
    for key, ups in parents.items():
        for up in ups:
            children[up].append(key)
    empty = ("exposures", "metrics", "groups", "selectors", "disabled", "group_map", "docs")
    later = ("saved_queries", "semantic_models", "unit_tests", "functions")
    return {
        "metadata": {
            "dbt_schema_version": _SCHEMA,
            "dbt_version": "1.11.16",
            "generated_at": "2026-01-01T00:00:00.000000Z",
            "invocation_id": "00000000-0000-0000-0000-000000000000",
            "invocation_started_at": "2026-01-01T00:00:00.000000Z",
            "env": {},
            "project_name": _PROJECT,
            "project_id": _digest(_PROJECT)[:32],
            "user_id": None,
            "send_anonymous_usage_stats": False,
            "adapter_type": "duckdb",
            "quoting": {"database": True, "schema": True, "identifier": True, "column": None},
            "run_started_at": "2026-01-01T00:00:00+00:00",
        },
        "nodes": nodes,
        "sources": sources,
        "macros": {},
        **{name: {} for name in (*empty, *later)},
        "parent_map": parents,
        "child_map": children,
    }


def _load(source: int) -> str:
    table = f"{_DATABASE}.raw.{_source_table(source)}"
    columns = ",\n    ".join(_COLUMNS)
    return (
        f"create or replace table {table} as\nselect\n    {columns}\nfrom landing.in_{source:04}\n"
    )


def _report(index: int, marts: list[str], chance: random.Random) -> str:
    first, second = (f"{_DATABASE}.marts.{mart}" for mart in chance.choices(marts, k=2))
    if index % 7 == 3:
        # The report before the last one is none of the files that load.
        second = f"{_DATABASE}.reports.report_{index - 1 - (index % 5 == 1):04}"
    query = (
        f"select\n    a.status,\n    count(*) as rows_seen,\n    sum(b.amount) as amount\n"
        f"from {first} as a\njoin {second} as b on b.id = a.id\ngroup by a.status"
    )
    target = f"{_DATABASE}.reports.report_{index:04}"
    if index % 10 == 2:
        return (
            f"create temporary table picked as\n{query};\n\n"
            f"create or replace table {target} as\n"
            "select status, rows_seen as id, amount\nfrom picked\nwhere amount > 0;\n"
        )
    return f"create or replace table {target} as\n{query}\n"


def _source_table(index: int) -> str:
    return f"in_{index:04}"


def _period() -> _Node:
    return {"count": None, "period": None}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
