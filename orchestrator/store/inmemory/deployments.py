"""Deployments in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from orchestrator import instants
from orchestrator.store import keeping, missing, rows
from orchestrator.store.deployments import (
    Audited,
    DeployedFlow,
    Deployment,
    DeploymentStore,
    schedule_id,
)
from orchestrator.store.inmemory.shared import WHERE, MemoryRuns
from orchestrator.store.rows import Row


class MemoryDeployments(MemoryRuns, DeploymentStore):
    """Deployments, deployed flows and their schedules."""

    def __init__(self) -> None:
        super().__init__()
        self._deployments: dict[str, Row] = {}
        self._flows: dict[tuple[str, str], Row] = {}
        self._schedules: dict[str, Row] = {}
        self._audit: list[Row] = []

    def deploy(self, deployment: Deployment) -> Deployment:
        row = keeping.deployment_row(deployment)
        place = row["project"], row["flow"]
        with self._lock:
            flow = self._flows.get(place)
            if flow is not None and not flow["deleted"]:
                standing = self._deployments[flow["deployment_id"]]
                if keeping.says_the_same(standing, row):
                    return keeping.deployment(standing)
            if row["id"] in self._deployments:
                raise missing.taken_deployment(row["id"], WHERE)
            numbers = (one["number"] for one in self._of_flow(*place))
            row["number"] = 1 + max(numbers, default=0)
            self._deployments[row["id"]] = row
            paused = flow is not None and flow["paused"] and not flow["deleted"]
            self._make_current(row, row["created"], paused=paused)
            data = {"number": row["number"], "version": row["version"]}
            self._write_audit(*place, "deploy", row["created_by"], data)
            return keeping.deployment(row)

    def deployment(self, deployment_id: str) -> Deployment:
        with self._lock:
            row = self._deployments.get(deployment_id)
        if row is None:
            raise missing.no_such_deployment(deployment_id, WHERE)
        return keeping.deployment(row)

    def deployments(
        self,
        project: str | None = None,
        flow: str | None = None,
        *,
        ids: Collection[str] | None = None,
    ) -> tuple[Deployment, ...]:
        with self._lock:
            found = [row for row in self._of_flow(project, flow) if ids is None or row["id"] in ids]
        found.sort(key=lambda row: (row["project"], row["flow"], -row["number"]))
        return tuple(map(keeping.deployment, found))

    def previous(self, ids: Collection[str]) -> Mapping[str, Deployment]:
        with self._lock:
            places = {
                (row["project"], row["flow"], row["number"] - 1): row["id"]
                for row in self._deployments.values()
                if row["id"] in ids
            }
            return {
                places[place]: keeping.deployment(row)
                for row in self._deployments.values()
                if (place := (row["project"], row["flow"], row["number"])) in places
            }

    def deployed(self, project: str | None = None) -> tuple[DeployedFlow, ...]:
        with self._lock:
            return tuple(
                keeping.deployed_flow(
                    row | {"number": self._deployments[row["deployment_id"]]["number"]}
                )
                for place, row in sorted(self._flows.items())
                if project in (None, place[0])
            )

    def current(self, project: str, flow: str) -> Deployment:
        with self._lock:
            return keeping.deployment(self._deployments[self._flow(project, flow)["deployment_id"]])

    def rollback(self, project: str, flow: str, number: int, *, by: str = "") -> Deployment:
        with self._lock:
            standing = self._flow(project, flow)
            for row in self._of_flow(project, flow):
                if row["number"] == number:
                    break
            else:
                numbers = [row["number"] for row in self._of_flow(project, flow)]
                raise missing.no_such_number(project, flow, number, numbers)
            self._make_current(row, rows.micros(instants.now()), paused=standing["paused"])
            data = {"number": number, "version": row["version"]}
            self._write_audit(project, flow, "rollback", by, data)
            return keeping.deployment(row)

    def pause(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        self._set_paused(project, flow, schedule, True, by)

    def resume(self, project: str, flow: str, *, schedule: str | None = None, by: str = "") -> None:
        self._set_paused(project, flow, schedule, False, by)

    def delete(self, project: str, flow: str, *, by: str = "") -> None:
        with self._lock:
            self._flow(project, flow)["deleted"] = True
            for each in self._schedules_of(project, flow):
                del self._schedules[each["id"]]
            self._write_audit(project, flow, "delete", by, {})

    def audit(
        self, project: str | None = None, flow: str | None = None, *, limit: int = 100
    ) -> tuple[Audited, ...]:
        with self._lock:
            found = [
                row
                for row in reversed(self._audit)
                if project in (None, row["project"]) and flow in (None, row["flow"])
            ]
        return tuple(map(keeping.audited, found[:limit]))

    def _set_paused(
        self, project: str, flow: str, schedule: str | None, paused: bool, by: str
    ) -> None:
        with self._lock:
            row = self._flow(project, flow)
            if schedule is not None:
                known = self._schedules.get(schedule_id(project, flow, schedule))
                if known is None:
                    names = [each["name"] for each in self._schedules_of(project, flow)]
                    raise missing.no_such_schedule_of(project, flow, schedule, names)
                row = known
            row["paused"] = paused
            data = {} if schedule is None else {"schedule": schedule}
            self._write_audit(project, flow, "pause" if paused else "resume", by, data)

    def _flow(self, project: str, flow: str) -> Row:
        row = self._flows.get((project, flow))
        if row is None or row["deleted"]:
            there = [one.flow for one in self.deployed(project) if not one.deleted]
            raise missing.not_deployed(project, flow, there, deleted=row is not None)
        return row

    def _of_flow(self, project: str | None, flow: str | None) -> list[Row]:
        return [
            row
            for row in self._deployments.values()
            if project in (None, row["project"]) and flow in (None, row["flow"])
        ]

    def _schedules_of(self, project: str, flow: str) -> list[Row]:
        found = (
            r for r in self._schedules.values() if (r["project"], r["flow"]) == (project, flow)
        )
        return sorted(found, key=lambda row: str(row["id"]))

    def _make_current(self, row: Row, since: int | None, *, paused: bool) -> None:
        project, flow = row["project"], row["flow"]
        self._flows[project, flow] = {
            "project": project, "flow": flow, "deployment_id": row["id"], "paused": paused,
            "deleted": False,
        }  # fmt: skip
        names = keeping.schedule_names(keeping.deployment(row))
        wanted = [keeping.schedule_row(row, name, since) for name in names]
        before = {each["id"]: each for each in self._schedules_of(project, flow)}
        for gone in before:
            del self._schedules[gone]
        for each in wanted:
            self._schedules[each["id"]] = before.get(each["id"], each)

    def _write_audit(
        self, project: str, flow: str, action: str, by: str, data: Mapping[str, Any]
    ) -> None:
        at = rows.micros(instants.now())
        row = keeping.audit_row(project, flow, action, by, at, data)
        self._audit.append(row | {"id": len(self._audit) + 1})
