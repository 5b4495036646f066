"""Runs a SQL script, all or nothing, and says which line of which file failed."""

from __future__ import annotations

import difflib
import itertools
import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError, ParameterError
from orchestrator.model import context
from orchestrator.model.dataset import Namespace
from orchestrator.model.signals import FAIL, Result
from tasks.sql.session import Data, Failure, Outcome, SqlSession, Statement

_PATIENCE = 60.0  #: seconds of trying again while another transaction is in the way
_LONGEST_PAUSE = 2.0  #: seconds between two tries
_NAME = re.compile(r"with name (\S+) does not exist")


class Transaction(StrEnum):
    """What holds a script's statements together."""

    ON = "on"  #: one transaction around the script, unless it has statements of its own for that
    OFF = "off"  #: each statement stands for itself


@dataclass(frozen=True, slots=True)
class Script:
    """A SQL text ready to run.

    Args:
        text: The statements.
        file: Path relative to the project, for messages; None for a text of a flow's module.
        place: Where a text without a file of its own stands.
        transaction: What holds its statements together.
        lines: For each line of a rendered text, the line of the template; empty if it is none.
    """

    text: str
    file: str | None = None
    place: str | None = None
    transaction: Transaction = Transaction.ON
    lines: tuple[int, ...] = ()

    def line(self, line: int) -> int:
        """Line of the file that a line of the text comes from."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else line

    def at(self, line: int) -> str:
        """Name the place of a line of the text."""
        if self.file:
            return f"{self.file}:{self.line(line)}"
        return f"{self.place or 'SQL'}, line {line} of the SQL"


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
    try:
        statements = session.split(script.text)
    except session.errors as error:
        raise _failed(script, Statement(script.text, 1, ""), session.failure(error)) from None
    _check(statements, data, script)
    running = _Running(session, script, statements, data, fetch, namespace)
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

    def __init__(self, signal: FAIL) -> None:
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
            # Where the transaction itself failed, at its end, the last statement stands for it.
            current = self.statements[min(len(outcomes), len(self.statements) - 1)]
            signal = _failed(self.script, current, failure)
            repeatable = self._together() or len(self.statements) == 1
            raise _Conflict(signal) if failure.conflict and repeatable else signal from None
        return _result(outcomes)

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
        self.session.begin()
        try:
            self._each(rest, outcomes)
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise

    def _each(self, statements: list[Statement], outcomes: list[Outcome]) -> None:
        for statement in statements:
            if _cancelled():
                raise FAIL(f"cancelled before {self.script.at(statement.line)}", status="cancelled")
            fetch = self.fetch if statement is self.statements[-1] else "none"
            values = _fitting(statement, self.data)
            self._take_down(statement, values)
            began = time.perf_counter()
            outcome = self.session.execute(statement, values, fetch)
            outcomes.append(outcome)
            _log_statement(self.script, statement, outcome, time.perf_counter() - began)

    def _take_down(self, statement: Statement, values: Data) -> None:
        running = context.active()
        if running is None or running.executed is None or self.namespace is None:
            return
        said = getattr(self.session, "reads", None)  # of the database, if it can be asked
        running.executed.add(
            statement.text,
            self.namespace,
            connection=id(self.session),
            place=lambda line: self.script.at(statement.line + line - 1),
            reads=said(statement, values, self.namespace) if said is not None else (),
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
                near = difflib.get_close_matches(str(name), wanted, n=1)
                raise ParameterError(
                    f"no statement uses the value {name!r}",
                    where=script.at(1),
                    fix=f"did you mean {near[0]!r}?" if near else f"write ${name} where it belongs",
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


# -- failure -----------------------------------------------------------------------------------


def _failed(script: Script, statement: Statement, failure: Failure) -> FAIL:
    """Say it as the terminal shows it: message, statement, line of the file."""
    line = statement.line + (failure.line or _line_of_name(statement.text, failure.message)) - 1
    cancelled = _cancelled()
    detail: dict[str, Any] = {
        "sql": statement.text.rstrip(),
        "start_line": script.line(statement.line),
        "error_line": script.line(line),
        "path": script.at(line),
        "error": failure.text,
    }
    message = "the statement was interrupted" if cancelled else failure.message
    return FAIL(message, status="cancelled" if cancelled else "error", detail=detail)


def _line_of_name(text: str, message: str) -> int:
    """The line of what does not exist, where the database names it but no line; 1 otherwise."""
    name = _NAME.search(message)
    found = re.search(rf"\b{re.escape(name[1])}\b", text, re.IGNORECASE) if name else None
    return 1 + text.count("\n", 0, found.start()) if found else 1


def _rest(seconds: float) -> None:
    running = context.active()
    (running.cancelled if running else threading.Event()).wait(seconds)


def _cancelled() -> bool:
    running = context.active()
    return running is not None and running.cancelled.is_set()


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else logging.getLogger("orchestrator.task")
