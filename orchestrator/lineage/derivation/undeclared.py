"""What ran against what was derived: reads without an order, and writes that nobody derived."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.errors import GraphError
from orchestrator.lineage.dbt.reach import Reach
from orchestrator.lineage.derivation.remedies import reference, remedy, spelled
from orchestrator.lineage.derivation.written import Written, normal
from orchestrator.model.dataset import Access, Dataset, DatasetKind
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.executed import Executed, Touch
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph

_RAN = Evidence(Source.SQL, "ran")


class FindingKind(StrEnum):
    """What was done without a word."""

    READ = "read"  #: a dataset that another task writes, with no order between the two
    WRITE = "write"  #: a dataset that nobody derived the task to write


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a task did and that was not derived.

    Args:
        kind: Read or write.
        dataset: The dataset.
        tasks: Keys of the tasks that also touch it: those that write it, then those that read it.
        text: What happened, as one sentence without its subject.
        place: Where the statement stands, or empty.
        statement: Its first words.
        add: What to write so that it is declared.
        add_to: Where to write it.
    """

    kind: FindingKind
    dataset: str
    tasks: tuple[str, ...]
    text: str
    place: str
    statement: str
    add: str
    add_to: str

    def described(self) -> dict[str, Any]:
        """The finding as JSON keeps it."""
        return {**asdict(self), "kind": self.kind.value, "tasks": list(self.tasks)}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A finding before the line that declares all of its task's is known."""

    kind: FindingKind
    touch: Touch
    name: str
    text: str
    tasks: list[str]
    verbs: tuple[str, ...]
    reference: str | None = None


class Undeclared:
    """Compares what tasks of one flow did with what was derived for them.

    Args:
        facts: All tasks of the flow, by key, those that do not run this time too.
        graph: The order between them.
        root: The project's folder, which files are named relative to.

    Example:
        >>> from orchestrator.model.dataset import Namespace
        >>> raw = Dataset(None, "raw", "orders")
        >>> load = TaskFacts("load", "load", writes=(Access(raw, _RAN),))
        >>> facts = {"load": load, "report": TaskFacts("report", "report")}
        >>> ran = Executed(reads=(Touch(raw, Namespace()),))
        >>> Undeclared(facts, Graph(facts)).findings("report", ran)[0].text
        'reads raw.orders, which load writes, and nothing orders the two'
    """

    def __init__(
        self, facts: Mapping[str, TaskFacts], graph: Graph, root: Path | None = None
    ) -> None:
        self._facts, self._graph, self._root = facts, graph, root
        self._own: dict[str, Written] = {}

    def findings(self, key: str, executed: Executed) -> tuple[Finding, ...]:
        """Say what a task did that was not derived.

        Args:
            key: The task.
            executed: What it did.
        """
        seen = [*self._reads(key, executed.reads), *self._writes(key, executed.writes)]
        if not seen:
            return ()
        fact = self._facts[key]
        said: dict[str, list[Touch]] = {"reads": [], "writes": []}
        for each in seen:
            for verb in each.verbs if each.reference is None else ():
                said[verb].append(each.touch)
        add, add_to = remedy(fact, said, self._root)
        return tuple(
            Finding(
                each.kind, each.name, tuple(dict.fromkeys(each.tasks)), each.text,
                self._place(each.touch) or fact.path or "", each.touch.statement,
                each.reference or add, add_to if each.reference is None else fact.path or "",
            )
            for each in seen
        )  # fmt: skip

    def _place(self, touch: Touch) -> str:
        """Where a statement stands, as seen from the project."""
        inside = "" if self._root is None else os.path.join(self._root, "")
        return touch.place.removeprefix(inside)

    def _reads(self, key: str, reads: Iterable[Touch]) -> Iterator[_Seen]:
        for touch in reads:
            writers = [
                writer
                for dataset in self._matching(self._written, touch.dataset)
                for writer in self._written.writers[dataset]
                if writer != key and not self._reach.ordered(writer, key)
            ]
            if writers:
                name = spelled(touch.dataset, touch.namespace, self._root)
                who = self._names(writers)
                text = f"reads {name}, which {who} writes, and nothing orders the two"
                line = reference(self._facts[key], self._facts[writers[0]])
                yield _Seen(FindingKind.READ, touch, name, text, writers, ("reads",), line)

    def _writes(self, key: str, writes: Iterable[Touch]) -> Iterator[_Seen]:
        for touch in writes:
            if self._matching(self._own_writes(key), touch.dataset):
                continue
            name = spelled(touch.dataset, touch.namespace, self._root)
            writers, readers = self._others(key, touch.dataset)
            text = f"writes {name}, which was not derived"
            if writers:
                text += f"; {self._names(writers)} writes it too"
            if readers:
                text += f"; {self._names(readers)} reads it"
            # Who reads and writes a dataset comes after who only writes it: that orders the two.
            loose = any(not self._reach.ordered(writer, key) for writer in writers)
            verbs = ("reads", "writes") if loose else ("writes",)
            yield _Seen(FindingKind.WRITE, touch, name, text, [*writers, *readers], verbs)

    def _own_writes(self, key: str) -> Written:
        """What a task was derived to write, or to drop."""
        if key not in self._own:
            fact = self._facts[key]
            self._own[key] = Written([replace(fact, writes=(*fact.writes, *fact.drops))])
        return self._own[key]

    def _others(self, key: str, dataset: Dataset) -> tuple[list[str], list[str]]:
        """Tasks that are derived to write, or to read, what a task wrote unseen."""
        found = self._matching(self._written, dataset)
        writers = [w for d in found for w in self._written.writers[d] if w != key]
        self_made = Written([TaskFacts(key, key, writes=(Access(dataset, _RAN),))])
        readers = [
            fact.key
            for fact in self._facts.values()
            if fact.key != key and any(self_made.matching(access) for access in fact.reads)
        ]
        return writers, readers

    def _matching(self, written: Written, dataset: Dataset) -> list[Dataset]:
        for spelling in _spellings(dataset, self._root):
            try:
                found = written.matching(Access(spelling, _RAN))
            except GraphError:  # too short a name to say which; the plan refused none that counts
                found = []
            if found:
                return found
        return []

    def _names(self, keys: Iterable[str]) -> str:
        return " and ".join(dict.fromkeys(self._facts[key].name for key in keys))

    @cached_property
    def _written(self) -> Written:
        return Written(list(self._facts.values()))

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._graph)


def _spellings(dataset: Dataset, root: Path | None) -> Iterator[Dataset]:
    """A file under the names that it may have: as it stands, from the project, in full."""
    dataset = normal(dataset)
    yield dataset
    if dataset.kind is DatasetKind.FILE and root is not None and "://" not in dataset.name:
        full = os.path.join(root, dataset.name)
        yield replace(dataset, name=os.path.relpath(full, root))
        yield replace(dataset, name=full)
