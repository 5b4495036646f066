"""What feeds a dataset or one of its columns, and what it feeds, as far as is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orchestrator.errors import NotFoundError
from orchestrator.lineage.tracing.graph import STAR, ColumnStep, How, same
from orchestrator.model.code import Column
from orchestrator.model.dataset import Dataset
from orchestrator.model.evidence import Evidence
from orchestrator.service.catalogue.columns import resolve_column
from orchestrator.service.catalogue.entries import Catalogue
from orchestrator.service.catalogue.resolving import resolve_dataset

MOST = 5000  #: edges of one answer
#: A query that hands all columns on.
_STAR = re.compile(r"(select )?([\w$]+\.)?\*( from [\w$.]+)?")
#: A dataset, and a column of it or None for all of it.
End = tuple[Dataset, str | None]


@dataclass(slots=True)
class Link:
    """One dataset, or column, goes into another.

    Args:
        source: What is read.
        target: What is written.
        task: Key of the task that does it.
        kind: How: ``table``; of columns ``identity`` (handed on as it is, where the SQL plainly says
            so), ``value``, ``rows``, ``any``, ``unresolved``, ``unknown``.
        evidence: Where that is written.
        notes: What cannot be told of it.
    """

    source: End
    target: End
    task: str
    kind: str
    evidence: list[Evidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Lineage:
    """What was found.

    Args:
        dataset: The dataset that was asked for.
        column: The column, as it is written there.
        links: In order of distance.
        unknown: Of what the columns are not known, and why.
        is_cut: Whether there is more than was asked for, or than one answer holds.
    """

    dataset: Dataset
    column: str | None = None
    links: list[Link] = field(default_factory=list)
    unknown: dict[Dataset, str] = field(default_factory=dict)
    is_cut: bool = False

    def columns(self) -> dict[Dataset, list[str]]:
        """Every dataset that was reached, with those of its columns that take part."""
        found: dict[Dataset, dict[str, None]] = {self.dataset: {}}
        ends = (end for link in self.links for end in (link.source, link.target))
        for dataset, column in ((self.dataset, self.column), *ends):
            names = found.setdefault(dataset, {})
            if column is not None:
                names[column] = None
        return {dataset: list(names) for dataset, names in found.items()}


def lineage_of(
    catalogue: Catalogue, name: str, column: str | None, ways: Iterable[bool], depth: int
) -> Lineage:
    """Trace a dataset, or one column of it.

    Args:
        catalogue: Where.
        name: The dataset: its whole name, or the end of it.
        column: The column; None for the dataset as a whole.
        ways: True for what feeds it, False for what it feeds.
        depth: So many steps at most.

    Raises:
        NotFoundError: There is no such dataset or column.
    """
    dataset = resolve_dataset(catalogue, name)
    if column is None:
        found = Lineage(dataset)
        for up in ways:
            _walk_datasets(catalogue, found, up, depth)
        return found
    found = Lineage(dataset, _column(catalogue, dataset, column))
    for up in ways:
        _walk_columns(catalogue, found, up, depth)
    for reached in found.columns():
        entry = catalogue.entries.get(reached)
        if entry is not None and entry.unknown:
            found.unknown.setdefault(reached, entry.unknown)
    return found


def _column(catalogue: Catalogue, dataset: Dataset, name: str) -> str:
    """The column as it is written, in the first flow that knows it."""
    first: NotFoundError | None = None
    for graph in catalogue.columns:
        try:
            return resolve_column(graph, dataset, name)[1]
        except NotFoundError as error:
            # Who knows columns of the dataset knows better what is wrong.
            first = error if first is None or dataset in graph.columns else first
    entry = catalogue.entries[dataset]
    for known in entry.columns:
        if known.casefold() == name.casefold():
            return known
    raise first or NotFoundError(
        f"the columns of {dataset} are not known yet", fix="ask again in a while"
    )


def _walk_datasets(catalogue: Catalogue, found: Lineage, up: bool, depth: int) -> None:
    steps = catalogue.graph.up if up else catalogue.graph.down
    links: dict[tuple[object, ...], Link] = {}
    level, seen = [found.dataset], {found.dataset}
    for _ in range(depth):
        further: list[Dataset] = []
        for dataset in level:
            for step in steps.get(dataset, ()):
                if step.reads is None or step.writes is None:
                    continue
                key = (step.reads, step.writes, step.task.key)
                link = links.get(key)
                if link is None:
                    if len(found.links) + len(links) >= MOST:
                        found.is_cut = True
                        break
                    link = Link((step.reads, None), (step.writes, None), step.task.key, "table")
                    links[key] = link
                    if step.task.lineage_unknown:
                        found.unknown.setdefault(step.writes, step.task.lineage_unknown)
                if step.evidence is not None and step.evidence not in link.evidence:
                    link.evidence.append(step.evidence)
                other = step.reads if up else step.writes
                if other not in seen:
                    seen.add(other)
                    further.append(other)
        level = further
    found.links += links.values()
    found.is_cut |= any(
        step.reads is not None and step.writes is not None
        for dataset in level
        for step in steps.get(dataset, ())
    )


def _walk_columns(catalogue: Catalogue, found: Lineage, up: bool, depth: int) -> None:
    assert found.column is not None
    links: dict[tuple[object, ...], Link] = {}
    start: Column = (found.dataset, found.column)
    level, seen = [start], {same(start)}
    for _ in range(depth):
        further: list[Column] = []
        for column in level:
            for key, link, other in _steps(catalogue, found, column, up):
                known = links.get(key)
                if known is None:
                    if len(found.links) + len(links) >= MOST:
                        found.is_cut = True
                        break
                    links[key] = link
                else:
                    known.evidence += [e for e in link.evidence if e not in known.evidence]
                if other is not None and same(other) not in seen:
                    seen.add(same(other))
                    further.append(other)
        level = further
    found.links += links.values()
    found.is_cut |= any(True for column in level for _ in _steps(catalogue, found, column, up))


def _steps(
    catalogue: Catalogue, found: Lineage, column: Column, up: bool
) -> Iterator[tuple[tuple[object, ...], Link, Column | None]]:
    """The steps next to a column, and where each leads, if it can be followed."""
    for graph in catalogue.columns:
        for step in graph.steps(column, up=up):
            if step.note:
                ends = step.target or step.source
                if ends is not None:
                    found.unknown.setdefault(ends[0], step.note)
            if step.source is None or step.target is None:
                continue
            kind = "identity" if _is_handed_on(step) else step.how.value
            key = (same(step.source), same(step.target), step.task.key, kind)
            notes = [step.note] if step.note else []
            link = Link(
                _end(step.source), _end(step.target), step.task.key, kind,
                [step.evidence], notes,
            )  # fmt: skip
            yield key, link, step.other_end(up=up) if step.goes_on else None


def _end(column: Column) -> End:
    return column[0], None if column[1] == STAR else column[1]


def _is_handed_on(step: ColumnStep) -> bool:
    """Whether the place says ``column as name`` or a star, and no more."""
    if step.how is not How.VALUE or step.source is None or step.target is None:
        return False
    text = step.evidence.text.replace('"', "").casefold()
    source, target = step.source[1].casefold(), step.target[1].casefold()
    if source == target and _STAR.fullmatch(text):
        return True
    # A line without an alias may go on in the next one.
    name, _, alias = text.partition(" as ")
    return alias.strip() == target and name.strip().rpartition(".")[2] == source
