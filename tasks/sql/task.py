"""The task that runs a SQL script on a warehouse; what it reads and writes is read from its SQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model import building, context
from orchestrator.model.code import Code
from orchestrator.model.dataset import Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from orchestrator.nearest import nearest
from tasks.sql.building import build
from tasks.sql.facts import lineage_of, sql_facts
from tasks.sql.failing import ConnectionLostError
from tasks.sql.front_matter import apply_front_matter, line_of
from tasks.sql.making import Making, Wanted, bare_select, wanted_by
from tasks.sql.relations import relations_of
from tasks.sql.running import run_script
from tasks.sql.script import Materialized, Script
from tasks.sql.session import Data, SqlSession, SqlWarehouse
from tasks.sql.templates import ResolveRef, Template
from tasks.sql.text import SqlText, manifest_resolver, read_sql_file, template_of, text_of


class SqlTask(Task):
    """Runs the statements of a SQL text or file, in order, on one connection.

    They succeed or fail together: a script is one transaction unless it has ``BEGIN`` and
    ``COMMIT`` of its own, or says ``-- orchestrator: transaction=off``. Temporary tables live until
    its end. A bare SELECT can be made into a table, a view or an increment. The text may use
    ``{{ ref('model') }}``, ``{{ source('name', 'table') }}``, ``{{ var('name') }}``,
    ``{{ env_var('NAME') }}`` and ``{{ params.name }}``; and, as values, ``{{ parameters.name }}`` of
    the flow, ``{{ scheduled_time }}``, ``{{ today }}``, ``{{ yesterday }}``, ``{{ tomorrow }}``.

    Args:
        sql: The text; or
        path: its file, relative to the project's folder.
        warehouse: Name of the connection; the project's default if left out.
        name: The file's stem if left out.
        params: Texts for ``{{ params.name }}``: they become part of the SQL. Values belong into
            ``data``, which is bound.
        resolve_ref: What ``ref`` and ``source`` stand for, given ``("ref", "model")`` or
            ``("source", "name", "table")``; looked up in dbt's manifest if left out.
        materialized: What a bare SELECT is made into: ``"table"``, ``"view"`` or ``"incremental"``.
        table: Its name; the file's stem, or the task's name, in the warehouse's default schema if
            left out.
        unique_key: Columns by which rows of an increment take the place of older ones.
        task_kwargs: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: Neither or both of ``sql`` and ``path`` are given, or what is said of the table
            does not fit together.

    Example:
        >>> daily = SqlTask(path="sql/daily.sql", tags=["core"])
        >>> daily.name
        'daily'
        >>> SqlTask("select 1 as n", materialized="table", table="numbers").materialized
        'table'
    """

    resource_type: ClassVar[str] = "sql"
    stops_when_told: ClassVar[bool] = True
    #: Whether ``run`` makes tables of SELECTs; if None, where it is the one below.
    makes_tables: ClassVar[bool | None] = None

    def __init__(
        self,
        sql: str | None = None,
        path: str | Path | None = None,
        *,
        warehouse: str | None = None,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        resolve_ref: ResolveRef | None = None,
        materialized: str | None = None,
        table: str | None = None,
        unique_key: str | Iterable[str] = (),
        **task_kwargs: Any,
    ) -> None:
        if path is not None:
            name = name or os.path.splitext(os.path.basename(path))[0]
        super().__init__(name, warehouse=warehouse, **task_kwargs)
        if (sql is None) == (path is None):
            raise FlowError(
                f"SQL task {self.name!r} needs its SQL once",
                where=building.place(self.defined_at),
                fix='give sql="…" or path="sql/….sql", not both',
            )
        self.sql = sql
        self.path = None if path is None else str(path)
        self.params = dict(params or {})
        self.resolve_ref = resolve_ref
        self.materialized = materialized
        self.table = table
        self.unique_key = (unique_key,) if isinstance(unique_key, str) else tuple(unique_key)
        self._wanted()
        self._script: Script | None = None
        self._template: Template | None = None
        self._making: Making | None = None
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
        said = text.said
        if "check" in said or "severity" in said:
            raise FlowError(
                f"the SQL of {self.name!r} is a check, and this task runs it as a script",
                where=text.script.at(line_of(text.script.text, "check")),
                fix="bind it as SqlCheck, or leave its file to SqlFolder",
            )
        apply_front_matter(self, said)
        self._lost_is_worth_another_try()
        self._warehouse = planning.warehouse(self.warehouse)
        namespace = self._warehouse.namespace
        line = line_of(text.script.text, "materialized")
        wanted = wanted_by(said, self._wanted(), text.script.at(line))
        about: dict[str, object] = {k: said[k] for k in ("description", "owner") if k in said}
        if wanted is None:
            self._making = None
            self._script = self._rendered(text.script, planning, namespace)
            return sql_facts(key, self, self._script, namespace, planning, about=about)
        if not (type(self).run is SqlTask.run if self.makes_tables is None else self.makes_tables):
            raise FlowError(
                f"{type(self).__name__} {self.name!r} runs a query, and makes no table of it",
                where=text.script.at(line),
                fix="make it with SqlTask or SqlFolder",
            )
        about["materialized"] = str(wanted.materialized)
        making = self._making = self._made(wanted, text.script, planning, namespace)
        self._script = making.first
        return sql_facts(
            key, self, making.first, namespace, planning,
            more=[] if making.further == making.first else [making.further],
            made=[(making.target, line)], about=about,
        )  # fmt: skip

    def code(self, planning: Planning) -> Code:
        """The script as it runs, once :meth:`facts` has read it."""
        script = self._script
        if script is None:
            text, space = self._text(planning), self.holds(planning).namespace
            script = self._rendered(text.script, planning, space)
        file, lines = script.file, script.lines
        if file is None and self.defined_at:  # the SQL stands in the flow's module, at a call
            file = planning.relative(self.defined_at[0])
            lines = (self.defined_at[1],) * (script.text.count("\n") + 1)
        outputs = self.declared_columns(planning)
        target = self._making.target if self._making else None
        space = self.holds(planning).namespace
        return Code(script.text, space, file, lines, target=target, outputs=outputs)

    def holds(self, planning: Planning) -> Warehouse:
        """Its warehouse, the default one too."""
        return planning.warehouse(self.warehouse)

    def _text(self, planning: Planning) -> SqlText:
        if self.path is not None:
            path = planning.root / self.path
            return read_sql_file(str(path), planning.relative(path) or self.path)
        return text_of(Script(self.sql or "", place=planning.place(self.defined_at)))

    def _rendered(self, script: Script, planning: Planning, namespace: Namespace) -> Script:
        template = template_of(script, planning, dialect=namespace.dialect, params=self.params)
        self._template = template if template.is_late else None
        return template.planned(self._resolver(planning))

    def _resolver(self, planning: Planning) -> ResolveRef:
        return self.resolve_ref or manifest_resolver(planning)

    def _wanted(self) -> Wanted | None:
        """What the task itself says is to be made of its SELECT."""
        said: dict[str, Any] = {
            "materialized": self.materialized, "table": self.table, "unique_key": self.unique_key,
        }  # fmt: skip
        known = [str(kind) for kind in Materialized]
        if self.materialized is not None and self.materialized not in known:
            raise FlowError(
                f"SQL task {self.name!r} cannot be materialized as {self.materialized!r}",
                where=self._place(),
                fix=nearest(self.materialized, known, "one of "),
            )
        return wanted_by({k: v for k, v in said.items() if v}, None, self._place())

    def _place(self) -> str | None:
        return building.place(self.defined_at)

    def _made(
        self, wanted: Wanted, script: Script, planning: Planning, namespace: Namespace
    ) -> Making:
        where = script.at(line_of(script.text, "materialized"))
        stem = os.path.splitext(os.path.basename(self.path))[0] if self.path else self.name
        target = wanted.target(stem, namespace, where)
        this = relations_of(namespace.dialect, where=where).name(target)
        grows = (False, True) if wanted.materialized is Materialized.INCREMENTAL else (False, False)
        first, further = (
            template_of(
                script, planning, dialect=namespace.dialect, params=self.params, this=this,
                incremental=incremental,
            )
            for incremental in grows
        )  # fmt: skip
        resolve = self._resolver(planning)
        bare_first, bare_further = (
            bare_select(made, lineage_of(made, namespace, planning), namespace)
            for made in (template.planned(resolve) for template in (first, further))
        )
        late = (first, further) if first.is_late else None
        anew = planning.options.full_refresh
        making = Making(wanted, target, bare_first, bare_further, late, anew)
        if late is None:  # else what the query is, only the run knows
            making.check_key(namespace.dialect)
        return making

    def _lost_is_worth_another_try(self) -> None:
        """A connection that is lost says nothing against the work, whatever ``retry_on`` names."""
        if self.retry.on or self.retry.codes:
            on = tuple(dict.fromkeys((*self.retry.on, ConnectionLostError)))
            self.retry = replace(self.retry, on=on)

    def _make_ready(self, warehouse: Any) -> None:
        """Read the SQL where no flow was planned."""
        if self._script is None:
            known = self._known(warehouse)
            here = Planning(Path.cwd(), find_warehouse=lambda name: known)
            self.facts_of(self._text(here), self.name, here)

    def _run_on(self, warehouse: Any, data: Data, fetch: str = "none") -> Result:
        self._make_ready(warehouse)
        if self._making is not None:
            making = self._making.at(context.active())
            if making.templates is not None:
                making.check_key(self._known(warehouse).namespace.dialect)
            return self._on_session(warehouse, lambda s, space: build(s, making, data, space))
        script = self._script or Script("")
        if self._template is not None:
            script = self._template.at(context.active())
        return self._run_script(script, warehouse, data, fetch)

    def _run_script(self, script: Script, warehouse: Any, data: Data, fetch: str) -> Result:
        return self._on_session(
            warehouse, lambda session, space: run_script(session, script, data, fetch, space)
        )

    def _on_session(
        self, warehouse: Any, work: Callable[[SqlSession, Namespace], Result]
    ) -> Result:
        """Do work on the connection that was given, or on one of the task's warehouse."""
        known = self._known(warehouse)
        if not isinstance(known, SqlWarehouse):
            with known.connect():  # says why it cannot, where it cannot
                raise ConfigurationError(f"warehouse {known.name!r} cannot run SQL scripts")
        if warehouse is not None and warehouse is not known:
            return work(known.session(warehouse), known.namespace)
        with known.connect() as connection:
            return work(known.session(connection), known.namespace)

    def _known(self, warehouse: Any) -> Warehouse:
        """The description of the warehouse to run on."""
        known = warehouse if isinstance(warehouse, Warehouse) else self._warehouse
        if known is None:
            raise ConfigurationError(
                f"task {self.name!r} has no warehouse to run on",
                fix="run it in a flow, or pass a Warehouse: task.run(warehouse=…)",
            )
        return known
