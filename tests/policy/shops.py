"""Writes small projects with a policy, and looks at them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from orchestrator.service.policy.breaches import Breach, Report
from orchestrator.service.policy.enforcing import check
from orchestrator.service.project import Project

SETTINGS = """
    name = "shop"
    [warehouses.lake]
    type = "duckdb"
    path = "lake.duckdb"
"""
#: A flow of the SQL files, and of no more.
NIGHTLY = '''
    """Builds what the shop reads in the morning."""
    from orchestrator import Flow
    from tasks import SqlFolder

    with Flow("nightly", owner="anna@shop.example", timeout=600) as flow:
        SqlFolder("sql")()
'''


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files (their text dedented) below a folder, with settings and a flow of SQL files."""
    for name, text in {"orchestrator.toml": SETTINGS, "flows/nightly.py": NIGHTLY, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    return folder


def look(folder: Path, *flows: str) -> Report:
    """Look at a project that has a policy."""
    report = check(Project.find(folder), flows)
    assert report is not None
    return report


def looked_at(folder: Path, policy: str, files: dict[str, str]) -> Report:
    """Write a project and look at it."""
    return look(write(folder, {"policy.toml": policy, **files}))


def told(report: Report) -> list[tuple[str, str]]:
    """The rule and the place of each breach."""
    return [(breach.rule, breach.where) for breach in report.breaches]


def only(report: Report) -> Breach:
    """The one breach there is."""
    assert len(report.breaches) == 1, [str(breach) for breach in report.breaches]
    return report.breaches[0]
