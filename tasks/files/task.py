"""What tasks on files share: where the project is, names in addresses, what they read and write."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import FlowError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.dataset import Access, Dataset, DatasetKind
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.signals import SKIP
from orchestrator.model.task import Task
from tasks.files.choices import IfMissing
from tasks.files.failures import FileMissingError
from tasks.files.place import FoundFile, Options, Place, reach

#: One address or several.
Addresses = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
_NAME = re.compile(r"\{(\w+)\}")
_UNITS = ("B", "kB", "MB", "GB", "TB")


class FileTask(Task):
    """A task on files, anywhere that fsspec reaches.

    Args:
        storage_options: What fsspec needs for the addresses; ``"secret:NAME"`` and ``"env:NAME"``
            stand for values that are fetched when the task runs.
        task_args: As :class:`~orchestrator.model.task.Task` takes them.
    """

    stops_when_told: ClassVar[bool] = True

    def __init__(self, *, storage_options: Options = None, **task_args: Any) -> None:
        super().__init__(**task_args)
        self.storage_options = dict(storage_options or {})
        self.project_root = ""
        self.state_dir = ""

    def files_read(self) -> Iterable[str]:
        """Addresses that it reads, as given."""
        return ()

    def files_written(self) -> Iterable[str]:
        """Addresses that it writes, as given."""
        return ()

    def files_dropped(self) -> Iterable[str]:
        """Addresses that are empty when it has run, as given."""
        return ()

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task, with the files; takes down where the project is."""
        self.project_root = str(planning.root)
        self.state_dir = str(planning.state_dir or "")
        facts = super().facts(key, planning)
        return replace(
            facts,
            reads=(*facts.reads, *self._accesses(_with_folders(self.files_read()), "reads")),
            writes=(*facts.writes, *self._accesses(self.files_written(), "writes")),
            drops=(*facts.drops, *self._accesses(self.files_dropped(), "deletes")),
        )

    def _accesses(self, addresses: Iterable[str], verb: str) -> Iterable[Access]:
        file, line = self.defined_at or (None, None)
        place = None if file is None else Planning(self.root()).relative(file)
        for address in addresses:
            said = Evidence(Source.DECLARED, f"{verb} {address} ({self.name})", place, line)
            yield Access(Dataset(None, None, normal(address), DatasetKind.FILE), said)

    # -- while it runs ---------------------------------------------------------------------

    def place(self, address: str, options: Options = None) -> Place:
        """The place of an address, names in it filled in."""
        return reach(
            filled(address),
            self.storage_options if options is None else options,
            self.project_root,
        )

    def found(
        self, addresses: Iterable[str], if_missing: IfMissing, options: Options = None
    ) -> list[tuple[Place, FoundFile]]:
        """The files of several addresses, each once, in the order of the addresses.

        Raises:
            FileMissingError: There is none at one of them.
            SKIP: So it is, and the task is to be skipped then.
        """
        every: dict[str, tuple[Place, FoundFile]] = {}
        for address in addresses:
            place = self.place(address, options)
            files = place.files()
            if not files:
                nothing(place, if_missing)
            every.update({file.address: (place, file) for file in files})
        return list(every.values())

    def root(self) -> Path:
        """The project's folder."""
        return Path(self.project_root or ".").absolute()

    def log(self) -> logging.Logger:
        """Where it says what it does."""
        running = context.active()
        return running.logger if running else get_logger("files")

    def heed(self) -> None:
        """Stop here if the attempt was told to.

        Raises:
            InterruptedError: It was.
        """
        running = context.active()
        if running is not None and running.cancelled.is_set():
            raise InterruptedError(f"{self.name} was told to stop")


def nothing(place: Place, if_missing: IfMissing) -> None:
    """Say that nothing matches an address."""
    if if_missing is IfMissing.SKIP:
        raise SKIP(f"no file matches {place.address}")
    if if_missing is IfMissing.FAIL:
        raise FileMissingError(
            f"no file matches {place.address}",
            fix="check the address (relative ones begin at the project's folder); wait for it with "
            'WaitForFile; or say if_missing="skip"',
        )


def listed(addresses: Addresses) -> list[str]:
    """One address or several, as texts."""
    if isinstance(addresses, str | os.PathLike):
        return [os.fspath(addresses)]
    return [os.fspath(address) for address in addresses]


def filled(address: str) -> str:
    """Fill in the names in an address: ``{today}``, ``{flow}``, a parameter of the flow.

    Raises:
        FlowError: A name is not known here.

    Example:
        >>> filled("in/orders.csv")
        'in/orders.csv'
    """
    running = context.active()

    def value(hit: re.Match[str]) -> str:
        known: Mapping[str, Any] = running.parameters if running else {}
        found = known.get(hit[1], running.get(hit[1]) if running else None)
        if found is None:
            raise FlowError(
                f"{{{hit[1]}}} in the address {address!r} is not known here",
                fix="use {today}, {yesterday}, {today_nodash}, {flow}, {run_id} or a parameter of "
                "the flow",
            )
        return str(found)

    return _NAME.sub(value, address)


def normal(address: str) -> str:
    """An address as datasets are compared by it.

    Example:
        >>> normal("./in//orders.csv"), normal("s3://raw/in/")
        ('in/orders.csv', 's3://raw/in')
    """
    if "://" in address:
        return address.rstrip("/")
    return os.path.normpath(os.path.expanduser(address))


def amount(number: int | float) -> str:
    """Bytes as people read them.

    Example:
        >>> amount(12), amount(12_340_000)
        ('12 B', '12.3 MB')
    """
    size, unit = float(number), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def counted(number: int, word: str) -> str:
    """A number with its word.

    Example:
        >>> counted(1, "file"), counted(12345, "row")
        ('1 file', '12,345 rows')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _with_folders(addresses: Iterable[str]) -> Iterable[str]:
    """What is read, and the folder it lies in: who fills that comes before."""
    for address in addresses:
        yield address
        folder = os.path.dirname(normal(address))
        if folder and not folder.endswith((":", "/")) and not _NAME.search(folder):
            yield folder
