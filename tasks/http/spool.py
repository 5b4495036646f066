"""Keeps rows in a file beside until all have come, and learns on the way what their columns are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from tasks.http.errors import HttpRefusedError
from tasks.http.rows import find

if TYPE_CHECKING:
    import pyarrow

_BATCH = 10_000  #: rows of one batch
#: What a value is, and what becomes of a column that holds two kinds of them.
_WIDER = {frozenset({"integer", "number"}): "number"}
_DECIMAL = ("decimal", "numeric")
_DIGITS = range(1, 39)  #: digits that a decimal may have


class Spool:
    """Rows on disk, in the order they came; only a batch of them is in memory.

    Args:
        columns: Name of each column, and its path in a row; all keys of all rows if None.
        types: Name of a column, and its type: ``integer``, ``number``, ``text``, ``boolean``,
            ``date``, ``timestamp``, ``decimal(18,2)``, ``json``.

    Raises:
        FlowError: A type is not known: before the first row is asked for.

    Example:
        >>> with Spool() as spool:
        ...     spool.add([{"id": 1}, {"id": 2.5, "tags": ["a"]}])
        ...     spool.kinds
        {'id': 'number', 'tags': 'json'}
    """

    def __init__(
        self, columns: Mapping[str, str] | None = None, types: Mapping[str, str] | None = None
    ) -> None:
        self._columns = columns
        self._types = dict(types or {})
        for name, kind in self._types.items():
            _type(name, kind)
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by __exit__
        self.kinds: dict[str, str] = dict.fromkeys(columns or (), "null")
        self.rows = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows down."""
        for row in rows:
            if self._columns is not None:
                row = {name: find(row, path) for name, path in self._columns.items()}
            for name, value in row.items():
                self.kinds[name] = _wider(self.kinds.get(name, "null"), _kind(value))
            self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            self.rows += 1

    def reader(self) -> pyarrow.RecordBatchReader:
        """Give all rows in Arrow batches.

        Raises:
            FlowError: A type is of a column that there is not.
            HttpRefusedError: While it is read: a value does not fit its column's type.
        """
        import pyarrow as pa

        for name in self._types:
            if name not in self.kinds and self.rows:
                known = ", ".join(self.kinds)
                raise FlowError(
                    f"types= names {name!r}, which no row has", fix=f"there are {known}"
                )
        kinds = {**self.kinds, **self._types}
        schema = pa.schema([(name, _type(name, kind)) for name, kind in kinds.items()])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def _batches(self, schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
        import pyarrow as pa

        self._file.seek(0)
        number = 1
        while lines := [line for _, line in zip(range(_BATCH), self._file, strict=False)]:
            rows = [json.loads(line) for line in lines]
            arrays = [_array([row.get(f.name) for row in rows], f, number) for f in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            number += len(lines)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -(2**63) <= value < 2**63 else "text"
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, str) else "json"


def _wider(one: str, other: str) -> str:
    if one == other or other == "null":
        return one
    return other if one == "null" else _WIDER.get(frozenset({one, other}), "text")


def _type(name: str, kind: str) -> pyarrow.DataType:
    import pyarrow as pa

    known = {
        "null": pa.string(), "text": pa.string(), "json": pa.string(), "integer": pa.int64(),
        "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }  # fmt: skip
    word, _, rest = kind.lower().replace(" ", "").partition("(")
    if word in _DECIMAL and rest.endswith(")"):
        digits = rest[:-1].split(",")
        if len(digits) <= 2 and all(map(str.isdecimal, digits)):
            precision, scale = (*map(int, digits), 0)[:2]
            if precision in _DIGITS and scale <= precision:
                return pa.decimal128(precision, scale)
    if kind.lower() not in known:
        raise FlowError(
            f"column {name!r}: {kind!r} is no type",
            fix="one of " + ", ".join([*known, "decimal(p,s)"]),
        )
    return known[kind.lower()]


def _array(values: list[Any], field: pyarrow.Field, first: int) -> pyarrow.Array:
    """Make a column of values; where it is of another kind than JSON has, through text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            if not any(isinstance(value, str) for value in values):
                return pa.array(values, field.type)
        if pa.types.is_boolean(field.type):
            return pa.array(values, field.type)
        texts = pa.array([_text(value) for value in values], pa.string())
        if pa.types.is_timestamp(field.type):
            return _instants(texts)
        return texts if field.type == pa.string() else pc.cast(texts, field.type)
    except (pa.ArrowException, OverflowError) as error:
        raise HttpRefusedError(
            f"column {field.name!r}, rows {first:,} to {first + len(values) - 1:,}: a value is no "
            f"{field.type}: {' '.join(str(error).split())[:200]}",
            fix=f"give types={{{field.name!r}: 'text'}} and convert it in SQL",
        ) from None


def _instants(texts: pyarrow.Array) -> pyarrow.Array:
    """Read ISO times; those with a zone become UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zoned = pc.any(pc.match_substring_regex(texts, r"\d(Z|[+-]\d\d:?\d\d)$")).as_py()
    if not zoned:
        return pc.cast(texts, pa.timestamp("us"))
    return pc.cast(pc.cast(texts, pa.timestamp("us", tz="UTC")), pa.timestamp("us"))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
