"""The task that holds a table or a query to assertions, and keeps from running what reads bad data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.dataset import Access, Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL, Result
from orchestrator.nearest import nearest
from tasks.sql.assertions import (
    Accepted,
    Assertion,
    Finding,
    Fresh,
    Near,
    NoRows,
    NotNull,
    Rows,
    Unique,
)
from tasks.sql.facts import lineage_of, sql_facts
from tasks.sql.failing import failed
from tasks.sql.front_matter import OF_TABLE, apply_front_matter, line_of
from tasks.sql.making import bare_select, without_semicolon
from tasks.sql.measurements import Measurements
from tasks.sql.ran import saying
from tasks.sql.relations import relations_of
from tasks.sql.running import take_down
from tasks.sql.script import Script, Severity
from tasks.sql.session import Data, SqlSession, Statement
from tasks.sql.task import SqlTask
from tasks.sql.text import SqlText

_WIDEST = 60  #: characters of one value in a message


class SqlCheck(SqlTask):
    """Holds a table, or what a query gives, to assertions.

    Whatever reads the data that is checked waits for the check, and does not run if it fails:
    nothing is declared. Of a check that reads several tables, what comes after all of them waits.

    Args:
        table: The table; or
        query: a SELECT; or
        path: a file with one, relative to the project's folder.
        where: Which rows of the table count, as SQL.
        no_rows: Whether the query must give no row; so it is where nothing else is asserted of one.
        rows: So many rows: a number, or the least and the most (either may be None).
        unique: A column, or columns that together are unique; a list of such for several.
        not_null: A column, or columns, with a value in each row.
        accepted: By column, the values that it may hold.
        freshness: A column with a time (UTC where it has no zone) or date, and how old its newest
            value may be, as a timedelta.
        compare: By aggregate (``"count(*)"``, ``"sum(amount)"``), by which share of its value when the
            check last held it may differ: ``{"count(*)": 0.2}``. A first time always holds, and so
            does a run with ``--full-refresh``, from which the next ones count.
        severity: ``"error"`` fails the task, ``"warn"`` only says so.
        sample: So many failing rows of each assertion are shown.
        warehouse: Name of the connection; the project's default if left out.
        name: ``check_`` and the table, or the file's stem, if left out.
        task_kwargs: As any :class:`~tasks.sql.task.SqlTask`.

    Raises:
        FlowError: Not exactly one of ``table``, ``query`` and ``path`` is given, or nothing is
            asserted, or an assertion cannot be read.

    Example:
        >>> check = SqlCheck("raw.orders", unique="id", not_null=["id", "amount"], rows=(1, None))
        >>> check.name
        'check_raw.orders'
    """

    resource_type: ClassVar[str] = "test"

    def __init__(
        self,
        table: str | None = None,
        query: str | None = None,
        path: str | Path | None = None,
        *,
        where: str | None = None,
        no_rows: bool | None = None,
        rows: int | Sequence[int | None] | None = None,
        unique: str | Iterable[str | Iterable[str]] = (),
        not_null: str | Iterable[str] = (),
        accepted: Mapping[str, Iterable[Any]] | None = None,
        freshness: tuple[str, timedelta] | None = None,
        compare: Mapping[str, float] | None = None,
        severity: str = "error",
        sample: int = 10,
        warehouse: str | None = None,
        name: str | None = None,
        **task_kwargs: Any,
    ) -> None:
        given = [each for each in (table, query, path) if each is not None]
        sql = query if table is None else f"select * from {table}" + _where(where)
        super().__init__(
            "" if path is None and sql is None else sql,
            path if sql is None else None,
            warehouse=warehouse, name=name or (f"check_{table}" if table else None), **task_kwargs,
        )  # fmt: skip
        if len(given) != 1 or (where is not None and table is None):
            what = "one of table, query and path" if len(given) != 1 else "a table for its where"
            raise self._wrong(f"needs {what}", 'write SqlCheck("schema.table", …)')
        self.checked_table, self.where = table, where
        self.severity = self._severity(severity)
        self.sample = sample
        self.full_refresh = False
        self.assertions: tuple[Assertion, ...] = tuple(
            self._assertions(rows, unique, not_null, accepted or {}, freshness, compare or {})
        )
        if no_rows or (no_rows is None and not self.assertions and table is None):
            self.assertions = (NoRows(), *self.assertions)
        if not self.assertions:
            known = "rows=, unique=, not_null=, accepted=, freshness= or compare="
            raise self._wrong("asserts nothing", f"give it {known}")

    def facts_of(self, text: SqlText, key: str, planning: Planning) -> TaskFacts:
        """As of any SQL task; what it reads is what it checks."""
        self._take(text)
        self._lost_is_worth_another_try()
        self.full_refresh = planning.options.full_refresh
        self._warehouse = planning.warehouse(self.warehouse)
        namespace = self._warehouse.namespace
        if any(isinstance(assertion, Near) for assertion in self.assertions):
            relations_of(namespace.dialect, where=text.script.at(1))
        rendered = self._rendered(text.script, planning, namespace)
        lineage = lineage_of(rendered, namespace, planning)
        self._script = bare_select(rendered, lineage, namespace, "a check looks at")
        about = {k: text.said[k] for k in ("description", "owner") if k in text.said}
        facts = sql_facts(key, self, self._script, namespace, planning, about=about)
        return replace(facts, reads=tuple(map(_checking, facts.reads)))

    def _take(self, text: SqlText) -> None:
        """Do as its file says."""
        said = text.said
        for key in OF_TABLE:
            if key in said:
                raise FlowError(
                    f"{key} does not go with a check, which writes nothing",
                    where=text.script.at(line_of(text.script.text, key)),
                    fix="take it out, or take check= out",
                )
        apply_front_matter(self, said)
        self.severity = Severity(said.get("severity", self.severity))
        if "check" in said:
            self.assertions = (NoRows() if said["check"] is None else Rows(*said["check"]),)

    def _run_on(self, warehouse: Any, data: Data, fetch: str = "none") -> Result:
        self._make_ready(warehouse)
        script, space = self._script or Script(""), self._known(warehouse).namespace
        if self._template is not None:
            script = without_semicolon(self._template.at(context.active()), space.dialect)
        return saying(
            lambda: script.text,
            lambda: self._on_session(
                warehouse, lambda session, space: self._checked(session, script, data, space)
            ),
        )

    def _checked(
        self, session: SqlSession, script: Script, data: Data, namespace: Namespace
    ) -> Result:
        take_down(session, script, Statement(script.text, 1, "SELECT"), data, namespace)
        running = context.active()
        measurements = None
        if any(isinstance(assertion, Near) for assertion in self.assertions):
            name = f"{running.flow}/{self.name}" if running else self.name
            measurements = Measurements(session, namespace, name)
        looking = _Looking(self, session, script, data, namespace, measurements)
        found = [finding for each in self.assertions if (finding := each.look(looking))]
        if not found and measurements:
            measurements.keep(looking.fresh, running.run_id if running else "")
        return self._judged(found, script)

    def _judged(self, found: Sequence[Finding], script: Script) -> Result:
        total = len(self.assertions)
        if not found:
            return Result(
                message="1 assertion holds" if total == 1 else f"all {total} assertions hold"
            )
        message = "; ".join(finding.text for finding in found)
        if total > 1:
            message = f"{len(found)} of {total} assertions fail: {message}"
        failures = sum(finding.failures for finding in found)
        detail = {
            "error": "\n".join([message, *_shown(found)]),
            "sql": next((finding.sql for finding in found if finding.sql), ""),
            "path": script.at(1),
            "findings": [
                {"text": f.text, "failures": f.failures, "sql": f.sql, "rows": list(f.rows)}
                for f in found
            ],
        }
        if self.severity is Severity.WARN:
            return Result(message=message, status="warn", failures=failures, detail=detail)
        raise FAIL(message, status="fail", failures=failures, detail=detail)

    # -- reading the arguments -------------------------------------------------------------

    def _assertions(
        self,
        rows: Any,
        unique: Any,
        not_null: Any,
        accepted: Mapping[str, Iterable[Any]],
        freshness: Any,
        compare: Mapping[str, float],
    ) -> Iterable[Assertion]:
        if rows is not None:
            yield self._rows(rows)
        for key in _keys(unique):
            yield Unique(key)
        for column in [not_null] if isinstance(not_null, str) else not_null:
            yield NotNull(column)
        for column, values in accepted.items():
            if isinstance(values, str) or not (listed := tuple(values)):
                raise self._wrong(
                    f"accepts no list of values for {column!r}",
                    'accepted={"status": ["open", "closed"]}',
                )
            yield Accepted(column, listed)
        if freshness is not None:
            yield self._freshness(freshness)
        for measure, within in compare.items():
            if isinstance(within, bool) or not isinstance(within, (int, float)) or within < 0:
                raise self._wrong(
                    f"cannot compare {measure} within {within!r}",
                    'compare={"count(*)": 0.2} for 20 %',
                )
            yield Near(measure, float(within))

    def _rows(self, rows: Any) -> Rows:
        least, most = (rows, rows) if isinstance(rows, int) else (*rows, None, None)[:2]
        numbers = [bound for bound in (least, most) if bound is not None]
        fits = all(isinstance(n, int) and n >= 0 for n in numbers) and numbers == sorted(numbers)
        if not numbers or not fits:
            raise self._wrong(f"has no bounds in rows={rows!r}", "rows=(1, 1000), or (1, None)")
        return Rows(least, most)

    def _freshness(self, freshness: Any) -> Fresh:
        with contextlib.suppress(TypeError, ValueError):
            name, age = freshness
            if isinstance(name, str) and isinstance(age, timedelta):
                return Fresh(name, age)
        raise self._wrong(
            f"cannot read freshness={freshness!r}", 'freshness=("loaded_at", timedelta(hours=24))'
        )

    def _severity(self, said: str) -> Severity:
        known = [str(word) for word in Severity]
        if said not in known:
            raise self._wrong(f"has no severity {said!r}", nearest(said, known, "one of "))
        return Severity(said)

    def _wrong(self, what: str, fix: str) -> FlowError:
        return FlowError(f"check {self.name!r} {what}", where=self._place(), fix=fix)


class _Looking:
    """The data of a check on an open connection; see :class:`~tasks.sql.assertions.Asking`."""

    def __init__(
        self,
        check: SqlCheck,
        session: SqlSession,
        script: Script,
        data: Data,
        namespace: Namespace,
        measurements: Measurements | None,
    ) -> None:
        self._session, self._script, self._values = session, script, data
        self._sample = check.sample
        self.dialect = namespace.dialect
        # The query begins on the first line: so the database counts the lines of the file.
        self.data = f"({script.text}\n) as data"
        if check.checked_table is not None and check.where is None:
            self.data = check.checked_table
        self._wanted = frozenset(
            name
            for piece in (session.split(script.text) if data else [])
            for name in piece.parameters
        )
        anew = measurements is None or check.full_refresh
        self._before = {} if anew or measurements is None else measurements.last()
        self.fresh: dict[str, float] = {}

    def one(self, sql: str) -> Sequence[Any]:
        statement = Statement(sql, 1, "SELECT", self._wanted)
        with self._told(statement):
            rows: list[Sequence[Any]]
            rows = self._session.execute(statement, self._values, "all").value
            return rows[0]

    def found(self, sql: str) -> tuple[int, list[dict[str, Any]]]:
        (count,) = self.one(f"select count(*) from ({sql}\n) as found")
        if not count or not self._sample:
            return count, []
        first = Statement(f"select * from ({sql}\n) as found limit {self._sample}", 1, "SELECT")
        with self._told(first), self._session.batches(first.text, self._values or None) as reader:
            rows = [row for batch in reader for row in batch.to_pylist()]
        return count, [{name: _plain(value) for name, value in row.items()} for row in rows]

    def before(self, measure: str) -> float | None:
        return self._before.get(measure)

    def measured(self, measure: str, value: float) -> None:
        self.fresh[measure] = value

    @contextlib.contextmanager
    def _told(self, statement: Statement) -> Any:
        try:
            yield
        except self._session.errors as error:
            running = context.active()
            cancelled = running is not None and running.cancelled.is_set()
            failure = self._session.failure(error)
            raise failed(self._script, statement, failure, cancelled=cancelled) from None


def _checking(access: Access) -> Access:
    text = f"checks {access.dataset}"
    return replace(access, evidence=replace(access.evidence, text=text))


def _where(where: str | None) -> str:
    return "" if where is None else f" where {where}"


def _keys(unique: str | Iterable[str | Iterable[str]]) -> list[tuple[str, ...]]:
    """The keys that must be unique, each as its columns."""
    if isinstance(unique, str):
        return [(unique,)]
    given = list(unique)
    if given and all(isinstance(name, str) for name in given):
        return [tuple(map(str, given))]
    return [(key,) if isinstance(key, str) else tuple(key) for key in given]


def _shown(found: Sequence[Finding]) -> Iterator[str]:
    """The first rows of each finding, and what to do, a line each."""
    for finding in found:
        if len(found) > 1 and (finding.rows or finding.hint):
            yield f"{finding.text}:"
        for row in finding.rows:
            yield "  " + ", ".join(f"{name}={_short(value)}" for name, value in row.items())
        if len(finding.rows) < finding.failures and finding.rows:
            yield f"  … {finding.failures - len(finding.rows):,} more"
        if finding.hint:
            yield f"  {finding.hint}"


def _short(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)
