"""Puts a rendered template into its folder: what stands in the way is known before anything is written."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import ConflictError, ProjectError
from orchestrator.service.starting.rendering import Draft

_SHOWN = 12  #: files that a message names


def dbt_project_around(target: Path) -> Path | None:
    """Return the folder of the dbt project that a folder would be made inside of; None for none."""
    target = target.expanduser().resolve()
    if (target / "dbt_project.yml").is_file():
        return None  # that one is adopted
    return next((p for p in target.parents if (p / "dbt_project.yml").is_file()), None)


def in_the_way(draft: Draft) -> tuple[Path, ...]:
    """Return the files of a draft in whose place something else stands; equal files do not count."""
    return tuple(path for path in draft.files if _differs(draft.folder / path, draft.target / path))


def place(draft: Draft, *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write a draft into its folder, or, if that is not possible, nothing of it.

    Args:
        draft: The rendered template.
        overwrite: Whether files that stand in the way may be written over.

    Returns:
        The files that were written, relative to the folder.

    Raises:
        ConflictError: Files stand in the way.
        ProjectError: The folder cannot be written to.
    """
    blocked = in_the_way(draft)
    if blocked and not overwrite:
        raise ConflictError(
            f"{len(blocked)} file{'s' * (len(blocked) > 1)} would be written over: "
            + named(blocked),
            where=str(draft.target),
            fix="move them away, or begin in another folder; at a terminal you are asked",
        )
    new = [path for path in draft.files if _is_new(draft.folder / path, draft.target / path)]
    made: list[Path] = []
    try:
        for path in new:
            _write(draft.folder / path, draft.target / path, made)
    except OSError as error:
        _take_back(made)
        raise ProjectError(
            f"the project cannot be written: {error.strerror or error}",
            where=str(error.filename or draft.target),
            fix="begin in a folder that you may write to",
        ) from error
    return tuple(new)


def named(files: tuple[Path, ...]) -> str:
    """Return names of files as a list that is not too long."""
    shown = ", ".join(path.as_posix() for path in files[:_SHOWN])
    return shown + (f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else "")


def _differs(ours: Path, theirs: Path) -> bool:
    return os.path.lexists(theirs) and _is_new(ours, theirs)


def _is_new(ours: Path, theirs: Path) -> bool:
    try:
        return theirs.is_symlink() or ours.read_bytes() != theirs.read_bytes()
    except OSError:
        return True


def _write(source: Path, target: Path, made: list[Path]) -> None:
    """Copy a file, taking down what was not there before, the outermost folder first."""
    missing = [folder for folder in (target.parent, *target.parents) if not folder.exists()]
    for folder in reversed(list(dict.fromkeys(missing))):
        folder.mkdir()
        made.append(folder)
    if target.is_symlink():
        target.unlink()
    if not target.exists():
        made.append(target)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _take_back(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):  # the error that led here is told, not this one
            path.rmdir() if path.is_dir() else path.unlink()
