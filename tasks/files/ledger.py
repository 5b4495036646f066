"""Which files a table has had already: a table beside it, written in the same transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator import instants
from orchestrator.model import context
from tasks.files.place import FoundFile
from tasks.sql.session import Mode, SqlSession

if TYPE_CHECKING:
    import pyarrow

NAME = "orchestrator_loaded_files"
_LAST = re.compile(r"""(?:"(?:[^"]|"")*"|[^".]+)\s*$""")


@dataclass(frozen=True)
class Ledger:
    """The files that were loaded into one table.

    Args:
        session: The open connection.
        table: The table, as SQL has it.
    """

    session: SqlSession
    table: str

    @property
    def name(self) -> str:
        """The ledger's own table, in the schema of the table.

        Example:
            >>> Ledger(None, 'raw."Orders"').name
            'raw.orchestrator_loaded_files'
        """
        return _LAST.sub(NAME, self.table)

    def loaded(self) -> set[tuple[str, int | None, str]]:
        """Name, size and time of each file that was loaded; makes the ledger if it is not there."""
        if known_columns(self.session, self.name) is None:
            try:
                self._add([])
            except self.session.errors:  # another task may make it at the same time
                if known_columns(self.session, self.name) is None:
                    raise
        rows: set[tuple[str, int | None, str]] = set()
        for batch in self.session.batches(f"SELECT * FROM {self.name}"):
            names = [name.lower() for name in batch.schema.names]
            columns = dict(zip(names, batch.to_pydict().values(), strict=True))
            found = zip(
                columns["target_table"], columns["file_name"], columns["file_size"],
                columns["file_modified"], strict=True,
            )  # fmt: skip
            rows.update(
                (name, None if size is None else int(size), modified)
                for target, name, size, modified in found
                if target == self.table
            )
        return rows

    def add(self, files: list[FoundFile], rows: dict[str, int]) -> None:
        """Note files as loaded; to be called in the transaction that loads them.

        Args:
            files: The files.
            rows: How many rows of each were loaded, by address.
        """
        self._add([self._row(file, rows.get(file.address, 0)) for file in files])

    def _row(self, file: FoundFile, rows: int) -> dict[str, Any]:
        running = context.active()
        return {
            "target_table": self.table,
            "file_name": file.address,
            "file_size": file.size,
            "file_modified": file.modified,
            "row_count": rows,
            "run_id": running.run_id if running else "",
            "loaded_at": instants.now().replace(tzinfo=None),
        }

    def _add(self, rows: list[dict[str, Any]]) -> None:
        import pyarrow

        table = pyarrow.Table.from_pylist(rows, schema=_schema())
        self.session.load(self.name, table.to_reader(), Mode.APPEND)


def key_of(file: FoundFile) -> tuple[str, int | None, str]:
    """What tells a file from others, and from what it was before it changed."""
    return file.address, file.size, file.modified


def known_columns(session: SqlSession, table: str) -> pyarrow.Schema | None:
    """Columns of a table with Arrow's types; None if there is no such table.

    Raises:
        Exception: One of the session's own: the connection was lost.
    """
    try:
        return session.batches(f"SELECT * FROM {table} WHERE 1 = 0").read_all().schema
    except session.errors as error:
        if session.failure(error).lost:
            raise
        return None


def _schema() -> pyarrow.Schema:
    import pyarrow

    text, number = pyarrow.string(), pyarrow.int64()
    return pyarrow.schema(
        [
            ("target_table", text), ("file_name", text), ("file_size", number),
            ("file_modified", text), ("row_count", number), ("run_id", text),
            ("loaded_at", pyarrow.timestamp("us")),
        ]
    )  # fmt: skip
