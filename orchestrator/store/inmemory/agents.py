"""Agents in memory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.store import keeping, rows
from orchestrator.store.agents import AgentRecord, AgentStore
from orchestrator.store.inmemory.shared import MemoryRuns
from orchestrator.store.records import FlowRun
from orchestrator.store.rows import Row


class MemoryAgents(MemoryRuns, AgentStore):
    """Agents by id, and the runs they claim."""

    def __init__(self) -> None:
        super().__init__()
        self._agents: dict[str, Row] = {}

    def enlist(self, agent: AgentRecord) -> None:
        row = keeping.agent_row(agent)
        with self._lock:
            self._agents[row["id"]] = row

    def beat(self, agent_id: str, at: datetime) -> bool:
        with self._lock:
            row = self._agents.get(agent_id)
            if row is not None:
                row["heartbeat"] = rows.micros(at)
            return row is not None

    def agents(self) -> tuple[AgentRecord, ...]:
        with self._lock:
            found = sorted(
                self._agents.values(), key=lambda row: (row["name"], row["started"], row["id"])
            )
        return tuple(map(keeping.agent, found))

    def lost_agents(self, before: datetime) -> tuple[AgentRecord, ...]:
        return tuple(agent for agent in self.agents() if agent.heartbeat < before)

    def dismiss(self, agent_id: str) -> bool:
        with self._lock:
            return self._agents.pop(agent_id, None) is not None

    def claim(
        self,
        agent_id: str,
        labels: Collection[str],
        until: datetime,
        *,
        now: datetime | None = None,
    ) -> FlowRun | None:
        at = rows.micros(now or instants.now()) or 0
        with self._lock:
            free = [kept for kept in self._kept.values() if self._is_free(kept.run, labels, at)]
            if not free:
                return None
            kept = min(free, key=lambda kept: _turn(kept.run))
            fence = kept.run["fence"] + 1
            kept.run.update(agent=agent_id, lease_expires=rows.micros(until), fence=fence)
            self._happened(kept, "claimed", {"agent": agent_id, "fence": fence})
            return rows.flow_run(kept.run)

    def unclaim(self, run_id: str, fence: int) -> bool:
        with self._lock:
            kept = self._of(run_id)
            run = kept.run
            claimed = run["lease_expires"] is not None and run["state"] == StateType.PENDING
            if not claimed or run["fence"] != fence or run["started"] is not None:
                return False
            self._happened(kept, "unclaimed", {"agent": run["agent"], "fence": fence + 1})
            run.update(agent=None, lease_expires=None, fence=fence + 1)
            return True

    def _is_free(self, run: Row, labels: Collection[str], at: int) -> bool:
        if not self._is_unclaimed(run["id"]):
            return False
        if run["due"] is not None and run["due"] > at:
            return False
        before = self._kept.get(run["waits_for"])
        done = before is None or before.run["finished"] is not None
        return done and keeping.takes(run["labels"], labels)


def _turn(run: Row) -> tuple[int, int, str]:
    due = run["created"] if run["due"] is None else run["due"]
    return due, run["created"], run["id"]
