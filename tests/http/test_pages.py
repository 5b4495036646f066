"""Paging: each way to the next page, pages tried again, pages that never end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.paginate import HttpPaginate
from tasks.http.paging import Cursor, NextLink, Offset, PageNumber
from tests.http.site import Answer, Asked, Site, serving

ROWS = [{"id": n} for n in range(7)]


def read(site: Site, **arguments: Any) -> Any:
    return HttpPaginate(f"{site.url}/items", **arguments).run().value


def numbered(asked: Asked) -> Answer:
    page, size = int(asked.one("page")), int(asked.one("per_page", "3"))
    return Answer({"data": {"items": ROWS[(page - 1) * size : page * size]}})


def test_one_page(site: Site) -> None:
    site.page("/items", Answer(ROWS))
    assert read(site) == ROWS
    site.page("/items", Answer([1, 2]))
    assert read(site) == [{"value": 1}, {"value": 2}]


@pytest.mark.parametrize(("size", "requests"), [(None, 4), (3, 3), (7, 2)])
def test_page_numbers(site: Site, size: int | None, requests: int) -> None:
    site.pages["/items"] = numbered
    assert read(site, paging=PageNumber(size=size), rows="data.items") == ROWS
    assert len(site.asked) == requests


def test_offsets(site: Site) -> None:
    def page(asked: Asked) -> Answer:
        offset = int(asked.one("offset"))
        return Answer(ROWS[offset : offset + int(asked.one("limit"))])

    site.pages["/items"] = page
    assert read(site, paging=Offset(limit=3), params={"sort": "id"}) == ROWS
    assert [asked.one("offset") for asked in site.asked] == ["0", "3", "6"]
    assert {asked.one("sort") for asked in site.asked} == {"id"}


def test_cursors(site: Site) -> None:
    def page(asked: Asked) -> Answer:
        at = int(asked.one("after", "0"))
        return Answer({"rows": ROWS[at : at + 4], "meta": {"next": str(at + 4) if at < 4 else ""}})

    site.pages["/items"] = page
    assert read(site, paging=Cursor("meta.next", "after"), rows="rows") == ROWS


def test_links_in_the_body_and_in_the_header(site: Site) -> None:
    def in_body(asked: Asked) -> Answer:
        last = asked.one("p") == "2"
        return Answer({"rows": ROWS[4:] if last else ROWS[:4], "next": None if last else "?p=2"})

    def in_header(asked: Asked) -> Answer:
        last = asked.one("p") == "2"
        link = f'<{site.url}/items?p=2>; rel="next", <{site.url}/items>; rel="first"'
        return Answer(ROWS[4:] if last else ROWS[:4], headers={} if last else {"Link": link})

    site.pages["/items"] = in_body
    assert read(site, paging=NextLink(), rows="rows", params={"q": 1}) == ROWS
    site.pages["/items"] = in_header
    assert read(site, paging=NextLink(None)) == ROWS


def test_a_link_to_another_server_is_not_followed(site: Site) -> None:
    with serving() as other:
        site.page("/items", Answer({"rows": ROWS, "next": f"{other.url}/items?token=abcdefg"}))
        with pytest.raises(HttpRefusedError, match="on another server") as raised:
            read(site, paging=NextLink(), rows="rows", auth="t0p-secret")
        assert "abcdefg" not in str(raised.value)
        assert not other.asked


def test_a_page_is_tried_again_by_itself(site: Site) -> None:
    failing = iter([False, True, True, False, False])

    def page(asked: Asked) -> Answer:
        return Answer(b"", 503) if next(failing) else numbered(asked)

    site.pages["/items"] = page
    found = read(site, paging=PageNumber(size=3), rows="data.items", page_delay=0)
    assert found == ROWS
    assert [asked.one("page") for asked in site.asked] == ["1", "2", "2", "2", "3"]


def test_a_page_that_cannot_be_had(site: Site) -> None:
    site.page("/items", Answer(b"", 500))
    with pytest.raises(HttpUnavailableError, match="answered 500"):
        read(site, page_retries=2, page_delay=0)
    assert len(site.asked) == 3
    site.page("/items", Answer(b"", 429, {"Retry-After": "100000"}))
    with pytest.raises(HttpUnavailableError) as raised:
        read(site)
    assert raised.value.retry_after == 100000


def endless_link(asked: Asked) -> Answer:
    page = asked.one("p", "1")
    return Answer({"rows": [{"page": page}], "next": f"/items?p={'1' if page == '2' else '2'}"})


def endless_cursor(asked: Asked) -> Answer:
    return Answer({"rows": [{"at": asked.one("cursor")}], "next_cursor": asked.one("cursor") + "x"})


def ignores_the_number(asked: Asked) -> Answer:
    return Answer({"rows": ROWS})


@pytest.mark.parametrize(
    ("page", "paging", "message"),
    [
        (endless_link, NextLink(), "page 4: this page was read before"),
        (endless_cursor, Cursor(), "more than 20 pages"),
        (ignores_the_number, PageNumber(), "page 2: the page is the same as the one before"),
    ],
)
def test_pages_that_never_end(
    site: Site, page: Callable[[Asked], Answer], paging: Any, message: str
) -> None:
    site.pages["/items"] = page
    with pytest.raises(HttpRefusedError, match=message):
        read(site, paging=paging, rows="rows", max_pages=20)
    assert len(site.asked) <= 20


def test_more_rows_than_memory_should_hold(site: Site) -> None:
    site.pages["/items"] = numbered
    with pytest.raises(HttpRefusedError, match="more than 5 rows"):
        read(site, paging=PageNumber(), rows="data.items", max_rows=5)


def test_pages_without_rows_in_the_place_named(site: Site) -> None:
    site.page("/items", Answer({"data": {"items": []}, "meta": 1}))
    with pytest.raises(
        HttpRefusedError, match=r"no list of rows at 'itms' but nothing; .* data, meta"
    ):
        read(site, rows="itms")
    with pytest.raises(HttpRefusedError, match="at the body but an object"):
        read(site)
    site.page("/items", Answer(b"<html>"))
    with pytest.raises(HttpRefusedError, match="not JSON"):
        read(site)
