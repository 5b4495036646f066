"""Flows, deployments and schedules, for programs."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from orchestrator.client.connection import Connection, Json


class Flows:
    """The flows of the project that a server serves.

    Args:
        connection: The server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> builtins.list[Json]:
        """Return the flows, each with its last run and its next one."""
        found: builtins.list[Json] = self._connection.get("/flows")["flows"]
        return found

    def get(self, name: str) -> Json:
        """Return a flow with its parameters, its versions, and what people did to it.

        Raises:
            NotFoundError: There is no such flow.
        """
        return self._connection.get(f"/flows/{quote(name, safe='')}")

    def plan(self, name: str) -> Json:
        """Return what a run would do: tasks in order, and edges with their evidence."""
        return self._connection.get(f"/flows/{quote(name, safe='')}/plan")

    def durations(self, name: str, *, last: int = 60) -> builtins.list[Json]:
        """Return how long the last runs took."""
        path = f"/flows/{quote(name, safe='')}/durations"
        found: builtins.list[Json] = self._connection.get(path, last=last)["runs"]
        return found

    def compare(self, name: str, a: int, b: int) -> Json:
        """Return what changed from one deployment of a flow to another."""
        return self._connection.get(f"/flows/{quote(name, safe='')}/versions/compare", a=a, b=b)


class Deployments:
    """The flows that are in service.

    Args:
        connection: The server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Json:
        """Return the flows that are in service, as `orchestrator deployments list` prints them."""
        return self._connection.get("/deployments")

    def get(self, flow: str) -> Json:
        """Return a flow's deployments and what people did to it."""
        return self._connection.get(_at(flow))

    def drift(self) -> Json:
        """Return how the project's folder and what is in service differ, flow by flow."""
        return self._connection.get("/drift")

    def pause(self, flow: str) -> Json:
        """Let none of a flow's schedules make runs."""
        return self._connection.send("POST", _at(flow, "pause"))

    def resume(self, flow: str) -> Json:
        """Let a flow's schedules make runs again."""
        return self._connection.send("POST", _at(flow, "resume"))

    def rollback(self, flow: str, number: int) -> Json:
        """Make an earlier deployment the current one."""
        return self._connection.send("POST", _at(flow, "rollback"), {"number": number})

    def delete(self, flow: str) -> Json:
        """Take a flow out of service; its runs and deployments stay known."""
        return self._connection.send("DELETE", _at(flow))


class Schedules:
    """When flows run by themselves.

    Args:
        connection: The server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> builtins.list[Json]:
        """Return the schedules of deployed flows, and where each stands."""
        found: builtins.list[Json] = self._connection.get("/schedules")["schedules"]
        return found

    def preview(
        self,
        flow: str | None = None,
        name: str | None = None,
        *,
        cron: str | None = None,
        timezone: str | None = None,
        gap: str | None = None,
        overlap: str | None = None,
        next: int = 20,
        around: date | None = None,
    ) -> Json:
        """Return the next occurrences of a flow's schedule, or of a cron expression.

        Args:
            flow: The flow.
            name: Which of its schedules.
            cron: Instead of a flow: a cron expression.
            timezone: Where it is meant, as ``Europe/Berlin``.
            gap: What happens to local times that a clock change leaves out.
            overlap: What happens to local times that come twice.
            next: So many occurrences.
            around: From the days before this one.

        Example:
            ::

                found = client.schedules.preview(cron="30 2 * * *", timezone="Europe/Berlin")
                print([one["local"] for one in found["occurrences"]])
        """
        return self._connection.get(
            "/schedules/preview", flow=flow, name=name, cron=cron, timezone=timezone, gap=gap,
            overlap=overlap, next=next, around=around,
        )  # fmt: skip

    def put(self, flow: str, schedules: Sequence[Mapping[str, Any]]) -> Json:
        """Deploy a flow's current version anew with other schedules.

        Args:
            flow: The flow.
            schedules: Each with ``cron``, ``timezone``, and perhaps ``name``, ``gap``, ``overlap``
                and ``parameters``.
        """
        body = {"schedules": [dict(one) for one in schedules]}
        return self._connection.send("PUT", f"/flows/{quote(flow, safe='')}/schedules", body)

    def pause(self, flow: str, name: str) -> Json:
        """Let a schedule make no runs."""
        return self._connection.send("POST", "/schedules/pause", {"flow": flow, "name": name})

    def resume(self, flow: str, name: str) -> Json:
        """Let a schedule make runs again."""
        return self._connection.send("POST", "/schedules/resume", {"flow": flow, "name": name})

    def backfill(
        self, flow: str, name: str, start: date, end: date, *, parallel: int = 1,
        called: str | None = None,
    ) -> Json:  # fmt: skip
        """Make the runs of past days that are not there.

        Args:
            flow: The flow.
            name: Which of its schedules.
            start: The first local day.
            end: The last one.
            parallel: So many runs at a time.
            called: A name of its own: a new one fills again what was filled before.
        """
        body = {
            "flow": flow, "name": name, "start": start.isoformat(), "end": end.isoformat(),
            "parallel": parallel,
        } | ({"id": called} if called else {})  # fmt: skip
        return self._connection.send("POST", "/backfills", body)


def _at(flow: str, rest: str = "") -> str:
    return f"/deployments/{quote(flow, safe='')}" + (f"/{rest}" if rest else "")
