"""The task that loads files into a table of a warehouse."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL, Result
from tasks.files.broken import BrokenRows, TooManyBroken
from tasks.files.choices import IfMissing, chosen
from tasks.files.formats import Format, format_of
from tasks.files.ledger import Ledger, key_of, known_columns
from tasks.files.place import Options
from tasks.files.reading import Found, Reading, need_pyarrow
from tasks.files.task import Addresses, counted, filled, listed
from tasks.files.warehouses import FileAndTableTask
from tasks.sql.session import Mode, SqlSession
from tasks.sql.transactions import transaction
from tasks.tables import mode_of, take_down, translated, written

if TYPE_CHECKING:
    import pyarrow

_UNSAFE = re.compile(r"[^\w.=@+\[\]-]+")
_PATIENCE = 60.0  #: seconds of trying again while another transaction is in the way
_PAUSE = 0.2  #: seconds between two tries
_TOLD = 1000  #: files that the details name


class LoadFiles(FileAndTableTask):
    """Loads CSV, JSON, Parquet or Excel files into a table: all rows of all files, or none.

    Rows are streamed: files of any size take some tens of megabytes of memory, and what DuckDB keeps
    of what it writes, as far as its ``memory_limit`` lets it. A row that cannot be read (too few or
    many columns, a value that does not fit its column, bad encoding, a quote that is not closed) is
    never lost silently: it is counted and kept aside, with file, line and reason; if there are more
    than ``max_broken`` nothing is loaded, and the task fails with the first ones.

    Args:
        source: Files to load: one address or several, as of
            :class:`~tasks.files.copying.CopyFiles`. May be given to ``run`` instead.
        table: The table, as SQL has it; it is made where it is missing.
        mode: ``append`` to the rows that are there; ``truncate``: put these in their place;
            ``replace``: make the table anew.
        format: ``csv``, ``json``, ``parquet``, ``excel``, or one with options:
            ``Csv(delimiter=";")``; by the ending of the address if left out.
        max_broken: Broken rows that may be left out; None for any number.
        rejects: File that they are written to, relative to the project's folder; one for each
            attempt in its state folder if left out.
        file_column: Name of a text column that gets the address of each row's file.
        once: Whether to leave out files that were loaded before, by name, size and time. They are
            noted in the table ``orchestrator_loaded_files`` beside, in the same transaction.
        if_missing: ``fail`` where there is no file; ``skip``; ``ignore``.
        warehouse: Name of the connection; the project's default if left out.
        storage_options: What fsspec needs for the files; ``"secret:NAME"`` stands for a value.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: An option makes no sense.

    Example:
        >>> from pathlib import Path
        >>> from tasks.duckdb.opening import Opening
        >>> from tasks.duckdb.warehouse import DuckDBWarehouse
        >>> _ = Path("orders.csv").write_text("id,amount\\n1,9.50\\n2,0.75\\n")
        >>> load = LoadFiles("*.csv", "orders")
        >>> load.run(warehouse=DuckDBWarehouse("demo", Opening("demo.duckdb"), "demo")).message
        'loaded 2 rows from 1 file'
        >>> from tasks.duckdb.instances import release_all
        >>> release_all()
    """

    def __init__(
        self,
        source: Addresses | None = None,
        table: str = "",
        *,
        mode: Mode | str = Mode.APPEND,
        format: Format | str | None = None,
        max_broken: int | None = 0,
        rejects: str | os.PathLike[str] | None = None,
        file_column: str = "",
        once: bool = False,
        if_missing: IfMissing | str = IfMissing.FAIL,
        warehouse: str | None = None,
        storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(warehouse=warehouse, storage_options=storage_options, **task_args)
        self.source = [] if source is None else listed(source)
        self.table = table
        self.mode = mode_of(mode)
        self.format = format
        self.max_broken = max_broken
        self.rejects = None if rejects is None else os.fspath(rejects)
        self.file_column = file_column
        self.once = once
        self.if_missing = chosen(IfMissing, if_missing, "if_missing", self.name)
        self._check()

    def files_read(self) -> Iterable[str]:
        """The source."""
        return self.source

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task on files and tables; it writes the table."""
        facts = super().facts(key, planning)
        table = self.table_access(self.table, "writes", planning)
        return replace(facts, writes=(*facts.writes, table))

    def run(self, source: Addresses | None = None, warehouse: Any = None) -> Result:
        """Load.

        Args:
            source: In place of the one the task was made with: what ``ListFiles`` returned.
            warehouse: A :class:`Warehouse` to load into outside a flow; in one, the open connection.

        Returns:
            ``{"files": …, "rows": …, "bytes": …, "broken": …, "left_out": …, "rejects": …}``.

        Raises:
            FAIL: More rows are broken than may be, or the database refused the rows.
            FileError: A file cannot be read, or is not what its format says.
            FlowError: There is no source, or its columns do not fit the table.
            SKIP: There is no file, and ``if_missing`` says so.
        """
        addresses = self.source if source is None else listed(source)
        if not addresses and source is None:
            raise FlowError(f"LoadFiles {self.name!r} has no files to load", fix="give it source=")
        found = self.found(addresses, self.if_missing)
        if not found:
            return self._summary([], 0, 0, None)
        need_pyarrow(found[0][1].address)  # the connection needs it, too, to say what is there
        with self.connected(warehouse) as (connection, session):
            take_down(connection, written(self.table, self.mode), self.where())
            with translated(session, f"load files into {self.table}", self.where()):
                return self._load_in_turn(session, found)

    def _load_in_turn(self, session: SqlSession, found: list[Found]) -> Result:
        """Load; once more where another task was in the way, or made the table meanwhile."""
        began = time.monotonic()
        while True:
            known = known_columns(session, self.table)
            try:
                return self._load(session, found, known)
            except session.errors as error:
                conflict = session.failure(error).conflict
                made = known is None and known_columns(session, self.table) is not None
                if not (conflict or made) or time.monotonic() - began > _PATIENCE:
                    raise
            self.heed()
            self.log().info("another transaction was in the way; loading again")
            time.sleep(_PAUSE)

    def _load(
        self, session: SqlSession, found: list[Found], known: pyarrow.Schema | None
    ) -> Result:
        ledger = Ledger(session, self.table) if self.once else None
        loaded = ledger.loaded() if ledger else set()
        new = [(place, file) for place, file in found if key_of(file) not in loaded]
        if not new:
            return self._summary([], 0, len(found), None)
        reading = self._reading(new)
        if self.mode is Mode.REPLACE:  # the table takes its types from the files
            known = None
        try:
            with reading.open(known) as batches:
                if ledger and known is None:  # outside the transaction: DDL may commit it
                    session.load(self.table, batches.schema.empty_table().to_reader())
                with _together(session, ledger):
                    rows = session.load(self.table, batches, self.mode)
                    if ledger:
                        ledger.add([file for _, file in new], reading.rows)
        except TooManyBroken as error:
            raise self._failed(error, reading.broken) from None
        finally:
            reading.broken.close()
        return self._summary(new, rows, len(found) - len(new), reading)

    def _reading(self, files: list[Found]) -> Reading:
        form = self._format(files)
        broken = BrokenRows(self._rejects(), self.max_broken)
        return Reading(files, form, broken, self.file_column, self.heed, self.log().info)

    def _format(self, files: list[Found]) -> Format:
        first = files[0][1].address
        form = format_of(self.format, first)
        for _, file in files[1:]:
            if format_of(self.format, file.address) != form:
                raise FlowError(
                    f"{first} and {file.address} are of different formats",
                    fix="load each format by itself, with a pattern, or say format=",
                )
        return form

    def _failed(self, error: TooManyBroken, broken: BrokenRows) -> FAIL:
        first = [{"file": row.file, "line": row.line, "reason": row.reason} for row in broken.first]
        message = error.what.partition("\n")[0] + f"; the first: {broken.first[0]}"
        return FAIL(
            message,
            status="broken",
            failures=broken.count,
            rows=0,
            detail={"error": error.what, "rejects": broken.path, "first": first},
        )

    def _summary(
        self, files: list[Found], rows: int, left_out: int, reading: Reading | None
    ) -> Result:
        broken = reading.broken if reading else None
        count = broken.count if broken else 0
        summary = {
            "files": len(files),
            "rows": rows,
            "bytes": sum(file.size or 0 for _, file in files),
            "broken": count,
            "left_out": left_out,
            "rejects": broken.path if broken and count else None,
        }
        message = f"loaded {counted(rows, 'row')} from {counted(len(files), 'file')}"
        if count and broken:
            message += f"; {counted(count, 'broken row')} kept aside in {broken.path}"
        if left_out:
            message += f"; {counted(left_out, 'file')} loaded before"
        by_file = [
            {"file": address, "rows": number, "broken": broken.by_file.get(address, 0)}
            for address, number in list(reading.rows.items())[:_TOLD]
        ] if reading and broken else []  # fmt: skip
        return Result(
            summary,
            message=message,
            status="warn" if count else None,
            rows=rows,
            failures=count or None,
            detail={**summary, "by_file": by_file},
        )

    def _rejects(self) -> str:
        root = self.root()
        if self.rejects is not None:
            return str(root / filled(self.rejects))
        state = Path(self.state_dir) if self.state_dir else root / ".orchestrator"
        running = context.active()
        if running is None:
            return str(state / "rejects" / f"{_safe(self.name)}.csv")
        name = f"{_safe(running.task)}-{running.attempt}.csv"
        return str(state / "rejects" / _safe(running.flow) / _safe(running.run_id) / name)

    def _check(self) -> None:
        if not self.table:
            raise FlowError(f"LoadFiles {self.name!r} has no table", fix="give it table=")
        if self.once and self.mode is not Mode.APPEND:
            raise FlowError(
                f"LoadFiles {self.name!r} cannot load files once with mode {str(self.mode)!r}",
                fix='say mode="append"; what replaces a table has to read all its files',
            )
        if self.max_broken is not None and self.max_broken < 0:
            raise FlowError(
                f"LoadFiles {self.name!r}: max_broken is below 0", fix="0, more, or None"
            )
        for address in self.source:
            if self.format is not None or "." in os.path.basename(address):  # else it is a folder
                format_of(self.format, address)


def _together(session: SqlSession, ledger: Ledger | None) -> AbstractContextManager[None]:
    """One transaction around the rows and the note of their files, where there is one."""
    return nullcontext() if ledger is None else transaction(session)


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)
