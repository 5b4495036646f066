"""Reads the Markdown pages: their fenced blocks, by section, and their links."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\S*)[ ]*(.*?)$\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        language: The first word after the fence.
        file: The second: where the text belongs in the project that a section describes.
        text: What stands in it.
    """

    language: str
    file: str
    text: str


def pages() -> list[Path]:
    """All pages that people read."""
    return [
        ROOT / "README.md",
        ROOT / "dbt_project" / "README.md",
        *sorted(DOCS.rglob("*.md")),
        *sorted((ROOT / "changes").glob("*.md")),
    ]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a text."""
    return [Block(*match.groups()) for match in _FENCE.finditer(text)]


def sections(page: Path) -> dict[str, list[Block]]:
    """The blocks of a page by the ``##`` heading they stand under."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titles, texts = ["", *parts[1::2]], parts[0::2]
    return {title: blocks(text) for title, text in zip(titles, texts, strict=True)}


def is_file(block: Block) -> bool:
    """Whether a block is a file of the project that its page describes."""
    return bool(re.search(r"[./]", block.file))


def prose(text: str) -> str:
    """A text without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> Iterator[str]:
    """Targets of the links and pictures of a text."""
    yield from _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """What links may point at in a page: its headings, as GitHub names them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for _, heading in _HEADING.findall(prose(text))
    }


def script(name: str) -> ModuleType:
    """Import one of the scripts that write pages."""
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    return importlib.import_module(name)
