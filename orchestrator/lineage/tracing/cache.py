"""Values by the content they were made from, kept in one JSON file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

_LOG = logging.getLogger(__name__)


class ContentCache:
    """JSON values by key; a key names all that its value depends on, so nothing goes stale.

    A file that is broken, or that another version wrote, counts as empty and is replaced at the
    next ``save``.

    Args:
        path: The file, its folder is made when needed; None keeps nothing between two processes.
        version: Version of what makes the values.
        max_bytes: Size the file is kept under; the entries not used for longest go first.

    Attributes:
        hits: Values that were there.
        misses: Values that had to be made.

    Example:
        >>> cache = ContentCache(None, version="1")
        >>> key = cache.key("select 1", "duckdb")
        >>> cache.get(key), cache.put(key, ["one"]), cache.get(key)
        (None, None, ['one'])
    """

    def __init__(
        self, path: Path | None, *, version: str, max_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self.path, self.version, self.max_bytes = path, version, max_bytes
        self.hits = 0
        self.misses = 0
        self._entries: dict[str, Any] | None = None
        self._changed = False

    @staticmethod
    def key(*parts: object) -> str:
        """A digest of JSON values."""
        text = json.dumps(parts, ensure_ascii=True, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        entries = self._loaded()
        value = entries.pop(key, None)
        if value is None:
            self.misses += 1
            return None
        entries[key] = value  # last in line to go
        self.hits += 1
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep a value."""
        self._loaded()[key] = value
        self._changed = True

    def save(self) -> None:
        """Write the file, as a whole or not at all; a cache that cannot be written is only logged."""
        if not self._changed or self.path is None:
            return
        try:
            self._write(self.path, self._fitting())
            self._changed = False
        except OSError as error:
            _LOG.warning("the cache %s cannot be written: %s", self.path, error)

    def _loaded(self) -> dict[str, Any]:
        if self._entries is None:
            self._entries = self._read()
        return self._entries

    def _read(self) -> dict[str, Any]:
        if self.path is None:
            return {}
        try:
            content = json.loads(self.path.read_bytes())
            if content["version"] == self.version and isinstance(content["entries"], dict):
                entries: dict[str, Any] = content["entries"]
                return entries
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            pass  # absent, broken or foreign: as good as empty
        return {}

    def _fitting(self) -> dict[str, str]:
        """The newest entries that fit, as JSON texts in their old order."""
        kept: list[tuple[str, str]] = []
        size = 1000
        for key, value in reversed(self._loaded().items()):
            text = json.dumps(value, separators=(",", ":"))
            size += len(text) + len(key) + 8
            if size > self.max_bytes:
                break
            kept.append((key, text))
        return dict(reversed(kept))

    def _write(self, path: Path, entries: dict[str, str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        body = ",".join(f'"{key}":{text}' for key, text in entries.items())
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f'{{"version": {json.dumps(self.version)}, "entries": {{{body}}}}}')
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
