"""The task that waits until files have come, and are complete."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.signals import FAIL, SKIP, Result
from tasks.files.choices import OnTimeout, chosen
from tasks.files.place import FoundFile, Options
from tasks.files.task import Addresses, FileTask, amount, counted, filled, listed

_SAY = 60.0  #: seconds between two words of what is still missing


class WaitForFile(FileTask):
    """Waits until a file, or what matches a pattern, is there and complete.

    Tasks of the flow that read the same address come after it.

    Args:
        source: One address or several, each of which must have come; as of
            :class:`~tasks.files.copying.CopyFiles`.
        min_files: Files that each address must have.
        min_size: Bytes that each file must have.
        stable_for: Seconds (or a timedelta) during which neither names nor sizes nor times may have
            changed: for files that are written slowly under their final name.
        poll: Seconds (or a timedelta) between two looks.
        max_wait: Seconds (or a timedelta) to wait at most; None waits until it is cancelled.
        on_timeout: ``fail``, or ``skip`` the task and what depends on it.
        storage_options: What fsspec needs for it; ``"secret:NAME"`` stands for a value.
        task_args: As any :class:`~orchestrator.model.task.Task`.

    Raises:
        FlowError: A number makes no sense.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("orders.csv").write_text("id")
        >>> WaitForFile("orders*.csv", min_size=1, max_wait=5).run().value
        ['orders.csv']
    """

    def __init__(
        self,
        source: Addresses,
        *,
        min_files: int = 1,
        min_size: int = 0,
        stable_for: timedelta | float = 0,
        poll: timedelta | float = 10.0,
        max_wait: timedelta | float | None = 3600.0,
        on_timeout: OnTimeout | str = OnTimeout.FAIL,
        storage_options: Options = None,
        **task_args: Any,
    ) -> None:
        super().__init__(storage_options=storage_options, **task_args)
        self.source = listed(source)
        self.min_files, self.min_size = min_files, min_size
        self.stable_for, self.poll = _seconds(stable_for), _seconds(poll)
        self.max_wait = None if max_wait is None else _seconds(max_wait)
        self.on_timeout = chosen(OnTimeout, on_timeout, "on_timeout", self.name)
        if self.poll <= 0 or self.stable_for < 0 or min_files < 1:
            raise FlowError(
                f"task {self.name!r} cannot wait like this",
                fix="poll must be above 0, stable_for 0 or more, min_files 1 or more",
            )

    def files_written(self) -> Iterable[str]:
        """The source: for the flow it is this task that brings it, so its readers come after."""
        return self.source

    def run(self) -> Result:
        """Wait.

        Returns:
            The addresses of the files, sorted by name.

        Raises:
            FAIL: They have not come in time.
            SKIP: So it is, and ``on_timeout`` says so.
            FileError: The store cannot be asked.
        """
        began, said = time.monotonic(), 0.0
        files, steady = self._look(), time.monotonic()
        while True:
            lacking = self._lacking(files)
            now = time.monotonic()
            if not lacking and now - steady >= self.stable_for:
                return self._come(files, now - began)
            lacking = lacking or f"still changing: stable for {now - steady:.0f} s"
            if self.max_wait is not None and now - began >= self.max_wait:
                raise self._late(lacking)
            if said == 0.0 or now - said >= _SAY:
                said = now
                self.log().info("waiting for %s: %s", ", ".join(self.source), lacking)
            self._pause(began, steady)
            seen = self._look()
            files, steady = seen, steady if seen == files else time.monotonic()

    def _look(self) -> dict[str, list[FoundFile]]:
        return {address: self.place(address).files() for address in map(filled, self.source)}

    def _lacking(self, files: dict[str, list[FoundFile]]) -> str:
        """What is still missing; nothing if all has come."""
        for address, found in files.items():
            if not found and self.min_files == 1:
                return f"no file matches {address}"
            if len(found) < self.min_files:
                return f"{len(found)} of {self.min_files} files match {address}"
            for file in found:
                if (file.size or 0) < self.min_size:
                    return f"{file.address} has {amount(file.size or 0)}"
        return ""

    def _pause(self, began: float, steady: float) -> None:
        """Wait until the next look; wakes at once when the attempt is told to stop."""
        now = time.monotonic()
        pause = self.poll
        if self.max_wait is not None:
            pause = min(pause, began + self.max_wait - now)
        if self.stable_for > now - steady:
            pause = min(pause, self.stable_for - (now - steady))
        running = context.active()
        if running is not None:
            running.cancelled.wait(max(pause, 0.01))
            self.heed()
        else:
            time.sleep(max(pause, 0.01))

    def _late(self, lacking: str) -> Exception:
        what = f"{lacking}, after {self.max_wait:g} s"
        return SKIP(what) if self.on_timeout is OnTimeout.SKIP else FAIL(what, status="late")

    def _come(self, files: dict[str, list[FoundFile]], waited: float) -> Result:
        unique = {file.address: file for found in files.values() for file in found}
        size = sum(file.size or 0 for file in unique.values())
        return Result(
            sorted(unique),
            message=f"{counted(len(unique), 'file')}, {amount(size)}, after {waited:.0f} s",
            detail={"files": len(unique), "bytes": size, "waited": round(waited, 1)},
        )


def _seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
