"""Runs scripts on a Postgres connection, and moves Arrow batches out of it and into it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
from psycopg.pq import TransactionStatus

from tasks.dbapi.lexing import POSTGRES, Spelling
from tasks.dbapi.session import DbapiSession
from tasks.dbapi.splitting import bound
from tasks.sql.session import Data, Failure, Mode, Statement

if TYPE_CHECKING:
    import pyarrow as pa

#: Statements whose values the server takes by themselves; into others the client writes them.
_TAKING_VALUES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES"})
_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_CONFLICTS = ("40001", "40P01")  #: serialization_failure, deadlock_detected
#: The server ends the session (operator, crash, idle too long), or cannot take one now.
_LOST = ("57P01", "57P02", "57P03", "57P05", "25P03", "53300")
_BATCH = 10_000  #: rows that are fetched at a time
_numbers = itertools.count(1)


class PostgresSession(DbapiSession):
    """A Postgres connection, as :class:`~tasks.sql.session.SqlSession` wants it."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    spelling: ClassVar[Spelling] = POSTGRES
    connection: psycopg.Connection[Any]

    def cursor(self, statement: Statement, fetch: str) -> Any:
        """Make a cursor that hands values to the server, or writes them where it takes none."""
        kind = psycopg.Cursor if statement.kind in _TAKING_VALUES else psycopg.ClientCursor
        cursor = kind(self.connection)
        if fetch in ("df", "arrow"):
            from tasks.postgres.arrow import as_texts

            as_texts(cursor)
        return cursor

    def arrow(self, cursor: Any) -> pa.Table:
        """The result of a cursor as an Arrow table."""
        import pyarrow as pa

        from tasks.postgres.arrow import batch_of, schema_of

        schema = schema_of(cursor)
        batches = iter(lambda: cursor.fetchmany(_BATCH), [])
        return pa.Table.from_batches((batch_of(rows, schema) for rows in batches), schema)

    def rollback(self) -> None:
        """Undo what was done; does nothing if no transaction is open."""
        if self.connection.info.transaction_status is not TransactionStatus.IDLE:
            super().rollback()

    def failure(self, error: Exception) -> Failure:
        """Read what Postgres said: message and detail, the line it points at, its SQLSTATE."""
        assert isinstance(error, psycopg.Error)
        text = str(error)
        line = _LINE.search(text)
        said = (error.diag.message_primary, error.diag.message_detail)
        message = " ".join(": ".join(filter(None, said)).split()) or text.partition("\n")[0]
        code = error.sqlstate
        return Failure(
            message,
            text,
            int(line[1]) if line else None,
            conflict=code in _CONFLICTS,
            code=code,
            lost=self.connection.closed or code in _LOST or (code or "").startswith("08"),
        )

    # -- Arrow out and in ------------------------------------------------------------------------

    def batches(self, query: str, data: Data = None) -> pa.RecordBatchReader:
        """Run a query and give its rows in batches of 10,000, through a cursor on the server.

        Other statements may run on the connection meanwhile; they are part of the transaction
        that the cursor needs, which ends with the last batch.
        """
        import pyarrow as pa

        from tasks.postgres.arrow import as_texts, schema_of

        text, values = bound(query, data, self.spelling)
        name = f"orchestrator_{next(_numbers)}"
        own = self.connection.info.transaction_status is TransactionStatus.IDLE
        if own:
            self.begin()
        try:
            # All of it will be read: not the plan that gives the first rows soonest.
            self.say("SET LOCAL cursor_tuple_fraction = 1")
            cursor = psycopg.ClientCursor(self.connection)
            as_texts(cursor)
            cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {text}", values)
            cursor.execute(f"FETCH FORWARD {_BATCH} FROM {name}")
            schema = schema_of(cursor)
        except psycopg.Error:
            if own:
                self.rollback()
            raise
        return pa.RecordBatchReader.from_batches(schema, self._fetching(cursor, name, schema, own))

    def load(self, table: str, batches: pa.RecordBatchReader, mode: Mode = Mode.APPEND) -> int:
        """Write Arrow batches to a table with COPY, all or nothing, and return the rows.

        Args:
            table: Its name; the schema is made where it is missing.
            batches: The rows; columns go by name. Not the batches of the same connection.
            mode: What becomes of a table that is there.
        """
        from tasks.postgres.loading import load

        return load(self.connection, table, batches, mode)

    def _fetching(
        self, cursor: Any, name: str, schema: pa.Schema, own: bool
    ) -> Iterator[pa.RecordBatch]:
        from tasks.postgres.arrow import batch_of

        try:
            while rows := cursor.fetchall():
                yield batch_of(rows, schema)
                cursor.execute(f"FETCH FORWARD {_BATCH} FROM {name}")
            cursor.execute(f"CLOSE {name}")
        except psycopg.Error:
            if own:
                self.rollback()
            raise
        # One that is left in the middle is closed with what is open when the connection goes back:
        # who knows which thread forgets it, and who has the connection by then.
        if own:
            self.commit()
