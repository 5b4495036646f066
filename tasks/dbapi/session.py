"""Runs scripts on a DB-API connection: what is alike on every database that has such a driver."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator.errors import ConfigurationError
from tasks.dbapi.lexing import Spelling
from tasks.dbapi.splitting import Style, bound, split
from tasks.sql.session import Data, Outcome, Statement

if TYPE_CHECKING:
    from pyarrow import Table

_WRITING = frozenset({"INSERT", "UPDATE", "MERGE", "COPY", "CREATE"})
_TEMPORARY = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:LOCAL\s+|GLOBAL\s+)?TEMP(?:ORARY)?\b", re.IGNORECASE
)
_COMMENTS = re.compile(r"(?:\s*(?:--[^\n]*(?:\n|\Z)|/\*.*?\*/))*", re.DOTALL)


class DbapiSession:
    """A connection of a DB-API driver, as :class:`~tasks.sql.session.SqlSession` wants it.

    A database's own session says which ``errors`` there are, how SQL is spelt, how a result
    becomes an Arrow table, and adds ``failure``, ``batches`` and ``load``.

    Args:
        connection: The driver's own connection, in autocommit mode.
    """

    errors: tuple[type[Exception], ...] = ()
    spelling: ClassVar[Spelling]
    style: ClassVar[Style] = Style.PYFORMAT

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def split(self, script: str) -> list[Statement]:
        """Cut a script into statements; what does not parse the database says when it runs."""
        return split(script, self.spelling)

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """Run one statement to its end.

        Args:
            statement: One that :meth:`split` gave.
            data: Values for its placeholders.
            fetch: ``none``, ``one`` (a tuple or None), ``all`` (a list of tuples), ``df``
                (pandas), ``arrow`` (a pyarrow table); None if the statement has no result.
        """
        text, values = bound(statement.text, data, self.spelling, self.style)
        cursor = self.cursor(statement, fetch)
        try:
            cursor.execute(text, values)
            query_id = self.query_id(cursor)
            if fetch != "none":
                value = None if cursor.description is None else self._fetched(cursor, fetch)
                return Outcome(value=value, query_id=query_id)
            rows = self.rows(cursor, statement)
            return Outcome(rows, _stands(statement, rows), query_id=query_id)
        finally:
            cursor.close()

    def begin(self) -> None:
        """Begin a transaction."""
        self.say("BEGIN")

    def commit(self) -> None:
        """Keep what was done."""
        self.say("COMMIT")

    def rollback(self) -> None:
        """Undo what was done; nothing is left to undo on a connection that was lost."""
        with contextlib.suppress(*self.errors):
            self.say("ROLLBACK")

    def say(self, text: str) -> None:
        """Run a statement without values or result."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(text)
        finally:
            cursor.close()

    # -- what a database may do otherwise ------------------------------------------------------

    def cursor(self, statement: Statement, fetch: str) -> Any:
        """Make a cursor for a statement."""
        return self.connection.cursor()

    def query_id(self, cursor: Any) -> str | None:
        """The database's own name of what a cursor ran."""
        return None

    def rows(self, cursor: Any, statement: Statement) -> int | None:
        """How many rows a statement wrote or removed."""
        counted = statement.kind in _WRITING or statement.kind == "DELETE"
        return cursor.rowcount if counted and cursor.rowcount >= 0 else None

    def arrow(self, cursor: Any) -> Table:
        """The result of a cursor as an Arrow table."""
        raise NotImplementedError

    def _fetched(self, cursor: Any, fetch: str) -> Any:
        if fetch == "arrow":
            return self.arrow(cursor)
        if fetch == "df":
            return frame(self.arrow(cursor))
        row = cursor.fetchone() if fetch == "one" else None
        if fetch == "one":
            return None if row is None else tuple(row)
        return [tuple(row) for row in cursor.fetchall()]


def frame(table: Table) -> Any:
    """Make a pandas frame of an Arrow table; decimals become floats, as DuckDB has them.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    import pyarrow as pa

    fields = [
        field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field
        for field in table.schema
    ]
    try:
        return table.cast(pa.schema(fields)).to_pandas()
    except ImportError as error:
        raise ConfigurationError(
            f"fetch='df' needs pandas, which is not installed ({error})", fix="pip install pandas"
        ) from None


def batch_of(rows: Sequence[Sequence[Any]], schema: Any) -> Any:
    """Make an Arrow record batch of rows.

    Example:
        >>> import pyarrow as pa
        >>> batch_of([(1, "x")], pa.schema({"n": pa.int64(), "s": pa.string()})).to_pylist()
        [{'n': 1, 's': 'x'}]
    """
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _stands(statement: Statement, rows: int | None) -> bool:
    """Whether the rows stand in something that others can read."""
    text = statement.text[_COMMENTS.match(statement.text).end() :]  # type: ignore[union-attr]
    return rows is not None and statement.kind in _WRITING and not _TEMPORARY.match(text)
