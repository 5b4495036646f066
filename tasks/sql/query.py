"""The task that runs a query and hands its result to other tasks, as every database has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from orchestrator.nearest import nearest
from tasks.sql.script import Script
from tasks.sql.session import Data
from tasks.sql.task import SqlTask

FETCH = ("none", "all", "one", "df", "arrow")


class QueryTask(SqlTask):
    """Runs a query and returns its result; each database has a class of its own.

    Args:
        query: The SQL; may also be given to ``run``.
        warehouse: Name of the connection; the project's default if left out.
        fetch: What is returned: ``none``, ``all``, ``one``, ``df`` or ``arrow``.
        data: Values for the placeholders.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: ``fetch`` is none of these.
    """

    def __init__(
        self,
        query: str | None = None,
        warehouse: str | None = None,
        fetch: str = "none",
        data: Data = None,
        **task_kwargs: Any,
    ) -> None:
        super().__init__(query or "", warehouse=warehouse, **task_kwargs)
        if fetch not in FETCH:
            raise FlowError(
                f"{type(self).__name__} {self.name!r} cannot fetch {fetch!r}",
                where=building.place(self.defined_at),
                fix=nearest(fetch, FETCH, "one of "),
            )
        self.query = query
        self.fetch = fetch
        self.data = data

    def run(self, query: str | None = None, data: Data = None, warehouse: Any = None) -> Result:  # type: ignore[override]
        """Run the query.

        Args:
            query: In place of the one the task was made with.
            data: In place of the values the task was made with.
            warehouse: A :class:`Warehouse` to run on outside a flow; in one, it is the open
                connection.

        Raises:
            FlowError: There is no query.
            FAIL: The query failed.
        """
        values = self.data if data is None else data
        if query is not None:
            return self._run_script(self._given(query), warehouse, values, self.fetch)
        if self.query is None:
            raise FlowError(
                f"{type(self).__name__} {self.name!r} has no query", fix="give it query="
            )
        return self._run_on(warehouse, values, self.fetch)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any SQL task; a query that only ``run`` gets is not known here."""
        facts = super().facts(key, planning)
        if self.query is None and not facts.reads and not facts.writes:
            return replace(facts, lineage_unknown="its query is not known before it runs")
        return facts

    def _given(self, query: str) -> Script:
        own = self._script or Script("", place=self.name)
        return replace(own, text=query, lines=())
