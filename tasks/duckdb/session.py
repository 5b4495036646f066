"""Runs scripts on a DuckDB connection: DuckDB's own splitter, row counts and messages."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Dataset, Namespace
from tasks.sql.session import Data, Failure, Mode, Outcome, Statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import RecordBatchReader

_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "COPY", "CREATE"})
_TEMPORARY = re.compile(r"\s*CREATE\s+(OR\s+REPLACE\s+)?TEMP(ORARY)?\b", re.IGNORECASE)
_SCHEMA = re.compile(r"\s*CREATE\s+SCHEMA\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_EXCERPT = re.compile(r"\n+LINE \d+: .*", re.DOTALL)
_BATCH = 10_000  #: rows, where a result is read only to run the query to its end


class DuckDBSession:
    """A DuckDB connection, as :class:`~tasks.sql.session.SqlSession` wants it."""

    errors: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def split(self, script: str) -> list[Statement]:
        """Split a script as DuckDB does; each piece keeps the comments after it."""
        found = self._connection.extract_statements(script)
        texts = [statement.query for statement in found]
        # DuckDB drops what stands before the first statement, and nothing else.
        line = 1 + script.count("\n", 0, max(0, len(script) - sum(map(len, texts))))
        statements = []
        for text, parsed in zip(texts, found, strict=True):
            kind, parameters = parsed.type.name, frozenset(parsed.named_parameters)
            harmless = bool(_SCHEMA.match(text))
            statements.append(
                Statement(text, line, kind, parameters, kind == "TRANSACTION", harmless)
            )
            line += text.count("\n")
        return statements

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """Run one statement to its end.

        Args:
            statement: One that :meth:`split` gave: its text is run, so that DuckDB counts lines in it.
            data: Values for its placeholders.
            fetch: ``none``, ``one`` (a tuple or None), ``all`` (a list of tuples), ``df``
                (pandas), ``arrow`` (a pyarrow table).
        """
        if fetch == "arrow":  # of a relation, since a cursor would copy the rows once more
            with _needs("pyarrow", fetch):
                relation = self._connection.sql(statement.text, params=data or None)
                return Outcome(value=None if relation is None else relation.to_arrow_table())
        cursor = self._connection.execute(statement.text, data or None)
        if fetch != "none":
            return Outcome(value=_fetched(cursor, fetch))
        rows = _rows(cursor, statement.kind)
        deleted = statement.kind == "DELETE"
        return Outcome(rows, wrote=not deleted and not _TEMPORARY.match(statement.text))

    def reads(self, statement: Statement, data: Data, namespace: Namespace) -> tuple[Dataset, ...]:
        """What DuckDB says the statement reads, where its text alone does not tell."""
        from tasks.duckdb.recording import said_to_read

        return said_to_read(self._connection, statement.text, data, namespace)

    def batches(self, query: str, data: Data = None) -> RecordBatchReader:
        """Run a query and give its rows as they come.

        Until all are read (or the reader is gone) the connection can run nothing else.

        Args:
            query: One statement that gives rows.
            data: Values for its placeholders.
        """
        from tasks.duckdb.arrow import batches

        return batches(self._connection, query, data)

    def load(self, table: str, batches: RecordBatchReader, mode: Mode = Mode.APPEND) -> int:
        """Write Arrow batches to a table, all or nothing, and return the number of rows.

        In a transaction that is open they are part of it. Columns with a default may be missing.

        Args:
            table: Its name as SQL has it; a missing schema is made.
            batches: The rows; columns go by name.
            mode: What becomes of a table that is there; one that is not is made.

        Raises:
            FlowError: The columns do not fit the table.
        """
        from tasks.duckdb.arrow import load

        return load(self._connection, table, batches, Mode(mode))

    def export(
        self,
        source: str,
        path: str | os.PathLike[str],
        data: Data = None,
        *,
        format: str | None = None,
        **options: Any,
    ) -> int:
        """Write a table or a query to a file by ``COPY``, and return the number of rows.

        A file on this machine appears when it is whole; its folders are made.

        Args:
            source: Name of a table, or a query.
            path: The file, or an address that DuckDB can write to.
            data: Values for the query's placeholders.
            format: ``parquet``, ``csv`` or ``json``; by the path's ending if left out.
            options: Of ``COPY``: ``compression="zstd"``, ``partition_by=["year"]``.

        Raises:
            FlowError: The format cannot be told.
        """
        from tasks.duckdb.export import export

        return export(self._connection, source, path, data, format, options)

    def begin(self) -> None:
        """Begin a transaction."""
        self._connection.execute("BEGIN TRANSACTION")

    def commit(self) -> None:
        """Keep what was done."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo what was done."""
        # There is no transaction left where the failing statement ended it.
        with contextlib.suppress(duckdb.Error):
            self._connection.execute("ROLLBACK")

    def failure(self, error: Exception) -> Failure:
        """Read what DuckDB said: its first line, and the line that it points at."""
        text = str(error)
        line = _LINE.search(text)
        message = " ".join(_EXCERPT.sub("", text).split())
        conflict = isinstance(error, duckdb.TransactionException) and "onflict" in text
        if type(error).__name__ == "ResourceInUseException":
            message += "; read what it streams to its end first, or use another connection"
        return Failure(message, text, int(line[1]) if line else None, conflict)


def _rows(cursor: DuckDBPyConnection, kind: str) -> int | None:
    """Read the result to its end, which runs the statement to its end, and take the count of it."""
    counts = kind in _COUNTED and [c[0] for c in cursor.description or ()] == ["Count"]
    total, last = 0, None
    while batch := cursor.fetchmany(_BATCH):
        total, last = total + len(batch), batch[-1]
    if counts:
        return None if last is None else int(last[0])
    return total if kind in _COUNTED and last is not None else None


def _fetched(cursor: DuckDBPyConnection, fetch: str) -> Any:
    if fetch == "df":
        with _needs("pandas", fetch):
            return cursor.df()
    return cursor.fetchone() if fetch == "one" else cursor.fetchall()


@contextlib.contextmanager
def _needs(library: str, fetch: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"fetch={fetch!r} needs {library}, which is not installed ({error})",
            fix=f"pip install {library}",
        ) from None
