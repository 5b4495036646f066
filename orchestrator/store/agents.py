"""Agents in the run store: who is there, and which of them launches which run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator import instants
from orchestrator.store.records import FlowRun


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """An agent that has said it is there.

    Args:
        id: Unique; another one after each start.
        name: What people call it.
        labels: The runs it takes need no others.
        host: Its machine.
        pid: Its process.
        started: When it came (aware).
        heartbeat: When it was last heard of (aware).
        version: Version of the program it runs.
        packages: Versions of what its runs depend on, by name: ``python``, ``dbt-core``, ….
    """

    id: str
    name: str
    labels: tuple[str, ...] = ()
    host: str = ""
    pid: int | None = None
    started: datetime = field(default_factory=lambda: instants.now())
    heartbeat: datetime = field(default_factory=lambda: instants.now())
    version: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)


class AgentStore(ABC):
    """What a run store promises of agents: a run is claimed by one of them."""

    @abstractmethod
    def enlist(self, agent: AgentRecord) -> None:
        """Write an agent down; one of that id is replaced."""

    @abstractmethod
    def beat(self, agent_id: str, at: datetime) -> bool:
        """Note that an agent is alive.

        Returns:
            False if it is not written down: it was believed lost, and has to enlist again.
        """

    @abstractmethod
    def agents(self) -> tuple[AgentRecord, ...]:
        """Return the agents, by name and then by when they came."""

    @abstractmethod
    def lost_agents(self, before: datetime) -> tuple[AgentRecord, ...]:
        """Return the agents last heard of before an instant."""

    @abstractmethod
    def dismiss(self, agent_id: str) -> bool:
        """Strike an agent out; False if it was not there. Its runs live on by their own leases."""

    @abstractmethod
    def claim(
        self,
        agent_id: str,
        labels: Collection[str],
        until: datetime,
        *,
        now: datetime | None = None,
    ) -> FlowRun | None:
        """Give the caller the run that is due longest and needs no label it lacks, or None.

        A run is to be had while it is ``Pending`` without a lease, its ``due`` has come, and the
        run it ``waits_for`` is finished (or gone). Of several callers one gets it: its ``agent``,
        lease and host are the caller's, and its fence grows.

        Args:
            agent_id: Who claims.
            labels: What the caller has.
            until: End of its lease; :meth:`heartbeat` with the run's fence prolongs it.
            now: What counts as now (aware).

        Example:
            >>> from datetime import timedelta
            >>> from orchestrator.store.memory import MemoryStore
            >>> store, soon = MemoryStore(), instants.now() + timedelta(seconds=30)
            >>> run_id = store.create_run(FlowRun("a1", "nightly", labels=("gpu",)))
            >>> store.claim("agent", [], soon)
            >>> store.claim("agent", ["gpu", "big"], soon).agent
            'agent'
        """

    @abstractmethod
    def unclaim(self, run_id: str, fence: int) -> bool:
        """Put a claimed run that has not begun back for any agent, and refuse its old one.

        Args:
            run_id: The whole id.
            fence: The fence the caller saw.

        Returns:
            False when the run has begun, was put back or was taken over meanwhile.
        """
