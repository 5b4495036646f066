"""Keeps a page that is written from the code: writes it, or says whether it is up to date."""

from __future__ import annotations

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
