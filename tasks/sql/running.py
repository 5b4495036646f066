"""Runs a SQL script, all or nothing, and says which line of which file failed."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import FlowError, ParameterError
from orchestrator.model import context
from orchestrator.model.dataset import Namespace
from orchestrator.model.signals import FAIL, Result
from orchestrator.nearest import did_you_mean
from tasks.sql.failing import SqlFailure, failed, progressed
from tasks.sql.ran import saying
from tasks.sql.script import Script, Transaction
from tasks.sql.session import Data, Failure, Outcome, SqlSession, Statement
from tasks.sql.transactions import transaction

_PATIENCE = 60.0  #: seconds of trying again while another transaction is in the way
_LONGEST_PAUSE = 2.0  #: seconds between two tries


def run_script(
    session: SqlSession,
    script: Script,
    data: Data = None,
    fetch: str = "none",
    namespace: Namespace | None = None,
) -> Result:
    """Run the statements of a script in order on one connection.

    With :attr:`Transaction.ON` a script that fails leaves nothing behind; one that another
    transaction was in the way of is run again.

    Args:
        session: The open connection.
        script: What to run.
        data: Values for placeholders: by name for any statement, by position for a single one.
        fetch: What to take of the last statement's result.
        namespace: How names are read; with it, what runs is taken down where the run checks it.

    Returns:
        The fetched value, with the number of rows written where the database says.

    Raises:
        FAIL: A statement failed; the detail names it and the line.
        ParameterError: ``data`` does not fit the placeholders.
    """

    def work() -> Result:
        try:
            statements = session.split(script.text)
        except session.errors as error:
            whole = Statement(script.text, 1, "")
            raise failed(script, whole, session.failure(error), cancelled=_cancelled()) from None
        return run_statements(session, script, statements, data, fetch, namespace)

    return saying(lambda: script.text, work)


def run_statements(
    session: SqlSession,
    script: Script,
    statements: list[Statement],
    data: Data = None,
    fetch: str = "none",
    namespace: Namespace | None = None,
    *,
    counted: bool = True,
) -> Result:
    """As :func:`run_script`, of a script that is split already.

    Args:
        session: The open connection.
        script: Where the statements come from.
        statements: Its statements.
        data: As there.
        fetch: As there.
        namespace: As there.
        counted: Whether a failure says which of how many statements it was.
    """
    _check(statements, data, script)
    running = _Running(session, script, statements, data, fetch, namespace, counted)
    began, pause = time.monotonic(), 0.05
    while True:
        try:
            return running.once()
        except _Conflict as conflict:
            if time.monotonic() - began > _PATIENCE or _cancelled():
                raise conflict.signal from None
            place = conflict.signal.detail["path"]
            _logger().info("%s: another transaction was in the way; trying again", place)
            _rest(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class _Conflict(Exception):  # noqa: N818 - a signal that never leaves this file
    """Another transaction was in the way, and nothing was kept."""

    def __init__(self, signal: SqlFailure) -> None:
        super().__init__()
        self.signal = signal


@dataclass(slots=True)
class _Running:
    """One script on one connection."""

    session: SqlSession
    script: Script
    statements: list[Statement]
    data: Data
    fetch: str
    namespace: Namespace | None = None
    counted: bool = True

    def once(self) -> Result:
        """Run it from the start."""
        outcomes: list[Outcome] = []
        try:
            if self._together():
                self._in_one_transaction(outcomes)
            else:
                self._each(self.statements, outcomes)
        except self.session.errors as error:
            failure = self.session.failure(error)
            signal = self._signal(failure, len(outcomes))
            repeatable = failure.conflict and self._repeatable(signal.kept)
            raise _Conflict(signal) if repeatable else signal from None
        return _result(outcomes)

    def _signal(self, failure: Failure, done: int) -> SqlFailure:
        # Where the transaction itself failed, at its end, the last statement stands for it.
        current = self.statements[min(done, len(self.statements) - 1)]
        progress = progressed(self.statements, done, one_transaction=self._together())
        if not self.counted:
            progress = replace(progress, total=1)
        return failed(self.script, current, failure, progress, cancelled=_cancelled())

    def _repeatable(self, kept: Sequence[int]) -> bool:
        """Whether running it again from the start does nothing twice."""
        alone = len(self.statements) == 1
        return (alone or self._together()) and all(self.statements[n - 1].harmless for n in kept)

    def _together(self) -> bool:
        return (
            self.script.transaction is Transaction.ON
            and len(self.statements) > 1
            and not any(statement.transactional for statement in self.statements)
        )

    def _in_one_transaction(self, outcomes: list[Outcome]) -> None:
        # Schemas first and by themselves: in the transaction they would stop every other script
        # that makes sure of the same schema until this one is done.
        rest = list(itertools.dropwhile(lambda statement: statement.harmless, self.statements))
        self._each(self.statements[: len(self.statements) - len(rest)], outcomes)
        with transaction(self.session):
            self._each(rest, outcomes, again=self.session.begin)

    def _each(
        self,
        statements: list[Statement],
        outcomes: list[Outcome],
        again: Callable[[], None] | None = None,
    ) -> None:
        """Run statements; ``again`` begins anew the transaction that one of them committed."""
        for statement in statements:
            if _cancelled():
                raise FAIL(f"cancelled before {self.script.at(statement.line)}", status="cancelled")
            fetch = self.fetch if statement is self.statements[-1] else "none"
            values = _fitting(statement, self.data)
            take_down(self.session, self.script, statement, values, self.namespace)
            began = time.perf_counter()
            outcome = self.session.execute(statement, values, fetch)
            outcomes.append(outcome)
            _log_statement(self.script, statement, outcome, time.perf_counter() - began)
            if statement.commits and again is not None:
                again()


def take_down(
    session: SqlSession,
    script: Script,
    statement: Statement,
    values: Data,
    namespace: Namespace | None,
) -> None:
    """Note a statement that is about to run, where the run checks what its tasks read and write."""
    running = context.active()
    if running is None or running.executed is None or namespace is None:
        return
    said = getattr(session, "reads", None)  # of the database, if it can be asked
    running.executed.add(
        statement.text,
        namespace,
        connection=id(session),
        place=lambda line: script.at(statement.line + line - 1),
        reads=said(statement, values, namespace) if said is not None else (),
    )


def _log_statement(script: Script, statement: Statement, outcome: Outcome, seconds: float) -> None:
    rows = "" if outcome.rows is None else f", {_rows(outcome.rows)}"
    _logger().info("%s %s: %.2f s%s", script.at(statement.line), statement.kind, seconds, rows)


def _result(outcomes: list[Outcome]) -> Result:
    counts = [o.rows for o in outcomes if o.wrote and o.rows is not None]
    rows = sum(counts) if counts else None
    message = "1 statement" if len(outcomes) == 1 else f"{len(outcomes)} statements"
    if rows is not None:
        message += f", {_rows(rows)} written"
    return Result(outcomes[-1].value if outcomes else None, message=message, rows=rows)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


# -- values for placeholders -------------------------------------------------------------------


def _check(statements: list[Statement], data: Data, script: Script) -> None:
    wanted = {name for statement in statements for name in statement.parameters}
    if isinstance(data, Mapping):
        for name in data:
            if name not in wanted:
                raise ParameterError(
                    f"no statement uses the value {name!r}",
                    where=script.at(1),
                    fix=did_you_mean(name, wanted, f"write ${name} where it belongs"),
                )
    elif data and sum(bool(statement.parameters) for statement in statements) > 1:
        raise FlowError(
            "values by position fit one statement only, and several of these take values",
            where=script.at(1),
            fix='name them: $name in the SQL, data={"name": …}',
        )


def _fitting(statement: Statement, data: Data) -> Data:
    if not data or not statement.parameters:
        return None
    if isinstance(data, Mapping):
        return {name: value for name, value in data.items() if name in statement.parameters}
    return list(data)


def _rest(seconds: float) -> None:
    running = context.active()
    (running.cancelled if running else threading.Event()).wait(seconds)


def _cancelled() -> bool:
    running = context.active()
    return running is not None and running.cancelled.is_set()


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else logging.getLogger("orchestrator.task")
