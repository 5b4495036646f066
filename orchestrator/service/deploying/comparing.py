"""What is different between two deployments of a flow: files, parameters, schedules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import NotFoundError, OrchestratorError, ProjectError
from orchestrator.schedule import Schedule
from orchestrator.service.deploying.content import File, code_files
from orchestrator.store.deployments import Deployment

_LARGEST = 200_000  #: bytes of a file whose lines are compared
_MOST = 2_000_000  #: characters of all differences together
_FILES = 5_000  #: files that are told of


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not the same: ``added``, ``removed`` or ``changed``, and how, if it is text."""

    path: str
    change: str
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A parameter or schedule that is not the same; None where it is not there."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two deployments beside one another.

    Args:
        a: The one.
        b: The other.
        files: Files that differ, by path.
        parameters: Defaults that differ.
        schedules: Schedules that differ, as text.
    """

    a: Deployment
    b: Deployment
    files: tuple[FileChange, ...]
    parameters: tuple[ValueChange, ...]
    schedules: tuple[ValueChange, ...]


def compare(a: Deployment, b: Deployment) -> Comparison:
    """Compare two deployments.

    Raises:
        ProjectError: The code of one of them is not there any more.
    """
    files = () if a.version == b.version else tuple(differing_files(_code(a), _code(b)))
    return Comparison(a, b, files, _values(a.parameters, b.parameters), _values(_says(a), _says(b)))


def numbered(deployments: Iterator[Deployment] | tuple[Deployment, ...], number: int) -> Deployment:
    """Return the deployment of that number.

    Raises:
        NotFoundError: There is none.
    """
    known = {one.number: one for one in deployments}
    if number not in known:
        raise NotFoundError(
            f"there is no deployment {number}",
            fix=f"its deployments: {', '.join(map(str, sorted(known)))}",
        )
    return known[number]


def _code(deployment: Deployment) -> tuple[File, ...]:
    folder = Path(deployment.source)
    if not folder.is_dir():
        raise ProjectError(
            f"the code of deployment {deployment.number} is not here any more",
            where=str(folder),
            fix="compare deployments whose snapshots are kept on this machine",
        )
    return code_files(folder)


def differing_files(old: Iterable[File], new: Iterable[File]) -> Iterator[FileChange]:
    """Yield the files that are not the same in two sets of code, by name.

    Args:
        old: The one, from :func:`~orchestrator.service.deploying.content.code_files`.
        new: The other.
    """
    a, b = ({file.name: file for file in files} for files in (old, new))
    left = _MOST
    for name in sorted(a.keys() | b.keys())[:_FILES]:
        before, after = a.get(name), b.get(name)
        if before is not None and after is not None and _same(before, after):
            continue
        diff = _diff(name, before, after)
        if diff is not None:
            left -= len(diff)
        change = "added" if before is None else "removed" if after is None else "changed"
        yield FileChange(name, change, diff if left >= 0 else None)


def _same(a: File, b: File) -> bool:
    try:
        return a.size == b.size and a.path.read_bytes() == b.path.read_bytes()
    except OSError:
        return False


def _diff(name: str, a: File | None, b: File | None) -> str | None:
    """A unified diff; None of what is too large, or no text."""
    before, after = _lines(a), _lines(b)
    if before is None or after is None:
        return None
    old, new = (f"a/{name}" if a else "/dev/null"), (f"b/{name}" if b else "/dev/null")
    return "\n".join(difflib.unified_diff(before, after, old, new, lineterm=""))


def _lines(file: File | None) -> list[str] | None:
    if file is None:
        return []
    if file.size > _LARGEST:
        return None
    try:
        return file.path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None


def _values(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    names = dict.fromkeys([*a, *b])
    return tuple(
        ValueChange(name, a.get(name), b.get(name))
        for name in names
        if a.get(name) != b.get(name) or (name in a) != (name in b)
    )


def _says(deployment: Deployment) -> dict[str, str]:
    return {str(shape.get("name")): says(shape) for shape in deployment.schedules}


def says(shape: Mapping[str, Any]) -> str:
    """A schedule of a deployment as text; empty if it cannot be read."""
    try:
        return str(Schedule.from_dict(shape))
    except (OrchestratorError, LookupError, TypeError, ValueError):
        return ""
