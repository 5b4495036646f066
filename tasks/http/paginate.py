"""The tasks that read an API page by page: into memory, or into a table of a warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import Result
from orchestrator.model.warehouse import Warehouse
from tasks.http import answers
from tasks.http.errors import HttpRefusedError
from tasks.http.pages import Reading
from tasks.http.paging import OnePage, Paging
from tasks.http.spool import Spool
from tasks.http.task import HttpTask
from tasks.sql.session import Mode
from tasks.tables import mode_of, write


class _Pages(HttpTask):
    """What tasks share that read page by page."""

    def __init__(
        self,
        url: str | None = None,
        *,
        paging: Paging | None = None,
        rows: str | None = None,
        max_pages: int = 10_000,
        page_retries: int = 3,
        page_delay: float = 1.0,
        max_bytes: int = answers.MAX_BYTES,
        **http_args: Any,
    ) -> None:
        super().__init__(url, **http_args)
        self.reading = Reading(
            paging or OnePage(), rows, max_pages, page_retries, page_delay, max_bytes
        )

    def pages(self, url: str | None, params: Any) -> Iterator[list[dict[str, Any]]]:
        """Give the rows of each page."""
        request = self.asked(url, params=params)
        with self.heeding(), self.wire() as wire:
            yield from self.reading.pages(wire, request)


class HttpPaginate(_Pages):
    """Reads all pages of an API; its result is the list of their rows.

    For more than some thousand rows, :class:`LoadFromHttp` puts them into a table instead.

    Args:
        url: ``http`` or ``https``, with secrets as :class:`~tasks.http.ask.HttpRequest` has them.
        paging: Where the next page is: :class:`~tasks.http.paging.NextLink`, ``Cursor``,
            ``PageNumber`` or ``Offset``; one page if left out.
        rows: Path of the list in each page (``data.items``); None where the page itself is one.
        max_rows: Most rows; more is an error.
        page_args: ``max_pages``, 10,000 if left out: more is an error, and so is a page that leads
            to itself; ``page_retries``, 3: how often one page is asked for again (after 408, 425,
            429, 5xx, no answer); ``page_delay``, 1: seconds before the first of these, doubled each
            time, longer where ``Retry-After`` says so; ``max_bytes``, 64 MiB: the largest page,
            unpacked; and what :class:`~tasks.http.task.HttpTask` takes.

    Raises:
        HttpUnavailableError: A page could not be had.
        HttpRefusedError: A page is refused or cannot be read, or the pages never end.

    Example:
        >>> from tasks.http.paging import Cursor
        >>> users = HttpPaginate("https://api.example.com/users", paging=Cursor("meta.next"),
        ...                      rows="users", auth="secret:API_TOKEN")
        >>> users.reading.rows
        'users'
    """

    def __init__(
        self, url: str | None = None, *, max_rows: int = 100_000, **page_args: Any
    ) -> None:
        super().__init__(url, **page_args)
        self.max_rows = max_rows

    def run(self, url: str | None = None, params: Any = None) -> Result:
        """Read the pages; arguments left out are the task's own.

        Returns:
            The rows, as dicts.
        """
        found: list[dict[str, Any]] = []
        pages = 0
        for rows in self.pages(url, params):
            pages += 1
            found += rows
            if len(found) > self.max_rows:
                raise HttpRefusedError(
                    f"{self.asked(url)}: more than {self.max_rows:,} rows",
                    fix="give a larger max_rows, or put them into a table: LoadFromHttp",
                )
        return Result(found, message=f"{len(found):,} rows on {pages:,} pages")


class LoadFromHttp(_Pages):
    """Reads all pages of an API into a table of a warehouse, all or nothing.

    Rows are kept in a file beside until the last page has come, and are then loaded in one
    transaction: memory holds one page, and a run that fails changes nothing. The table is known as
    written by this task, so what reads it waits.

    Args:
        url: ``http`` or ``https``, with secrets as :class:`~tasks.http.ask.HttpRequest` has them.
        table: The table, as SQL of the warehouse has it; its schema is made where it is missing.
        warehouse: Name of the connection; the project's default if left out.
        mode: What becomes of a table that is there: ``replace`` makes it anew, ``truncate`` puts
            these rows in place of its own, ``append`` adds to them.
        columns: Name of each column, and its path in a row (``{"city": "address.city"}``); all keys
            of all rows if left out. Objects and lists become JSON text.
        types: Name of a column, and its type: ``integer``, ``number``, ``text``, ``boolean``,
            ``date``, ``timestamp`` (ISO; in UTC where a zone is given), ``decimal(18,2)``,
            ``json``. Of others the values decide; where these do not fit each other, it is text.
        paging: Where the next page is, as :class:`HttpPaginate`.
        rows: Path of the list in each page, likewise.
        writes: Further datasets that it writes.
        page_args: ``max_pages``, ``page_retries``, ``page_delay``, ``max_bytes`` as
            :class:`HttpPaginate` has them, and what :class:`~tasks.http.task.HttpTask` takes.

    Raises:
        HttpUnavailableError: A page could not be had.
        HttpRefusedError: A page is refused or cannot be read, a value does not fit its type, or the
            pages never end.
        FlowError: The columns do not fit the table.

    Example:
        >>> from tasks.http.paging import PageNumber
        >>> orders = LoadFromHttp("https://api.example.com/orders", "raw.orders", rows="items",
        ...                       paging=PageNumber(size=500), types={"placed_at": "timestamp"})
        >>> orders.writes
        ('raw.orders',)
    """

    def __init__(
        self,
        url: str | None,
        table: str,
        *,
        warehouse: str | None = None,
        mode: Mode | str = Mode.REPLACE,
        columns: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        paging: Paging | None = None,
        rows: str | None = None,
        writes: Iterable[str] = (),
        **page_args: Any,
    ) -> None:
        super().__init__(
            url, paging=paging, rows=rows, warehouse=warehouse, writes=(table, *writes), **page_args
        )
        self.table = table
        self.mode = mode_of(mode)
        self.row_columns = None if columns is None else dict(columns)
        self.row_types = dict(types or {})
        self._warehouse: Warehouse | None = None

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """Say that it writes the table."""
        self._warehouse = planning.warehouse(self.warehouse)
        return super().facts(key, planning)

    def holds(self, planning: Planning) -> Warehouse:
        """Its warehouse, the default one too."""
        return planning.warehouse(self.warehouse)

    def run(self, url: str | None = None, params: Any = None, warehouse: Any = None) -> Result:
        """Read the pages, then load them; arguments left out are the task's own.

        Args:
            url: In place of the task's own.
            params: Likewise.
            warehouse: A :class:`Warehouse` to load into outside a flow; in one, the open connection.

        Returns:
            The number of rows.
        """
        with Spool(self.row_columns, self.row_types) as spool:
            pages = 0
            for rows in self.pages(url, params):
                pages += 1
                spool.add(rows)
            _some_columns(spool, self.table)
            count = write(self._target(warehouse), self.table, spool.reader(), self.mode)
        return Result(count, message=f"{count:,} rows from {pages:,} pages", rows=count)

    def _target(self, warehouse: Any) -> Any:
        """The open connection, or the warehouse to open one of."""
        target = self._warehouse if warehouse is None else warehouse
        if target is None:
            raise ConfigurationError(
                f"task {self.name!r} has no warehouse to load into",
                fix="run it in a flow, or pass a Warehouse: task.run(warehouse=…)",
            )
        return target


def _some_columns(spool: Spool, table: str) -> None:
    if not spool.kinds and not spool.rows:
        raise HttpRefusedError(
            f"no rows came for {table}, so its columns are not known",
            fix="name them: columns={…}; the table then stands without rows",
        )
