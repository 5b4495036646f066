"""Tasks that read queries: what they read is known from the SQL, and their rows come in batches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model import context
from orchestrator.model.code import Code
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from tasks.frames import batches_of
from tasks.reports.sections import Chart, ReportTable, Section, Text
from tasks.sql.facts import sql_facts
from tasks.sql.script import Script
from tasks.sql.session import SqlSession, SqlWarehouse
from tasks.sql.templates import Template
from tasks.sql.text import manifest_resolver, read_sql_file, template_of
from tasks.tables import session_of, take_down, translated

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

_NAME = re.compile(r'(?:[\w$]+|"[^"]+")(?:\.(?:[\w$]+|"[^"]+"))*')


@dataclass(frozen=True)
class Query:
    """The query of a section, as planned and as it runs."""

    planned: Script
    template: Template

    def script(self) -> Script:
        """What runs now."""
        return self.template.at(context.active()) if self.template.is_late else self.planned


class QueryTask(Task):
    """A task whose sections each have a query.

    Args:
        sections: Tables, charts and words, in their order; a text stands for a table of that query.
        warehouse: Name of the connection; the project's default if left out.
        params: Texts for ``{{ params.name }}`` in the queries.
        task_args: As any :class:`~orchestrator.model.task.Task`.
    """

    resource_type: ClassVar[str] = "report"
    stops_when_told: ClassVar[bool] = True

    def __init__(
        self,
        sections: Section | str | Sequence[Section | str],
        *,
        warehouse: str | None = None,
        params: Mapping[str, Any] | None = None,
        **task_args: Any,
    ) -> None:
        super().__init__(warehouse=warehouse, **task_args)
        self.sections = _sections(sections, self.name)
        self.params = dict(params or {})
        self._queries: dict[int, Query] = {}
        self._warehouse: Warehouse | None = None

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """Read the queries, and say what they read.

        Raises:
            SqlError: Jinja in one cannot be rendered; or part of one cannot be read and
                ``strict_sql`` is set.
        """
        self._prepare(planning)
        found = super().facts(key, planning)
        if self._warehouse is None:
            return found
        space = self._warehouse.namespace
        for query in self._queries.values():
            more = sql_facts(key, self, query.planned, space, planning)
            found = replace(
                found,
                reads=tuple(dict.fromkeys((*found.reads, *more.reads))),
                writes=tuple(dict.fromkeys((*found.writes, *more.writes))),
                drops=tuple(dict.fromkeys((*found.drops, *more.drops))),
                lineage_unknown=found.lineage_unknown or more.lineage_unknown,
            )
        return found

    def code(self, planning: Planning) -> Code | None:
        """The queries, one after the other."""
        if not self._queries:
            self._prepare(planning)
        if self._warehouse is None:
            return super().code(planning)
        scripts = [query.planned for query in self._queries.values()]
        text = ";\n".join(script.text.rstrip().rstrip(";") for script in scripts)
        alone = scripts[0] if len(scripts) == 1 else None
        file, line = self.defined_at or (None, None)
        place = alone.file if alone and alone.file else planning.relative(file)
        lines = alone.lines if alone and alone.file else (line or 1,) * (text.count("\n") + 1)
        return Code(
            text, self._warehouse.namespace, place, lines, outputs=self.declared_columns(planning)
        )

    def holds(self, planning: Planning) -> Warehouse | None:
        """Its warehouse, the default one too; none if all rows come from frames."""
        return planning.warehouse(self.warehouse) if self._asks() else None

    @contextmanager
    def opened(self, warehouse: Any, frames: Mapping[str, Any] | None) -> Iterator[Rows]:
        """Give what gives the rows of each section, on one connection.

        Args:
            warehouse: The open connection; outside a flow a :class:`Warehouse`.
            frames: For the sections that name one.
        """
        if not self._asks():
            yield Rows(self, None, None, frames or {})
            return
        if not self._queries:  # outside a flow
            known = warehouse if isinstance(warehouse, Warehouse) else None
            self._prepare(Planning(Path.cwd(), find_warehouse=lambda name: known))
        target = self._warehouse if warehouse is None else warehouse
        if isinstance(target, SqlWarehouse):
            with target.connect() as connection:
                yield Rows(self, connection, target.session(connection), frames or {})
            return
        yield Rows(self, target, session_of(target), frames or {})

    def _asks(self) -> bool:
        return any(query_of(section) for section in self.sections)

    def _prepare(self, planning: Planning) -> None:
        if not self._asks():
            return
        self._warehouse = planning.warehouse(self.warehouse)
        dialect = self._warehouse.namespace.dialect
        resolve = manifest_resolver(planning)
        for number, section in enumerate(self.sections):
            if not (text := query_of(section)):
                continue
            script = self._script(text, planning)
            template = template_of(script, planning, dialect=dialect, params=self.params)
            self._queries[number] = Query(template.planned(resolve), template)

    def _script(self, query: str, planning: Planning) -> Script:
        if query.endswith(".sql") and not re.search(r"\s", query):
            path = planning.root / query
            return read_sql_file(str(path), planning.relative(path) or query).script
        if _NAME.fullmatch(query):
            query = f"select * from {query}"
        return Script(query, place=planning.place(self.defined_at))


@dataclass(frozen=True)
class Rows:
    """The rows of a task's sections.

    Args:
        task: The task.
        connection: As the warehouse gave it.
        session: What runs queries on it.
        frames: What ``run`` was given.
    """

    task: QueryTask
    connection: Any
    session: SqlSession | None
    frames: Mapping[str, Any]

    @contextmanager
    def of(self, number: int) -> Iterator[RecordBatchReader]:
        """Give the rows of a section as they come.

        Raises:
            FAIL: The query failed, here or while it is read, or the attempt is cancelled.
            FlowError: The frame is missing, or the query is not one SELECT.
        """
        section = self.task.sections[number]
        assert not isinstance(section, Text)
        if section.frame:
            yield batches_of(self._frame(section))
            return
        assert self.session is not None
        script = self.task._queries[number].script()
        with translated(self.session, script):
            text = self._one_statement(script, section)
            take_down(self.connection, text, script.at(1))
            yield _stoppable(self.session.batches(text, section.data))

    def _frame(self, section: ReportTable | Chart) -> Any:
        if section.frame not in self.frames:
            raise FlowError(
                f"{self.task.name!r} was not given its frame {section.frame!r}",
                fix=f"pass it when it is bound: frames={{{section.frame!r}: …}}",
            )
        return self.frames[section.frame]

    def _one_statement(self, script: Script, section: ReportTable | Chart) -> str:
        assert self.session is not None
        found = self.session.split(script.text)
        if len(found) != 1:
            raise FlowError(
                f"the query of {section.title or type(section).__name__!r} has {len(found)} statements",
                where=script.at(1),
                fix="give each section one SELECT; other work belongs into a task before it",
            )
        return found[0].text


def query_of(section: Section) -> str:
    """The query of a section, if it has one."""
    return "" if isinstance(section, Text) else section.query.strip()


def need(library: str, what: str) -> ConfigurationError:
    """What is raised where a library of the extra ``reports`` is not installed."""
    return ConfigurationError(
        f"{what} need {library}, which is not installed",
        fix="pip install 'analytics-orchestrator[reports]'",
    )


def _sections(given: Section | str | Sequence[Section | str], name: str) -> tuple[Section, ...]:
    listed = (given,) if isinstance(given, str | Text | ReportTable | Chart) else tuple(given)
    found = tuple(ReportTable(each) if isinstance(each, str) else each for each in listed)
    for section in found:
        if not isinstance(section, Text | ReportTable | Chart):
            raise FlowError(
                f"report {name!r} has a section that is none: {type(section).__name__}",
                fix="give ReportTable(…), Chart(…), Text(…), or the text of a query",
            )
    return found


def _stoppable(reader: RecordBatchReader) -> RecordBatchReader:
    """The same, up to where the attempt is cancelled."""
    import pyarrow

    def batches() -> Iterator[Any]:
        for batch in reader:
            running = context.active()
            if running is not None and running.cancelled.is_set():
                raise FAIL("cancelled while rows were read", status="cancelled")
            yield batch

    return pyarrow.RecordBatchReader.from_batches(reader.schema, batches())
