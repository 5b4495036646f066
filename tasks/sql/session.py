"""The contract between SQL tasks and a database: split a script, run a statement, say what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from orchestrator.model.warehouse import Warehouse

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

#: Values for placeholders: by position or by name.
Data = Sequence[Any] | Mapping[str, Any] | None


class Mode(StrEnum):
    """What loading does with a table that is there already."""

    APPEND = "append"  #: add to its rows
    TRUNCATE = (
        "truncate"  #: keep the table, its grants and types, and put these rows in place of its own
    )
    REPLACE = "replace"  #: make it anew


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script.

    Args:
        text: The statement, from its first word or comment.
        line: Line of the script it begins at, counted from 1.
        kind: The database's word for it (``INSERT``, ``CREATE``, …).
        parameters: Names (or numbers) of the values it wants.
        transactional: Whether it begins or ends a transaction itself.
        harmless: Whether it may stay done when the script fails (``CREATE SCHEMA IF NOT EXISTS``).
        commits: Whether it commits what was done before it, and itself, as DDL does on Snowflake.
    """

    text: str
    line: int
    kind: str
    parameters: frozenset[str] = frozenset()
    transactional: bool = False
    harmless: bool = False
    commits: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did.

    Args:
        rows: Rows it wrote or removed, None where the database does not say.
        wrote: Whether those rows stand in a table or file that others can read.
        value: What was fetched.
        query_id: The database's own name of what it ran, where it gives one.
    """

    rows: int | None = None
    wrote: bool = False
    value: Any = None
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a statement failed, in the database's words.

    Args:
        message: One line.
        text: All that the database said.
        line: Line within the text that was run, counted from 1, if known.
        conflict: Whether the same could succeed when tried again, because another transaction was
            in the way.
        code: The database's own code of it (a SQLSTATE, an error number), which ``retry_on`` takes.
        lost: Whether the connection was lost, or never made: on another one it may succeed.
    """

    message: str
    text: str
    line: int | None = None
    conflict: bool = False
    code: str | None = None
    lost: bool = False


class SqlSession(Protocol):
    """An open connection, as scripts are run on it.

    Attributes:
        errors: What the database's driver raises.
    """

    errors: tuple[type[Exception], ...]

    def split(self, script: str) -> list[Statement]:
        """Split a script; raises one of ``errors`` if it does not parse."""
        ...

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """Run a statement to its end, values bound, and fetch ``none``, ``one``, ``all`` and so on."""
        ...

    def begin(self) -> None:
        """Begin a transaction."""
        ...

    def commit(self) -> None:
        """Keep what was done since :meth:`begin`."""
        ...

    def rollback(self) -> None:
        """Undo what was done since :meth:`begin`; does nothing if no transaction is open."""
        ...

    def failure(self, error: Exception) -> Failure:
        """Read one of ``errors``."""
        ...

    def batches(self, query: str, data: Data = None) -> RecordBatchReader:
        """Run a query and give its rows in Arrow batches as they come: never all at once."""
        ...

    def load(self, table: str, batches: RecordBatchReader, mode: Mode = Mode.APPEND) -> int:
        """Write Arrow batches to a table, all or nothing, and return the number of rows.

        Args:
            table: Its name as SQL of this database has it; the schema is made where it is missing.
            batches: The rows; columns go by name.
            mode: What becomes of a table that is there. One that is not is made, its columns' types
                taken from the batches.
        """
        ...


@runtime_checkable
class SqlWarehouse(Warehouse, Protocol):
    """A warehouse that SQL tasks can run scripts on."""

    def session(self, connection: Any) -> SqlSession:
        """Wrap a connection that :meth:`connect` gave."""
        ...
