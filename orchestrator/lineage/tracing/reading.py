"""Reads what the code of one task does to columns, from the cache where that was read before."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator.lineage.sql.cache import engine_version
from orchestrator.lineage.sql.effects import SqlLineage
from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.lasting import Produced, Reading, Unread, lasting_columns
from orchestrator.model.code import Code
from orchestrator.model.dataset import Dataset, DatasetKind

#: ``analyze_sql``, or one that remembers.
Analyze = Callable[..., SqlLineage]
_NOT_FOLLOWED = "has columns that cannot be followed"
_KINDS = {kind.value: kind for kind in DatasetKind}


class ColumnReader:
    """Reads tasks' code.

    What a text does to columns depends on the text, its defaults and the columns of exactly the
    datasets it touches: that is the key it is kept under.

    Args:
        analyze: ``analyze_sql``, or one that remembers.
        cache: What was read before; its ``misses`` count what had to be read.

    Example:
        >>> from orchestrator.lineage import analyze_sql
        >>> reader = ColumnReader(analyze_sql, ContentCache(None, version=reader_version()))
        >>> target = Dataset(None, None, "daily")
        >>> read = reader.read(Code("select day from raw.orders", target=target), lambda dataset: ())
        >>> [(p.column, [(str(d), c) for d, c in p.sources]) for p in read.produced]
        [('day', [('raw.orders', 'day')])]
    """

    def __init__(self, analyze: Analyze, cache: ContentCache) -> None:
        self._analyze, self.cache = analyze, cache

    def lineage(
        self, code: Code, schema: Mapping[str, tuple[str, ...]] | None = None
    ) -> SqlLineage:
        """The lineage of a code by dataset."""
        space = code.namespace
        return self._analyze(
            code.text,
            dialect=space.dialect,
            default_catalog=_exact(space.catalog),
            default_schema=_exact(space.schema),
            schema=schema,
        )

    def read(self, code: Code, columns_of: Callable[[Dataset], tuple[str, ...]]) -> Reading:
        """Say which columns a code leaves written, and from which they come.

        Args:
            code: The code.
            columns_of: Columns of a dataset as far as they are known, with ``*`` at the end if
                there may be others.
        """
        statements = self.lineage(code).statements
        touched = {d for s in statements for d in s.reads | s.writes}
        known = {str(d): columns for d in sorted(touched, key=str) if (columns := columns_of(d))}
        space = code.namespace
        place = [space.dialect, space.catalog, space.schema, _written(code.target)]
        key = self.cache.key(code.text, place, known)
        stored = self.cache.get(key)
        if stored is not None:
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                return _decoded(stored)
        lineage = self.lineage(code, known)
        errors = [replace(e, message=f"cannot be read: {e.message}") for e in lineage.errors]
        lost = [replace(p, message=_NOT_FOLLOWED) for p in lineage.column_problems]
        problems = sorted([*errors, *lost], key=lambda problem: problem.line)
        reading = lasting_columns(lineage.statements, lineage.column_flows, code.target, problems)
        self.cache.put(key, _encoded(reading))
        return reading


@lru_cache(maxsize=1)
def reader_version() -> str:
    """What the meaning of a kept reading depends on: the parser's version and our own code."""
    digest = hashlib.blake2b(digest_size=12)
    here = Path(__file__).parent
    for room in (here, here.parent / "columns"):
        for source in sorted(room.glob("*.py")):
            digest.update(source.read_bytes())
    return f"columns-2/{engine_version()}/{digest.hexdigest()}"


def _exact(name: str | None) -> str | None:
    """Quote a default that is folded already, so that it is not folded again."""
    return None if name is None else f'"{name}"'


def _written(dataset: Dataset | None) -> list[str | None]:
    if dataset is None:
        return []
    return [dataset.catalog, dataset.schema, dataset.name, dataset.kind.value]


def _encoded(reading: Reading) -> list[Any]:
    numbers: dict[Dataset, int] = {}

    def number(dataset: Dataset) -> int:
        return numbers.setdefault(dataset, len(numbers))

    rows = [
        [
            number(p.target),
            p.column,
            p.line,
            [[number(d), c] for d, c in p.sources],
            [number(d) for d in p.counted],
            list(p.unresolved),
        ]
        for p in reading.produced
    ]
    made = [number(dataset) for dataset in sorted(reading.made, key=str)]
    unread = [[u.line, u.message, [number(d) for d in u.targets]] for u in reading.unread]
    return [[_written(dataset) for dataset in numbers], rows, made, unread]


def _decoded(value: list[Any]) -> Reading:
    listed, rows, made, unread = value
    datasets = [Dataset(c, s, name, _KINDS[kind]) for c, s, name, kind in listed]
    produced = tuple(
        Produced(
            datasets[target],
            column,
            line,
            tuple((datasets[d], c) for d, c in sources),
            tuple(datasets[d] for d in counted),
            tuple(unresolved),
        )
        for target, column, line, sources, counted, unresolved in rows
    )
    left = (Unread(line, said, tuple(datasets[d] for d in ds)) for line, said, ds in unread)
    return Reading(produced, frozenset(datasets[d] for d in made), tuple(left))
