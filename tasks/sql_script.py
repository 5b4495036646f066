"""Runs a SQL script, all or nothing, and says which line of which file failed."""

from __future__ import annotations

import difflib
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError, ParameterError
from orchestrator.model import context
from orchestrator.model.signals import FAIL, Result
from tasks.sql_session import Data, Failure, Outcome, SqlSession, Statement

_TRIES = 8  #: of a script that another transaction is in the way of
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
    """

    text: str
    file: str | None = None
    place: str | None = None
    transaction: Transaction = Transaction.ON

    def at(self, line: int) -> str:
        """Name a line of it."""
        return f"{self.file}:{line}" if self.file else f"{self.place or 'SQL'}, line {line} of the SQL"


def run_script(session: SqlSession, script: Script, data: Data = None, fetch: str = "none") -> Result:
    """Run the statements of a script in order on one connection.

    With :attr:`Transaction.ON` a script that fails leaves nothing behind; one that another
    transaction was in the way of is run again.

    Args:
        session: The open connection.
        script: What to run.
        data: Values for placeholders: by name for any statement, by position for a single one.
        fetch: What to take of the last statement's result.

    Returns:
        The fetched value, with the number of rows written where the database says.

    Raises:
        FAIL: A statement failed; the detail names it and the line.
        ParameterError: ``data`` does not fit the placeholders.
    """
    log = _logger()
    try:
        statements = session.split(script.text)
    except session.errors as error:
        raise _failed(script, Statement(script.text, 1, ""), session.failure(error)) from None
    _check(statements, data, script)
    together = script.transaction is Transaction.ON and not any(s.transactional for s in statements)
    for attempt in range(1, _TRIES + 1):
        try:
            return _run_once(session, script, statements, data, fetch, together)
        except _Conflict as conflict:
            if attempt == _TRIES or _cancelled():
                raise conflict.signal from None
            log.info("%s; again (%d of %d)", conflict.signal.message, attempt + 1, _TRIES)
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable")


class _Conflict(Exception):  # noqa: N818 - never leaves this file
    def __init__(self, signal: FAIL) -> None:
        super().__init__()
        self.signal = signal


def _run_once(
    session: SqlSession,
    script: Script,
    statements: list[Statement],
    data: Data,
    fetch: str,
    together: bool,
) -> Result:
    current, again = statements[0] if statements else None, together or len(statements) == 1
    try:
        outcomes = []
        if together and len(statements) > 1:
            session.begin()
        for current in statements:
            if _cancelled():
                raise FAIL(f"cancelled before {script.at(current.line)}", status="cancelled")
            taken = fetch if current is statements[-1] else "none"
            outcomes.append(_timed(session, script, current, _fitting(current, data), taken))
        if together and len(statements) > 1:
            session.commit()
        return _result(statements, outcomes)
    except session.errors as error:
        failure = session.failure(error)
        signal = _failed(script, current or Statement("", 1, ""), failure)
        raise _Conflict(signal) if failure.conflict and again else signal from None
    except BaseException:
        raise
    finally:
        if together and len(statements) > 1:
            session.rollback()


def _timed(
    session: SqlSession, script: Script, statement: Statement, data: Data, fetch: str
) -> Outcome:
    began = time.perf_counter()
    outcome = session.execute(statement, data, fetch)
    seconds = time.perf_counter() - began
    rows = "" if outcome.rows is None else f", {outcome.rows:,} rows"
    _logger().info("%s %s: %.2f s%s", script.at(statement.line), statement.kind, seconds, rows)
    return outcome


def _result(statements: list[Statement], outcomes: list[Outcome]) -> Result:
    counts = [o.rows for o in outcomes if o.wrote and o.rows is not None]
    rows = sum(counts) if counts else None
    number = "1 statement" if len(statements) == 1 else f"{len(statements)} statements"
    message = number if rows is None else f"{number}, {rows:,} rows written"
    return Result(outcomes[-1].value if outcomes else None, message=message, rows=rows)


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
        "start_line": statement.line,
        "error_line": line,
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


def _cancelled() -> bool:
    running = context.active()
    return running is not None and running.cancelled.is_set()


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else logging.getLogger("orchestrator.task")
