"""The border where a database's errors become ours: what failed, where, what to do next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from orchestrator.errors import StoreError

#: Beginnings of SQLite's error names: what it means to a person, and the next step.
_SQLITE = (
    (
        "SQLITE_BUSY",
        "the run store is locked by another process",
        "wait for the other command to end, or end it; then run this again",
    ),
    (
        "SQLITE_LOCKED",
        "the run store is locked by another process",
        "wait for the other command to end, or end it; then run this again",
    ),
    (
        "SQLITE_READONLY",
        "the run store cannot be written: the file or its folder is read-only",
        "make the file and its folder writable for this user, or choose another place",
    ),
    (
        "SQLITE_PERM",
        "the run store may not be opened by this user",
        "make the file and its folder writable for this user, or choose another place",
    ),
    (
        "SQLITE_FULL",
        "the disk is full: nothing more can be kept in the run store",
        "free some space; what was kept before is whole",
    ),
    (
        "SQLITE_IOERR",
        "the disk refused to read or write the run store (it may be full)",
        "check free space and the disk; what was kept before is whole",
    ),
    (
        "SQLITE_NOTADB",
        "the file is not a run store",
        "name another file, or move this one away and a new store is made",
    ),
    (
        "SQLITE_CORRUPT",
        "the run store is damaged",
        "move the file away and a new store is made; `sqlite3 FILE .recover` saves what it can",
    ),
    (
        "SQLITE_CANTOPEN",
        "the run store cannot be opened",
        "check that the folder exists and that this user may write in it",
    ),
)


#: Codes of a server that says: not now, and nothing was written. It starts, stops or was stopped, or
#: it ended one of two transactions that waited for each other.
_AGAIN = frozenset({"57P01", "57P02", "57P03", "08000", "08003", "08006", "40001", "40P01"})


class LostError(StoreError):
    """Raised when a transaction was lost with its connection: nothing of it was written."""


def is_lost(error: BaseException) -> bool:
    """Whether a server went away, or gave a transaction up, so that it may be tried again."""
    if not isinstance(error, DBAPIError) or hasattr(error.orig, "sqlite_errorname"):
        return False
    code = getattr(error.orig, "sqlstate", None)
    unreachable = isinstance(error, OperationalError) and code is None
    return error.connection_invalidated or unreachable or code in _AGAIN


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever the database raises into a StoreError.

    Args:
        where: The file, or the address without its password.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _translate(error, where) from error


def _translate(error: Exception, where: str) -> StoreError:
    origin = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(origin, "sqlite_errorname", "")
    for beginning, what, fix in _SQLITE:
        if name.startswith(beginning):
            return StoreError(what, where=where, fix=fix)
    if is_lost(error):
        return LostError(
            f"the run store cannot be reached: {_line(origin)}",
            where=where,
            fix="check that the database is reachable and that its address and rights are right",
        )
    if isinstance(error, IntegrityError):
        return StoreError(
            f"the run store holds this already, or not what it belongs to: {_line(origin)}",
            where=where,
            fix="give each run, and each task in a run, a key of its own",
        )
    return StoreError(
        f"the run store did not answer as it should: {_line(origin)}",
        where=where,
        fix="check that the database is reachable and that its address and rights are right",
    )


def _line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
