"""A bare dbt project is a flow as it stands: its nodes, and the SQL files beside it."""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestrator.model.flow import Flow
from tasks.dbt.build import DbtBuild
from tasks.sql.folder import SqlFolder


def flow_of(root: Path) -> Flow | None:
    """Return the flow of a folder with a ``dbt_project.yml``, or None if it has none.

    Args:
        root: The folder.
    """
    file = root / "dbt_project.yml"
    if not file.is_file():
        return None
    with Flow(_name(file)) as flow:
        DbtBuild(project_dir=root)()
        if any((root / "sql").glob("**/*.sql")):
            SqlFolder(root / "sql")()
    return flow


def _name(file: Path) -> str:
    """The dbt project's name; dbt itself will say what is wrong with a file that has none."""
    try:
        found = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        found = None
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name.strip() else file.parent.name
