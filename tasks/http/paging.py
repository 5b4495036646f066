"""How an API tells where its next page is: a link, a cursor, a page number, an offset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from tasks.http.errors import HttpRefusedError
from tasks.http.masking import shown
from tasks.http.request import Request
from tasks.http.rows import find

_LINK = re.compile(r'<([^>]*)>\s*;[^,<]*\brel="?([^",;]*)"?')


@dataclass(frozen=True)
class Page:
    """A page that arrived.

    Args:
        body: Its JSON.
        headers: Of the answer, names in small letters.
        count: Rows on it.
        url: Address it came from, after redirects.
    """

    body: Any
    headers: Mapping[str, str]
    count: int
    url: str


class Paging(Protocol):
    """Says which page is first, and which comes after another."""

    def first(self, request: Request) -> Request:
        """The request of the first page."""
        ...

    def after(self, request: Request, page: Page) -> Request | None:
        """The request of the page after ``page``, which ``request`` gave; None after the last."""
        ...


@dataclass(frozen=True)
class NextLink:
    """The address of the next page stands in the body, or in the header ``Link``.

    The token is sent along: so the address must be of the same host.

    Args:
        path: Where in the body (``links.next``); None reads ``Link: <…>; rel="next"``.
    """

    path: str | None = "next"

    def first(self, request: Request) -> Request:
        """As it is."""
        return request

    def after(self, request: Request, page: Page) -> Request | None:
        """Follow the link, if there is one.

        Raises:
            HttpRefusedError: It leads to another host.
        """
        link = _linked(page.headers) if self.path is None else find(page.body, self.path)
        if not link:
            return None
        url = urljoin(page.url, str(link))
        old, new = urlsplit(page.url), urlsplit(url)
        safer = old.hostname == new.hostname and (old.scheme, new.scheme) == ("http", "https")
        if (old.scheme, old.netloc) != (new.scheme, new.netloc) and not safer:
            raise HttpRefusedError(
                f"{request}: the next page is on another server: {shown(url)}",
                fix="the token is not sent there; ask that server itself",
            )
        return replace(request, url=url, params={})


@dataclass(frozen=True)
class Cursor:
    """The body holds a text that asks for the next page.

    Args:
        path: Where in the body (``meta.next_cursor``); the last page has none there.
        parameter: Parameter of the URL that it is sent back in.
    """

    path: str = "next_cursor"
    parameter: str = "cursor"

    def first(self, request: Request) -> Request:
        """As it is."""
        return request

    def after(self, request: Request, page: Page) -> Request | None:
        """Send the cursor back."""
        cursor = find(page.body, self.path)
        return (
            None if cursor in (None, "", False) else request.with_params({self.parameter: cursor})
        )


@dataclass(frozen=True)
class PageNumber:
    """Pages are counted; the last is the first one that is empty, or not full where ``size`` is said.

    Args:
        parameter: Parameter that holds the number.
        start: Number of the first page.
        size: Rows asked for on each page.
        size_parameter: Parameter that asks for them.
    """

    parameter: str = "page"
    start: int = 1
    size: int | None = None
    size_parameter: str = "per_page"

    def first(self, request: Request) -> Request:
        """Ask for the first number."""
        size = {} if self.size is None else {self.size_parameter: self.size}
        return request.with_params({**size, self.parameter: self.start})

    def after(self, request: Request, page: Page) -> Request | None:
        """Count on."""
        if page.count < (self.size or 1):
            return None
        return request.with_params({self.parameter: request.params[self.parameter] + 1})


@dataclass(frozen=True)
class Offset:
    """Rows are counted; the last page is the first one that is not full.

    Args:
        limit: Rows asked for on each page.
        parameter: Parameter that holds how many rows to leave out.
        limit_parameter: Parameter that asks for ``limit``.
        start: Rows left out on the first page.
    """

    limit: int = 100
    parameter: str = "offset"
    limit_parameter: str = "limit"
    start: int = 0

    def first(self, request: Request) -> Request:
        """Ask for the first rows."""
        return request.with_params({self.limit_parameter: self.limit, self.parameter: self.start})

    def after(self, request: Request, page: Page) -> Request | None:
        """Leave out what has come."""
        if page.count < self.limit:
            return None
        return request.with_params({self.parameter: request.params[self.parameter] + page.count})


@dataclass(frozen=True)
class OnePage:
    """There is one page."""

    def first(self, request: Request) -> Request:
        """As it is."""
        return request

    def after(self, request: Request, page: Page) -> Request | None:
        """None."""
        return None


def _linked(headers: Mapping[str, str]) -> str | None:
    found = _LINK.findall(headers.get("link", ""))
    return next((url for url, relation in found if "next" in relation.split()), None)
