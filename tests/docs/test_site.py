"""The documentation site is built with warnings as errors, and needs nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs import pages

DOCS_PAGES = sorted(pages.DOCS.rglob("*.md"))
#: What a page is made of; a list that one reader of Markdown sees and another does not is a mistake.
COUNTED = {"li", "ol", "ul", "table", "tr", "h2", "h3", "h4", "pre", "img", "blockquote"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=pages.ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def built(site: Path, page: Path) -> Path:
    name = "index" if page.stem == "README" else page.stem
    return site / page.parent.relative_to(pages.DOCS) / f"{name}.html"


class Counting(HTMLParser):
    """Counts the elements of a page's text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside |= tag == "article"
        if self._inside and tag in COUNTED:
            self.found[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "article"


def counted(html: str) -> Counter[str]:
    counting = Counting()
    counting.feed(html)
    return counting.found


def test_every_page_is_in_the_site(site: Path) -> None:
    for page in DOCS_PAGES:
        assert built(site, page).is_file(), page


def test_a_page_reads_the_same_there_as_in_the_repository(site: Path) -> None:
    markdown = MarkdownIt("commonmark").enable("table")
    for page in DOCS_PAGES:
        plain = markdown.render(page.read_text(encoding="utf-8"))
        there = counted(built(site, page).read_text(encoding="utf-8"))
        assert there == counted(f"<article>{plain}</article>"), page.name


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(
        r'<(?:script|img|iframe)[^>]+src="(https?:)?//|<link[^>]+href="(https?:)?//'
    )
    for path in site.rglob("*.html"):
        assert not fetched.search(path.read_text(encoding="utf-8")), path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", path.read_text(encoding="utf-8")), path.name


def test_search_needs_no_server(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"] for entry in index["docs"]}
    assert {
        "settings.html#warehouses",
        "cli.html#orchestrator-run",
        "errors.html#cycleerror",
    } <= found


def test_the_file_a_block_belongs_to_stands_above_it(site: Path) -> None:
    page = (site / "prefect1.html").read_text(encoding="utf-8")
    assert '<span class="filename">flows/etl.py</span>' in page


def test_scripts_that_write_pages_are_not_published(site: Path) -> None:
    assert not [path.name for path in site.glob("*.py")]
    assert (site / "cookbook" / "taxi_tips.py").is_file()
    assert (site / "schemas" / "settings.json").is_file()
