"""Datasets as a graph: which feed which, through which task, and where that is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.model.dataset import Dataset
from orchestrator.model.evidence import Evidence

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan
    from orchestrator.model.facts import TaskFacts


@dataclass(frozen=True, slots=True)
class Step:
    """One dataset feeds another, or is read by a task that writes none.

    Args:
        task: What makes the step.
        reads: What it reads; None for the first of all, a task that reads nothing.
        writes: What it writes; None for the last of all, a task that writes nothing.
        evidence: Where the read is said; of the write where nothing is read.
    """

    task: TaskFacts
    reads: Dataset | None
    writes: Dataset | None
    evidence: Evidence | None


class DatasetGraph:
    """Every step between datasets in a plan, or in several.

    A dbt model that reads another through ``ref`` reads what the other writes, also where only
    the manifest says so.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.flow = "" if plan is None else plan.flow
        self.up: dict[Dataset, list[Step]] = {}
        self.down: dict[Dataset, list[Step]] = {}
        if plan is not None:
            self.add(plan)

    def add(self, plan: Plan, without: Collection[str] = ()) -> None:
        """Add the steps of a plan.

        Args:
            plan: The plan.
            without: Keys of tasks to leave out.
        """
        for task in plan.facts.values():
            if task.key in without:
                continue
            for step in _steps(plan, task):
                if step.writes is not None:
                    self.up.setdefault(step.writes, []).append(step)
                if step.reads is not None:
                    self.down.setdefault(step.reads, []).append(step)

    @property
    def datasets(self) -> list[Dataset]:
        """All datasets that are read or written."""
        return list(dict.fromkeys([*self.up, *self.down]))

    def reach(self, dataset: Dataset, *, up: bool) -> Iterator[Step]:
        """Yield every step before or after a dataset, nearest first, each once."""
        steps, seen = (self.up if up else self.down), {dataset}
        queue = [dataset]
        for current in queue:
            for step in steps.get(current, ()):
                yield step
                further = step.reads if up else step.writes
                if further is not None and further not in seen:
                    seen.add(further)
                    queue.append(further)

    def shape(self, dataset: Dataset, up: bool, down: bool) -> dict[str, Any]:
        """``flow``, ``dataset``, ``up``, ``down``: steps of ``reads``, ``writes``, ``task``, ``evidence``."""
        return {
            "flow": self.flow,
            "dataset": dataset,
            **({"up": [_shape(s) for s in self.reach(dataset, up=True)]} if up else {}),
            **({"down": [_shape(s) for s in self.reach(dataset, up=False)]} if down else {}),
        }


def _steps(plan: Plan, task: TaskFacts) -> Iterator[Step]:
    reads = _reads(plan, task)
    for target in task.writes or (None,):
        into = target.dataset if target else None
        for source, evidence in reads.items():
            if source != into:
                yield Step(task, source, into, evidence)
        if target and not (reads.keys() - {into}):
            yield Step(task, None, into, target.evidence)


def _reads(plan: Plan, task: TaskFacts) -> dict[Dataset, Evidence | None]:
    reads: dict[Dataset, Evidence | None] = {}
    for access in task.reads:
        reads.setdefault(access.dataset, access.evidence)
    for key, evidence in task.upstream:
        before = plan.facts.get(key)
        if before is not None and task.key.split(".")[0] in _READERS and key.split(".")[0] in _MADE:
            for access in before.writes:
                reads.setdefault(access.dataset, evidence)
    return reads


#: Of dbt's nodes, those whose order in the manifest is a read.
_READERS = frozenset({"model", "snapshot", "test", "unit_test"})
_MADE = frozenset({"model", "snapshot", "seed"})


def _shape(step: Step) -> dict[str, Any]:
    return {
        "reads": step.reads,
        "writes": step.writes,
        "task": step.task.key,
        "evidence": step.evidence,
    }
