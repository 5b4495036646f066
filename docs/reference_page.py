"""Keeps a page, or a part of one, that is written from the code: writes it, or says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def keep(page: Path, text: str) -> int:
    """Write the page, or with ``--check`` compare it; the exit code is 1 if it differs.

    Args:
        page: The file.
        text: What it should say.
    """
    if "--check" in sys.argv[1:]:
        return 0 if page.is_file() and page.read_text(encoding="utf-8") == text else 1
    page.write_text(text, encoding="utf-8")
    return 0


def with_part(text: str, name: str, part: str) -> str:
    """Put a part between ``<!-- NAME: … -->`` and ``<!-- end -->``; the rest is written by hand.

    Args:
        text: The page as it is.
        name: The first word of the comment before the part.
        part: What should stand there.
    """
    between = re.compile(rf"(<!-- {name}: [^\n]* -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)
    if not between.search(text):
        raise ValueError(f"the page has no place for {name}: write <!-- {name}: … --> there")
    return between.sub(lambda found: found[1] + part + found[2], text, count=1)
