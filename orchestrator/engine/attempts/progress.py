"""How far a bundle got, noted in a small file that outlives the worker process."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

_BYTES = 4


def folder(name: str) -> Path:
    """Where the notes of a driver's bundles lie, on each machine.

    Args:
        name: Differs between drivers.
    """
    return Path(tempfile.gettempdir()) / f"orchestrator-{name.replace(':', '-')}"


class Progress:
    """Notes which attempt begins, before it begins.

    Without a place to write, nothing is noted.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self.note(0)

    def note(self, count: int) -> None:
        """So many have begun, or are about to."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._file, count.to_bytes(_BYTES), 0)

    def close(self) -> None:
        """The bundle has ended: the note is not needed."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
                os.unlink(self._path)
            self._file = None


def begun(path: str) -> int | None:
    """How many attempts of a lost bundle began at most; None if there is no note here."""
    try:
        with open(path, "rb") as file:
            found = file.read(_BYTES)
    except OSError:
        return None
    return int.from_bytes(found) if len(found) == _BYTES else 0


def forget(place: Path) -> None:
    """Remove the notes of a driver's bundles from this machine."""
    shutil.rmtree(place, ignore_errors=True)
