"""Writes Arrow batches to an open file: as CSV, JSON lines, Parquet or an Excel sheet."""

from __future__ import annotations

import base64
import codecs
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, Protocol

from orchestrator.errors import FlowError
from tasks.files.blocks import is_utf8
from tasks.files.failures import BadFileError, missing_extra
from tasks.files.formats import Csv, Excel, Format, Json, Parquet
from tasks.files.rows import text_of

if TYPE_CHECKING:
    import pyarrow

_GROUP_ROWS, _GROUP_BYTES = 122_880, 32 * 2**20  #: of a group of rows in Parquet
_SHEET_ROWS, _CELL = 1_048_576, 32_767  #: what a sheet and a cell can hold
_EXACT = 2**53  #: whole numbers beyond it are not exact in a sheet


class RowWriter(Protocol):
    """What rows of one file are written with."""

    def write(self, batch: pyarrow.RecordBatch) -> None:
        """Write some rows."""
        ...

    def close(self) -> None:
        """Write the end of the file, which stays open."""
        ...

    def discard(self) -> None:
        """Let go of what is held; the file is not wanted any more."""
        ...


def writer_of(form: Format, stream: IO[bytes], schema: pyarrow.Schema, address: str) -> RowWriter:
    """Make the writer of a format.

    Args:
        form: How to write.
        stream: Where to.
        schema: Of the rows.
        address: Name of the file, for errors.

    Raises:
        FlowError: An option is for reading only, or two columns have one name.
        ConfigurationError: openpyxl is not installed.
    """
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise FlowError(
            f"{address}: there is more than one column {twice[0]!r}",
            fix="name them apart in the query: select … as …",
        )
    if isinstance(form, Csv):
        return _CsvWriter(form, stream, schema)
    if isinstance(form, Json):
        return _JsonWriter(stream)
    if isinstance(form, Excel):
        return _ExcelWriter(form, stream, schema, address)
    return _ParquetWriter(form, stream, schema)


class _CsvWriter:
    """Texts in quotes, numbers and dates without; no value is an empty one without quotes."""

    def __init__(self, form: Csv, stream: IO[bytes], schema: pyarrow.Schema) -> None:
        from pyarrow import csv

        if replace(form, delimiter=",", header=True, encoding="utf-8") != Csv():
            raise FlowError(
                "of the options of Csv, only delimiter, header and encoding are for writing",
                fix="leave out the others",
            )
        self._schema = _flat_schema(schema)
        options = csv.WriteOptions(include_header=form.header, delimiter=form.delimiter)
        sink = stream if is_utf8(form.encoding) else _Encoded(stream, form.encoding)
        self._writer = csv.CSVWriter(sink, self._schema, write_options=options)

    def write(self, batch: pyarrow.RecordBatch) -> None:
        self._writer.write_batch(_flat(batch, self._schema))

    def close(self) -> None:
        self._writer.close()

    def discard(self) -> None:
        self._writer.close()


class _Encoded:
    """A file that takes UTF-8 and writes another encoding."""

    closed = False

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._encode = codecs.getincrementalencoder(encoding)().encode

    def write(self, data: bytes) -> int:
        self._stream.write(self._encode(self._decode(bytes(data))))
        return len(data)

    def flush(self) -> None:
        """All is written as it comes."""

    def close(self) -> None:
        """The file itself stays open."""


class _JsonWriter:
    """An object a line; decimals are texts, so that they stay exact."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, batch: pyarrow.RecordBatch) -> None:
        import orjson

        lines = [
            orjson.dumps(row, default=_json, option=orjson.OPT_APPEND_NEWLINE)
            for row in batch.to_pylist()
        ]
        self._stream.write(b"".join(lines))

    def close(self) -> None:
        """Nothing stands at the end."""

    def discard(self) -> None:
        """Nothing is held."""


class _ParquetWriter:
    """Groups of rows of a good size, however small the batches are."""

    def __init__(self, form: Parquet, stream: IO[bytes], schema: pyarrow.Schema) -> None:
        from pyarrow import parquet

        if form.columns:
            raise FlowError("columns of Parquet are for reading", fix="select them in a query")
        self._writer = parquet.ParquetWriter(stream, schema, compression=form.compression)
        self._waiting: list[pyarrow.RecordBatch] = []

    def write(self, batch: pyarrow.RecordBatch) -> None:
        self._waiting.append(batch)
        rows = sum(waiting.num_rows for waiting in self._waiting)
        if rows >= _GROUP_ROWS or sum(w.nbytes for w in self._waiting) >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def discard(self) -> None:
        self._waiting = []
        self._writer.close()

    def _write_group(self) -> None:
        import pyarrow

        table = pyarrow.Table.from_batches(self._waiting).combine_chunks()
        self._waiting = []
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))


class _ExcelWriter:
    """One sheet; its rows go through a file of their own, not through memory."""

    def __init__(
        self, form: Excel, stream: IO[bytes], schema: pyarrow.Schema, address: str
    ) -> None:
        try:
            import openpyxl
        except ImportError as error:
            raise missing_extra(address, "excel", error) from None
        self._stream, self._address, self._rows = stream, address, 0
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet(form.sheet or "Sheet1")
        self._names = list(schema.names)
        if form.header:
            self._append(self._names)

    def write(self, batch: pyarrow.RecordBatch) -> None:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            self._append(row)

    def close(self) -> None:
        self._book.save(self._stream)

    def discard(self) -> None:
        if not self._sheet.closed:
            self._sheet.close()
            self._sheet._writer.cleanup()  # the file that its rows went to

    def _append(self, values: Any) -> None:
        self._rows += 1
        if self._rows > _SHEET_ROWS:
            raise BadFileError(
                f"{self._address}: a sheet holds {_SHEET_ROWS:,} rows, and there are more",
                fix="say max_rows=1_000_000 for several files, or export CSV or Parquet",
            )
        self._sheet.append([self._cell(value, n) for n, value in enumerate(values)])

    def _cell(self, value: Any, number: int) -> Any:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.utils.exceptions import IllegalCharacterError

        value = _for_sheet(value)
        if not isinstance(value, str):
            return value
        if len(value) > _CELL:
            raise self._unfit(
                number, f"a text of {len(value):,} characters; a cell holds {_CELL:,}"
            )
        try:
            cell = WriteOnlyCell(self._sheet, value)
        except IllegalCharacterError:
            raise self._unfit(number, f"a control character in {value[:50]!r}") from None
        cell.data_type = "s"  # a text that begins with = is no formula
        return cell

    def _unfit(self, number: int, what: str) -> BadFileError:
        return BadFileError(
            f"{self._address}: row {self._rows}, column {self._names[number]}: {what}",
            fix="change it in a query, or export CSV or Parquet",
        )


def _for_sheet(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        return str(value)
    if isinstance(value, datetime | time) and value.tzinfo is not None:
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return _as_text(value) if isinstance(value, bytes | list | dict | timedelta) else value


def _json(value: Any) -> Any:
    if isinstance(value, bytes | Decimal | timedelta):
        return _as_text(value)
    raise TypeError(type(value).__name__)


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else text_of(value)


def _flat_schema(schema: pyarrow.Schema) -> pyarrow.Schema:
    """The schema as CSV can have it: what has no form of its own is text."""
    import pyarrow

    text = pyarrow.string()
    return pyarrow.schema([(f.name, f.type if _is_plain(f.type) else text) for f in schema])


def _is_plain(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    tests = (
        types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string,
        types.is_date, types.is_time, types.is_timestamp, types.is_decimal, types.is_null,
    )  # fmt: skip
    return any(test(kind) for test in tests)


def _flat(batch: pyarrow.RecordBatch, schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    import pyarrow

    return pyarrow.record_batch(list(_flat_columns(batch, schema)), schema=schema)


def _flat_columns(batch: pyarrow.RecordBatch, schema: pyarrow.Schema) -> Iterator[Any]:
    import pyarrow

    for column, field in zip(batch.columns, schema, strict=True):
        if column.type.equals(field.type):
            yield column
        else:
            texts = [None if value is None else _as_text(value) for value in column.to_pylist()]
            yield pyarrow.array(texts, type=field.type)
