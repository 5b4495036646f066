"""Runs scripts on a Snowflake connection, and moves Arrow batches out of it and into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from snowflake.connector.cursor import DictCursor, SnowflakeCursor
from snowflake.connector.errors import Error

from tasks.dbapi.lexing import SNOWFLAKE, Spelling
from tasks.dbapi.session import DbapiSession
from tasks.dbapi.splitting import Style, bound
from tasks.snowflake.connection import Connection, makes_temporary
from tasks.snowflake.failures import failure_of
from tasks.sql.session import Data, Failure, Mode, Outcome, Statement

if TYPE_CHECKING:
    import pyarrow as pa

#: Each commits what was done before it in the transaction, and itself.
_COMMITTING = frozenset(
    {"CREATE", "ALTER", "DROP", "UNDROP", "TRUNCATE", "GRANT", "REVOKE", "COMMENT"}
)
#: Placeholders are ``?``, whatever the connection's own are.
_OURS: dict[str, Any] = {"_force_qmark_paramstyle": True}
#: What these answer are counts of rows, and no rows.
_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_MOVED = ("rows_loaded", "rows_unloaded")


class SnowflakeSession(DbapiSession):
    """A Snowflake connection, as :class:`~tasks.sql.session.SqlSession` wants it.

    Placeholders are ``$name`` and ``?``; a ``$name`` that no value is given for is a variable of
    the session. Besides what any session can fetch it fetches ``dicts``.

    Args:
        connection: One that a warehouse lent.
        reconnect: Lends another one, where this is lost while a query runs by itself.
    """

    errors: tuple[type[Exception], ...] = (Error,)
    spelling: ClassVar[Spelling] = SNOWFLAKE
    style: ClassVar[Style] = Style.QMARK
    connection: Connection

    def __init__(
        self,
        connection: Connection,
        reconnect: Callable[[], AbstractContextManager[Connection]] | None = None,
    ) -> None:
        super().__init__(connection)
        self.reconnect = reconnect

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    def split(self, script: str) -> list[Statement]:
        """Cut a script into statements; DDL among them is known to commit."""
        return [
            replace(found, commits=found.kind in _COMMITTING) for found in super().split(script)
        ]

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """Run one statement to its end.

        Args:
            statement: One that :meth:`split` gave.
            data: Values for its placeholders, bound by the server.
            fetch: ``none``, ``one`` (a tuple or None), ``all`` (a list of tuples), ``dicts`` (a
                list of dicts), ``df`` (pandas), ``arrow`` (a pyarrow table).
        """
        if statement.commits and self.in_transaction:
            self.commit()  # as Snowflake does by itself; other servers refuse DDL in between
        text, values = bound(statement.text, data, self.spelling, self.style)
        with self.running(text, values, fetch) as cursor:
            return self.outcome(cursor, statement, fetch)

    def outcome(self, cursor: SnowflakeCursor, statement: Statement, fetch: str) -> Outcome:
        """What a cursor's statement did, and what it fetched."""
        if statement.kind == "COPY":
            return _copied(cursor, fetch)
        rows = self.rows(cursor, statement)
        lasting = statement.kind != "DELETE" and not makes_temporary(statement.text)
        wrote = rows is not None and lasting
        if fetch == "none":
            return Outcome(rows, wrote, query_id=cursor.sfqid)
        value = list(cursor.fetchall()) if fetch == "dicts" else self._fetched(cursor, fetch)
        return Outcome(rows, wrote, value, cursor.sfqid)

    def rows(self, cursor: SnowflakeCursor, statement: Statement) -> int | None:
        """How many rows a statement wrote or removed."""
        if statement.kind in _COUNTED:
            return cursor.rowcount
        made = cursor.stats if statement.kind == "CREATE" else None
        return made.num_rows_inserted if made else None

    def arrow(self, cursor: SnowflakeCursor) -> pa.Table:
        """The result of a cursor as an Arrow table."""
        from tasks.snowflake.arrow import reader_of

        return reader_of(cursor).read_all()

    def failure(self, error: Exception) -> Failure:
        """Read what Snowflake said: its words, the line it points at, its SQLSTATE or number."""
        return failure_of(error)

    def batches(self, query: str, data: Data = None) -> pa.RecordBatchReader:
        """Run a query and give its rows as the server hands them over, part by part.

        Other statements may run on the connection meanwhile.
        """
        from tasks.snowflake.arrow import reader_of

        text, values = bound(query, data, self.spelling, self.style)
        cursor = self.connection.cursor()
        cursor.execute(text, values, **_OURS)
        return reader_of(cursor)

    def load(self, table: str, batches: pa.RecordBatchReader, mode: Mode = Mode.APPEND) -> int:
        """Write Arrow batches to a table through its stage, and return the number of rows.

        Args:
            table: Its name as SQL has it; the schema is made where it is missing.
            batches: The rows; columns go by name.
            mode: What becomes of a table that is there.
        """
        from tasks.snowflake.loading import load

        return load(self, table, batches, Mode(mode))

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement without values and fetch its rows."""
        with self.running(text, None, "all") as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    @contextmanager
    def running(
        self, text: str, values: Sequence[Any] | None, fetch: str
    ) -> Iterator[SnowflakeCursor]:
        """Run a text, and close its cursor at the end of the block."""
        kind = DictCursor if fetch == "dicts" else SnowflakeCursor
        cursor: Any = self.connection.cursor(kind)
        try:
            cursor.execute(text, values, **_OURS)
            yield cursor
        finally:
            cursor.close()


def _copied(cursor: SnowflakeCursor, fetch: str) -> Outcome:
    """A COPY answers with a row for each file, or one of all that was unloaded."""
    names = [column.name.lower() for column in cursor.description or ()]
    found = cursor.fetchall()
    rows = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in found]
    at = next((names.index(name) for name in _MOVED if name in names), None)
    count = 0 if at is None else sum(int(row[at] or 0) for row in rows)
    value = {"all": rows, "dicts": found, "one": rows[0] if rows else None}.get(fetch)
    return Outcome(count, wrote=True, value=value, query_id=cursor.sfqid)
