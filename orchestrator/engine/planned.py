"""Planned tasks: what a plan knows of each, and what stands in their arguments for results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.model.binding import Argument, Promise
from orchestrator.model.facts import TaskFacts
from orchestrator.model.task import Task


@dataclass(frozen=True, slots=True)
class Ref(Promise):
    """Stands in an argument for the result of a planned task."""

    key: str


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task of a plan.

    Args:
        key: Unique in the plan.
        task: What runs.
        facts: What the planner knows of it.
        affinity: The one process it must run in, if any.
        arguments: With :class:`Ref` for results of other tasks, parameters filled in.
        mapped: Whether it runs once for each element of its mapped arguments.
        group: Key of the group it was expanded from.
        reason: Why it is part of the plan.
        cluster: Name of the cluster it asks for; None leaves it to the run.
    """

    key: str
    task: Task
    facts: TaskFacts
    affinity: str | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    mapped: bool = False
    group: str | None = None
    reason: str = ""
    cluster: str | None = None

    @property
    def lane(self) -> tuple[str | None, str | None]:
        """Where it runs: the cluster, and there the one process, as far as these are fixed."""
        return self.cluster, self.affinity

    def because(self, reason: str) -> PlannedTask:
        """The same task with the reason why it is part of the plan."""
        return PlannedTask(
            self.key, self.task, self.facts, self.affinity, self.arguments, self.mapped, self.group,
            reason, self.cluster,
        )  # fmt: skip

    def needs(self) -> Iterator[str]:
        """Keys of the tasks whose results it takes."""
        for argument in self.arguments.values():
            if argument.passed:
                yield from (ref.key for ref in argument.tasks())
