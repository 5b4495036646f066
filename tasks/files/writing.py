"""Files written whole or not at all: under another name, or unseen, until they are complete."""

from __future__ import annotations

import os
import posixpath
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol

from tasks.files.failures import telling
from tasks.files.place import Place, protocols

#: Stores that show a file only when it is complete, and can be told to forget it.
_COMMITTING = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory"}


class Pending(Protocol):
    """A file that nobody sees yet.

    Attributes:
        file: To be written to.
    """

    file: IO[bytes]

    def finish(self) -> None:
        """All is written: send the rest of it on its way."""
        ...

    def commit(self) -> None:
        """Let it take its name, and the place of an earlier file, once it is finished."""
        ...

    def discard(self) -> None:
        """Forget it."""
        ...


def pending(place: Place) -> Pending:
    """Begin a file; folders are made.

    Raises:
        FileError: It cannot be written.
    """
    with telling(place.address, "write"):
        if place.is_local:
            return _Here(place.inner)
        committing = _COMMITTING & {*protocols(place.filesystem)}
        return _Committed(place) if committing else _Moved(place)


@contextmanager
def replacing(place: Place) -> Iterator[IO[bytes]]:
    """Open a file that takes its name, and the place of an earlier one, when the block ends well.

    Args:
        place: Where; folders are made.

    Raises:
        FileError: It cannot be written.

    Example:
        >>> from tasks.files.place import reach
        >>> with replacing(reach("out/daily.csv")) as file:
        ...     _ = file.write(b"id")
        >>> [found.address for found in reach("out").files()]
        ['out/daily.csv']
    """
    begun = pending(place)
    with telling(place.address, "write"):
        try:
            yield begun.file
            begun.finish()
            begun.commit()
        except BaseException:
            begun.discard()
            raise


class _Here:
    """A file of this machine, beside the one it becomes."""

    def __init__(self, path: str) -> None:
        folder, name = os.path.split(path)
        if os.path.isdir(path):
            raise IsADirectoryError(path)
        os.makedirs(folder, exist_ok=True)
        self._path, self._part = path, os.path.join(folder, part_name(name))
        self.file: IO[bytes] = open(self._part, "xb")  # noqa: SIM115 - closed by finish or discard

    def finish(self) -> None:
        self.file.close()

    def commit(self) -> None:
        os.replace(self._part, self._path)

    def discard(self) -> None:
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            os.unlink(self._part)


class _Committed:
    """An object that its store keeps back until it is told."""

    def __init__(self, place: Place) -> None:
        self._filesystem = place.filesystem
        self.file: Any = place.filesystem.open(place.inner, "wb", autocommit=False)

    def finish(self) -> None:
        self.file.close()

    def commit(self) -> None:
        self.file.commit()
        self._filesystem.invalidate_cache()

    def discard(self) -> None:
        with suppress(Exception):
            self.file.discard()
        with suppress(AttributeError):  # closing it now would write what was discarded
            self.file.closed = True


class _Moved:
    """A file of a store that can only rename."""

    def __init__(self, place: Place) -> None:
        folder, _, name = place.inner.rpartition("/")
        self._place, self._part = place, posixpath.join(folder, part_name(name))
        place.filesystem.makedirs(folder, exist_ok=True)
        self.file: Any = place.filesystem.open(self._part, "wb")

    def finish(self) -> None:
        self.file.close()

    def commit(self) -> None:
        self._place.filesystem.mv(self._part, self._place.inner)

    def discard(self) -> None:
        with suppress(Exception):
            self.file.close()
        with suppress(Exception):
            self._place.filesystem.rm_file(self._part)


def part_name(name: str) -> str:
    """Name of a file while it is not complete: hidden, and its own."""
    return f".{name[:150]}.{uuid.uuid4().hex[:12]}.part"
