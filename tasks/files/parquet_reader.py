"""Reads Parquet in Arrow batches, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from tasks.files.broken import BrokenRows
from tasks.files.failures import BadFileError
from tasks.files.formats import Parquet

if TYPE_CHECKING:
    import pyarrow

_BATCH = 32_768  #: rows


class ParquetReader:
    """One Parquet file.

    Args:
        address: Its name, for errors.
        stream: It; must be seekable.
        form: Which columns.

    Attributes:
        names: Its columns.

    Raises:
        BadFileError: It is no Parquet file, or lacks a column.
    """

    def __init__(self, address: str, stream: IO[bytes], form: Parquet) -> None:
        import pyarrow
        from pyarrow import parquet

        self.address = address
        try:
            self._file = parquet.ParquetFile(stream)
        except pyarrow.ArrowInvalid as error:
            raise BadFileError(f"{address} is no Parquet file: {error}") from None
        names = self._file.schema_arrow.names
        missing = [name for name in form.columns if name not in names]
        if missing:
            raise BadFileError(
                f"{address} has no column {missing[0]!r}", fix="it has " + ", ".join(names)
            )
        self.names = list(form.columns) or names

    def schema(self, known: pyarrow.Schema | None) -> pyarrow.Schema:
        """Its columns with the types that it says."""
        import pyarrow

        said = self._file.schema_arrow
        return pyarrow.schema([(name, _plain(said.field(name).type)) for name in self.names])

    def batches(self, schema: pyarrow.Schema, broken: BrokenRows) -> Iterator[pyarrow.RecordBatch]:
        """Its rows.

        Args:
            schema: Types of the columns: those of the first file, where there are several.
            broken: Not used: a Parquet file is sound or it is not.

        Raises:
            BadFileError: It cannot be read to its end, or a column is of another type.
        """
        import pyarrow

        try:
            for batch in self._file.iter_batches(_BATCH, columns=self.names):
                sorted_ = batch.select(schema.names)
                yield sorted_ if sorted_.schema.equals(schema) else sorted_.cast(schema)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
            raise BadFileError(f"{self.address} cannot be read: {error}") from None


def _plain(kind: pyarrow.DataType) -> pyarrow.DataType:
    import pyarrow

    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind
