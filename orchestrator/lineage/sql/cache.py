"""A cache of effects: a text that was read before is not read, and not even parsed, again."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from orchestrator.lineage.sql.analyze import Schema, lineage_of, make_request, read_statements
from orchestrator.lineage.sql.effects import Request, SqlLineage, StatementEffect
from orchestrator.lineage.sql.encoding import decode, encode

_LOG = logging.getLogger(__name__)
_FORMAT = "effects-1"


class EffectsCache:
    """Effects by content, kept in one JSON file.

    A key is made of the version of the parser, of this package's reading of SQL, the dialect, the
    defaults and the text; nothing ever has to be invalidated. A file that is broken, or that
    another version wrote, counts as empty and is replaced at the next ``save``.

    Args:
        path: The file; its folder is made when needed.
        max_bytes: Size the file is kept under; the entries not used for longest go first.

    Example:
        >>> import tempfile
        >>> with EffectsCache(Path(tempfile.mkdtemp()) / "effects.json") as cache:
        ...     lineage = cache.analyze("select * from raw.orders", dialect="duckdb")
        >>> [str(dataset) for dataset in lineage.reads]
        ['raw.orders']
    """

    def __init__(self, path: Path | str, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.path = Path(path)
        self.max_bytes = max_bytes
        self.hits = 0
        self.misses = 0
        self._lock = threading.Lock()
        self._entries: dict[str, Any] | None = None
        self._changed = False

    def __enter__(self) -> EffectsCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.save()

    def analyze(
        self,
        sql: str,
        *,
        dialect: str,
        default_catalog: str | None = None,
        default_schema: str | None = None,
        schema: Schema | None = None,
    ) -> SqlLineage:
        """As ``analyze_sql``, from the cache where it can be.

        Raises:
            ConfigurationError: The dialect is not known.
        """
        request = make_request(
            sql,
            dialect=dialect,
            default_catalog=default_catalog,
            default_schema=default_schema,
            schema=schema,
        )
        return lineage_of(request, self._statements(request))

    def save(self) -> None:
        """Write the file, as a whole or not at all; a cache that cannot be written is only logged."""
        with self._lock:
            if not self._changed or self._entries is None:
                return
            try:
                self._write(self._fitting(self._entries))
                self._changed = False
            except OSError as error:
                _LOG.warning("the lineage cache %s cannot be written: %s", self.path, error)

    def _statements(self, request: Request) -> tuple[StatementEffect, ...]:
        key = _key(request)
        with self._lock:
            if self._entries is None:
                self._entries = self._load()
            stored = self._entries.pop(key, None)
            if stored is not None:
                self._entries[key] = stored  # last in line to go
        if stored is not None:
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                statements = decode(stored)
                self.hits += 1
                return statements
        statements = read_statements(request)
        with self._lock:
            self.misses += 1
            self._entries[key] = encode(statements)
            self._changed = True
        return statements

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_bytes())
            if content["format"] == _FORMAT and content["version"] == engine_version():
                entries = content["entries"]
                return entries if isinstance(entries, dict) else {}
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            pass  # absent, broken or foreign: as good as empty
        return {}

    def _fitting(self, entries: dict[str, Any]) -> dict[str, str]:
        """The newest entries that fit, as JSON texts in their old order."""
        kept: list[tuple[str, str]] = []
        size = 1000
        for key, value in reversed(entries.items()):
            text = json.dumps(value, separators=(",", ":"))
            size += len(text) + len(key) + 8
            if size > self.max_bytes:
                break
            kept.append((key, text))
        return dict(reversed(kept))

    def _write(self, entries: dict[str, str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"format": _FORMAT, "version": engine_version()})[:-1]
        body = ",".join(f'"{key}":{text}' for key, text in entries.items())
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f'{head}, "entries": {{{body}}}}}')
            os.replace(temporary, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


@lru_cache(maxsize=1)
def engine_version() -> str:
    """What the meaning of a stored effect depends on: the parser's version and our own code."""
    digest = hashlib.blake2b(digest_size=12)
    here = Path(__file__).parent
    # None of them is there where only compiled files are installed.
    for source in [*sorted(here.glob("*.py")), *here.parents[1].glob("model/dataset.py")]:
        digest.update(source.read_bytes())
    return f"sqlglot-{importlib.metadata.version('sqlglot')}/{digest.hexdigest()}"


def _key(request: Request) -> str:
    # Known tables matter only to a search path; columns never matter to effects.
    tables = [name for name, _ in request.known] if "search_path" in request.sql.lower() else []
    parts = [request.dialect, request.catalog, request.schema, tables, request.sql]
    text = json.dumps(parts, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
