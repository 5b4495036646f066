"""What mkdocs does for this site besides its own: titles of blocks, and the pages of folders in the nav."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

#: The opening of a fenced block with a second word.
_FENCE = re.compile(r"^(```\w+)[ ]+(\S+)[ ]*$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Put the pages of a folder where the nav says ``folder/*.md``."""
    config.nav = [_filled(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def on_page_markdown(markdown: str, **_: object) -> str:
    """Show the file that a block belongs to above it; other second words are for the tests."""
    return _FENCE.sub(_titled, markdown)


def _titled(match: re.Match[str]) -> str:
    opening, word = match.groups()
    return f'{opening} title="{word}"' if re.search(r"[./]", word) else opening


def _filled(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {title: _pages(found, docs) for title, found in entry.items()}


def _pages(found: Any, docs: Path) -> Any:
    if not isinstance(found, list):
        return found
    filled: list[Any] = []
    for entry in found:
        if isinstance(entry, str) and entry.endswith("/*.md"):
            filled += _ordered(docs / entry.removesuffix("/*.md"), docs)
        else:
            filled.append(_filled(entry, docs))
    return filled


def _ordered(folder: Path, docs: Path) -> list[str]:
    """The pages of a folder, as its README names them; those it does not name come last."""
    readme = folder / "README.md"
    said = readme.read_text(encoding="utf-8") if readme.is_file() else ""

    def place(page: Path) -> tuple[bool, int, str]:
        found = said.find(f"({page.name}")
        return page != readme, found if found >= 0 else len(said), page.name

    return [str(page.relative_to(docs)) for page in sorted(folder.glob("*.md"), key=place)]
