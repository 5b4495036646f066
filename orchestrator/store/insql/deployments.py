"""Deployments in a SQL database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from orchestrator import instants
from orchestrator.store import keeping, missing, rows
from orchestrator.store.deployments import (
    Audited,
    DeployedFlow,
    Deployment,
    DeploymentStore,
    schedule_id,
)
from orchestrator.store.insql.shared import SqlRuns, chunks, one
from orchestrator.store.rows import Row
from orchestrator.store.tables import deployed_flows, deployment_audit, deployments, schedules

_DEPLOYED = select(deployed_flows, deployments.c.number).join(
    deployments, deployments.c.id == deployed_flows.c.deployment_id
)


def _one_flow(table: Table) -> ColumnElement[bool]:
    return (table.c.project == bindparam("b_project")) & (table.c.flow == bindparam("b_flow"))


# What each deploying says is built once: that takes longer than to say it.
_TAKEN = select(deployments.c.id).where(deployments.c.id == bindparam("b_id"))
_HIGHEST = select(func.coalesce(func.max(deployments.c.number), 0)).where(_one_flow(deployments))
_FLOW = select(deployed_flows).where(_one_flow(deployed_flows))
# Locked in this order, as schedulers do: nobody waits for another in a circle.
_SCHEDULES = (
    select(schedules).where(_one_flow(schedules)).order_by(schedules.c.id).with_for_update()
)
_ADD_DEPLOYMENT, _ADD_FLOW = insert(deployments), insert(deployed_flows)
_ADD_SCHEDULE, _ADD_AUDIT = insert(schedules), insert(deployment_audit)
_newer = deployments.alias("newer")
_PREVIOUS = select(deployments, _newer.c.id.label("newer")).join(
    _newer,
    (_newer.c.project == deployments.c.project)
    & (_newer.c.flow == deployments.c.flow)
    & (_newer.c.number == deployments.c.number + 1),
)


class SqlDeployments(SqlRuns, DeploymentStore):
    """Deployments, deployed flows and their schedules."""

    def deploy(self, deployment: Deployment) -> Deployment:
        row = keeping.deployment_row(deployment)
        place = row["project"], row["flow"]
        with self._write() as connection:
            _one_at_a_time(connection, *place)
            flow = _flow_row(connection, *place)
            live = flow is not None and not flow["deleted"]
            if flow is not None and live:
                standing = _deployment_row(connection, flow["deployment_id"])
                if keeping.says_the_same(standing, row):
                    return keeping.deployment(standing)
            if connection.execute(_TAKEN, {"b_id": row["id"]}).first() is not None:
                raise missing.taken_deployment(row["id"], self._where)
            row["number"] = 1 + connection.execute(_HIGHEST, _bound(*place)).scalar_one()
            connection.execute(_ADD_DEPLOYMENT, row)
            self._make_current(connection, row, row["created"], is_new=flow is None, live=live)
            data = {"number": row["number"], "version": row["version"]}
            _write_audit(connection, *place, "deploy", row["created_by"], data)
        return keeping.deployment(row)

    def deployment(self, deployment_id: str) -> Deployment:
        found = self._read(select(deployments).where(deployments.c.id == deployment_id))
        return keeping.deployment(
            one(found, lambda: missing.no_such_deployment(deployment_id, self._where))
        )

    def deployments(
        self,
        project: str | None = None,
        flow: str | None = None,
        *,
        ids: Collection[str] | None = None,
    ) -> tuple[Deployment, ...]:
        column = deployments.c
        query = _of(select(deployments), project, flow)
        if ids is not None:
            query = query.where(column.id.in_(list(ids)))
        query = query.order_by(column.project, column.flow, column.number.desc())
        return tuple(map(keeping.deployment, self._read(query)))

    def previous(self, ids: Collection[str]) -> Mapping[str, Deployment]:
        found: dict[str, Deployment] = {}
        for some in chunks(sorted(ids)):
            for row in self._read(_PREVIOUS.where(_newer.c.id.in_(some))):
                found[row["newer"]] = keeping.deployment(row)
        return found

    def deployed(self, project: str | None = None) -> tuple[DeployedFlow, ...]:
        flow = deployed_flows.c
        query = _DEPLOYED if project is None else _DEPLOYED.where(flow.project == project)
        found = self._read(query.order_by(flow.project, flow.flow))
        return tuple(map(keeping.deployed_flow, found))

    def current(self, project: str, flow: str) -> Deployment:
        column = deployed_flows.c
        query = select(deployments, column.deleted).join(
            deployed_flows, deployments.c.id == column.deployment_id
        )
        found = self._read(query.where(column.project == project, column.flow == flow))
        if not found or found[0]["deleted"]:
            there = [row["flow"] for row in self._read(_in_service(project))]
            raise missing.not_deployed(project, flow, there, deleted=bool(found))
        return keeping.deployment(found[0])

    def rollback(self, project: str, flow: str, number: int, *, by: str = "") -> Deployment:
        with self._write() as connection:
            _one_at_a_time(connection, project, flow)
            _live_flow(connection, project, flow)
            found = _rows(connection, _of(select(deployments), project, flow))
            row = next((each for each in found if each["number"] == number), None)
            if row is None:
                numbers = [each["number"] for each in found]
                raise missing.no_such_number(project, flow, number, numbers)
            since = rows.micros(instants.now())
            self._make_current(connection, row, since, is_new=False, live=True)
            data = {"number": number, "version": row["version"]}
            _write_audit(connection, project, flow, "rollback", by, data)
        return keeping.deployment(row)

    def pause(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        self._set_paused(project, flow, schedule, True, by)

    def resume(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        self._set_paused(project, flow, schedule, False, by)

    def delete(self, project: str, flow: str, *, by: str = "") -> None:
        with self._write() as connection:
            _one_at_a_time(connection, project, flow)
            _live_flow(connection, project, flow)
            connection.execute(_change_flow(project, flow).values(deleted=True))
            _schedules_of(connection, project, flow)
            column = schedules.c
            connection.execute(
                delete(schedules).where(column.project == project, column.flow == flow)
            )
            _write_audit(connection, project, flow, "delete", by, {})

    def audit(
        self, project: str | None = None, flow: str | None = None, *, limit: int = 100
    ) -> tuple[Audited, ...]:
        column = deployment_audit.c
        query = select(deployment_audit).order_by(column.id.desc()).limit(limit)
        if project is not None:
            query = query.where(column.project == project)
        if flow is not None:
            query = query.where(column.flow == flow)
        return tuple(map(keeping.audited, self._read(query)))

    def _set_paused(
        self, project: str, flow: str, schedule: str | None, paused: bool, by: str
    ) -> None:
        with self._write() as connection:
            _one_at_a_time(connection, project, flow)
            _live_flow(connection, project, flow)
            if schedule is None:
                connection.execute(_change_flow(project, flow).values(paused=paused))
            else:
                wanted = schedules.c.id == schedule_id(project, flow, schedule)
                changed = update(schedules).where(wanted).values(paused=paused)
                if connection.execute(changed).rowcount == 0:
                    names = [each["name"] for each in _schedules_of(connection, project, flow)]
                    raise missing.no_such_schedule_of(project, flow, schedule, names)
            data = {} if schedule is None else {"schedule": schedule}
            _write_audit(connection, project, flow, "pause" if paused else "resume", by, data)

    def _make_current(
        self, connection: Connection, row: Row, since: int | None, *, is_new: bool, live: bool
    ) -> None:
        place = row["project"], row["flow"]
        if is_new:
            flow = {"project": place[0], "flow": place[1], "paused": False, "deleted": False}
            connection.execute(_ADD_FLOW, flow | {"deployment_id": row["id"]})
        else:
            values = {"deployment_id": row["id"], "deleted": False}
            values |= {} if live else {"paused": False}
            connection.execute(_change_flow(*place).values(values))
        names = keeping.schedule_names(keeping.deployment(row))
        wanted = {
            new["id"]: new for new in (keeping.schedule_row(row, name, since) for name in names)
        }
        before = {each["id"] for each in _schedules_of(connection, *place)}
        if gone := before - wanted.keys():
            connection.execute(delete(schedules).where(schedules.c.id.in_(gone)))
        if added := [new for key, new in wanted.items() if key not in before]:
            connection.execute(_ADD_SCHEDULE, added)


def _one_at_a_time(connection: Connection, project: str, flow: str) -> None:
    """Let others who change this flow's deployments wait; on SQLite they do already."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtext(:project), hashtext(:flow))")
        connection.execute(lock, {"project": project, "flow": flow})


def _rows(connection: Connection, query: Select[Any], values: Row | None = None) -> list[Row]:
    return [dict(row) for row in connection.execute(query, values or {}).mappings()]


def _bound(project: str, flow: str) -> Row:
    return {"b_project": project, "b_flow": flow}


def _of(query: Select[Any], project: str | None, flow: str | None) -> Select[Any]:
    if project is not None:
        query = query.where(deployments.c.project == project)
    return query if flow is None else query.where(deployments.c.flow == flow)


def _deployment_row(connection: Connection, deployment_id: str) -> Row:
    return _rows(connection, select(deployments).where(deployments.c.id == deployment_id))[0]


def _flow_row(connection: Connection, project: str, flow: str) -> Row | None:
    return next(iter(_rows(connection, _FLOW, _bound(project, flow))), None)


def _live_flow(connection: Connection, project: str, flow: str) -> Row:
    row = _flow_row(connection, project, flow)
    if row is None or row["deleted"]:
        there = [each["flow"] for each in _rows(connection, _in_service(project))]
        raise missing.not_deployed(project, flow, there, deleted=row is not None)
    return row


def _in_service(project: str) -> Select[Any]:
    column = deployed_flows.c
    query = select(column.flow).where(column.project == project, column.deleted.is_(False))
    return query.order_by(column.flow)


def _change_flow(project: str, flow: str) -> Any:
    column = deployed_flows.c
    return update(deployed_flows).where(column.project == project, column.flow == flow)


def _schedules_of(connection: Connection, project: str, flow: str) -> list[Row]:
    return _rows(connection, _SCHEDULES, _bound(project, flow))


def _write_audit(
    connection: Connection, project: str, flow: str, action: str, by: str, data: Mapping[str, Any]
) -> None:
    at = rows.micros(instants.now())
    row = keeping.audit_row(project, flow, action, by, at, data)
    connection.execute(_ADD_AUDIT, row)
