"""A table of a report, put together while its rows pass by: those shown, their number, the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from tasks.reports.sections import ReportTable
from tasks.reports.values import writer

if TYPE_CHECKING:
    from pyarrow import RecordBatch, RecordBatchReader, Schema


@dataclass(frozen=True)
class Column:
    """A column as it is shown.

    Args:
        label: Its heading.
        numeric: Whether it stands at the right.
    """

    label: str
    numeric: bool


@dataclass(frozen=True)
class ShownTable:
    """A table as it is shown.

    Args:
        title: The caption.
        columns: The columns.
        rows: Written values.
        totals: The last line; empty if there is none.
        count: Rows that there are.
        note: A line below.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str]
    count: int
    note: str = ""

    @property
    def hidden(self) -> int:
        """Rows that are not shown."""
        return self.count - len(self.rows)


def shown(section: ReportTable, reader: RecordBatchReader) -> ShownTable:
    """Read all rows, and keep what is shown; memory holds one batch and ``max_rows`` rows.

    Raises:
        FlowError: ``totals``, ``formats`` or ``labels`` name a column that there is not, or totals
            one that has no numbers.
    """
    schema = reader.schema
    _check(section, schema)
    kept: list[list[Any]] = [[] for _ in schema.names]
    total = sums(section.totals, schema)
    count = 0
    for batch in reader:
        head = batch.slice(0, max(0, section.max_rows - count))
        for values, column in zip(kept, head.columns, strict=True):
            values += column.to_pylist()
        total.add(batch)
        count += batch.num_rows
    numeric = [is_number(field.type) for field in schema]
    writers = [
        writer(name, [*values, total.of.get(name)], section.formats.get(name))
        for name, values in zip(schema.names, kept, strict=True)
    ]
    written = [[write(v) for v in vs] for write, vs in zip(writers, kept, strict=True)]
    totals = [
        write(total.of[name]) if name in total.of else ""
        for name, write in zip(schema.names, writers, strict=True)
    ]
    if section.totals and not totals[0]:
        totals[0] = "Total"
    labels = [section.labels.get(name, name) for name in schema.names]
    columns = [Column(label, right) for label, right in zip(labels, numeric, strict=True)]
    rows = list(zip(*written, strict=True))
    return ShownTable(
        section.title, columns, rows, totals if section.totals else (), count, section.note
    )


class Sums:
    """Sums of columns, as batches pass by."""

    def __init__(self, names: Sequence[str]) -> None:
        self.of: dict[str, Any] = dict.fromkeys(names)

    def add(self, batch: RecordBatch) -> None:
        """Add the rows of a batch."""
        for name, total in self.of.items():
            self.of[name] = _added(total, batch.column(batch.schema.names.index(name)))


def sums(names: Sequence[str], schema: Schema) -> Sums:
    """Begin to sum columns.

    Raises:
        FlowError: One has no numbers.
    """
    for name in names:
        if not is_number(schema.field(name).type):
            raise FlowError(f"{name!r} has no numbers to be summed", fix="take it out of totals=")
    return Sums(names)


def is_number(kind: Any) -> bool:
    """Whether an Arrow type is one of numbers."""
    import pyarrow.types as types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def _added(total: Any, column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(column.type):  # the widest, so that a long column fits
        column = pc.cast(column, pa.decimal256(76, column.type.scale))
    found = pc.sum(column).as_py()
    return total if found is None else found if total is None else total + found


def _check(section: ReportTable, schema: Schema) -> None:
    for said in ("totals", "formats", "labels"):
        for name in getattr(section, said):
            if name not in schema.names:
                raise FlowError(
                    f"{said} of {section.title or 'a table'!r} name the column {name!r}, "
                    "which the query does not give",
                    fix=f"there are {', '.join(schema.names)}",
                )
