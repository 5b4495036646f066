"""The task that lists files, so that others can work on each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.model.signals import Result
from tasks.files.choices import IfMissing, chosen
from tasks.files.place import Options
from tasks.files.task import Addresses, FileTask, amount, counted, listed


class ListFiles(FileTask):
    """Lists the files of a folder, or what matches a pattern; other tasks can be mapped over them.

    Args:
        source: One address or several, as of :class:`~tasks.files.copying.CopyFiles`.
        if_missing: ``ignore`` gives an empty list where nothing matches; ``skip``; ``fail``.
        storage_options: What fsspec needs for it; ``"secret:NAME"`` stands for a value.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("b.csv").write_text("id"), Path("a.csv").write_text("id")
        >>> ListFiles("*.csv").run().value
        ['a.csv', 'b.csv']
    """

    def __init__(
        self,
        source: Addresses,
        *,
        if_missing: IfMissing | str = IfMissing.IGNORE,
        storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(storage_options=storage_options, **task_args)
        self.source = listed(source)
        self.if_missing = chosen(IfMissing, if_missing, "if_missing", self.name)

    def files_read(self) -> Iterable[str]:
        """The source."""
        return self.source

    def run(self) -> Result:
        """List.

        Returns:
            The addresses, sorted by name.

        Raises:
            FileError: The store cannot be asked.
        """
        files = [file for _, file in self.found(self.source, self.if_missing)]
        size = sum(file.size or 0 for file in files)
        return Result(
            [file.address for file in files],
            message=f"{counted(len(files), 'file')}, {amount(size)}",
            detail={"files": len(files), "bytes": size},
        )
