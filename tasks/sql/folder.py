"""The group that makes one SQL task of each file in a folder."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import FlowError, ProjectError
from orchestrator.model.group import Member, TaskGroup
from orchestrator.model.planning import Planning
from tasks.sql.check import SqlCheck
from tasks.sql.task import SqlTask
from tasks.sql.text import SqlText, read_sql_file


class SqlFolder(TaskGroup):
    """One task for each SQL file of a folder: a check where the file says ``check=``.

    A task's key is the file's path relative to the project; its name is the file's stem, or its
    path with dots where two files share a stem, or what the file says:
    ``-- orchestrator: name=daily, tags=core nightly, retries=2``.

    Args:
        path: The folder, relative to the project's.
        warehouse: Name of the connection; the project's default if left out.
        pattern: Which files, as :meth:`pathlib.Path.glob` reads it.
        materialized: What files that say nothing of it are made into; they are then bare SELECTs.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`, given to each.

    Raises:
        ProjectError: When planned: there is no such folder, or a file cannot be read.
        FlowError: When planned: a file's front matter is wrong, or two files take one name.

    Example:
        >>> SqlFolder("sql", tags=["core"]).name
        'sql'
    """

    resource_type: ClassVar[str] = "sql"

    def __init__(
        self,
        path: str | Path,
        warehouse: str | None = None,
        pattern: str = "**/*.sql",
        *,
        name: str | None = None,
        materialized: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        super().__init__(name or Path(path).name or str(path), warehouse=warehouse, **task_kwargs)
        self.path = str(path)
        self.pattern = pattern
        self.materialized = materialized
        self._task_kwargs = task_kwargs

    def expand(self, key: str, planning: Planning, prepared: Any = None) -> Sequence[Member]:
        """Make the tasks, in the order of their paths.

        Raises:
            ProjectError: There is no such folder, or a file cannot be read.
            FlowError: A file's front matter is wrong, or two files take one name.
        """
        folder = planning.root / self.path
        if not folder.is_dir():
            raise ProjectError(
                f"there is no folder {self.path!r} for SQL files",
                where=str(folder),
                fix="make it, or give SqlFolder a path relative to the project's folder",
            )
        shown = planning.relative(folder) or self.path
        files = _files(folder, self.pattern)
        texts = [read_sql_file(f"{folder}/{file}", _joined(shown, file)) for file in files]
        names = _names(files, texts)
        shared = {"path": self.path, "warehouse": self.warehouse, **self._task_kwargs}
        patterns = SqlTask(materialized=self.materialized, **shared), SqlCheck(**shared)
        return [self._member(patterns, *each, planning) for each in zip(texts, names, strict=True)]

    def _member(
        self, patterns: tuple[SqlTask, SqlCheck], text: SqlText, name: str, planning: Planning
    ) -> Member:
        file = text.script.file or name
        task = copy.copy(patterns["check" in text.said])  # a new one would look for its caller
        task.path, task.name = file, name
        task.defined_at = (os.path.join(planning.root, file), 1)
        facts = task.facts_of(text, file, planning)
        return Member(task, facts, task.affinity(planning))


def _files(folder: Path, pattern: str) -> list[str]:
    """Paths relative to the folder, with slashes; hidden files and folders aside."""
    start = len(str(folder)) + 1
    paths = (path for path in folder.glob(pattern) if path.is_file())
    found = (str(path)[start:].replace(os.sep, "/") for path in paths)
    return sorted(file for file in found if not file.startswith(".") and "/." not in file)


def _joined(folder: str, file: str) -> str:
    return file if folder == "." else f"{folder}/{file}"


def _names(files: Sequence[str], texts: Sequence[SqlText]) -> list[str]:
    bare = [os.path.splitext(file)[0] for file in files]
    stems = Counter(os.path.basename(path) for path in bare)
    taken: dict[str, str] = {}
    for path, text in zip(bare, texts, strict=True):
        stem, dotted = os.path.basename(path), path.replace("/", ".")
        name = str(text.said.get("name") or (stem if stems[stem] == 1 else dotted))
        if name in taken:
            raise FlowError(
                f"two SQL files are both called {name!r}",
                where=f"{taken[name]} and {text.script.file}",
                fix="give one of them another name: -- orchestrator: name=…",
            )
        taken[name] = text.script.file or path
    return list(taken)
