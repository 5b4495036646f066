"""The tasks that copy and move files, each appearing at its new place only when it is complete."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Iterable
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.signals import Result
from tasks.files.choices import IfExists, IfMissing, chosen
from tasks.files.failures import FileError, telling
from tasks.files.place import FoundFile, Options, Place, same_store
from tasks.files.task import FileTask, amount, counted, filled, nothing
from tasks.files.writing import replacing

_CHUNK = 4 * 2**20  #: bytes copied at a time
_SAY = 30.0  #: seconds between two words of progress


class CopyFiles(FileTask):
    """Copies a file, a folder or what matches a pattern, also from one store to another.

    A file appears under its new name when it is complete, never in part. The copy is streamed: a
    file of any size takes a few megabytes of memory.

    Args:
        source: A path relative to the project's folder, or a URL as fsspec takes it; a folder means
            all below it; ``*``, ``?``, ``[…]`` and ``**`` make a pattern. ``{today}`` and the like,
            and parameters of the flow, are filled in.
        target: The new name of one file; a folder if it ends in ``/``, is one, or if the source may
            be several files, which keep their places below it.
        if_exists: ``overwrite``; ``skip`` a file that is there; or ``fail`` before anything is
            written.
        if_missing: ``fail`` where nothing matches; ``skip`` the task and what depends on it; or
            ``ignore`` it.
        storage_options: What fsspec needs for the source; ``"secret:NAME"`` stands for a value.
        target_storage_options: For the target; as for the source, where both are of one scheme.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: ``if_exists`` or ``if_missing`` is none of these.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("a.csv").write_text("id")
        >>> CopyFiles("a.csv", "archive/").run().value
        ['archive/a.csv']
    """

    keeps_source = True

    def __init__(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        if_exists: IfExists | str = IfExists.OVERWRITE,
        if_missing: IfMissing | str = IfMissing.FAIL,
        storage_options: Options = None,
        target_storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(storage_options=storage_options, **task_args)
        self.source, self.target = os.fspath(source), os.fspath(target)
        self.if_exists = chosen(IfExists, if_exists, "if_exists", self.name)
        self.if_missing = chosen(IfMissing, if_missing, "if_missing", self.name)
        if target_storage_options is None and _scheme(self.source) == _scheme(self.target):
            target_storage_options = self.storage_options
        self.target_storage_options = dict(target_storage_options or {})

    def files_read(self) -> Iterable[str]:
        """The source."""
        return (self.source,)

    def files_written(self) -> Iterable[str]:
        """The target: the file, where it is known to be one."""
        one = not any(sign in self.source for sign in "*?[") and not self.source.endswith("/")
        if one and self.target.endswith("/"):
            return (posixpath.join(self.target, posixpath.basename(self.source)),)
        return (self.target,)

    def run(self) -> Result:
        """Copy.

        Returns:
            The new addresses.

        Raises:
            FileError: A file is missing, or cannot be read or written.
            SKIP: Nothing matches, and ``if_missing`` says so.
        """
        source, target = (
            self.place(self.source),
            self.place(self.target, self.target_storage_options),
        )
        files = source.files()
        if not files:
            nothing(source, self.if_missing)
        pairs = [(file, self._goal(source, file, target)) for file in files]
        pairs = list(self._wanted(pairs))
        copied = 0
        for file, goal in pairs:
            copied += self._copy(source, file, goal)
            self.log().info("%s -> %s (%s)", file.address, goal.address, amount(file.size or 0))
        verb = "copied" if self.keeps_source else "moved"
        return Result(
            [goal.address for _, goal in pairs],
            message=f"{verb} {counted(len(pairs), 'file')}, {amount(copied)}",
            detail={"files": len(pairs), "bytes": copied, "left": len(files) - len(pairs)},
        )

    def _goal(self, source: Place, file: FoundFile, target: Place) -> Place:
        if file.inner == source.inner:
            into = filled(self.target).endswith("/") or target.is_folder()
            return target.below(posixpath.basename(file.inner)) if into else target
        return target.below(posixpath.relpath(file.inner, source.base))

    def _wanted(self, pairs: list[tuple[FoundFile, Place]]) -> Iterable[tuple[FoundFile, Place]]:
        for file, goal in pairs:
            if goal.inner == file.inner and goal.filesystem is self.place(self.source).filesystem:
                raise FlowError(
                    f"{file.address} would be copied onto itself", fix="give another target"
                )
            if self.if_exists is IfExists.OVERWRITE:
                yield file, goal
                continue
            with telling(goal.address, "look at"):
                exists = goal.filesystem.exists(goal.inner)
            if exists and self.if_exists is IfExists.FAIL:
                raise FileError(
                    f"{goal.address} is there already",
                    fix='say if_exists="overwrite" or "skip", or give another target',
                )
            if not exists:
                yield file, goal

    def _copy(self, source: Place, file: FoundFile, goal: Place) -> int:
        self.heed()
        if same_store(source, goal):
            with telling(goal.address, "write"):
                goal.filesystem.cp_file(file.inner, goal.inner)
                goal.filesystem.invalidate_cache()
            copied = file.size or 0
        else:
            copied = self._stream(source, file, goal)
        return copied

    def _stream(self, source: Place, file: FoundFile, goal: Place) -> int:
        copied, said = 0, time.monotonic()
        with source.open(file) as incoming, replacing(goal) as outgoing:
            while chunk := _read(incoming, file.address):
                self.heed()
                outgoing.write(chunk)
                copied += len(chunk)
                if time.monotonic() - said > _SAY:
                    said = time.monotonic()
                    self.log().info("%s: %s copied", file.address, amount(copied))
            if file.size is not None and copied < file.size:
                raise FileError(
                    f"{file.address} ended after {copied} of {file.size} bytes",
                    fix="was it cut while it was copied? wait for it with WaitForFile(stable_for=…)",
                )
        return copied


class MoveFiles(CopyFiles):
    """Moves files: as :class:`CopyFiles`, and each is deleted where it was once it is complete.

    Args:
        source: As of :class:`CopyFiles`.
        target: As of :class:`CopyFiles`.
        options: As of :class:`CopyFiles`. A file that is left out by ``if_exists="skip"`` stays.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("b.csv").write_text("id")
        >>> MoveFiles("b.csv", "done/").run().value, Path("b.csv").exists()
        (['done/b.csv'], False)
    """

    keeps_source = False

    def files_dropped(self) -> Iterable[str]:
        """The source."""
        return (self.source,)

    def _copy(self, source: Place, file: FoundFile, goal: Place) -> int:
        copied = super()._copy(source, file, goal)
        with telling(file.address, "delete"):
            source.filesystem.rm_file(file.inner)
        return copied


def _read(file: Any, address: str) -> bytes:
    with telling(address, "read"):
        return file.read(_CHUNK)


def _scheme(address: str) -> str:
    return address.partition("://")[0] if "://" in address else "file"
