"""A project as tests see it: its own flows, on temporary databases, with a store in memory."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import ConfigurationError
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore

#: Makers of temporary databases: ``(project, flow, folder) -> Databases``.
_PLUGINS = "orchestrator.testing"


class Databases(Protocol):
    """The temporary databases that stand in for the warehouses of a project; the library makes them.

    Attributes:
        environment: Variables that are set while a test runs.
        notes: What people should know: which SQL is translated.
    """

    environment: Mapping[str, str]
    notes: tuple[str, ...]

    def options(self, asked: RunOptions) -> RunOptions:
        """What a run was asked for with, turned away from the real databases."""
        ...

    def prepare(self, planning: Planning) -> None:
        """Let dbt say what is there, before the flow is planned."""
        ...

    def finder(self, options: RunOptions) -> Callable[[str | None], Warehouse | None]:
        """Gives the database that stands in for a named warehouse, made once."""
        ...

    def holder(self, catalog: str | None, options: RunOptions) -> Warehouse:
        """The database that stands in for the one with this catalog; else the default one."""
        ...

    def all(self, options: RunOptions) -> list[Warehouse]:
        """All databases of the test, the default one first; there is always one."""
        ...

    def refuse(self, tasks: Iterable[Task], files: Mapping[str, Path]) -> None:
        """Refuse tasks that name a real database themselves, and so would reach it.

        Args:
            tasks: What would run.
            files: SQL files that would run, by name of the task.

        Raises:
            ConfigurationError: One does.
        """
        ...


class SampleProject(Project):
    """A project whose runs leave it as it is: nothing is written into its folder.

    Args:
        real: The project.
        folder: Empty, or of an earlier run of the same test: databases and state are there.
        flow: What will run; its dbt projects are turned away from their databases.
        store: Keeps the runs; one in memory, if left out.
    """

    def __init__(
        self, real: Project, folder: Path, flow: Flow | None = None, store: RunStore | None = None
    ) -> None:
        settings = replace(
            real.settings, state_dir=folder / "state", store="memory://", executor="inline",
            notifications={}, limits={},
        )  # fmt: skip
        super().__init__(real.root, settings, configured=real.configured)
        self.real, self.folder = real, folder
        self.kept = MemoryStore() if store is None else store
        self.databases = _databases(real, flow, folder)

    def store(self) -> Any:
        """The store of the test, which stays open."""
        lasting: AbstractContextManager[RunStore] = nullcontext(self.kept)
        return lasting

    def planning(self, options: RunOptions | None = None, run_id: str = "") -> Planning:
        """As of any project, with temporary databases in the place of its warehouses."""
        chosen = self.databases.options(options or RunOptions())
        return replace(
            super().planning(chosen, run_id), find_warehouse=self.databases.finder(chosen)
        )

    def prepare(self, request: Request | None = None) -> None:
        """Let dbt say what is there, in the surroundings of the test."""
        with self.secrets():
            self.databases.prepare(self.planning((request or Request()).options_in(self)))

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """Set the variables that keep dbt away from its own profile and target folder."""
        before = {name: os.environ.get(name) for name in self.databases.environment}
        os.environ.update(self.databases.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _databases(project: Project, flow: Flow | None, folder: Path) -> Databases:
    for point in importlib.metadata.entry_points(group=_PLUGINS, name="databases"):
        make: Callable[..., Databases] = point.load()
        return make(project, flow, folder)
    raise ConfigurationError(
        "the task library's part for tests is not installed",
        fix="install the package again: pip install --force-reinstall analytics-orchestrator",
    )
