"""Reads a sheet of an Excel workbook in Arrow batches, row by row as openpyxl streams them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from tasks.files.broken import BrokenRows
from tasks.files.columns import checked_names, numbered, schema_of
from tasks.files.failures import BadFileError, missing_extra
from tasks.files.formats import Excel
from tasks.files.rows import Row, batch_of, guessed

if TYPE_CHECKING:
    import pyarrow

_BATCH = 10_000  #: rows
_SAMPLE = 10_000  #: rows that are looked at for types


class ExcelReader:
    """One sheet. A formula counts as the value that Excel last stored for it.

    Args:
        address: Name of the file, for errors.
        stream: It; must be seekable.
        form: Which sheet, and how it is written.

    Attributes:
        names: Its columns.

    Raises:
        BadFileError: It is no workbook, has no such sheet or no header.
        ConfigurationError: openpyxl is not installed.
    """

    def __init__(self, address: str, stream: IO[bytes], form: Excel) -> None:
        self.address, self.form = address, form
        self._rows = self._numbered(_sheet(address, stream, form.sheet))
        self.names = self._named()
        self._first = list(itertools.islice(self._rows, _SAMPLE))

    def schema(self, known: pyarrow.Schema | None) -> pyarrow.Schema:
        """Its columns with their types; those of the table ``known`` count before a guess."""
        return schema_of(self.names, self.form.types, known, self._guess)

    def batches(self, schema: pyarrow.Schema, broken: BrokenRows) -> Iterator[pyarrow.RecordBatch]:
        """Its rows, empty ones left out.

        Args:
            schema: Types of the columns, in its own order.
            broken: Takes the rows that do not fit.

        Raises:
            TooManyBroken: More rows are broken than may be.
        """
        self._first, found = [], itertools.chain(self._first, self._rows)
        width = len(self.names)
        while group := list(itertools.islice(found, _BATCH)):
            rows = []
            for line, values in group:
                text = " | ".join("" if value is None else str(value) for value in values)
                if any(value is not None for value in values[width:]):
                    broken.add(self.address, line, f"it has more than {width} columns", text)
                else:
                    filled = [*values[:width], *[None] * (width - len(values))]
                    rows.append(Row(line, filled, text))
            yield batch_of(rows, schema, self.address, broken)

    def _numbered(self, sheet: Iterator[Sequence[Any]]) -> Iterator[tuple[int, Sequence[Any]]]:
        for number, values in enumerate(sheet, start=1):
            if number > self.form.skip_rows and any(value is not None for value in values):
                yield number, values

    def _named(self) -> list[str]:
        first = next(self._rows, None)
        if first is None:
            if self.form.columns:
                return list(self.form.columns)
            raise BadFileError(f"the sheet of {self.address} is empty", fix="name its columns")
        values = list(first[1])
        while values and values[-1] is None:
            values.pop()
        if not self.form.header:
            self._rows = itertools.chain([first], self._rows)
            return list(self.form.columns) or numbered(len(values))
        given = self.form.columns
        if given and len(given) != len(values):
            raise BadFileError(f"{self.address} has {len(values)} columns, not {len(given)}")
        return checked_names(
            given or ["" if value is None else str(value) for value in values], self.address
        )

    def _guess(self, said: dict[str, pyarrow.DataType]) -> dict[str, pyarrow.DataType]:
        return {
            name: guessed(row[number] for _, row in self._first if number < len(row))
            for number, name in enumerate(self.names)
            if name not in said
        }


def _sheet(address: str, stream: IO[bytes], wanted: str | None) -> Iterator[Sequence[Any]]:
    try:
        import openpyxl
    except ImportError as error:
        raise missing_extra(address, "excel", error) from None
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    except Exception as error:  # whatever a file that is none makes of its parser
        raise BadFileError(
            f"{address} is no Excel workbook ({type(error).__name__}: {error})",
            fix="save it as .xlsx: the older .xls, and encrypted files, cannot be read",
        ) from None
    if wanted is not None and wanted not in book.sheetnames:
        raise BadFileError(
            f"{address} has no sheet {wanted!r}", fix="it has " + ", ".join(book.sheetnames)
        )
    sheet = book[wanted] if wanted is not None else book.worksheets[0]
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    return _values(book, sheet, address)


def _values(book: Any, sheet: Any, address: str) -> Iterator[Sequence[Any]]:
    try:
        yield from sheet.iter_rows(values_only=True)
    except Exception as error:
        raise BadFileError(f"{address} is broken: {type(error).__name__}: {error}") from None
    finally:
        book.close()
