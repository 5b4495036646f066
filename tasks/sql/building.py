"""Makes a table, a view or an increment of a SELECT, so that no reader ever sees half of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.model.dataset import Namespace
from orchestrator.model.signals import FAIL, Result
from tasks.sql.failing import failed
from tasks.sql.making import Making
from tasks.sql.ran import saying
from tasks.sql.relations import Relations, Standing, Step, relations_of
from tasks.sql.running import run_statements, take_down
from tasks.sql.script import Materialized, Script
from tasks.sql.session import Data, SqlSession, Statement


def build(
    session: SqlSession, making: Making, data: Data = None, namespace: Namespace | None = None
) -> Result:
    """Make what a SELECT is to become.

    Args:
        session: The open connection.
        making: The SELECT and what it is made into.
        data: Values for its placeholders.
        namespace: How names are read; with it, what is written is taken down where the run checks it.

    Returns:
        The number of rows written, where the database says; the kind of what was made in the detail.

    Raises:
        FAIL: A statement failed, or the rows do not fit the table.
    """
    building = _Building(session, making, data, namespace or Namespace())
    return saying(lambda: building.script.text, building.result)


class _Building:
    """One table on one connection.

    Attributes:
        script: The query whose rows it is made of.
    """

    def __init__(
        self, session: SqlSession, making: Making, data: Data, namespace: Namespace
    ) -> None:
        self._session, self._making, self._data = session, making, data
        self._namespace = namespace
        self.script = making.first
        self._target = making.target
        self._sql: Relations = relations_of(namespace.dialect)

    def result(self) -> Result:
        kind = self._making.wanted.materialized
        standing = self._standing()
        if standing.kind is None:
            self._make_schema()
        if kind is Materialized.VIEW:
            self._take_down("create or replace view {} as ", self._making.first)
            made = self._run(self._sql.view(self._target, standing))
            return self._told(made, "view")
        if kind is Materialized.INCREMENTAL and standing.kind == "table" and not self._making.anew:
            return self._told(self._increment(), "increment of")
        return self._told(self._table(standing), "table")

    # -- what is there ---------------------------------------------------------------------

    def _standing(self) -> Standing:
        kind = self._value(self._sql.kind(self._target))
        question = self._sql.needed(self._target) if kind else None
        return Standing(kind, bool(question and self._value(question)))

    def _make_schema(self) -> None:
        if self._target.schema and self._value(self._sql.schema(self._target)) is None:
            self._run([self._sql.make_schema(self._target)])

    # -- making ----------------------------------------------------------------------------

    def _table(self, standing: Standing) -> Result:
        first, key = self._making.first, self._making.wanted.unique_key
        if standing.needed and standing.kind == "table":
            return self._refill()
        named = ", ".join(map(self._sql.column, key))
        # The database says so itself if the table lacks a column of its key.
        looking = (
            [Step(f"select {named} from {self._sql.name(self._target)} limit 0")] if key else []
        )
        self._take_down("create or replace table {} as ", first)
        return self._run([*self._sql.table(self._target, standing), *looking], first)

    def _refill(self) -> Result:
        """Put new rows in place of all, in a table that views stand on."""
        with self._staged(self._making.first) as columns:
            steps = [self._sql.emptied(self._target), *self._sql.put(self._target, columns)]
            return self._run(steps)

    def _increment(self) -> Result:
        key, self.script = self._making.wanted.unique_key, self._making.further
        with self._staged(self.script) as columns:
            if key:
                self._check_key(columns, key)
            return self._run(self._sql.put(self._target, columns, key))

    @contextlib.contextmanager
    def _staged(self, script: Script) -> Any:
        """Hold the query's rows in a temporary table; gives its columns."""
        self._take_down("insert into {} ", script)
        for step in self._sql.stage(self._target):  # each by itself: nobody else sees it
            self._run([step], script)
        try:
            columns = self._columns(self._sql.stage_columns(self._target))
            self._check_columns(columns)
            yield columns
        finally:
            with contextlib.suppress(FAIL):
                self._run([self._sql.done(self._target)])

    def _check_columns(self, columns: Sequence[str]) -> None:
        there = self._columns(self._sql.columns(self._target))
        new = _missing(columns, there)
        if new:
            raise self._unfit(
                f"{_columns(new)} in the query and not in {self._target}",
                f"{self._target} has {', '.join(there)}\n"
                "run it with --full-refresh to make the table anew, or add the column to the table",
            )

    def _check_key(self, columns: Sequence[str], key: Sequence[str]) -> None:
        lacking = _missing([self._sql.column(name)[1:-1] for name in key], columns)
        if lacking:
            raise self._unfit(
                f"{_columns(lacking)} in unique_key and not in the query",
                f"the query has {', '.join(columns)}",
            )
        missing, twice = self._row(self._sql.without_key(self._target, key))
        named = ", ".join(key)
        if missing:
            raise self._unfit(
                f"{missing:,} rows of the query have no {named}, which is the unique_key",
                "leave them out of the query, or choose another key",
            )
        if twice:
            raise self._unfit(
                f"the query gives {twice:,} values of the unique_key {named} more than once",
                "a row can take the place of an older one only once: group or deduplicate the query",
            )

    # -- running ---------------------------------------------------------------------------

    def _run(self, steps: Iterable[Step], script: Script | None = None) -> Result:
        script = script or self._making.first
        statements = [self._statement(step, script) for step in steps]
        return run_statements(self._session, script, statements, self._data, counted=False)

    def _statement(self, step: Step, script: Script) -> Statement:
        kind = step.text.split(" ", 1)[0].upper()
        commits = self._sql.ddl_commits and kind in ("CREATE", "DROP", "ALTER")
        if not step.query:
            return Statement(step.text, 1, kind, commits=commits)
        # On one line with the query's first: so the database counts the lines of the file.
        found = self._session.split(script.text) if self._data else []
        wanted = frozenset(name for piece in found for name in piece.parameters)
        return Statement(step.text + script.text, 1, kind, wanted, commits=commits)

    def _value(self, question: str) -> Any:
        found = self._ask(question)
        return found[0][0] if found else None

    def _row(self, question: str) -> tuple[int, int]:
        ((missing, twice),) = self._ask(question)
        return missing, twice

    def _columns(self, question: str) -> list[str]:
        return [row[0] for row in self._ask(question)]

    def _ask(self, question: str) -> Any:
        asked = Statement(question, 1, "SELECT")
        try:
            return self._session.execute(asked, None, "all").value
        except self._session.errors as error:
            raise failed(self._making.first, asked, self._session.failure(error)) from None

    # -- telling ---------------------------------------------------------------------------

    def _take_down(self, before: str, script: Script) -> None:
        """What is written in the end, whatever is done on the way."""
        text = before.format(self._sql.name(self._target)) + script.text
        take_down(self._session, script, Statement(text, 1, "CREATE"), self._data, self._namespace)

    def _told(self, made: Result, what: str) -> Result:
        rows = "" if made.rows is None else f", {made.rows:,} row{'' if made.rows == 1 else 's'}"
        detail = {"relation": str(self._target), "made": what.split(" ", 1)[0]}
        return replace(made, value=None, message=f"{what} {self._target}{rows}", detail=detail)

    def _unfit(self, message: str, more: str) -> FAIL:
        script = self._making.further
        detail = {"error": f"{message}\n{more}", "sql": script.text.rstrip(), "path": script.at(1)}
        return FAIL(message, status="error", detail=detail)


def _missing(names: Iterable[str], among: Iterable[str]) -> list[str]:
    known = {name.casefold() for name in among}
    return [name for name in names if name.casefold() not in known]


def _columns(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the column {names[0]} is"
    return f"the columns {', '.join(names)} are"
