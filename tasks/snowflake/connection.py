"""Snowflake's connection, which tells with each statement who runs it, and can be cancelled."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from snowflake.connector import SnowflakeConnection

from tasks.dbapi.lexing import SNOWFLAKE, Kind, pieces
from tasks.dbapi.tag import query_tag

_TEMPORARY = re.compile(r"CREATE (?:OR REPLACE )?(?:LOCAL |GLOBAL )?(?:TEMP|TEMPORARY|VOLATILE)\b")
#: Statements after which a session is not what it was for whoever has it next.
_CHANGES = re.compile(
    r"(?:USE|SET|UNSET|ALTER SESSION|CALL|EXECUTE|DECLARE)\b"
    r"|BEGIN (?!TRANSACTION\b|WORK\b|NAME\b)\w",
)
_BEGINS = re.compile(r"(?:BEGIN|START TRANSACTION)\b")
_ENDS = re.compile(r"(?:COMMIT|ROLLBACK)\b")
_WORDS = 6  #: of a statement tell what it is


class Connection(SnowflakeConnection):
    """A connection of Snowflake's connector, as warehouses lend it.

    Attributes:
        changed: Whether a statement left something in the session: a temporary table, a variable,
            another schema in use.
        in_transaction: Whether a transaction was begun and not ended.
    """

    def __init__(self, **arguments: Any) -> None:
        self.changed = False
        self.in_transaction = False
        self._underway: dict[str, str] = {}
        self._by_id: set[str] = set()
        self._underway_lock = threading.Lock()
        super().__init__(**arguments)

    def cmd_query(  # type: ignore[override]
        self, sql: str, sequence_counter: int, request_id: UUID, **others: Any
    ) -> dict[str, Any]:
        """Send a statement; all that this connection runs comes by here."""
        parameters = dict(others.pop("statement_params", None) or {})
        if tag := query_tag():
            parameters.setdefault("QUERY_TAG", json.dumps(tag))
        with self._underway_lock:
            self._underway[str(request_id)] = sql
        try:
            return super().cmd_query(
                sql, sequence_counter, request_id, statement_params=parameters, **others
            )
        finally:
            with self._underway_lock:
                del self._underway[str(request_id)]
            self._note(sql)

    @contextmanager
    def awaiting(self, query_id: str) -> Iterator[None]:
        """While the block waits for a query that runs by itself, :meth:`cancel` ends it."""
        self._by_id.add(query_id)
        try:
            yield
        finally:
            self._by_id.discard(query_id)

    def cancel(self) -> None:
        """Tell the server to end what this connection runs now; another thread calls it."""
        with self._underway_lock:
            underway = list(self._underway.items())
        for request_id, sql in underway:
            self._cancel_query(sql, UUID(request_id))
        for query_id in list(self._by_id):
            self.cursor().abort_query(query_id)

    def tidy(self) -> None:
        """Make it as good as new for the next user.

        Raises:
            RuntimeError: It cannot be: a session's temporary tables and variables go only with it.
        """
        if self.changed:
            raise RuntimeError("the session was changed")
        if self.in_transaction:
            self.cursor().execute("ROLLBACK")

    def works(self) -> bool:
        """Ask the server whether the session is still there."""
        if self.is_closed():
            return False
        with self.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True

    def _note(self, sql: str) -> None:
        head = _head(sql)
        self.changed = self.changed or bool(_CHANGES.match(head) or _TEMPORARY.match(head))
        if _BEGINS.match(head):
            self.in_transaction = True
        elif _ENDS.match(head):
            self.in_transaction = False


def makes_temporary(sql: str) -> bool:
    """Whether a statement makes something that goes with its session.

    Example:
        >>> makes_temporary("create or replace temp table t as select 1")
        True
    """
    return bool(_TEMPORARY.match(_head(sql)))


def _head(sql: str) -> str:
    """The first words of a statement in capitals, comments left out.

    Example:
        >>> _head("/* a */ create  or replace temp table t as select 1")
        'CREATE OR REPLACE TEMP TABLE T'
    """
    words: list[str] = []
    for piece in pieces(sql, SNOWFLAKE):
        if piece.kind is not Kind.COMMENT:
            words.append(piece.text.upper())
        if len(words) == _WORDS:
            break
    return " ".join(words)
