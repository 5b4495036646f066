"""What checks measured when they last held, kept in a table of the warehouse that was measured.

A running task sees no earlier run, and what was measured on one target says nothing of another: so
the numbers stand beside the data, and go where the data goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator import instants
from orchestrator.model.dataset import Namespace, fold
from tasks.sql.literals import literal
from tasks.sql.relations import relations_of
from tasks.sql.running import run_statements
from tasks.sql.script import Script
from tasks.sql.session import SqlSession, Statement

#: Name of the table, in the warehouse's default schema.
TABLE = "orchestrator_measurements"
_PLACE = Script("", place=f"the table {TABLE}")


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measurements of one check.

    Args:
        session: The open connection.
        namespace: Where the table stands.
        check: The check's name, unique where its measurements are kept.
    """

    session: SqlSession
    namespace: Namespace
    check: str

    def last(self) -> dict[str, float]:
        """By measure, its value when the check last held."""
        if not self._is_there():
            return {}
        rows = self._run(
            f"select measure, value from {self._name()} where check_name = {self._text(self.check)}"
            " order by measured_at",
            fetch="all",
        )
        return {measure: float(value) for measure, value in rows}

    def keep(self, values: Mapping[str, float], run_id: str = "") -> None:
        """Add what was measured in a run in which the check held."""
        if not values:
            return
        if not self._is_there():
            self._run(
                f"create table if not exists {self._name()} (check_name varchar(500),"
                " measure varchar(2000), value double precision, measured_at varchar(40),"
                " run_id varchar(100))"
            )
        at = instants.now().isoformat(timespec="microseconds")
        for measure, value in values.items():
            row = [self.check, measure, value, at, run_id]
            listed = ", ".join(literal(item, self.namespace.dialect) for item in row)
            self._run(f"insert into {self._name()} values ({listed})")

    def _is_there(self) -> bool:
        sql = relations_of(self.namespace.dialect)
        return bool(self._run(sql.kind(self.namespace.resolve(self._folded())), fetch="all"))

    def _name(self) -> str:
        sql = relations_of(self.namespace.dialect)
        return sql.name(self.namespace.resolve(self._folded()))

    def _folded(self) -> str:
        return fold(TABLE, False, self.namespace.dialect)

    def _text(self, value: str) -> str:
        return literal(value, self.namespace.dialect)

    def _run(self, sql: str, fetch: str = "none") -> Any:
        statement = Statement(sql, 1, sql.split(" ", 1)[0].upper())
        return run_statements(self.session, _PLACE, [statement], None, fetch).value
