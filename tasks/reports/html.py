"""The task that makes a page of tables and charts: one file, to be kept, sent or printed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.model.dataset import is_path
from orchestrator.model.signals import Result
from tasks.files.place import reach
from tasks.files.writing import replacing
from tasks.reports.page import Heading, count_of, made_by, page, parts_of
from tasks.reports.queries import QueryTask
from tasks.reports.sections import Section


class HtmlReport(QueryTask):
    """Writes tables and charts of queries to one HTML file.

    The file needs nothing besides itself: no script, no font, no request to anywhere, so it can be
    sent by mail, and served under a policy as strict as ``default-src 'none'; style-src
    'unsafe-inline'; img-src data:``. It is light or dark as its reader likes, and prints.

    Args:
        path: The file (a path, or a URL as fsspec takes it); a dataset that this task writes.
        sections: :class:`ReportTable`, :class:`Chart` and :class:`Text`, in their order, or the
            texts of queries; the report waits for the tables that their queries read.
        title: Of the page; the task's name if left out.
        intro: A line below the title.
        query_args: ``warehouse``, the connection; ``params``, texts for ``{{ params.name }}`` in the
            queries; and what any :class:`~orchestrator.model.task.Task` takes.

    Raises:
        FAIL: A query failed.
        FlowError: A section names a column that its query does not give.
        FileError: The file cannot be written.

    Example:
        >>> from tasks.reports import Chart, ReportTable
        >>> report = HtmlReport("out/daily.html", [
        ...     Chart("marts.daily", "line", x="day", y="revenue", title="Revenue"),
        ...     ReportTable("select * from marts.daily order by day desc", totals=["revenue"]),
        ... ], title="Daily figures")
        >>> report.writes
        ('out/daily.html',)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sections: Section | str | Sequence[Section | str],
        *,
        title: str | None = None,
        intro: str = "",
        **query_args: Any,
    ) -> None:
        super().__init__(sections, **query_args)
        self.path = os.fspath(path)
        self.title = title or self.name
        self.intro = intro
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
        with self.opened(warehouse, frames) as rows:
            parts = parts_of(self, rows)
        made = page(Heading(self.title, self.intro, made_by()), parts).encode()
        with replacing(reach(self.path)) as file:
            file.write(made)
        count = count_of(parts)
        return Result(self.path, message=f"{self.path}: {count:,} rows, {len(made):,} bytes")
