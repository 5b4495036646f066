"""The task that deletes files, with a guard against deleting too much."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.signals import FAIL, Result
from tasks.files.choices import IfMissing, chosen
from tasks.files.failures import telling
from tasks.files.place import FoundFile, Options, Place
from tasks.files.task import Addresses, FileTask, amount, counted, listed

#: What no task deletes, inside the project's folder.
_KEPT = ("orchestrator.toml", "dbt_project.yml", ".git", ".orchestrator")


class DeleteFiles(FileTask):
    """Deletes a file or what matches a pattern; nothing at all, if more matches than expected.

    It refuses the top of a disk or bucket, the project's folder and what holds it, its settings and
    its store. A folder is deleted only when ``recursive`` says so; empty folders stay.

    Args:
        source: One address or several, as of :class:`~tasks.files.copying.CopyFiles`.
        max_files: Files that may go; if more match, none is deleted and the task fails.
        recursive: Whether an address may be a folder, whose files then go.
        dry_run: Whether it only says what would go.
        if_missing: ``ignore`` where nothing matches; ``skip``; ``fail``.
        storage_options: What fsspec needs for it; ``"secret:NAME"`` stands for a value.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("old.csv").write_text("id")
        >>> DeleteFiles("*.csv").run().message
        'deleted 1 file, 2 B'
    """

    def __init__(
        self,
        source: Addresses,
        *,
        max_files: int = 100,
        recursive: bool = False,
        dry_run: bool = False,
        if_missing: IfMissing | str = IfMissing.IGNORE,
        storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(storage_options=storage_options, **task_args)
        self.source = listed(source)
        self.max_files, self.recursive, self.dry_run = max_files, recursive, dry_run
        self.if_missing = chosen(IfMissing, if_missing, "if_missing", self.name)

    def files_dropped(self) -> Iterable[str]:
        """The source, unless nothing is really deleted."""
        return () if self.dry_run else self.source

    def run(self) -> Result:
        """Delete.

        Returns:
            The addresses that are gone (or would be).

        Raises:
            FlowError: The address is one that no task deletes.
            FAIL: More files match than ``max_files``; nothing was deleted.
            FileError: A file cannot be deleted.
        """
        for address in self.source:
            self._guard(self.place(address))
        found = self.found(self.source, self.if_missing)
        for place, file in found:
            self._guard_file(place, file)
        if len(found) > self.max_files:
            raise FAIL(
                f"{counted(len(found), 'file')} would be deleted, and max_files is "
                f"{self.max_files}: nothing was deleted",
                detail={"first": [file.address for _, file in found[:10]]},
            )
        if not self.dry_run:
            for place, file in found:
                self._delete(place, file)
        verb = "would delete" if self.dry_run else "deleted"
        size = sum(file.size or 0 for _, file in found)
        return Result(
            [file.address for _, file in found],
            message=f"{verb} {counted(len(found), 'file')}, {amount(size)}",
            detail={"files": len(found), "bytes": size},
        )

    def _guard(self, place: Place) -> None:
        base = place.base
        narrow = place.inner[len(base) :].strip("*?/")  # of the pattern, what is no wildcard
        if place.is_local:
            top, real = os.path.realpath(place.root), os.path.realpath(base or "/")
            above = os.path.commonpath([real, top]) == real
            refused = real == "/" or (above and not (real == top and narrow))
        else:
            refused = "/" not in base.strip("/") and not narrow
        if refused or ("**" in place.inner and not self.recursive):
            raise FlowError(
                f"{place.address} is not deleted: it holds too much",
                fix="name a folder below it, or a narrower pattern",
            )
        if not self.recursive and not place.is_pattern and place.is_folder():
            raise FlowError(
                f"{place.address} is a folder", fix="say recursive=True, or name a pattern"
            )

    def _guard_file(self, place: Place, file: FoundFile) -> None:
        if not place.is_local:
            return
        relative = os.path.relpath(os.path.realpath(file.inner), os.path.realpath(place.root))
        if relative.split(os.sep)[0] in _KEPT:
            raise FlowError(
                f"{file.address} is part of the project: nothing was deleted",
                fix="give a narrower pattern",
            )

    def _delete(self, place: Place, file: FoundFile) -> None:
        self.heed()
        with telling(file.address, "delete"):
            try:
                place.filesystem.rm_file(file.inner)
            except FileNotFoundError:
                return  # somebody else was quicker
        self.log().info("deleted %s", file.address)
