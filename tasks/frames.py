"""Frames of every library as Arrow batches, and Arrow batches as frames; no library is imported unasked."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError, FlowError

if TYPE_CHECKING:
    from pyarrow import RecordBatch, RecordBatchReader, Schema

#: What a frame may be read as, by the words that :func:`tasks.tables.read` takes.
KINDS = ("arrow", "pandas", "polars", "stream", "dicts")
_ACCEPTED = "a pandas or polars frame, a pyarrow table or reader, or a list of dicts"


def frame_of(batches: RecordBatchReader, kind: str) -> Any:
    """Read batches into a frame.

    Args:
        batches: Read to their end, unless ``kind`` is ``stream``.
        kind: ``arrow`` (a pyarrow table), ``pandas``, ``polars``, ``dicts`` (a list of them), or
            ``stream``: the batches as they are. Whole numbers and truth values with gaps come in
            pandas' nullable types, so that they stay what they are.

    Raises:
        FlowError: There is no such kind.
        ConfigurationError: The library is not installed.
    """
    if kind not in KINDS:
        raise FlowError(f"a table cannot be read as {kind!r}", fix=f"one of {', '.join(KINDS)}")
    if kind == "stream":
        return batches
    try:
        table = batches.read_all()
        if kind == "pandas":
            return _pandas(table)
        if kind == "polars":
            import polars

            return polars.from_arrow(table)
    except ImportError as error:
        raise ConfigurationError(
            f"reading as {kind!r} needs {kind}, which is not installed ({error})",
            fix=f"pip install {kind}",
        ) from None
    return table.to_pylist() if kind == "dicts" else table


def batches_of(frame: Any) -> RecordBatchReader:
    """Give a frame as Arrow batches; what comes in pieces is passed on piece by piece.

    Args:
        frame: A pandas frame (its index is written where it has a name), a polars frame or lazy
            frame, anything that speaks Arrow, a list of dicts, or an iterator of such pieces that
            all have the columns of the first.

    Raises:
        FlowError: It is no frame, or one of its columns holds values of several types.

    Example:
        >>> batches_of([{"day": 1}, {"day": 2, "late": True}]).read_all().to_pydict()
        {'day': [1, 2], 'late': [None, True]}
    """
    pyarrow = arrow()
    try:
        found = _batches(frame)
    except (
        pyarrow.ArrowInvalid,
        pyarrow.ArrowTypeError,
        pyarrow.ArrowNotImplementedError,
    ) as error:
        said = "; ".join(str(part) for part in error.args)
        raise FlowError(
            f"the frame cannot be written: {said}",
            fix="give every value of a column the same type",
        ) from None
    if found is None:
        raise FlowError(f"{_named(frame)} is no frame", fix=f"give {_ACCEPTED}")
    return found


def arrow() -> Any:
    """Import pyarrow, through which all tables go.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise ConfigurationError(
            f"tables are read and written through pyarrow, which is not installed ({error})",
            fix="pip install pyarrow",
        ) from None
    return pyarrow


def is_lazy(frame: Any) -> bool:
    """Whether a frame's rows are still to come, perhaps from an open connection."""
    if isinstance(frame, (list, tuple, Mapping)):
        return False
    kind = _kind(frame)
    return isinstance(frame, Iterator) or kind in _STREAMS or kind.startswith("duckdb.")


_STREAMS = frozenset({"pyarrow.RecordBatchReader"})


def _batches(frame: Any) -> RecordBatchReader | None:
    import pyarrow

    kind = _kind(frame)
    if isinstance(frame, pyarrow.RecordBatchReader):
        return frame
    if kind == "pandas.DataFrame":
        return _of_pandas(frame).to_reader()
    if kind == "polars.LazyFrame":
        frame = frame.collect()
    if kind.startswith("polars."):
        return frame.to_arrow().to_reader() if hasattr(frame, "to_arrow") else None
    if hasattr(frame, "__arrow_c_stream__") and not kind.startswith("pandas."):
        return pyarrow.RecordBatchReader.from_stream(frame)
    if isinstance(frame, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([frame]).to_reader()
    if isinstance(frame, (list, tuple)) and all(isinstance(row, Mapping) for row in frame):
        return _of_dicts(frame).to_reader()
    return _of_pieces(frame) if isinstance(frame, Iterator) else None


def _kind(frame: Any) -> str:
    """``pandas.DataFrame``, by the class's name or that of what it is derived from."""
    for cls in type(frame).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in ("pandas", "polars", "pyarrow", "duckdb"):
            return f"{root}.{cls.__name__}"
    return type(frame).__name__


def _of_pandas(frame: Any) -> Any:
    import pyarrow

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return pyarrow.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _of_dicts(rows: Iterable[Mapping[str, Any]]) -> Any:
    import pyarrow

    listed = list(rows)
    names = dict.fromkeys(str(name) for row in listed for name in row)
    columns = {name: [row.get(name) for row in listed] for name in names}
    return pyarrow.table(columns)


def _of_pieces(pieces: Iterator[Any]) -> RecordBatchReader:
    import pyarrow

    first = next(pieces, None)
    if first is None:
        return pyarrow.table({}).to_reader()
    start = batches_of(first)
    rest = (batch for piece in pieces for batch in _alike(batches_of(piece), start.schema))
    return pyarrow.RecordBatchReader.from_batches(start.schema, itertools.chain(start, rest))


def _alike(batches: RecordBatchReader, schema: Schema) -> Iterator[RecordBatch]:
    """Batches with the columns and types of the first piece."""
    missing = set(schema.names) ^ set(batches.schema.names)
    if missing:
        raise FlowError(
            f"the pieces of the frame differ: {', '.join(sorted(missing))} is not in all of them",
            fix="give every piece the columns of the first",
        )
    table = batches.read_all().select(schema.names).cast(schema)
    yield from table.to_batches()


def _pandas(table: Any) -> Any:
    import pandas
    import pyarrow

    nullable = {
        pyarrow.bool_(): pandas.BooleanDtype(),
        **{getattr(pyarrow, f"int{n}")(): getattr(pandas, f"Int{n}Dtype")() for n in _WIDTHS},
        **{getattr(pyarrow, f"uint{n}")(): getattr(pandas, f"UInt{n}Dtype")() for n in _WIDTHS},
    }
    frame = table.to_pandas()
    for place, column in enumerate(table.columns):
        if column.null_count and column.type in nullable:
            frame.isetitem(place, column.to_pandas(types_mapper=nullable.get).set_axis(frame.index))
    return frame


_WIDTHS = (8, 16, 32, 64)


def _named(frame: Any) -> str:
    return "nothing (None)" if frame is None else f"a {type(frame).__name__}"
