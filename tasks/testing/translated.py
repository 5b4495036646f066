"""A DuckDB database that takes SQL of another dialect, translated statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from orchestrator.model import context
from orchestrator.model.dataset import Namespace, fold
from tasks.dbapi.lexing import POSTGRES, SNOWFLAKE
from tasks.dbapi.splitting import split
from tasks.duckdb.session import DuckDBSession
from tasks.duckdb.warehouse import DuckDBWarehouse
from tasks.sql.session import Data, Failure, Outcome, Statement

_SPELLINGS = {"snowflake": SNOWFLAKE}


@dataclass(frozen=True)
class TranslatedWarehouse(DuckDBWarehouse):
    """Stands in for a warehouse of another kind: names are read as there, statements run here.

    Args:
        dialect: sqlglot's name of what SQL is written in.
    """

    dialect: str = "duckdb"

    @property
    def namespace(self) -> Namespace:
        """The other dialect, but for the statements that making a table takes here."""
        parts = (fold(name, False, self.dialect) for name in (self.catalog, self.schema))
        return Namespace("duckdb" if context.active() else self.dialect, *parts)

    def session(self, connection: Any) -> TranslatingSession:
        """Wrap an open connection for running scripts of the other dialect."""
        return TranslatingSession(getattr(connection, "unrecorded", connection), self.dialect)

    def _recorded(self, connection: Any) -> Any:
        return connection


class TranslatingSession(DuckDBSession):
    """Runs statements of another dialect on DuckDB.

    Args:
        connection: The open connection.
        dialect: sqlglot's name of what they are written in.
    """

    def __init__(self, connection: Any, dialect: str) -> None:
        super().__init__(connection)
        self._dialect = dialect

    def split(self, script: str) -> list[Statement]:
        """Split a script as the other database does."""
        return split(script, _SPELLINGS.get(self._dialect, POSTGRES))

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """Run one statement in DuckDB's words."""
        text = translated(statement.text, self._dialect)
        return super().execute(replace(statement, text=text), data, fetch)

    def failure(self, error: Exception) -> Failure:
        """What DuckDB said; the line it points at is one of the translation."""
        return replace(super().failure(error), line=None)


@lru_cache(maxsize=256)
def translated(sql: str, dialect: str) -> str:
    """One statement in DuckDB's words; as it stands, if it cannot be read.

    Example:
        >>> translated("select iff(a > 1, 'b', 'c') from t", "snowflake")
        "SELECT CASE WHEN a > 1 THEN 'b' ELSE 'c' END FROM t"
    """
    from sqlglot import ErrorLevel, transpile
    from sqlglot.errors import SqlglotError

    try:
        found = transpile(sql, read=dialect, write="duckdb", unsupported_level=ErrorLevel.IGNORE)
    except SqlglotError:
        return sql
    return found[0] if len(found) == 1 else sql
