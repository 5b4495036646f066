"""An address of files, wherever fsspec reaches: what matches it, how each is read, shown and named."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import masker, resolve
from tasks.files.failures import telling

_GLOB = re.compile(r"[*?\[]")
#: A file of ours that is not complete, and has not got its name yet.
_PART = re.compile(r"(?:^|/)\.[^/]*\.[0-9a-f]{12}\.part$")
#: Options of the store as people say them; ``secret:NAME`` and ``env:NAME`` stand for values.
Options = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file.

    Args:
        address: As people and other tasks name it.
        inner: As its file system names it.
        size: Bytes; None where the store does not say.
        modified: What the store says of its last change: an instant, or a tag of its content.
    """

    address: str
    inner: str
    size: int | None
    modified: str


@dataclass(frozen=True)
class Place:
    """An address, and the file system it lies in.

    Args:
        address: As given; relative ones are local.
        filesystem: fsspec's.
        inner: The address as the file system names it.
        root: The project's folder.
        start: Where in ``inner`` signs of a pattern count: behind the project's folder.
    """

    address: str
    filesystem: Any
    inner: str
    root: str
    start: int = 0

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return "file" in protocols(self.filesystem)

    @property
    def is_pattern(self) -> bool:
        """Whether it may stand for several files."""
        return _GLOB.search(self.inner, self.start) is not None

    @property
    def base(self) -> str:
        """The folder, as the file system names it, that all that matches lies in."""
        wild = _GLOB.search(self.inner, self.start)
        if wild is None:
            return self.inner.rstrip("/")
        return self.inner[: wild.start()].rpartition("/")[0]

    def files(self) -> list[FoundFile]:
        """What is there now: the file, all below the folder, or what matches; sorted by name.

        Raises:
            FileError: The store cannot be asked.
        """
        with telling(self.address, "list"):
            self.filesystem.invalidate_cache()
            try:
                found = self._found()
                if not found and self.is_pattern and not self.is_local:
                    self.filesystem.ls(
                        self.base
                    )  # a pattern does not say that its bucket is missing
            except FileNotFoundError as error:
                if _is_missing_store(error):
                    raise
                return []
            return [self._file(info) for _, info in sorted(found.items()) if _is_file(info)]

    def is_folder(self) -> bool:
        """Whether there is a folder."""
        with telling(self.address, "look at"):
            return bool(self.filesystem.isdir(self.inner))

    def below(self, relative: str) -> Place:
        """The place of a file in this folder.

        Raises:
            ConfigurationError: The name leads out of it.
        """
        clean = posixpath.normpath(relative)
        if clean.startswith(("..", "/")) or clean == ".":
            raise ConfigurationError(
                f"{relative!r} leads out of {self.address}", fix="rename the file where it lies"
            )
        inner = f"{self.inner.rstrip('/')}/{clean}"
        address = f"{self.address.rstrip('/')}/{clean}"
        return Place(address, self.filesystem, inner, self.root, len(inner))

    def open(self, file: FoundFile) -> IO[bytes]:
        """Open one of its files for reading, as the bytes it has.

        Raises:
            FileError: It cannot be opened.
        """
        with telling(file.address, "read"):
            return self.filesystem.open(file.inner, "rb")

    def _found(self) -> dict[str, Any]:
        if self.is_pattern:
            pattern = glob.escape(self.inner[: self.start]) + self.inner[self.start :]
            found = self.filesystem.glob(pattern, detail=True)
            if found or not self.filesystem.exists(self.inner):
                return dict(found)
        info = self.filesystem.info(self.inner)
        if _is_file(info):
            return {self.inner: info}
        return dict(self.filesystem.find(self.inner, detail=True))

    def _file(self, info: Mapping[str, Any]) -> FoundFile:
        inner = str(info["name"])
        size = info.get("size")
        return FoundFile(
            self._shown(inner), inner, None if size is None else int(size), _modified(info)
        )

    def _shown(self, inner: str) -> str:
        if not self.is_local:
            return str(self.filesystem.unstrip_protocol(inner))
        if os.path.isabs(self.address.removeprefix("file://")):
            return inner
        return os.path.relpath(inner, self.root)


def reach(address: str | os.PathLike[str], options: Options = None, root: str = "") -> Place:
    """Find the file system of an address; nothing is read.

    Args:
        address: A path, relative to ``root``, or a URL as fsspec takes it; may hold ``*``, ``?``,
            ``[…]`` and ``**``.
        options: ``storage_options`` of fsspec, with references to secrets in the place of values.
        root: The project's folder.

    Raises:
        ConfigurationError: There is no such kind of address, a package for it is missing, or a
            secret is not set.

    Example:
        >>> reach("in/*.csv", root="/srv").inner
        '/srv/in/*.csv'
    """
    from fsspec.core import url_to_fs

    text = os.fspath(address)
    if not text.strip():
        raise ConfigurationError("the address of a file is empty", fix="give a path or a URL")
    masker().add_environment({"address": text})
    root = (root or os.getcwd()).rstrip("/")
    target = text if "://" in text else os.path.join(root, os.path.expanduser(text))
    with telling(masker().mask(text), "reach"):
        try:
            filesystem, inner = url_to_fs(target, **resolve(dict(options or {})))
        except TypeError as error:
            raise ConfigurationError(
                f"storage_options of {masker().mask(text)} do not fit: {masker().mask(str(error))}",
                fix="name them as the fsspec file system of this address does",
            ) from None
    start = len(root) + 1 if target != text and inner.startswith(f"{root}/") else 0
    return Place(masker().mask(text), filesystem, inner, root, start)


def same_store(one: Place, other: Place) -> bool:
    """Whether two places lie in one store, which can then copy by itself."""
    return one.filesystem is other.filesystem and not one.is_local


def protocols(filesystem: Any) -> tuple[str, ...]:
    """The schemes of a file system."""
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _is_file(info: Mapping[str, Any]) -> bool:
    name = str(info["name"])
    return info.get("type") == "file" and not name.endswith("/") and not _PART.search(name)


def _modified(info: Mapping[str, Any]) -> str:
    for key in ("mtime", "LastModified", "last_modified", "modified", "updated", "created"):
        value = info.get(key)
        if value is not None:
            return value.isoformat() if isinstance(value, datetime) else str(value)
    return str(info.get("ETag") or info.get("etag") or "")


def _is_missing_store(error: BaseException) -> bool:
    """Whether not only the file is missing, but its bucket."""
    cause = error.__cause__ or error.__context__
    response = getattr(cause, "response", None)
    return isinstance(response, dict) and response.get("Error", {}).get("Code") == "NoSuchBucket"
