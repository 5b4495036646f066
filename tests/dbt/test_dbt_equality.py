"""A session must leave what `dbt build` leaves: each node's status, message, failures, tables."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.dbt.options import DbtOptions
from tests.dbt.driver import build
from tests.dbt.project import EVERYTHING, PROJECT, write_project

DAYS = {"event_time_start": "2026-01-01", "event_time_end": "2026-01-05"}


def dbt(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run dbt's own command line in the project's folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *words],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"DBT_PROFILES_DIR": str(project)},
    )


def outcome(project: Path) -> dict[str, tuple[Any, ...]]:
    """Read from run_results.json what must not differ between two runs of one project."""
    document = json.loads((project / "target" / "run_results.json").read_text())
    return {
        r["unique_id"]: (
            r["status"],
            r["failures"],
            _neutral(r["message"], project),
            r["adapter_response"],
            _neutral(r["compiled_code"], project),
            r["relation_name"],
            _batches(r["batch_results"]),
        )
        for r in document["results"]
    }


def _neutral(text: str | None, project: Path) -> str | None:
    """Take out of a text what differs by folder, by colour or by run."""
    if text is None:
        return None
    plain = re.sub(r"\x1b\[[\d;]*m", "", text.replace(str(project), ""))
    return "Python model failed" if "Python model failed" in plain else plain


def _batches(results: dict[str, Any] | None) -> tuple[int, int] | None:
    return (len(results["successful"]), len(results["failed"])) if results else None


def tables(project: Path, name: str = "shop.duckdb") -> dict[str, list[tuple[Any, ...]]]:
    """Read every table of the database, and so prove that nobody holds its file."""
    with duckdb.connect(str(project / name), read_only=True) as connection:
        found = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_name <> 'history' order by 1"
        ).fetchall()
        return {t: sorted(connection.execute(f"from {t}").fetchall(), key=repr) for (t,) in found}


def files(project: Path, folder: str) -> dict[str, str]:
    """Read the SQL that dbt left below target, which people look at when something failed."""
    root = project / "target" / folder
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


def graph_summary(project: Path) -> dict[str, set[tuple[str, str, str]]]:
    """Read graph_summary.json as edges by name: its numbers follow the order of a set."""
    document = json.loads((project / "target" / "graph_summary.json").read_text())
    return {
        kind: {
            (node["name"], node["type"], nodes[str(below)]["name"])
            for node in nodes.values()
            for below in node.get("succ", ())
        }
        for kind, nodes in document.items()
        if isinstance(nodes, dict)
    }


def session_words(options: DbtOptions) -> list[str]:
    return [w for w in options.argv()[1:] if w not in ("--project-dir", options.project_dir)]


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Path, Path]:
    theirs = write_project(tmp_path / "theirs" / "shop", EVERYTHING)
    return theirs, write_project(tmp_path / "ours" / "shop", EVERYTHING)


@pytest.mark.slow
@pytest.mark.parametrize(
    "trim", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["trimmed", "whole"]
)
def test_every_kind_of_node_twice(twins: tuple[Path, Path], trim: bool) -> None:
    theirs, ours = twins
    options = DbtOptions(str(ours), **DAYS)
    for _ in range(2):  # the second run is incremental
        dbt(theirs, "build", *session_words(options))
        results = build(options, trim=trim)
        assert outcome(ours) == outcome(theirs)
        assert tables(ours) == tables(theirs)
        assert files(ours, "compiled") == files(theirs, "compiled")
        assert files(ours, "run").keys() == files(theirs, "run").keys()
        assert graph_summary(ours) == graph_summary(theirs)
    told = {unique_id: result.status for unique_id, result in results.items()}
    stated = {unique_id: values[0] for unique_id, values in outcome(ours).items()}
    ephemeral = {"model.shop.brief", "model.shop.broken_brief"}
    assert {u: s for u, s in told.items() if u not in ephemeral} == stated
    assert set(stated.values()) == {
        "success", "error", "fail", "warn", "pass", "skipped", "no-op", "partial success",
    }  # fmt: skip


def slow(flags: dict[str, Any]) -> Any:
    """Flags that are tried in make test-all only: each builds the project twice."""
    return pytest.param(flags, marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        slow({"empty": True}),
        slow({"full_refresh": True, "store_failures": True}),
        {"select": ("customers+1", "happenings"), "exclude": ("resource_type:snapshot",)},
        # no microbatch: dbt 1.10 waits for ever for a second thread to run the batches in
        slow(
            {
                "target": "other",
                "threads": 1,
                "resource_types": ("model", "seed"),
                "exclude": ("daily", "halves"),
            }
        ),
        slow({"select": ("nothing_of_that_name",)}),
    ],
    ids=lambda flags: "+".join(flags),
)
def test_flags(twins: tuple[Path, Path], flags: dict[str, Any]) -> None:
    theirs, ours = twins
    options = DbtOptions(str(ours), **DAYS, **flags)
    dbt(theirs, "build", *session_words(options))
    build(options)
    assert outcome(ours) == outcome(theirs)
    if flags.get("select") != ("nothing_of_that_name",):
        name = "other.duckdb" if "target" in flags else "shop.duckdb"
        assert tables(ours, name) == tables(theirs, name)


HOOKS = {
    "models/one.sql": "select {{ var('number', 1) }} as n",
    "models/two.sql": "select n + 1 as n from {{ ref('one') }}",
}


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["false", "true"], ids=["goes_on", "ends_run"])
def test_failing_on_run_start(tmp_path: Path, flag: str) -> None:
    hooks = f"""
flags: {{skip_nodes_if_on_run_start_fails: {flag}, send_anonymous_usage_stats: false}}
on-run-start: [select 1, select nope, select 2]
on-run-end: ["create or replace table ended as select {{{{ results | length }}}} as n"]
"""
    project = PROJECT.replace("flags: {send_anonymous_usage_stats: false}\n", "") + hooks
    files = HOOKS | {"dbt_project.yml": project}
    theirs = write_project(tmp_path / "theirs" / "shop", files)
    ours = write_project(tmp_path / "ours" / "shop", files)
    dbt(theirs, "build")
    from tasks.dbt.errors import DbtHookError
    from tasks.dbt.session import WarmSession

    if flag == "false":
        results = build(DbtOptions(str(ours)))
        assert results["operation.shop.shop-on-run-start-1"].status == "error"
        assert results["operation.shop.shop-on-run-start-2"].status == "skipped"
        assert results["model.shop.two"].ok
    else:
        session = WarmSession(DbtOptions(str(ours)))
        session.parse()
        with pytest.raises(DbtHookError, match="nope"):
            session.begin()
        session.finish()
    assert outcome(ours) == outcome(theirs)
    assert tables(ours) == tables(theirs)


@pytest.mark.slow
def test_defer_to_another_state(tmp_path: Path) -> None:
    both = []
    for owner in ("theirs", "ours"):
        project = write_project(tmp_path / owner / "shop", HOOKS)
        assert dbt(project, "build").returncode == 0
        (project / "target").rename(project / "prod")
        (project / "models" / "two.sql").write_text("select n + 2 as n from {{ ref('one') }}")
        both.append(project)
    flags = {"select": ("state:modified",), "state": "prod", "defer": True, "favor_state": True}
    options = DbtOptions(str(both[1]), **flags)
    dbt(
        both[0],
        "build",
        "--select",
        "state:modified",
        "--state",
        "prod",
        "--defer",
        "--favor-state",
    )
    assert list(build(options)) == ["model.shop.two"]
    assert outcome(both[1]) == outcome(both[0])


@pytest.mark.slow
def test_dbt_reads_our_artifacts(tmp_path: Path) -> None:
    files = HOOKS | {"models/two.sql": "select nope from {{ ref('one') }}"}
    project = write_project(tmp_path / "shop", files)
    results = build(DbtOptions(str(project), vars="{number: 5}"))
    assert results["model.shop.two"].status == "error"
    (project / "models" / "two.sql").write_text("select n from {{ ref('one') }}")
    retried = dbt(project, "retry")
    assert retried.returncode == 0, retried.stdout
    assert "model main.two" in retried.stdout
    assert "model main.one" not in retried.stdout
    assert tables(project)["main.two"] == [(5,)]
    assert dbt(project, "docs", "generate", "--no-compile").returncode == 0
