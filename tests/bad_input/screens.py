"""Bad input through the command line: what it says is kept as plain text files, paths and ids masked.

A screen that changed on purpose is written anew by ``UPDATE_SCREENS=1 pytest tests/bad_input``; the
difference then shows in version control.
"""

from __future__ import annotations

import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cli.main import execute

SCREENS = Path(__file__).parent / "screens"
_SCREEN = 30  # lines: more does not fit


@dataclass
class Terminal:
    """The command line of one folder, in this process.

    Args:
        folder: The project.
        capsys: Reads what is printed.
    """

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Run one command line; return exit code, output and errors, masked."""
        code = execute(words)
        out, err = self.capsys.readouterr()
        return code, masked(out, self.folder), masked(err, self.folder)

    def refuses(self, name: str, *words: str, code: int = 2) -> str:
        """Run a command that must be refused, as kept on the screen of that name.

        Nothing else may be left: no table, no run.
        """
        found, out, err = self(*words)
        assert (found, out) == (code, ""), err
        shown = f"$ orchestrator {' '.join(words)}\n{err}"
        same_screen(name, shown)
        assert_nothing_left(self.folder)
        return err


def same_screen(name: str, shown: str) -> None:
    """Compare with the screen kept under a name, character by character."""
    assert len(shown.splitlines()) <= _SCREEN
    assert "Traceback" not in shown
    assert re.search(r"^error  \S", shown, re.MULTILINE), shown
    path = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        path.write_text(shown, encoding="utf-8")
    assert path.is_file(), f"{path} is not there; see the docstring of this file"
    assert shown == path.read_text(encoding="utf-8")


def masked(text: str, folder: Path) -> str:
    """Take out what differs from one place and time to another."""
    text = text.replace(str(folder), "PROJECT").replace(str(folder.parent), "ABOVE")
    text = re.sub(r"\b[0-9a-f]{16}\b", "RUN", text)
    text = re.sub(r"process \d+", "process PID", text)
    text = re.sub(r"^\d\d:\d\d:\d\d ", "HH:MM:SS ", text, flags=re.MULTILINE)
    text = re.sub(r"\d+\.\d\d s\b", "0.00 s", text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def assert_nothing_left(folder: Path) -> None:
    """No database of the project's, and no run in the store."""
    assert not list(folder.rglob("*.duckdb*"))
    store = folder / ".orchestrator" / "store.db"
    if store.is_file() and store.read_bytes()[:6] == b"SQLite":
        with sqlite3.connect(store) as connection:
            assert connection.execute("select count(*) from flow_runs").fetchone() == (0,)
        connection.close()
