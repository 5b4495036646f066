"""The task that exports a table or a query to files."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from tasks.files.choices import IfExists, chosen
from tasks.files.failures import FileError, telling
from tasks.files.formats import Csv, Format, Json, format_of
from tasks.files.place import Options, Place
from tasks.files.task import amount, counted
from tasks.files.warehouses import FileAndTableTask
from tasks.files.writers import RowWriter, writer_of
from tasks.files.writing import Pending, pending
from tasks.sql.facts import sql_facts
from tasks.sql.script import Script
from tasks.sql.session import Data
from tasks.sql.templates import Template
from tasks.sql.text import manifest_resolver, template_of
from tasks.tables import take_down, translated

if TYPE_CHECKING:
    import pyarrow

_SLICE = 10_000  #: rows between two looks at the size of a file
_ENDINGS = re.compile(r"((?:\.[A-Za-z]\w*){1,2})$")


class ExportTable(FileAndTableTask):
    """Exports a table or a query to a file, or to several of a bounded size.

    Rows are streamed, from the warehouse to where the file lies. A file appears under its name when
    it is complete; several appear when all are, and take the place of those of an earlier export.

    Args:
        table: The table, as SQL has it; or
        target: Where to: an address as of :class:`~tasks.files.copying.CopyFiles`.
        query: A SELECT in the place of a table; may use ``{{ ref('model') }}`` and the like, as a
            :class:`~tasks.sql.task.SqlTask` does.
        format: ``csv``, ``json`` (an object a line), ``parquet``, ``excel``, or one with options:
            ``Csv(delimiter=";")``; by the ending of the address if left out. A text format is packed
            where the address says so (``.csv.gz``).
        max_rows: Rows of one file; with more, ``daily.csv`` becomes ``daily-00001.csv``, ….
        max_bytes: Bytes of one file, about, likewise.
        if_exists: ``overwrite``; ``skip`` the export; or ``fail`` before anything is written.
        data: Values for placeholders of the query.
        warehouse: Name of the connection; the project's default if left out.
        storage_options: What fsspec needs for the target; ``"secret:NAME"`` stands for a value.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: Neither or both of ``table`` and ``query`` are given, or an option makes no sense.

    Example:
        >>> from tasks.duckdb.opening import Opening
        >>> from tasks.duckdb.warehouse import DuckDBWarehouse
        >>> export = ExportTable(query="select 42 as answer", target="out/answer.csv")
        >>> export.run(warehouse=DuckDBWarehouse("demo", Opening(":memory:"), "memory")).value
        ['out/answer.csv']
        >>> from tasks.duckdb.instances import release_all
        >>> release_all()
    """

    def __init__(
        self,
        table: str | None = None,
        target: str | os.PathLike[str] = "",
        *,
        query: str | None = None,
        format: Format | str | None = None,
        max_rows: int | None = None,
        max_bytes: int | None = None,
        if_exists: IfExists | str = IfExists.OVERWRITE,
        data: Data = None,
        warehouse: str | None = None,
        storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(warehouse=warehouse, storage_options=storage_options, **task_args)
        if (table is None) == (query is None):
            raise FlowError(
                f"ExportTable {self.name!r} needs one thing to export",
                fix='give table="…" or query="…", not both',
            )
        if any(limit is not None and limit < 1 for limit in (max_rows, max_bytes)):
            raise FlowError(
                f"ExportTable {self.name!r}: a file holds at least one row", fix="1 or more"
            )
        self.table, self.query = table, query
        self.target = os.fspath(target)
        self.format = format_of(format, self.target)
        self.max_rows, self.max_bytes = max_rows, max_bytes
        self.if_exists = chosen(IfExists, if_exists, "if_exists", self.name)
        self.data = data
        self._template: Template | None = None

    def files_written(self) -> Iterable[str]:
        """The target."""
        return (self.target,)

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task on files and tables; it reads the table, or what the query reads."""
        facts = super().facts(key, planning)
        if self.query is None:
            table = self.table_access(self.table or "", "reads", planning)
            return replace(facts, reads=(*facts.reads, table))
        namespace = planning.namespace(self.warehouse)
        script = Script(self.query, place=self.where())
        self._template = template_of(script, planning, dialect=namespace.dialect, params={})
        script = self._template.planned(manifest_resolver(planning))
        found = sql_facts(key, self, script, namespace, planning)
        return replace(facts, reads=found.reads, lineage_unknown=found.lineage_unknown)

    def run(self, warehouse: Any = None) -> Result:
        """Export.

        Args:
            warehouse: A :class:`Warehouse` to read from outside a flow; in one, the open connection.

        Returns:
            The addresses of the files.

        Raises:
            FAIL: The query failed.
            FileError: A file cannot be written.
        """
        target = self.place(self.target)
        if self.if_exists is not IfExists.OVERWRITE and self._earlier(target):
            if self.if_exists is IfExists.FAIL:
                raise FileError(
                    f"{target.address} is there already", fix='say if_exists="overwrite" or "skip"'
                )
            return Result([], message=f"{target.address} is there already", rows=0)
        query = self._text()
        with self.connected(warehouse) as (connection, session):
            take_down(connection, query, self.where())
            with translated(session, query, self.where()):
                batches = session.batches(query, self.data)
                written = self._write(batches, target)
        return self._result(written, target)

    def _text(self) -> str:
        if self.query is None:
            return f"SELECT * FROM {self.table}"
        return self.query if self._template is None else self._template.at(context.active()).text

    def _write(self, batches: pyarrow.RecordBatchReader, target: Place) -> list[_Part]:
        parts: list[_Part] = []
        with ExitStack() as undo:
            for batch in _sliced(batches, self._slice()):
                self.heed()
                if not parts or self._is_full(parts[-1]):
                    if parts:
                        parts[-1].finish()
                    parts.append(self._part(target, len(parts), batches.schema, undo))
                parts[-1].write(batch)
            if not parts:
                parts.append(self._part(target, 0, batches.schema, undo))
            parts[-1].finish()
            earlier = self._earlier(target) if self._is_several() else []
            for part in parts:
                part.commit()
            undo.pop_all()
        self._remove(target, set(earlier) - {part.place.inner for part in parts})
        return parts

    def _part(self, target: Place, number: int, schema: Any, undo: ExitStack) -> _Part:
        place = self._numbered(target, number) if self._is_several() else target
        part = _Part(place, self.format, schema)
        undo.callback(part.discard)
        return part

    def _is_several(self) -> bool:
        return self.max_rows is not None or self.max_bytes is not None

    def _is_full(self, part: _Part) -> bool:
        rows = self.max_rows is not None and part.rows >= self.max_rows
        return rows or (self.max_bytes is not None and part.size() >= self.max_bytes)

    def _slice(self) -> int:
        return _SLICE if self.max_rows is None else min(_SLICE, self.max_rows)

    def _numbered(self, target: Place, number: int) -> Place:
        def named(text: str) -> str:
            return _ENDINGS.sub(rf"-{number + 1:05}\1", text)

        return replace(target, address=named(target.address), inner=named(target.inner))

    def _earlier(self, target: Place) -> list[str]:
        """Files of an earlier export to the same address."""
        with telling(target.address, "look at"):
            if not self._is_several():
                return [target.inner] if target.filesystem.exists(target.inner) else []
            folder, _, name = target.inner.rpartition("/")
            pattern = re.compile(
                _ENDINGS.sub(r"-<>\1", name).replace(".", r"\.").replace("<>", r"\d{5,}")
            )
            target.filesystem.invalidate_cache()
            try:
                found = target.filesystem.ls(folder, detail=False)
            except FileNotFoundError:
                return []
            return [path for path in found if pattern.fullmatch(posixpath.basename(path))]

    def _remove(self, target: Place, stale: set[str]) -> None:
        for path in sorted(stale):
            with telling(path, "delete"):
                target.filesystem.rm_file(path)
            self.log().info("removed %s, of an earlier export", path)

    def _result(self, parts: list[_Part], target: Place) -> Result:
        rows, size = sum(part.rows for part in parts), sum(part.bytes for part in parts)
        where = target.address if len(parts) == 1 else counted(len(parts), "file")
        return Result(
            [part.place.address for part in parts],
            message=f"exported {counted(rows, 'row')} to {where}, {amount(size)}",
            rows=rows,
            detail={"files": len(parts), "rows": rows, "bytes": size},
        )


@dataclass
class _Part:
    """One file of an export.

    Args:
        place: What it will be called.
        form: How it is written.
        schema: Of its rows.
    """

    place: Place
    form: Format
    schema: Any
    rows: int = 0
    bytes: int = 0
    _pending: Pending = field(init=False)
    _counting: _Counting = field(init=False)
    _packed: Any = field(init=False)
    _writer: RowWriter | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._pending = pending(self.place)
        try:
            self._counting = _Counting(self._pending.file)
            self._packed = _packing(self._counting, self.place.address, self.form)
            self._writer = writer_of(self.form, self._packed, self.schema, self.place.address)
        except BaseException:
            self.discard()
            raise

    @property
    def _held(self) -> RowWriter:
        assert self._writer is not None
        return self._writer

    def write(self, batch: pyarrow.RecordBatch) -> None:
        """Write some rows."""
        with telling(self.place.address, "write"):
            self._held.write(batch)
        self.rows += batch.num_rows

    def size(self) -> int:
        """Bytes so far, as far as they have been written."""
        return self._counting.written

    def finish(self) -> None:
        """Write the end."""
        with telling(self.place.address, "write"):
            self._held.close()
            if self._packed is not self._counting:
                self._packed.close()
            self.bytes = self._counting.written
            self._pending.finish()

    def commit(self) -> None:
        """Let it take its name."""
        with telling(self.place.address, "write"):
            self._pending.commit()

    def discard(self) -> None:
        """Forget it."""
        if self._writer is not None:
            with suppress(Exception):  # it may have failed while it wrote
                self._writer.discard()
        self._pending.discard()


class _Counting:
    """A file that counts its bytes, and is closed by nobody but its owner."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self.written = 0

    def write(self, data: Any) -> int:
        self._file.write(bytes(data))
        size = memoryview(data).nbytes
        self.written += size
        return size

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        """What is written goes on its way when the file is finished."""

    def close(self) -> None:
        """The owner closes it."""

    def seekable(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


def _packing(stream: Any, address: str, form: Format) -> Any:
    from fsspec.compression import compr
    from fsspec.utils import infer_compression

    packing = infer_compression(address)
    if packing is None or not isinstance(form, Csv | Json):
        return stream
    if packing not in compr or packing == "zip":
        raise FlowError(f"{address} cannot be packed with {packing}", fix="end it in .gz")
    return compr[packing](stream, mode="wb")


def _sliced(batches: pyarrow.RecordBatchReader, rows: int) -> Iterator[pyarrow.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)
