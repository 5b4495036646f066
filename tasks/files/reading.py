"""Opens files as readers of rows, by their format, and reads several as one stream of batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Protocol

from orchestrator.errors import ConfigurationError, FlowError
from tasks.files.broken import BrokenRows
from tasks.files.columns import aligned
from tasks.files.failures import telling
from tasks.files.formats import Csv, Excel, Format, Json, Parquet
from tasks.files.place import FoundFile, Place

if TYPE_CHECKING:
    import pyarrow

#: A file and the place it was found at.
Found = tuple[Place, FoundFile]


class FileReader(Protocol):
    """One open file of rows.

    Attributes:
        names: Its columns.
    """

    names: list[str]

    def schema(self, known: pyarrow.Schema | None) -> pyarrow.Schema:
        """Names and types of its columns; ``known`` is the table they go into."""
        ...

    def batches(self, schema: pyarrow.Schema, broken: BrokenRows) -> Iterator[pyarrow.RecordBatch]:
        """Its rows, as ``schema`` has them; those that do not fit go to ``broken``."""
        ...


@dataclass
class Reading:
    """Several files, read as one stream.

    Args:
        files: In the order they are read.
        form: How they are written.
        broken: Takes the rows that cannot be read.
        file_column: Name of a column for the address of each row's file; none if empty.
        heed: Called often; raises when the reading is to stop.
        say: Called with what a person may want to know.

    Attributes:
        rows: Of each file that was read, by its address.
    """

    files: list[Found]
    form: Format
    broken: BrokenRows
    file_column: str = ""
    heed: Callable[[], None] = lambda: None
    say: Callable[..., None] = lambda *words: None
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def open(self, known: pyarrow.Schema | None) -> Iterator[pyarrow.RecordBatchReader]:
        """Open the first file, which says what the columns are, and stream all.

        Args:
            known: The table that the rows go into, if it is there.

        Raises:
            FileError: A file cannot be read, or is not what its format says.
        """
        import pyarrow

        with ExitStack() as held:
            first = self._opened(self.files[0], held)
            if self.file_column and known is not None:
                known = _without(known, self.file_column)
            columns = first.schema(known)
            schema = self._with_file(columns)
            batches = self._batches(first, columns, held)
            yield pyarrow.RecordBatchReader.from_batches(schema, batches)

    def _batches(
        self, first: FileReader, columns: pyarrow.Schema, held: ExitStack
    ) -> Iterator[pyarrow.RecordBatch]:
        for number, found in enumerate(self.files):
            file, began = found[1], time.monotonic()
            reader = self._opened(found, held) if number else first
            own = columns if not number else self._aligned(reader, file, columns)
            self.rows[file.address] = 0
            for batch in reader.batches(own, self.broken):
                self.heed()
                self.rows[file.address] += batch.num_rows
                yield self._named(batch.select(columns.names), file)
            seconds = time.monotonic() - began
            self.say("%s: %d rows in %.1f s", file.address, self.rows[file.address], seconds)
            held.close()
        self.broken.check()

    def _opened(self, found: Found, held: ExitStack) -> FileReader:
        place, file = found
        stream = held.enter_context(place.open(file))
        if not isinstance(self.form, Parquet | Excel):
            stream = held.enter_context(unpacked(stream, file.address))
        with telling(file.address, "read"):
            return reader_of(file.address, stream, self.form)

    def _aligned(
        self, reader: FileReader, file: FoundFile, columns: pyarrow.Schema
    ) -> pyarrow.Schema:
        # A key that JSON leaves out is no value; one that is new is a broken row.
        if isinstance(self.form, Json):
            return columns
        return aligned(file.address, reader.names, columns)

    def _with_file(self, columns: pyarrow.Schema) -> pyarrow.Schema:
        import pyarrow

        if not self.file_column:
            return columns
        if self.file_column.casefold() in map(str.casefold, columns.names):
            raise FlowError(
                f"{self.files[0][1].address} has a column {self.file_column!r} of its own",
                fix="give file_column another name",
            )
        return columns.append(pyarrow.field(self.file_column, pyarrow.string()))

    def _named(self, batch: pyarrow.RecordBatch, file: FoundFile) -> pyarrow.RecordBatch:
        import pyarrow

        if not self.file_column:
            return batch
        address = pyarrow.repeat(pyarrow.scalar(file.address, pyarrow.string()), batch.num_rows)
        return batch.append_column(self.file_column, address)


def need_pyarrow(address: str) -> None:
    """Refuse to read a file where what all readers need is not installed.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"{address} cannot be read without pyarrow ({error})", fix="pip install pyarrow"
        ) from None


def reader_of(address: str, stream: IO[bytes], form: Format) -> FileReader:
    """Make the reader of a format.

    Raises:
        ConfigurationError: What only this format needs is not installed.
        BadFileError: The file is not what its format says.
    """
    if isinstance(form, Csv):
        from tasks.files.csv_reader import CsvReader

        return CsvReader(address, stream, form)
    if isinstance(form, Json):
        from tasks.files.json_reader import JsonReader

        return JsonReader(address, stream, form)
    if isinstance(form, Excel):
        from tasks.files.excel_reader import ExcelReader

        return ExcelReader(address, stream, form)
    from tasks.files.parquet_reader import ParquetReader

    return ParquetReader(address, stream, form)


def unpacked(stream: IO[bytes], address: str) -> Any:
    """The bytes of a file that its ending says is packed; the stream itself otherwise.

    Raises:
        ConfigurationError: What unpacks it is not installed.
    """
    from fsspec.compression import compr
    from fsspec.utils import infer_compression

    packing = infer_compression(address)
    if packing is None:
        return stream
    if packing not in compr:
        raise ConfigurationError(
            f"{address} is packed with {packing}, which cannot be unpacked here",
            fix="pip install zstandard" if packing == "zstd" else "pack it with gzip",
        )
    return compr[packing](stream, mode="rb")


def _without(schema: pyarrow.Schema, name: str) -> pyarrow.Schema:
    import pyarrow

    return pyarrow.schema([field for field in schema if field.name.casefold() != name.casefold()])
