"""Another process that opens a DuckDB file: holds it until told, or tries once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
connection.close()
"""
_TRY = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"


@contextmanager
def held(path: Path | str) -> Iterator[subprocess.Popen[str]]:
    """Hold a file in a second process; write a line to its stdin to let it go."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def can_be_opened_elsewhere(path: Path | str) -> bool:
    """Whether a second process can open a file now."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRY, str(path)], capture_output=True, text=True, timeout=60
    )
    assert tried.returncode == 0 or "Could not set lock" in tried.stderr, tried.stderr
    return tried.returncode == 0
