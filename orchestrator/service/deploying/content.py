"""The code of a project: its files, and the hash that is its version."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ProjectError

#: Folders that are made again from the code, or belong to tools.
_LEFT_OUT = {"__pycache__", "node_modules", "venv", "build", "dist"}
#: What dbt writes beside ``dbt_project.yml``.
_WRITTEN_BY_DBT = {"target", "logs"}
#: Data, not code: a version must not hold a copy of a database.
_DATA = (".duckdb", ".duckdb.wal", ".db", ".db-wal", ".db-shm", ".sqlite", ".pyc", ".log")
_LARGEST = 200 * 1024 * 1024  #: bytes; a project beyond it holds data that does not belong there


@dataclass(frozen=True, slots=True)
class File:
    """A file of a project's code: where it is, its name from the root with slashes, its size."""

    path: Path
    name: str
    size: int


def code_files(root: Path, *, without: Path | None = None) -> tuple[File, ...]:
    """Return the files that are a project's code, by name.

    Hidden files and folders, caches, what dbt writes and database files are no code.

    Args:
        root: The project's folder.
        without: A folder to leave out, such as that of the project's state.

    Raises:
        ProjectError: They are too large to be code, or cannot be read.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for name in ("a.sql", ".env", "shop.duckdb"):
        ...     _ = (root / name).write_text("x")
        >>> [file.name for file in code_files(root)]
        ['a.sql']
    """
    left_out = without.resolve() if without is not None else None
    files = sorted(_files(root, left_out), key=lambda file: file.name)
    total = sum(file.size for file in files)
    if total > _LARGEST:
        largest = sorted(files, key=lambda file: -file.size)[:3]
        raise ProjectError(
            f"the project's code would be {total // 1024 // 1024} MB",
            where=str(root),
            fix="keep data elsewhere; the largest files: "
            + ", ".join(f"{file.name} ({file.size // 1024 // 1024} MB)" for file in largest),
        )
    return tuple(files)


def code_names(root: Path, *, without: Path | None = None) -> frozenset[str]:
    """Return the names of the files that are a project's code, however large they are."""
    left_out = without.resolve() if without is not None else None
    return frozenset(file.name for file in _files(root, left_out))


def version_of(files: tuple[File, ...]) -> str:
    """Return the hash of names, contents and rights to execute, 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        content = file.path.read_bytes()
        right = "x" if os.access(file.path, os.X_OK) else "-"
        digest.update(f"{file.name}\0{right}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()[:12]


def _files(root: Path, left_out: Path | None) -> Iterator[File]:
    seen: set[str] = set()
    # Links are followed: dbt links its local packages.
    for place, folders, names in os.walk(root, followlinks=True):
        here = Path(place)
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        dbt = "dbt_project.yml" in names
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT
            and not name.endswith(".egg-info")
            and not (dbt and name in _WRITTEN_BY_DBT)
            and (left_out is None or (here / name).resolve() != left_out)
        )
        for name in names:
            path = here / name
            if not name.startswith(".") and not name.endswith(_DATA) and path.is_file():
                yield File(path, path.relative_to(root).as_posix(), path.stat().st_size)
