"""Asks for page after page, each tried again by itself, and notices when they never end."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from tasks.http import answers
from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.paging import Page, Paging
from tasks.http.request import Request
from tasks.http.rows import rows_of
from tasks.http.wire import Wire

_LONGEST = 120.0  #: seconds waited for one page; a server that asks for more ends the attempt


@dataclass(frozen=True)
class Reading:
    """How pages are read.

    Args:
        paging: Where the next one is.
        rows: Path of the list in each.
        max_pages: Most pages; more is an error.
        page_retries: How often a page is asked for again where that may help.
        page_delay: Seconds before the first of these; each wait is twice as long as the one before.
        max_bytes: The largest page, unpacked.
    """

    paging: Paging
    rows: str | None = None
    max_pages: int = 10_000
    page_retries: int = 3
    page_delay: float = 1.0
    max_bytes: int = answers.MAX_BYTES

    def pages(self, wire: Wire, request: Request) -> Iterator[list[dict[str, Any]]]:
        """Give the rows of each page; only one page is held.

        Raises:
            HttpUnavailableError: A page could not be had, also when asked for again.
            HttpRefusedError: A page is refused or cannot be read, or the pages never end.
        """
        at: Request | None = self.paging.first(request)
        seen: set[bytes] = set()
        before = b""
        for number in range(1, self.max_pages + 1):
            assert at is not None
            place = f"{at}, page {number}"
            _new(at, seen, place)
            page, rows, content = self._page(wire, at, place)
            at = self.paging.after(at, page)
            if at is not None and rows and content == before:
                raise HttpRefusedError(
                    f"{place}: the page is the same as the one before",
                    fix="check the paging: the server does not heed its parameter",
                )
            before = content
            yield rows
            if at is None:
                return
        raise HttpRefusedError(
            f"{request}: more than {self.max_pages:,} pages",
            fix="give a larger max_pages, or check the paging: it may never end",
        )

    def _page(
        self, wire: Wire, request: Request, place: str
    ) -> tuple[Page, list[dict[str, Any]], bytes]:
        response, content = self._content(wire, request)
        body = answers.json_of(content, request)
        rows = rows_of(body, self.rows, place)
        headers = {name.lower(): value for name, value in response.headers.items()}
        page = Page(body, headers, len(rows), str(response.url))
        return page, rows, hashlib.sha256(content).digest()

    def _content(self, wire: Wire, request: Request) -> Any:
        for attempt in range(self.page_retries + 1):
            try:
                with wire.sent(request) as response:
                    return response, answers.body(response, request, self.max_bytes)
            except HttpUnavailableError as error:
                delay = self._delay(attempt, error)
                if delay is None:
                    raise
                _logger().warning("%s; asked again in %g s", error.what, delay)
                rest(delay, request)
        raise AssertionError("unreachable")

    def _delay(self, attempt: int, error: HttpUnavailableError) -> float | None:
        delay = max(self.page_delay * 2**attempt, error.retry_after or 0.0)
        return None if attempt >= self.page_retries or delay > _LONGEST else delay


def rest(seconds: float, what: object) -> None:
    """Wait, unless the attempt is cancelled.

    Args:
        seconds: How long.
        what: For what, for the message.

    Raises:
        FAIL: It is.
    """
    running = context.active()
    event = running.cancelled if running else threading.Event()
    if event.wait(seconds):
        raise FAIL(f"{what}: cancelled", status="cancelled")


def _new(request: Request, seen: set[bytes], place: str) -> None:
    """Refuse a request that was sent before: it would lead in a circle."""
    key = repr((request.url, sorted((str(k), str(v)) for k, v in request.params.items())))
    digest = hashlib.sha256(key.encode()).digest()
    if digest in seen:
        raise HttpRefusedError(
            f"{place}: this page was read before: the pages lead in a circle",
            fix="check the paging, or report it to who runs the server",
        )
    seen.add(digest)


def _logger() -> Any:
    running = context.active()
    return running.logger if running else get_logger("http")
