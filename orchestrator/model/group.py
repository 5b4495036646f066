"""Task groups: one task in a flow that stands for many, made out when the flow is planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.model.code import Code
from orchestrator.model.facts import TaskFacts
from orchestrator.model.task import Task

if TYPE_CHECKING:
    from orchestrator.model.planning import Planning


@dataclass(frozen=True, slots=True)
class Member:
    """One concrete task of a group, with the facts its group knows already.

    Args:
        task: What runs; None for what can be named in a selection though it does not run.
        facts: What the planner knows of it.
        affinity: The one process it must run in, if any.
    """

    task: Task | None
    facts: TaskFacts
    affinity: str | None = None


class TaskGroup(Task):
    """A task that stands for many: it expands into concrete tasks when the flow is planned."""

    #: Whether texts of other tasks name what it makes, as ``ref()`` does: it is expanded first.
    is_referred_to = False

    def slots(self, planning: Planning) -> int | None:
        """Return how many of the group's tasks should run at the same time, if it has a say."""
        return None

    def prepare(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Return work to do once, where the group's tasks will run, before planning; or None."""
        return None

    def ahead(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Return what to begin in every process beside :meth:`prepare`, or None.

        It must return at once.
        """
        return None

    def warm(self, key: str, planning: Planning, prepared: Any) -> Callable[[], Any] | None:
        """Return what to begin in every process once :meth:`prepare` was done, or None.

        It must return at once; the run goes on beside it.
        """
        return None

    def release(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Return what leaves nothing open when the run has ended, however it ended; or None."""
        return None

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        """Return the concrete tasks.

        Args:
            key: The group's key in the flow.
            planning: Project root, warehouses and the like.
            prepared: What the work of :meth:`prepare` returned; None if it was not done.
        """
        raise NotImplementedError

    def codes(self, members: Mapping[str, Task], planning: Planning) -> Mapping[str, Code]:
        """Return what is known of the columns that its tasks write.

        Args:
            members: The group's tasks by key.
            planning: Project root, warehouses and the like.
        """
        found = ((key, member.code(planning)) for key, member in members.items())
        return {key: code for key, code in found if code is not None}

    def artifacts(self, planning: Planning) -> Sequence[Path]:
        """Return files of dbt that describe what its tasks write: manifest, catalog, sources.

        Args:
            planning: Project root, warehouses and the like.
        """
        return ()

    def settle(
        self, members: Sequence[Member], upstream: Callable[[str], Sequence[TaskFacts]]
    ) -> Sequence[Member]:
        """Return the members as they will run, once the whole graph is known.

        Args:
            members: Those that were selected.
            upstream: Gives, by a member's key, the facts of what it directly waits for.
        """
        return members
