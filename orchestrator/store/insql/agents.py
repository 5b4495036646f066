"""Agents in a SQL database: a run is claimed by a compare-and-set that one of them wins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, literal_column, or_, select, update

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.store import keeping, rows
from orchestrator.store.agents import AgentRecord, AgentStore
from orchestrator.store.insql.shared import SqlRuns
from orchestrator.store.lookup import no_such_run
from orchestrator.store.records import FlowRun
from orchestrator.store.rows import Row
from orchestrator.store.tables import agents, flow_runs


class SqlAgents(SqlRuns, AgentStore):
    """Agents by id, and the runs they claim."""

    def enlist(self, agent: AgentRecord) -> None:
        row = keeping.agent_row(agent)
        with self._write() as connection:
            connection.execute(delete(agents).where(agents.c.id == row["id"]))
            connection.execute(insert(agents), row)

    def beat(self, agent_id: str, at: datetime) -> bool:
        with self._write() as connection:
            beat = update(agents).where(agents.c.id == agent_id)
            return connection.execute(beat.values(heartbeat=rows.micros(at))).rowcount == 1

    def agents(self) -> tuple[AgentRecord, ...]:
        return self._agents(select(agents))

    def lost_agents(self, before: datetime) -> tuple[AgentRecord, ...]:
        return self._agents(select(agents).where(agents.c.heartbeat < rows.micros(before)))

    def dismiss(self, agent_id: str) -> bool:
        with self._write() as connection:
            return connection.execute(delete(agents).where(agents.c.id == agent_id)).rowcount == 1

    def claim(
        self,
        agent_id: str,
        labels: Collection[str],
        until: datetime,
        *,
        now: datetime | None = None,
    ) -> FlowRun | None:
        at = rows.micros(now or instants.now()) or 0
        # Most polls find nothing: they only read.
        wanted = [
            row["labels"]
            for row in self._read(_free(select(flow_runs.c.labels).distinct(), at))
            if keeping.takes(row["labels"], labels)
        ]
        if not wanted:
            return None
        with self._write() as connection:
            row = _next_free(connection, wanted, at)
            if row is None:
                return None
            values = {
                "agent": rows.clean(agent_id),
                "lease_expires": rows.micros(until),
                "fence": row["fence"] + 1,
            }
            connection.execute(update(flow_runs).where(flow_runs.c.id == row["id"]), values)
            data = {"agent": agent_id, "fence": row["fence"] + 1}
            self._add_event(connection, row["id"], "claimed", data)
        return rows.flow_run(row | values)

    def unclaim(self, run_id: str, fence: int) -> bool:
        run = flow_runs.c
        with self._write() as connection:
            found = connection.execute(
                select(run.agent).where(run.id == run_id).with_for_update()
            ).first()
            if found is None:
                raise no_such_run(run_id, self._where)
            back = update(flow_runs).where(
                run.id == run_id,
                run.fence == fence,
                run.state == StateType.PENDING.value,
                run.started.is_(None),
                run.lease_expires.is_not(None),
            )
            values = {"agent": None, "lease_expires": None, "fence": fence + 1}
            if connection.execute(back, values).rowcount == 0:
                return False
            data = {"agent": found.agent, "fence": fence + 1}
            self._add_event(connection, run_id, "unclaimed", data)
        return True

    def _agents(self, query: Select[Any]) -> tuple[AgentRecord, ...]:
        ordered = query.order_by(agents.c.name, agents.c.started, agents.c.id)
        return tuple(map(keeping.agent, self._read(ordered)))


def _free(query: Select[Any], at: int) -> Select[Any]:
    """Restrict a query to the runs that are to be had."""
    run, before = flow_runs.c, flow_runs.alias("before")
    waits = select(before.c.id).where(before.c.id == run.waits_for, before.c.finished.is_(None))
    return query.where(
        # As text, not as a bound value: only then can the partial index be used.
        run.state == literal_column("'Pending'"),
        run.lease_expires.is_(None),
        or_(run.due.is_(None), run.due <= at),
        ~waits.exists(),
    )


def _next_free(connection: Connection, labels: list[str], at: int) -> Row | None:
    run = flow_runs.c
    query = _free(select(flow_runs).where(run.labels.in_(labels)), at)
    query = query.order_by(func.coalesce(run.due, run.created), run.created, run.id).limit(1)
    # What another agent claims at this moment is passed over, not waited for.
    query = query.with_for_update(skip_locked=True, of=flow_runs)
    found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)
