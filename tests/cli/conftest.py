"""What the tests of the command line share: one time zone, and screens kept as plain text files.

A screen that changed on purpose is written anew by ``UPDATE_SCREENS=1 pytest tests/cli``; the
difference then shows in version control.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from orchestrator.cli.terminal.printing import write

SCREENS = Path(__file__).parent / "screens"
Compare = Callable[[str, list[Text], int], None]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are shown where the reader is: in tests, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def printed(lines: list[Text], width: int = 80, *, colour: bool = False) -> str:
    """What a console of that width prints."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    write(console, lines)
    return file.getvalue()


@pytest.fixture
def same_screen() -> Compare:
    """Compare lines with the screen kept under a name, character by character."""

    def compare(name: str, lines: list[Text], width: int) -> None:
        shown = printed(lines, width)
        path = SCREENS / f"{name}-{width}.txt"
        if os.environ.get("UPDATE_SCREENS"):
            path.write_text(shown, encoding="utf-8")
        assert path.is_file(), f"{path} is not there; see the docstring of this file"
        assert shown == path.read_text(encoding="utf-8")

    return compare
