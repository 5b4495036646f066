"""Deployments, occurrences, agents and notifications to rows and back, as ``rows`` does for runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.store.agents import AgentRecord
from orchestrator.store.deployments import Audited, DeployedFlow, Deployment, schedule_id
from orchestrator.store.occurrences import ScheduleState, Settled, SettledAs
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.rows import Row, clean, instant_of, maybe_clean, micros, object_of, to_json

#: What two deployments have in common that say the same.
SAYS = ("version", "source", "schedules", "parameters", "labels", "executor", "environment")


def deployment_row(deployment: Deployment) -> Row:
    """Return the row of a deployment, still without its number.

    Raises:
        StoreError: A value is not JSON, or a schedule has no name of its own.
    """
    names = schedule_names(deployment)
    if len(set(names)) < len(names) or not all(names):
        raise StoreError(
            f"the schedules of flow {deployment.flow!r} are named {names}",
            fix="give each schedule a name of its own",
        )
    return {
        "id": clean(deployment.id),
        "project": clean(deployment.project),
        "flow": clean(deployment.flow),
        "number": 0,
        "version": deployment.version,
        "commit": deployment.commit,
        "source": clean(deployment.source),
        "schedules": to_json(list(map(dict, deployment.schedules)), "a deployment's schedules"),
        "parameters": to_json(deployment.parameters, "a deployment's parameters"),
        "labels": to_json(sorted(deployment.labels), "a deployment's labels"),
        "executor": maybe_clean(deployment.executor),
        "environment": to_json(deployment.environment, "a deployment's environment"),
        "created": micros(deployment.created),
        "created_by": clean(deployment.created_by),
    }


def schedule_names(deployment: Deployment) -> list[str]:
    """Return the names of a deployment's schedules."""
    return [str(schedule.get("name") or "") for schedule in deployment.schedules]


def says_the_same(row: Row, other: Row) -> bool:
    """Whether two deployments of a flow differ in nothing that a run of them would show.

    JSON text is compared as it stands, so an order of keys that changed counts as a change.
    """
    return all(row[name] == other[name] for name in SAYS)


def deployment(row: Mapping[str, Any]) -> Deployment:
    """Return the deployment of a row."""
    return Deployment(
        id=row["id"],
        project=row["project"],
        flow=row["flow"],
        version=row["version"],
        source=row["source"],
        number=row["number"],
        commit=row["commit"],
        schedules=tuple(json.loads(row["schedules"])),
        parameters=object_of(row["parameters"]),
        labels=tuple(json.loads(row["labels"])),
        executor=row["executor"],
        environment=object_of(row["environment"]),
        created=_instant(row["created"]),
        created_by=row["created_by"],
    )


def deployed_flow(row: Mapping[str, Any]) -> DeployedFlow:
    """Return the deployed flow of a row that has the current deployment's number besides."""
    return DeployedFlow(
        row["project"], row["flow"], row["deployment_id"], row["number"],
        bool(row["paused"]), bool(row["deleted"]),
    )  # fmt: skip


def schedule_row(deployment: Row, name: str, evaluated: int | None) -> Row:
    """Return the row of a schedule that begins to count at an instant."""
    return {
        "id": schedule_id(deployment["project"], deployment["flow"], clean(name)),
        "project": deployment["project"],
        "flow": deployment["flow"],
        "name": clean(name),
        "paused": False,
        "evaluated": evaluated,
    }


def schedule_state(row: Mapping[str, Any]) -> ScheduleState:
    """Return the state of a schedule's row."""
    return ScheduleState(
        row["id"], row["project"], row["flow"], row["name"], bool(row["paused"]),
        _instant(row["evaluated"]),
    )  # fmt: skip


def audit_row(
    project: str, flow: str, action: str, by: str, at: int | None, data: Mapping[str, Any]
) -> Row:
    """Return the row of something done to a deployed flow, still without its number."""
    return {
        "project": clean(project),
        "flow": clean(flow),
        "action": action,
        "by": clean(by),
        "at": at,
        "data": to_json(data, "what was done"),
    }


def audited(row: Mapping[str, Any]) -> Audited:
    """Return what was done, by its row."""
    return Audited(
        row["id"], row["project"], row["flow"], row["action"], row["by"], _instant(row["at"]),
        object_of(row["data"]),
    )  # fmt: skip


def settled_row(settled: Settled) -> Row:
    """Return the row of a settled occurrence."""
    return {
        "schedule_id": clean(settled.schedule_id),
        "key": clean(settled.key),
        "instant": micros(settled.instant),
        "nominal": settled.nominal,
        "repeat": settled.repeat,
        "outcome": settled.outcome.value,
        "reason": clean(settled.reason),
        "run_id": settled.run_id,
        "interval_start": micros(settled.interval_start),
        "interval_end": micros(settled.interval_end),
        "settled": micros(settled.settled),
    }


def settled(row: Mapping[str, Any]) -> Settled:
    """Return the settled occurrence of a row."""
    return Settled(
        schedule_id=row["schedule_id"],
        key=row["key"],
        instant=_instant(row["instant"]),
        nominal=row["nominal"],
        repeat=row["repeat"],
        outcome=SettledAs(row["outcome"]),
        reason=row["reason"],
        run_id=row["run_id"],
        interval_start=instant_of(row["interval_start"]),
        interval_end=instant_of(row["interval_end"]),
        settled=_instant(row["settled"]),
    )


def agent_row(agent: AgentRecord) -> Row:
    """Return the row of an agent."""
    return {
        "id": clean(agent.id),
        "name": clean(agent.name),
        "labels": to_json(sorted(agent.labels), "an agent's labels"),
        "host": clean(agent.host),
        "pid": agent.pid,
        "started": micros(agent.started),
        "heartbeat": micros(agent.heartbeat),
        "version": clean(agent.version),
        "packages": to_json(agent.packages, "an agent's packages"),
    }


def agent(row: Mapping[str, Any]) -> AgentRecord:
    """Return the agent of a row."""
    return AgentRecord(
        row["id"], row["name"], tuple(json.loads(row["labels"])), row["host"], row["pid"],
        _instant(row["started"]), _instant(row["heartbeat"]), row["version"],
        object_of(row["packages"]),
    )  # fmt: skip


def takes(labels: str, has: Collection[str]) -> bool:
    """Whether an agent that has labels may take a run with these (JSON text)."""
    return set(json.loads(labels)) <= set(has)


def notification_row(notification: Notification) -> Row:
    """Return the row of a notification, still without its number."""
    return {
        "run_id": notification.run_id,
        "key": maybe_clean(notification.key),
        "kind": clean(notification.kind),
        "target": clean(notification.target),
        "payload": to_json(notification.payload, "what a notification says"),
        "attempts": notification.attempts,
        "next_try": micros(notification.next_try),
        "state": notification.state.value,
        "error": clean(notification.error),
        "created": micros(notification.created),
    }


def notification(row: Mapping[str, Any]) -> Notification:
    """Return the notification of a row."""
    return Notification(
        kind=row["kind"],
        target=row["target"],
        payload=object_of(row["payload"]),
        run_id=row["run_id"],
        key=row["key"],
        attempts=row["attempts"],
        next_try=_instant(row["next_try"]),
        state=Delivery(row["state"]),
        error=row["error"],
        created=_instant(row["created"]),
        id=row["id"],
    )


def _instant(value: int) -> datetime:
    found = instant_of(value)
    assert found is not None
    return found


def runs_of(occurrences: Sequence[Row]) -> list[str]:
    """Return the ids of the runs that settled occurrences make, in order."""
    made = (row["run_id"] for row in occurrences if row["outcome"] == SettledAs.RUN)
    return [run_id for run_id in made if run_id is not None]
