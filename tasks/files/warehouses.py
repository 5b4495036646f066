"""What tasks share that move rows between files and a warehouse: which connection they work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.warehouse import Warehouse
from tasks.files.task import FileTask
from tasks.sql.session import SqlSession, SqlWarehouse


class FileAndTableTask(FileTask):
    """A task on files and on a warehouse: the named one, or the project's default.

    Args:
        warehouse: Name of the connection.
        task_args: As :class:`~tasks.files.task.FileTask` takes them.
    """

    def __init__(self, *, warehouse: str | None = None, **task_args: Any) -> None:
        super().__init__(warehouse=warehouse, **task_args)
        self._warehouse: Warehouse | None = None

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task on files; takes down which warehouse it is."""
        self._warehouse = planning.warehouse(self.warehouse)
        return super().facts(key, planning)

    def table_access(self, table: str, verb: str, planning: Planning) -> Access:
        """The table as its warehouse names it; it is no file, even if it is called ``raw.json``."""
        file, line = self.defined_at or (None, None)
        said = f"{verb} {table} ({self.name})"
        return Access(
            Dataset.table(table, planning.namespace(self.warehouse)),
            Evidence(Source.DECLARED, said, file=planning.relative(file), line=line),
        )

    def holds(self, planning: Planning) -> Warehouse:
        """Its warehouse, the default one too."""
        return planning.warehouse(self.warehouse)

    @contextmanager
    def connected(self, given: Any) -> Iterator[tuple[Any, SqlSession]]:
        """Give the open connection and its session.

        Args:
            given: What ``run`` got: in a flow the connection, outside a warehouse, or None.

        Raises:
            ConfigurationError: There is no warehouse, or none that rows can be moved with.
        """
        known = given if isinstance(given, Warehouse) else self._warehouse
        if known is None:
            raise ConfigurationError(
                f"task {self.name!r} has no warehouse",
                fix="run it in a flow, or pass a Warehouse: task.run(warehouse=…)",
            )
        if not isinstance(known, SqlWarehouse):
            with known.connect():  # says why it cannot, where it cannot
                raise ConfigurationError(f"warehouse {known.name!r} cannot load tables")
        if given is not None and given is not known:
            yield given, known.session(given)
            return
        with known.connect() as connection:
            yield connection, known.session(connection)

    def where(self) -> str:
        """Where it is bound, for what a database refuses."""
        return Planning(self.root()).place(self.defined_at) or self.name
