"""How the failure of a script is told: which statement of which file, why, and what of it was kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.model.signals import FAIL
from tasks.sql.script import Script
from tasks.sql.session import Failure, Statement

#: SQLSTATE of a connection that broke, for drivers that give none.
_LOST = "08006"
_NAME = re.compile(r"with name (\S+) does not exist")
_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\w+)(?:\s+(\w+))?", re.DOTALL)
_BEGINS, _KEEPS, _UNDOES = {"begin", "start"}, {"commit", "end"}, {"rollback", "abort"}


class SqlFailure(FAIL):
    """A statement failed.

    Args:
        message: One line for people.
        code: The database's code of it, for ``retry_on``.
        kept: Numbers of the statements, from 1, whose work stays.
        facts: As of any :class:`~orchestrator.model.signals.FAIL`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        kept: Sequence[int] = (),
        **facts: Any,
    ) -> None:
        super().__init__(message, **facts)
        self.code = code
        self.kept = tuple(kept)


class ConnectionLostError(SqlFailure, ConnectionError):
    """The connection was lost, or never made: another attempt, on another one, may succeed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a script came.

    Args:
        number: The statement that failed, counted from 1; one more than ``total`` for the commit.
        total: How many there are.
        kept: Numbers of the statements whose work stays.
        unsure: Numbers of those whose work may stay: the failing one commits as it begins.
    """

    number: int
    total: int
    kept: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.total < 2:
            return ""
        at = f"statement {self.number} of {self.total}"
        if self.number > self.total:
            at = f"the commit after {self.total} statements"
        parts = [at, _told(self.kept, "stay")] if self.kept else [at]
        if self.unsure:
            parts.append(_told(self.unsure, "may stay"))
        return "; ".join(parts if len(parts) > 1 else [at, "nothing was kept"])


def progressed(statements: Sequence[Statement], done: int, *, one_transaction: bool) -> Progress:
    """Say how far a script came, and which of its statements are not undone.

    Args:
        statements: The script.
        done: How many of them had succeeded.
        one_transaction: Whether they ran in one transaction made around the script.

    Example:
        >>> texts = ["create table t (n int)", "insert into t values (1)", "select no"]
        >>> script = [Statement(t, 1, "", commits=t.startswith("create")) for t in texts]
        >>> str(progressed(script, 2, one_transaction=True))
        'statement 3 of 3; statement 1 stays'
    """
    kept: list[int] = []
    pending: list[int] = []
    is_open, leading = False, one_transaction
    for number, statement in enumerate(statements[:done], 1):
        leading = leading and statement.harmless
        is_open = (is_open or one_transaction) and not leading
        word = _control(statement)
        pending.append(number)
        if word in _UNDOES:
            pending, is_open = [], False
        elif word in _BEGINS:
            is_open = True
        elif word in _KEEPS or statement.commits or not is_open:
            kept, pending, is_open = [*kept, *pending], [], False
    at_once = done < len(statements) and statements[done].commits
    return Progress(done + 1, len(statements), tuple(kept), tuple(pending) if at_once else ())


def failed(
    script: Script,
    statement: Statement,
    failure: Failure,
    progress: Progress | None = None,
    *,
    cancelled: bool = False,
) -> SqlFailure:
    """Make the signal as the terminal shows it: message, statement, line of the file, what stays.

    Args:
        script: What ran.
        statement: The one that failed.
        failure: Why, in the database's words.
        progress: Which of how many it is.
        cancelled: Whether the attempt was told to stop.
    """
    line = statement.line + (failure.line or _line_of_name(statement.text, failure.message)) - 1
    at = str(progress or "")
    detail: dict[str, Any] = {
        "sql": statement.text.rstrip(),
        "start_line": script.line(statement.line),
        "error_line": script.line(line),
        "path": script.at(line),
        "error": failure.text,
    }
    if progress is not None and at:
        detail |= {"statement": progress.number, "statements": progress.total}
        detail["kept"] = list(progress.kept)
    message = "the statement was interrupted" if cancelled else failure.message
    lost = failure.lost and not cancelled
    return (ConnectionLostError if lost else SqlFailure)(
        f"{message} ({at})" if at else message,
        code=failure.code or (_LOST if lost else None),
        kept=progress.kept if progress else (),
        status="cancelled" if cancelled else "error",
        detail=detail,
    )


def _control(statement: Statement) -> str:
    """The word of a statement that begins or ends a transaction; empty for any other."""
    if not statement.transactional:
        return ""
    found = _WORD.match(statement.text)
    first, second = (found[1].lower(), (found[2] or "").lower()) if found else ("", "")
    # What goes back to a savepoint leaves the transaction open.
    return "" if first in _UNDOES and second == "to" else first


def _told(numbers: Sequence[int], verb: str) -> str:
    if len(numbers) == 1:
        return f"statement {numbers[0]} {'stays' if verb == 'stay' else verb}"
    return f"statements {_listed(numbers)} {verb}"


def _listed(numbers: Iterable[int]) -> str:
    """Numbers with runs of three or more drawn together.

    Example:
        >>> _listed([1, 2]), _listed([1, 2, 3, 5])
        ('1 and 2', '1 to 3 and 5')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts: list[str] = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(number) for number in run]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _line_of_name(text: str, message: str) -> int:
    """The line of what does not exist, where the database names it but no line; 1 otherwise."""
    name = _NAME.search(message)
    found = re.search(rf"\b{re.escape(name[1])}\b", text, re.IGNORECASE) if name else None
    return 1 + text.count("\n", 0, found.start()) if found else 1
