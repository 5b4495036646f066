"""The columns of a flow as a graph: which feed which, through which task, and where that is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.lineage.tracing.known import Columns
from orchestrator.model.code import Column
from orchestrator.model.dataset import Dataset
from orchestrator.model.evidence import Evidence
from orchestrator.model.facts import TaskFacts

STAR = "*"


class How(StrEnum):
    """In which way one column depends on another."""

    VALUE = "value"  #: its value goes into it
    ROWS = "rows"  #: the rows are counted, whatever the columns hold
    UNRESOLVED = "unresolved"  #: a name that may belong to more than one table
    ANY = "any"  #: the task names the column it writes, and not what goes into it
    UNKNOWN = "unknown"  #: nothing is known of the columns that the task writes


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """One column feeds another, through one task.

    Args:
        task: What makes the step.
        source: What is read, ``*`` for any column; None where no column goes into the target.
        target: What is written; None for a task that writes no dataset.
        how: In which way.
        evidence: Where it is written.
        note: What cannot be told, and why.
    """

    task: TaskFacts
    source: Column | None
    target: Column | None
    how: How
    evidence: Evidence
    note: str = ""

    def other_end(self, *, up: bool) -> Column | None:
        """The source, or the target."""
        return self.source if up else self.target

    @property
    def goes_on(self) -> bool:
        """Whether it leads to a column that can be followed further."""
        return self.how not in (How.UNKNOWN, How.ROWS, How.UNRESOLVED)


class ColumnGraph:
    """Every step between columns of a flow.

    Args:
        flow: The flow's name.
        steps: The steps.
        columns: What is known of the columns of each dataset.
        notes: What could not be looked up, each in one sentence.
    """

    def __init__(
        self,
        flow: str,
        steps: Iterable[ColumnStep],
        columns: Mapping[Dataset, Columns],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.flow, self.columns, self.notes = flow, columns, notes
        self._up: dict[Dataset, dict[str, list[ColumnStep]]] = {}
        self._down: dict[Dataset, dict[str, list[ColumnStep]]] = {}
        for step in dict.fromkeys(_Same(step) for step in steps):
            for index, end in ((self._up, step.it.target), (self._down, step.it.source)):
                if end is not None:
                    by_name = index.setdefault(end[0], {})
                    by_name.setdefault(end[1].casefold(), []).append(step.it)

    def __iter__(self) -> Iterator[ColumnStep]:
        """Every step, once."""
        for index, ends in ((self._up, False), (self._down, True)):
            for by_name in index.values():
                for steps in by_name.values():
                    yield from (step for step in steps if not ends or step.target is None)

    def steps(self, column: Column, *, up: bool) -> list[ColumnStep]:
        """The steps that lead to a column, or from it; ``*`` asks for any column of the dataset."""
        dataset, name = column
        by_name = (self._up if up else self._down).get(dataset, {})
        if name == STAR:
            return _loosened(step for steps in by_name.values() for step in steps)
        exact = by_name.get(name.casefold(), [])
        by_star = by_name.get(STAR, [])
        if up:
            certain = {step.task.key for step in exact}
            more = [_through(s, column) for s in by_star if s.task.key not in certain]
        else:
            more = [
                _through(s, column)
                for s in by_star
                if s.how is not How.ROWS and self._holds(s, name)
            ]
        return _distinct([*exact, *more])

    def reach(self, column: Column, *, up: bool) -> Iterator[ColumnStep]:
        """Yield every step before or after a column, nearest first, each once."""
        queue, seen = [column], {same(column)}
        for current in queue:
            for step in self.steps(current, up=up):
                yield step
                further = step.other_end(up=up)
                if further is not None and step.goes_on and same(further) not in seen:
                    seen.add(same(further))
                    queue.append(further)

    def _holds(self, step: ColumnStep, name: str) -> bool:
        """Whether a column can pass through a step from star to star."""
        if step.target is None or step.target[1] != STAR:
            return True
        columns = self.columns.get(step.target[0], Columns())
        return columns.is_open or name in columns


def same(column: Column) -> tuple[Dataset, str]:
    """A column in the form it is compared in."""
    return column[0], column[1].casefold()


class _Same:
    """A step that equals another between the same columns, by the same task at the same place."""

    __slots__ = ("it", "key")

    def __init__(self, it: ColumnStep) -> None:
        self.it = it
        ends = (it.source and same(it.source), it.target and same(it.target))
        self.key = (it.task.key, ends, it.how, it.evidence.place, it.note)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _distinct(steps: Iterable[ColumnStep]) -> list[ColumnStep]:
    return [found.it for found in dict.fromkeys(_Same(step) for step in steps)]


def _through(step: ColumnStep, column: Column) -> ColumnStep:
    """A step between stars, for one column that passes through it."""
    if step.how is not How.VALUE:
        return step
    name = column[1]
    source, target = step.source, step.target
    if source is not None and source[1] == STAR and (target is None or target[1] == STAR):
        source = (source[0], name)
    if target is not None and target[1] == STAR:
        target = (target[0], name)
    return replace(step, source=source, target=target)


def _loosened(steps: Iterable[ColumnStep]) -> list[ColumnStep]:
    """Steps between any columns of their datasets: for each task the first place stands for all."""
    found: dict[object, ColumnStep] = {}
    for step in steps:
        source, target = (end and (end[0], STAR) for end in (step.source, step.target))
        key = (step.task.key, source, target, step.how, step.note)
        found.setdefault(key, replace(step, source=source, target=target))
    return list(found.values())
