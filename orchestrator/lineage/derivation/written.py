"""The datasets a flow writes, found again under the names that readers give them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from orchestrator.errors import GraphError
from orchestrator.model.dataset import Access, Dataset, DatasetKind
from orchestrator.model.facts import TaskFacts

_GLOB = re.compile(r"[*?\[]")


class Written:
    """Which dataset that a flow writes a name means.

    A name without catalog or schema means the only dataset written that has the same other parts.
    A path means the file, the files of a pattern, or the directory they stand in.

    Args:
        facts: All tasks of the flow.

    Raises:
        GraphError: A written name could be one of several datasets.

    Attributes:
        writers: For each dataset the tasks that write it, with the place of each.
    """

    def __init__(self, facts: Sequence[TaskFacts]) -> None:
        self._alias: dict[Dataset, Dataset] = {}
        self._by_name: dict[str, list[Dataset]] = defaultdict(list)
        self._paths: dict[Dataset, None] = {}
        self._folders: dict[Dataset, list[Dataset]] = defaultdict(list)
        self.writers: dict[Dataset, dict[str, Access]] = {}
        self._written = [(fact.key, access) for fact in facts for access in fact.writes]
        self._add_names(facts)
        for key, access in self._written:
            dataset = self._alias[normal(access.dataset)]
            self.writers.setdefault(dataset, {}).setdefault(key, access)

    def matching(self, access: Access) -> list[Dataset]:
        """The written datasets that a read or a drop means; empty for what comes from outside.

        Raises:
            GraphError: The name is not full, and several datasets fit it.
        """
        dataset = normal(access.dataset)
        if dataset in self._alias:
            return [self._alias[dataset]]
        if dataset.kind is not DatasetKind.TABLE:
            return list(self._matching_paths(dataset))
        near = self._by_name.get(dataset.name)
        fitting = [other for other in near if _fits(dataset, other)] if near else []
        if len(fitting) > 1:
            raise self._ambiguous(access, fitting)
        return fitting

    def _add_names(self, facts: Sequence[TaskFacts]) -> None:
        partial: list[Access] = []
        for _, access in self._written:
            dataset = normal(access.dataset)
            if dataset.kind is DatasetKind.TABLE and None in (dataset.catalog, dataset.schema):
                partial.append(replace(access, dataset=dataset))
            else:
                self._add(dataset)
        # The fuller name first, so that the shorter one finds it.
        for access in sorted(partial, key=lambda access: -_parts(access.dataset)):
            self._add_partial(access)
        self._check_readers(partial, facts)

    def _add(self, dataset: Dataset) -> None:
        if dataset in self._alias:
            return
        self._alias[dataset] = dataset
        if dataset.kind is DatasetKind.TABLE:
            self._by_name[dataset.name].append(dataset)
            return
        self._paths[dataset] = None
        for folder in _folders(dataset):
            self._folders[folder].append(dataset)

    def _add_partial(self, access: Access) -> None:
        dataset = access.dataset
        if dataset in self._alias:
            return
        fitting = [other for other in self._by_name[dataset.name] if _fits(dataset, other)]
        if len(fitting) > 1:
            raise self._ambiguous(access, fitting)
        if fitting:
            self._alias[dataset] = fitting[0]
        else:
            self._add(dataset)

    def _check_readers(self, partial: list[Access], facts: Sequence[TaskFacts]) -> None:
        """A short written name must not stand for two tables that others name in full."""
        short = {a.dataset: a for a in partial if self._alias[a.dataset] == a.dataset}
        if not short:
            return
        names = {dataset.name for dataset in short}
        read: dict[str, dict[Dataset, Access]] = defaultdict(dict)
        for fact in facts:
            for access in fact.reads:
                if access.dataset.name in names and access.dataset not in self._alias:
                    read[access.dataset.name].setdefault(access.dataset, access)
        for dataset, access in short.items():
            fuller = [d for d in read[dataset.name] if _fits(dataset, d) and not _short_of(d)]
            if len(fuller) > 1:
                raise _ambiguous(access, [f"{d}, {read[d.name][d].evidence}" for d in fuller])

    def _matching_paths(self, dataset: Dataset) -> Iterator[Dataset]:
        for folder in _folders(dataset):
            if folder in self._paths:
                yield folder
        yield from self._folders.get(dataset, ())
        if _GLOB.search(dataset.name):
            pattern = glob_pattern(dataset.name)
            for other in self._paths:
                if other.kind is dataset.kind and pattern.fullmatch(other.name):
                    yield other

    def _ambiguous(self, access: Access, fitting: Iterable[Dataset]) -> GraphError:
        places = []
        for dataset in fitting:
            key, writer = next(
                pair
                for pair in self._written
                if self._alias.get(normal(pair[1].dataset)) == dataset
            )
            places.append(f"{dataset}, written by {key} ({writer.evidence.place or 'declared'})")
        return _ambiguous(access, places)


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A shell pattern as a regular expression: ``*`` stays in a folder, ``**`` crosses folders.

    Example:
        >>> bool(glob_pattern("out/*.csv").fullmatch("out/a.csv"))
        True
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", glob)
    meaning = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(meaning.get(part) or _literal(part) for part in parts))


def _literal(part: str) -> str:
    if part.startswith("[") and part.endswith("]"):
        return part.replace("[!", "[^")
    return re.escape(part)


def _ambiguous(access: Access, candidates: list[str]) -> GraphError:
    listed = "\n".join(candidates)
    return GraphError(
        f"{access.dataset} could be any of {len(candidates)} tables:\n  "
        + listed.replace("\n", "\n  "),
        where=str(access.evidence),
        fix="write the name with its schema and catalog",
    )


def _parts(dataset: Dataset) -> int:
    return (dataset.catalog is not None) + (dataset.schema is not None)


def _short_of(dataset: Dataset) -> bool:
    return _parts(dataset) < 2


def _fits(first: Dataset, second: Dataset) -> bool:
    """Whether two names may mean one table: what both of them say is the same."""
    return _agree(first.catalog, second.catalog) and _agree(first.schema, second.schema)


def _agree(first: str | None, second: str | None) -> bool:
    return first is None or second is None or first == second


def normal(dataset: Dataset) -> Dataset:
    """A dataset under the shortest spelling of its path, if it is a local path."""
    if dataset.kind is not DatasetKind.FILE or "://" in dataset.name:
        return dataset
    name = posixpath.normpath(dataset.name.replace("\\", "/"))
    return dataset if name == dataset.name else replace(dataset, name=name)


def _folders(dataset: Dataset) -> Iterator[Dataset]:
    """The folders above a path, nearest first, down to the top one."""
    name = dataset.name.rstrip("/")
    while "/" in name:
        name = name.rpartition("/")[0]
        if name and not name.endswith(("/", ":")):
            yield Dataset(None, None, name, dataset.kind)
