"""Two copies of one project: dbt builds the one, we the other, and what they leave is compared."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt.project import write_project
from tests.dbt.test_dbt_equality import dbt, outcome

PROGRAM = Path(sys.executable).with_name("orchestrator")


class Pair:
    """A project twice.

    Args:
        folder: Where ``theirs`` and ``ours`` are.
    """

    def __init__(self, folder: Path) -> None:
        self.theirs, self.ours = folder / "theirs", folder / "ours"
        self.folder = folder

    @classmethod
    def written(cls, folder: Path, files: dict[str, str]) -> Pair:
        """Write the files into both, and install the packages that are folders of the project."""
        pair = cls(folder)
        for project in pair.both():
            write_project(project, files)
        if "packages.yml" in files:
            assert dbt(pair.theirs, "deps").returncode == 0
            shutil.copytree(pair.theirs / "dbt_packages", pair.ours / "dbt_packages", symlinks=True)
            shutil.copy(pair.theirs / "package-lock.yml", pair.ours)
            pair._lead_links_home()
        return pair

    def both(self) -> tuple[Path, Path]:
        return self.theirs, self.ours

    def copy(self, folder: Path) -> Pair:
        """Copy both, built as they are; links to packages lead into the copy."""
        shutil.copytree(self.folder, folder, symlinks=True)
        pair = Pair(folder)
        pair._lead_links_home()
        return pair

    def _lead_links_home(self) -> None:
        for project in self.both():
            for link in (project / "dbt_packages").glob("*"):
                link.unlink()
                link.symlink_to(project / "packages" / link.name)

    def build(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Build theirs with ``dbt build``, ours with ``orchestrator run .``, and the same words."""
        dbt(self.theirs, "build", *words)
        return orchestrator(self.ours, "run", ".", *words)

    def assert_same(self, database: str = "shop.duckdb") -> None:
        """Each node's result, each table's columns and rows."""
        assert outcome(self.ours) == outcome(self.theirs)
        assert contents(self.ours / database) == contents(self.theirs / database)

    def statuses(self) -> dict[str, str]:
        """What dbt says of each node of theirs."""
        return {key: values[0] for key, values in outcome(self.theirs).items()}


def orchestrator(
    folder: Path, *words: str, timeout: float = 240, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run our own command line in a folder."""
    return subprocess.run(
        [str(PROGRAM), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"NO_COLOR": "1"} | environment,
    )


def contents(database: Path) -> dict[str, tuple[Any, ...]]:
    """Columns and rows of every table and view, without the instants that snapshots note."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables order by 1"
        ).fetchall()
        return {name: _content(connection, name) for (name,) in names}


def _content(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[Any, ...]:
    columns = [row[:2] for row in connection.execute(f"describe {name}").fetchall()]
    kept = ", ".join(f'"{column}"' for column, _ in columns if not column.startswith("dbt_"))
    return columns, sorted(connection.execute(f"select {kept} from {name}").fetchall(), key=repr)
