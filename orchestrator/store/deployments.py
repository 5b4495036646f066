"""Deployments: flows at a version, kept for good, and which of them is the current one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator import instants

#: How a run of a deployment is launched where nothing else is said: as a process of its own.
PROCESS: Mapping[str, Any] = {"kind": "process"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A flow at a version, with its schedules and defaults; never changed once it is kept.

    Args:
        id: Unique in the store; :func:`~orchestrator.store.records.new_run_id` makes one.
        project: The project.
        flow: Name of the flow.
        version: Hash of the project's code, 12 hexadecimal digits.
        source: Folder its runs take the code from.
        number: 1, 2, 3, … of its flow; the store gives it.
        commit: The git commit, where there is one.
        schedules: JSON objects of :meth:`orchestrator.schedule.Schedule.to_dict`, each with a
            ``name`` that no other of them has.
        parameters: JSON object of defaults that stand in for those of the flow.
        labels: Which agents may take its runs: those that have all of them.
        executor: Name of the executor; None leaves it to the flow.
        environment: JSON object: ``kind`` (``process``, ``docker``, …) and what that takes.
        created: When (aware).
        created_by: Who deployed it.

    Example:
        >>> Deployment("d1", "shop", "nightly", "0a1b2c3d4e5f", "/srv/shop").number
        0
    """

    id: str
    project: str
    flow: str
    version: str
    source: str
    number: int = 0
    commit: str | None = None
    schedules: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    executor: str | None = None
    environment: Mapping[str, Any] = field(default_factory=lambda: PROCESS)
    created: datetime = field(default_factory=lambda: instants.now())
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class DeployedFlow:
    """A flow that was deployed: which deployment is current, and whether it runs by itself.

    Args:
        project: The project.
        flow: Name of the flow.
        deployment_id: The current deployment.
        number: Its number.
        paused: Whether none of its schedules makes runs.
        deleted: Whether it was deleted; its deployments stay, for the runs that name them.
    """

    project: str
    flow: str
    deployment_id: str
    number: int
    paused: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Audited:
    """Something that somebody did to a deployed flow.

    Args:
        id: Grows with time.
        project: The project.
        flow: Name of the flow.
        action: ``deploy``, ``rollback``, ``pause``, ``resume`` or ``delete``.
        by: Who did it.
        at: When.
        data: JSON object: ``number`` and ``version``, or ``schedule``, as the action has it.
    """

    id: int
    project: str
    flow: str
    action: str
    by: str
    at: datetime
    data: Mapping[str, Any]


def schedule_id(project: str, flow: str, name: str) -> str:
    """Return what names a schedule, whatever version of its flow is deployed.

    Example:
        >>> schedule_id("shop", "nightly", "main")
        'shop/nightly/main'
    """
    return f"{project}/{flow}/{name}"


class DeploymentStore(ABC):
    """What a run store promises of deployments. The newest is current until it is rolled back."""

    @abstractmethod
    def deploy(self, deployment: Deployment) -> Deployment:
        """Keep a deployment, give it its number, and make it the current one.

        Its schedules begin to count from its ``created``; one that the deployment before it had
        under the same name goes on where it stands, paused or not. If the current deployment says
        the same (version, schedules, parameters, labels, executor, environment), nothing changes.
        A deleted flow is there again.

        Returns:
            The deployment that is current now: this one with its number, or the one that was.

        Raises:
            StoreError: A value is not JSON, a schedule has no name of its own, or the id is taken.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> store = MemoryStore()
            >>> store.deploy(Deployment("d1", "shop", "nightly", "aa", "/srv/shop")).number
            1
            >>> store.deploy(Deployment("d2", "shop", "nightly", "aa", "/srv/shop")).id
            'd1'
            >>> store.deploy(Deployment("d3", "shop", "nightly", "bb", "/srv/shop")).number
            2
        """

    @abstractmethod
    def deployment(self, deployment_id: str) -> Deployment:
        """Return a deployment by its whole id.

        Raises:
            NotFoundError: There is none.
        """

    @abstractmethod
    def deployments(
        self,
        project: str | None = None,
        flow: str | None = None,
        *,
        ids: Collection[str] | None = None,
    ) -> tuple[Deployment, ...]:
        """Return deployments by project and flow, the newest of each flow first.

        Args:
            project: Only of this project.
            flow: Only of this flow.
            ids: Only these.
        """

    @abstractmethod
    def previous(self, ids: Collection[str]) -> Mapping[str, Deployment]:
        """Return the deployments with the number before these, by the ids of these.

        Args:
            ids: Deployments; of those that are the first of their flow nothing comes back.
        """

    @abstractmethod
    def deployed(self, project: str | None = None) -> tuple[DeployedFlow, ...]:
        """Return the deployed flows by project and name, those paused and deleted as well."""

    @abstractmethod
    def current(self, project: str, flow: str) -> Deployment:
        """Return a flow's current deployment.

        Raises:
            NotFoundError: The flow is not deployed, or was deleted.
        """

    @abstractmethod
    def rollback(self, project: str, flow: str, number: int, *, by: str = "") -> Deployment:
        """Make an older (or newer) deployment of a flow the current one, and return it.

        Schedules that only this one has count from now.

        Raises:
            NotFoundError: The flow is not deployed, or has no such number.
        """

    @abstractmethod
    def pause(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        """Let a flow, or one of its schedules, make no runs until it is resumed.

        Args:
            project: The project.
            flow: Name of the flow.
            schedule: Name of one schedule; None for all of the flow.
            by: Who says so.

        Raises:
            NotFoundError: The flow is not deployed, or has no such schedule.
        """

    @abstractmethod
    def resume(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        """Undo :meth:`pause`, with its arguments and errors; marks of schedules stay as they are."""

    @abstractmethod
    def delete(self, project: str, flow: str, *, by: str = "") -> None:
        """Take a flow out of service; its deployments stay, for the runs that name them.

        Raises:
            NotFoundError: The flow is not deployed, or was deleted.
        """

    @abstractmethod
    def audit(
        self, project: str | None = None, flow: str | None = None, *, limit: int = 100
    ) -> tuple[Audited, ...]:
        """Return what people did to deployed flows, the newest first."""
