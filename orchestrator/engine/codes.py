"""The codes that an error goes by: SQLSTATE, dbt's status, errno, exit code, a class's own ``code``."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

#: Attributes under which the exceptions of drivers and clients keep a code.
_NAMES = ("code", "sqlstate", "pgcode", "status", "status_code", "errno")
_LONGEST = 64


def codes_of(error: BaseException) -> tuple[str, ...]:
    """Return the codes of an error and of what caused it, the error's own first.

    Example:
        >>> codes_of(ConnectionResetError(104, "reset"))
        ('ECONNRESET', '104')
    """
    found: dict[str, None] = {}
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        found.update(dict.fromkeys(_of_one(at)))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return tuple(found)


def _of_one(error: BaseException) -> Iterator[str]:
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and isinstance(number, int) and number in errno.errorcode:
        yield errno.errorcode[number]
    for name in _NAMES:
        yield from _text(getattr(error, name, None))
    # An HTTP client keeps the answer, a command its end.
    yield from _text(getattr(getattr(error, "response", None), "status_code", None))
    for ended in (error, getattr(error, "result", None)):
        for code in _text(getattr(ended, "returncode", None)):
            yield f"exit {code}"


def _text(value: Any) -> Iterator[str]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield str(int(value))
    elif isinstance(value, str) and 0 < len(value) <= _LONGEST:
        yield value
