"""Links between pages lead somewhere, and pages speak of this project alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in pages.links(text):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert target.is_relative_to(pages.ROOT), f"{page.name} links out of the repository: {link}"
        if anchor:
            known = pages.anchors(target.read_text(encoding="utf-8"))
            assert anchor in known, f"{page.name} links to {link}; headings there: {sorted(known)}"


def test_links_are_found() -> None:
    text = "[a](b.md) ![c](d.svg)\n```\n[not](this.md)\n```\n## Dbt, as a `command`\n"
    assert list(pages.links(text)) == ["b.md", "d.svg"]
    assert pages.anchors(text) == {"dbt-as-a-command"}


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_page_can_be_reached(page: Path) -> None:
    seen, todo = set(), [pages.ROOT / "README.md", pages.DOCS / "index.md"]
    while todo:
        at = todo.pop()
        if at in seen or at.suffix != ".md" or not at.is_file():
            continue
        seen.add(at)
        found = pages.links(at.read_text(encoding="utf-8"))
        todo += [(at.parent / link.partition("#")[0]).resolve() for link in found]
    assert page in seen or page.parent.name == "changes", f"no page links to {page.name}"
