"""What went wrong on Snowflake: lost or refused, worth another try or not, and at which line."""

from __future__ import annotations

import re

from snowflake.connector import errors

from tasks.snowflake.opening import one_line
from tasks.sql.session import Failure

#: What the connector raises of itself where a server answers with an HTTP error, or not at all.
_HTTP = (
    errors.InternalServerError, errors.ServiceUnavailableError, errors.GatewayTimeoutError,
    errors.RequestTimeoutError, errors.BadGatewayError, errors.TooManyRequests,
    errors.OtherHTTPRetryableError, errors.HttpError,
)  # fmt: skip
#: The client cannot reach the server, or its session is closed; the session is gone or expired.
_LOST = frozenset(
    {250001, 250002, 250003, 250005, 251011, 251012, 390111, 390112, 390113, 390114, 390115}
)
_TOO_MANY_WAIT = 625  #: for the lock of a table
_STATES_OF_CONFLICT = frozenset({"40001", "40P01"})
_LINE = re.compile(r"\bline (\d+)(?: at position|, col|:)", re.IGNORECASE)
_PREFIX = re.compile(r"^\d{6} \(\w+\): (?:[0-9a-f-]{36}: )?")


def failure_of(error: Exception) -> Failure:
    """Read what the connector raised.

    Example:
        >>> said = errors.ProgrammingError("line 3 at position 7", errno=1003, sqlstate="42000")
        >>> failure_of(said).line, failure_of(said).code
        (3, '42000')
    """
    number = getattr(error, "errno", None)
    state = getattr(error, "sqlstate", None)
    text = str(error)
    line = _LINE.search(text)
    conflict = number == _TOO_MANY_WAIT or state in _STATES_OF_CONFLICT
    return Failure(
        message=_PREFIX.sub("", one_line(error)),
        text=text,
        line=int(line[1]) if line else None,
        conflict=conflict,
        code=_code(number, state),
        lost=is_lost(error),
    )


def is_lost(error: BaseException) -> bool:
    """Whether the connection is what failed, and not the statement."""
    if isinstance(error, (*_HTTP, OSError)):
        return True
    return getattr(error, "errno", None) in _LOST


def _code(number: int | None, state: str | None) -> str | None:
    """The SQLSTATE; where there is none, Snowflake's own number."""
    if state and state != "n/a":
        return state
    return None if number in (None, -1) else f"{number:06d}"
