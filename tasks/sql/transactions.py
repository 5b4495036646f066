"""A transaction around a block: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.sql.session import SqlSession


@contextmanager
def transaction(session: SqlSession) -> Iterator[None]:
    """Keep what a block does, or, where it fails, nothing of it.

    Args:
        session: An open connection in no transaction.
    """
    session.begin()
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
