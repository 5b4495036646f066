"""Agents in a SQL database: a run is claimed by a compare-and-set that one of them wins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.store import keeping, rows
from orchestrator.store.agents import AgentRecord, AgentStore
from orchestrator.store.engines import READ
from orchestrator.store.failures import translated
from orchestrator.store.insql.moving import UNCLAIMED
from orchestrator.store.insql.shared import SqlRuns
from orchestrator.store.lookup import no_such_run
from orchestrator.store.records import FlowRun
from orchestrator.store.rows import Row
from orchestrator.store.tables import agents, flow_runs

_run = flow_runs.c
_before = flow_runs.alias("before")
_in_the_way = select(_before.c.id).where(
    _before.c.id == _run.waits_for, _before.c.finished.is_(None)
)


def _first_free(query: Select[Any]) -> Select[Any]:
    """Restrict a query to the run with these labels that is to be had first."""
    return (
        query.where(
            UNCLAIMED,
            _run.labels == bindparam("b_labels"),
            # Not by the turn: what is due at once is so for a machine whose clock is behind, too.
            or_(_run.due.is_(None), _run.due <= bindparam("b_now")),
            or_(_run.waits_for.is_(None), ~_in_the_way.exists()),
        )
        .order_by(_run.turn, _run.created, _run.id)
        .limit(1)
    )


# The sets of labels that unclaimed runs have, each by one look at an index: there are few, however
# many runs there are.
_words = select(func.min(_run.labels).label("labels")).where(UNCLAIMED).cte(recursive=True)
_words = _words.union_all(
    select(
        select(func.min(_run.labels))
        .where(UNCLAIMED, _run.labels > _words.c.labels)
        .correlate(_words)
        .scalar_subquery()
    ).where(_words.c.labels.is_not(None))
)
_LABELS = select(_words.c.labels).where(_words.c.labels.is_not(None))
_TURN = _first_free(select(_run.turn, _run.created, _run.id))
# What another agent claims at this moment is passed over, not waited for.
_NEXT = _first_free(select(flow_runs)).with_for_update(skip_locked=True, of=flow_runs)
_CLAIM = (
    update(flow_runs)
    .where(_run.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in ("agent", "lease_expires", "fence")})
)


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
        nexts = self._nexts(labels, at)
        if not nexts:
            return None
        with self._write() as connection:
            # Between the two another agent may have been faster: then the next set of labels.
            free = (_lock_next(connection, words, at) for _, words in sorted(nexts))
            row = next((found for found in free if found is not None), None)
            if row is None:
                return None
            values = {
                "agent": rows.clean(agent_id),
                "lease_expires": rows.micros(until),
                "fence": row["fence"] + 1,
            }
            connection.execute(_CLAIM, {"b_id": row["id"], **values})
            data = {"agent": agent_id, "fence": row["fence"] + 1}
            self._add_event(connection, row["id"], "claimed", data)
        return rows.flow_run(row | values)

    def _nexts(self, has: Collection[str], at: int) -> list[tuple[tuple[int, int, str], str]]:
        """The turn of the next free run of each set of labels that an agent may take, and the set."""
        found = []
        with translated(self._where), self._engines[READ].connect() as connection:
            sets: Sequence[str] = connection.execute(_LABELS).scalars().all()
            for words in sets:
                if keeping.takes(words, has):
                    row = connection.execute(_TURN, {"b_labels": words, "b_now": at}).first()
                    if row is not None:
                        found.append(((row.turn, row.created, row.id), words))
        return found

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


def _lock_next(connection: Connection, labels: str, at: int) -> Row | None:
    found = connection.execute(_NEXT, {"b_labels": labels, "b_now": at}).mappings().first()
    return None if found is None else dict(found)
