"""Printing foreign text as it is, to readers who may go away."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text


class PlainConsole(Console):
    """A console for which no text is markup, and which leaves it to the caller when a pipe is closed."""

    def __init__(self, **more: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **more)

    def on_broken_pipe(self) -> None:
        """Raise again, where rich would end the process."""
        raise BrokenPipeError


def write(console: Console, lines: list[Text]) -> None:
    """Print lines unbroken, so that logs keep them as they are."""
    if lines:
        console.print(Text("\n").join(lines), soft_wrap=True, highlight=False)


def hush_stdout() -> None:
    """Let nothing more be written to a pipe that nobody reads."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
