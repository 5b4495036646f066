"""Writes the small projects whose API is tested."""

from __future__ import annotations

from pathlib import Path

from orchestrator.service.project import Project


def write_project(root: Path, settings: str = "", **flows: str) -> Project:
    """Write a project called ``shop``, and find it.

    Args:
        root: Its folder.
        settings: What its ``orchestrator.toml`` says after the name.
        flows: The modules of its flows, by their names.
    """
    (root / "flows").mkdir(parents=True)
    (root / "orchestrator.toml").write_text(f'name = "shop"\n{settings}')
    for name, text in flows.items():
        (root / "flows" / f"{name}.py").write_text(text)
    return Project.find(root)
