"""The task that runs a SQL script on a warehouse; what it reads and writes is read from its SQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model.code import Code
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from tasks.sql.facts import sql_facts
from tasks.sql.front_matter import apply_front_matter
from tasks.sql.script import Script, run_script
from tasks.sql.session import Data, SqlWarehouse
from tasks.sql.text import ResolveRef, SqlText, read_sql_file, rendered


class SqlTask(Task):
    """Runs the statements of a SQL text or file, in order, on one connection.

    They succeed or fail together: a script is one transaction unless it has ``BEGIN`` and
    ``COMMIT`` of its own, or says ``-- orchestrator: transaction=off``. Temporary tables live until
    its end. The file may use ``{{ ref('model') }}``, ``{{ source('name', 'table') }}``,
    ``{{ var('name') }}``, ``{{ env_var('NAME') }}`` and ``{{ params.name }}``.

    Args:
        sql: The text; or
        path: its file, relative to the project's folder.
        warehouse: Name of the connection; the project's default if left out.
        name: The file's stem if left out.
        params: Texts for ``{{ params.name }}``: they become part of the SQL. Values belong into
            ``data``, which is bound.
        resolve_ref: What ``ref`` and ``source`` stand for, given ``("ref", "model")`` or
            ``("source", "name", "table")``; looked up in dbt's manifest if left out.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: Neither or both of ``sql`` and ``path`` are given.

    Example:
        >>> daily = SqlTask(path="sql/daily.sql", tags=["core"])
        >>> daily.name
        'daily'
    """

    resource_type: ClassVar[str] = "sql"
    stops_when_told: ClassVar[bool] = True

    def __init__(
        self,
        sql: str | None = None,
        path: str | Path | None = None,
        *,
        warehouse: str | None = None,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        resolve_ref: ResolveRef | None = None,
        **task_kwargs: Any,
    ) -> None:
        if path is not None:
            name = name or os.path.splitext(os.path.basename(path))[0]
        super().__init__(name, warehouse=warehouse, **task_kwargs)
        if (sql is None) == (path is None):
            raise FlowError(
                f"SQL task {self.name!r} needs its SQL once",
                where="{}:{}".format(*(self.defined_at or ("?", 0))),
                fix='give sql="…" or path="sql/….sql", not both',
            )
        self.sql = sql
        self.path = None if path is None else str(path)
        self.params = dict(params or {})
        self.resolve_ref = resolve_ref
        self._script: Script | None = None
        self._warehouse: Warehouse | None = None

    def run(self, data: Data = None, warehouse: Any = None) -> Result:
        """Run the script.

        Args:
            data: Values for its placeholders: a mapping for ``$name``, a list for ``?``.
            warehouse: A :class:`Warehouse` to run on outside a flow; in one, it is the open
                connection.

        Returns:
            The number of rows written, where the database says.

        Raises:
            FAIL: A statement failed; the detail names it and its line.
        """
        return self._run_on(warehouse, data)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """Read the SQL, and say what it reads, writes and drops.

        Raises:
            SqlError: Its Jinja cannot be rendered; or part of it cannot be read and
                ``strict_sql`` is set.
        """
        return self.facts_of(self._text(planning), key, planning)

    def facts_of(self, text: SqlText, key: str, planning: Planning) -> TaskFacts:
        """As :meth:`facts`, with the file read already."""
        apply_front_matter(self, text.said)
        self._warehouse = planning.warehouse(self.warehouse)
        self._script = self._rendered(text, planning)
        return sql_facts(key, self, self._script, self._warehouse.namespace, planning)

    def code(self, planning: Planning) -> Code:
        """The script as it runs, once :meth:`facts` has read it."""
        script = self._script
        if script is None:
            script = self._rendered(self._text(planning), planning)
        file, lines = script.file, script.lines
        if file is None and self.defined_at:  # the SQL stands in the flow's module, at a call
            file = planning.relative(self.defined_at[0])
            lines = (self.defined_at[1],) * (script.text.count("\n") + 1)
        outputs = self.declared_columns(planning)
        return Code(script.text, self.holds(planning).namespace, file, lines, outputs=outputs)

    def holds(self, planning: Planning) -> Warehouse:
        """Its warehouse, the default one too."""
        return planning.warehouse(self.warehouse)

    def _text(self, planning: Planning) -> SqlText:
        if self.path is not None:
            path = planning.root / self.path
            return read_sql_file(str(path), planning.relative(path) or self.path)
        place = planning.relative(self.defined_at[0]) if self.defined_at else None
        shown = place and self.defined_at and f"{place}:{self.defined_at[1]}"
        return SqlText(Script(self.sql or "", place=shown), {})

    def _rendered(self, text: SqlText, planning: Planning) -> Script:
        return rendered(text.script, planning, params=self.params, resolve_ref=self.resolve_ref)

    def _run_on(self, warehouse: Any, data: Data, fetch: str = "none") -> Result:
        script = self._script
        if script is None:  # outside a flow
            here = Planning(Path.cwd())
            script = self._rendered(self._text(here), here)
        return self._run_script(script, warehouse, data, fetch)

    def _run_script(self, script: Script, warehouse: Any, data: Data, fetch: str) -> Result:
        known = warehouse if isinstance(warehouse, Warehouse) else self._warehouse
        if known is None:
            raise ConfigurationError(
                f"task {self.name!r} has no warehouse to run on",
                fix="run it in a flow, or pass a Warehouse: task.run(warehouse=…)",
            )
        if not isinstance(known, SqlWarehouse):
            with known.connect():  # says why it cannot, where it cannot
                raise ConfigurationError(f"warehouse {known.name!r} cannot run SQL scripts")
        if warehouse is not None and warehouse is not known:
            return run_script(known.session(warehouse), script, data, fetch, known.namespace)
        with known.connect() as connection:
            return run_script(known.session(connection), script, data, fetch, known.namespace)
