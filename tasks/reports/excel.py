"""The task that writes tables of queries to an Excel workbook, row by row."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model.dataset import is_path
from orchestrator.model.signals import Result
from tasks.files.place import reach
from tasks.files.writing import replacing
from tasks.reports.cells import Cells, width
from tasks.reports.queries import QueryTask, need
from tasks.reports.sections import Chart, ReportTable, Section, Text
from tasks.reports.tables import sums

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

_MOST_ROWS = 1_048_575  #: of a sheet, the heading among them; the last is left for totals
_MEASURED = 500  #: rows that the width of columns is taken from
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


class ExcelReport(QueryTask):
    """Writes tables of queries to one Excel file, each on a sheet of its own.

    The heading stays in sight and can be filtered by, numbers and times are written as such, and
    columns are as wide as what they hold. Rows are written as they come, so a large table needs no
    memory; one with more rows than a sheet takes goes on to the next. Nothing in the data becomes a
    formula.

    Args:
        path: The file (a path, or a URL as fsspec takes it); a dataset that this task writes.
        sections: :class:`ReportTable`\\ s, or the texts of queries. ``title`` names the sheet;
            ``formats`` holds Excel's own formats (``"#,##0.00 €"``), ``labels`` the headings,
            ``totals`` columns that are summed in a last line; ``max_rows`` does not count here.
        query_args: ``warehouse``, the connection; ``params``, texts for ``{{ params.name }}`` in the
            queries; and what any :class:`~orchestrator.model.task.Task` takes.

    Raises:
        FAIL: A query failed.
        FlowError: A section is no table, or names a column that its query does not give.
        FileError: The file cannot be written.

    Example:
        >>> from tasks.reports import ReportTable
        >>> book = ExcelReport("out/daily.xlsx", [
        ...     ReportTable("marts.daily", "Days", formats={"revenue": "#,##0.00 €"}),
        ...     ReportTable("select * from marts.regions order by name", "Regions"),
        ... ])
        >>> book.writes
        ('out/daily.xlsx',)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sections: Section | str | Sequence[Section | str],
        **query_args: Any,
    ) -> None:
        super().__init__(sections, **query_args)
        self.path = os.fspath(path)
        for section in self.sections:
            if isinstance(section, Text | Chart):
                raise FlowError(
                    f"report {self.name!r}: a workbook holds tables, no {type(section).__name__}",
                    fix="give ReportTable(…); pages hold charts: HtmlReport",
                )
        if is_path(self.path):
            self.writes = (*self.writes, self.path)

    def run(self, frames: Mapping[str, Any] | None = None, warehouse: Any = None) -> Result:
        """Write the file.

        Args:
            frames: Frames (pandas, polars, Arrow, lists of dicts) that sections name.
            warehouse: A :class:`Warehouse` to ask outside a flow; in one, the open connection.

        Returns:
            The path.
        """
        count = 0
        with (
            self.opened(warehouse, frames) as rows,
            replacing(reach(self.path)) as file,
            _workbook() as workbook,
        ):
            for number, section in enumerate(self.sections):
                assert isinstance(section, ReportTable)
                with rows.of(number) as reader:
                    count += _Sheets(workbook, section, reader.schema).fill(reader)
            workbook.save(file)
        return Result(self.path, message=f"{self.path}: {count:,} rows")


class _Sheets:
    """The sheets of one table: one, or as many as it needs."""

    def __init__(self, workbook: Any, section: ReportTable, schema: Any) -> None:
        self._workbook = workbook
        self._section = section
        self._names = list(schema.names)
        self._labels = [section.labels.get(name, name) for name in self._names]
        self._schema = schema
        for said in (*section.totals, *section.formats, *section.labels):
            if said not in self._names:
                raise FlowError(
                    f"sheet {section.title!r} names the column {said!r}, which the query does not give",
                    fix=f"there are {', '.join(self._names)}",
                )
        self._widths: list[float] = []
        self._sheet: Any = None
        self._cells: Cells
        self._left = 0

    def fill(self, reader: RecordBatchReader) -> int:
        """Write all rows, and return their number."""
        count = 0
        total = sums(self._section.totals, self._schema)
        for batch in reader:
            if not self._widths:
                self._measure(batch.slice(0, _MEASURED))
            total.add(batch)
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._write(row)
            count += batch.num_rows
        if self._sheet is None:
            self._measure(None)
            self._next()
        if self._section.totals:
            self._sheet.append(self._cells.total([total.of.get(name) for name in self._names]))
        self._end()
        return count

    def _measure(self, head: Any) -> None:
        columns = [[]] * len(self._names) if head is None else [c.to_pylist() for c in head.columns]
        self._widths = [
            width(label, values) for label, values in zip(self._labels, columns, strict=True)
        ]

    def _write(self, row: Sequence[Any]) -> None:
        if self._left == 0:
            self._end()
            self._next()
        self._sheet.append(self._cells.row(row))
        self._left -= 1

    def _next(self) -> None:
        from openpyxl.utils import get_column_letter

        self._sheet = sheet = self._workbook.create_sheet(self._free_name())
        sheet.freeze_panes = "A2"
        for number, wide in enumerate(self._widths, 1):
            sheet.column_dimensions[get_column_letter(number)].width = wide
        self._cells = Cells(sheet, self._schema, self._section.formats)
        sheet.append(self._cells.heading(self._labels))
        self._left = _MOST_ROWS - 1

    def _end(self) -> None:
        """Put the filter on the heading, over the rows that were written."""
        if self._sheet is not None:
            from openpyxl.utils import get_column_letter

            corner = f"{get_column_letter(len(self._names))}{_MOST_ROWS - self._left}"
            self._sheet.auto_filter.ref = f"A1:{corner}"

    def _free_name(self) -> str:
        """A name that Excel takes and that is not taken."""
        said = _NOT_IN_NAMES.sub(" ", self._section.title).strip().strip("'")
        name = said[:31] or f"Sheet {len(self._workbook.sheetnames) + 1}"
        taken = {sheet.lower() for sheet in self._workbook.sheetnames}
        number = 1
        while name.lower() in taken or name.lower() == "history":
            number += 1
            end = f" ({number})"
            name = (said or "Sheet")[: 31 - len(end)] + end
        return name


@contextmanager
def _workbook() -> Iterator[Any]:
    """A workbook that is only written; what it keeps on disk goes when the block fails."""
    try:
        from openpyxl import Workbook
    except ImportError:
        raise need("openpyxl", "workbooks") from None
    workbook = Workbook(write_only=True)
    try:
        yield workbook
    except BaseException:
        for sheet in workbook:
            with suppress(Exception):
                sheet.close()
                sheet._writer.cleanup()
        raise
