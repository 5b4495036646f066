"""Files of results, here or anywhere that fsspec reaches: written whole or not at all, read, swept."""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError, InfrastructureError


class ResultError(InfrastructureError):
    """Raised when a stored result is gone, or is not what was written."""


def write(location: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    path = local(location)
    if path is not None:
        _put_file(path, data)
        return
    filesystem, inner = _filesystem(location)
    filesystem.pipe_file(inner, data)  # object stores show a file when it is complete


def _put_file(path: Path, data: bytes) -> None:
    """Write a file of this machine, for its owner's eyes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def read(location: str) -> bytes:
    """Read a file.

    Raises:
        ResultError: There is none.
    """
    path = local(location)
    try:
        if path is not None:
            return path.read_bytes()
        filesystem, inner = _filesystem(location)
        return bytes(filesystem.cat_file(inner))
    except FileNotFoundError as error:
        raise ResultError(
            f"its stored result is gone: {location}",
            fix="`orchestrator runs retry` runs the task that makes it again",
        ) from error


def size(location: str) -> int:
    """Return the number of bytes of a file elsewhere.

    Raises:
        OSError: There is none, or it cannot be asked for.
    """
    filesystem, inner = _filesystem(location)
    return int(filesystem.size(inner))


def remove(location: str) -> None:
    """Delete a file, if it is there."""
    path = local(location)
    with contextlib.suppress(OSError):
        if path is not None:
            path.unlink()
        else:
            filesystem, inner = _filesystem(location)
            filesystem.rm_file(inner)


def sweep(folder: Path, before: datetime) -> None:
    """Delete the files below a folder that were last written before an instant."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            try:
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
            except OSError:
                continue  # somebody else was quicker
        try:
            os.rmdir(parent)
        except OSError:
            continue  # not empty


def local(location: str) -> Path | None:
    """The path of a location on this machine; None for anything else."""
    if "://" not in location:
        return Path(location)
    return Path(location.removeprefix("file://")) if location.startswith("file://") else None


def _filesystem(location: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        filesystem, inner = url_to_fs(location)
    except ImportError as error:
        raise FlowError(
            f"{location} cannot be reached: {error}",
            fix="install what fsspec needs for it, where tasks run",
        ) from error
    return filesystem, inner
