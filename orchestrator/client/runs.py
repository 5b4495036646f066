"""Runs, for programs: start one, wait for it, read what it said, mend it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.client.connection import Connection, Json
from orchestrator.client.following import follow
from orchestrator.client.pages import every
from orchestrator.errors import InfrastructureError
from orchestrator.model.state import FINISHED

_LINES = 5000  #: lines that are asked for at a time


class Runs:
    """The runs of a server. Runs, tasks and lines are the JSON objects of the API.

    Args:
        connection: The server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        flow: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
        target: str | None = None,
        full_refresh: bool = False,
        labels: Sequence[str] = (),
    ) -> Json:
        """Start a run.

        Args:
            flow: Name of the flow.
            parameters: Values by name, as JSON; dates as ISO text.
            idempotency_key: Of several calls with one key, also years apart, one makes the run and
                all get it. Without one each call makes a run.
            select: dbt-style selection.
            exclude: dbt-style exclusion.
            target: dbt target.
            full_refresh: Build incremental models anew.
            labels: Which agents may take it.

        Returns:
            The run, which an agent takes within a second or two.

        Raises:
            NotFoundError: There is no such flow.
            ParameterError: A parameter is missing, unknown or does not fit.
            ConflictError: The key has made another run: of another flow, or with other parameters,
                another selection, or, at the same deployment, other options or labels.

        Example:
            ::

                run = client.runs.create(
                    "refresh", {"customer": 4711}, idempotency_key="refresh 4711 2026-03-01"
                )
        """
        body = {
            "flow": flow,
            "parameters": dict(parameters or {}),
            "options": {
                "select": list(select), "exclude": list(exclude), "target": target,
                "full_refresh": full_refresh,
            },
            "labels": list(labels),
        }  # fmt: skip
        # A key of its own makes it safe to send the request again when no answer came.
        key = idempotency_key or uuid.uuid4().hex
        return self._connection.send("POST", "/runs", body, key=key)

    def get(self, run_id: str, *, tasks: bool = True) -> Json:
        """Return a run with its tasks.

        Args:
            run_id: Its id, a beginning of it, or ``latest``.
            tasks: Whether its tasks are wanted.

        Raises:
            NotFoundError: There is no such run.
        """
        return self._connection.get(_at(run_id), tasks=str(tasks).lower())

    def list(
        self,
        *,
        flow: str | None = None,
        state: str | Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        most: int | None = None,
    ) -> Iterator[Json]:
        """Yield runs, the newest first; pages are asked for as they are needed.

        Args:
            flow: Only of this flow.
            state: Only in this state, or one of these: ``Failed``, ``Running``, ….
            since: Only those created at this instant or later (aware).
            until: Only those created before this instant (aware).
            most: At most so many.

        Example:
            ::

                for run in client.runs.list(flow="nightly", state="Failed", most=10):
                    print(run["run_id"], run["message"])
        """
        states = [state] if isinstance(state, str) else list(state) if state else None
        return every(
            self._connection, "/runs", "runs", most, flow=flow, state=states, since=since,
            until=until,
        )  # fmt: skip

    def wait(self, run_id: str, *, timeout: float | None = None) -> Json:
        """Wait until a run has ended, well or not, and return it.

        Args:
            run_id: Its id, a beginning of it, or ``latest``.
            timeout: Seconds to wait at most; None for as long as it takes.

        Raises:
            InfrastructureError: It has not ended in time, or the server cannot be reached.
            NotFoundError: There is no such run.

        Example:
            ::

                run = client.runs.wait(client.runs.create("nightly")["run_id"], timeout=3600)
                assert run["state"] == "Success", run["message"]
        """
        until = None if timeout is None else time.monotonic() + timeout
        pause = 0.2
        while True:
            run = self.get(run_id, tasks=False)
            if run["state"] in FINISHED:
                return self.get(run["run_id"])
            run_id = run["run_id"]  # `latest` may be another one by now
            if until is not None and time.monotonic() + pause > until:
                raise InfrastructureError(
                    f"run {run_id} has not ended after {timeout:g} s: it is {run['state']}",
                    fix="wait longer, or cancel it",
                )
            time.sleep(pause)
            pause = min(2.0, pause * 1.3)

    def cancel(self, run_id: str, *, reason: str = "") -> Json:
        """Ask whoever drives a run to stop it.

        Raises:
            ConflictError: It has ended already.
        """
        return self._connection.send("POST", _at(run_id, "cancel"), {"reason": reason})

    def retry(self, run_id: str, tasks: Sequence[str] = ()) -> Json:
        """Start a run that finishes another: what failed or never ran, and nothing that succeeded.

        Args:
            run_id: The earlier run.
            tasks: Keys of tasks that run again all the same, with all that depends on them.

        Raises:
            ConflictError: The run is under way, has nothing left to do, or is being finished.
        """
        return self._connection.send("POST", _at(run_id, "retry"), {"tasks": list(tasks)})

    def mark(self, run_id: str, key: str, state: str, *, reason: str, result: Any = None) -> Json:
        """Give a task a finished state by hand.

        Args:
            run_id: The run.
            key: The task.
            state: ``Success``, ``Failed`` or ``Skipped``.
            reason: Why; kept with the run.
            result: With ``Success``, what tasks get that take its result; JSON.

        Raises:
            ConflictError: The task is at work.
            NotFoundError: There is no such run or task.
        """
        body = {"key": key, "state": state, "reason": reason, "result": result}
        return self._connection.send("POST", _at(run_id, "mark"), body)

    def approve(self, run_id: str, key: str) -> Json:
        """Let a task run that waits for somebody's word."""
        return self._connection.send("POST", _at(run_id, "approve"), {"key": key})

    def resume(self, run_id: str, key: str) -> Json:
        """Let a task go on that paused itself."""
        return self._connection.send("POST", _at(run_id, "resume"), {"key": key})

    def logs(
        self,
        run_id: str,
        key: str | None = None,
        *,
        follow: bool = False,
        after: int = 0,
        tail: int | None = None,
        level: str | None = None,
        search: str | None = None,
    ) -> Iterator[Json]:
        """Yield the lines of a run's log.

        Args:
            run_id: The run.
            key: Only of this task.
            follow: Go on with what is written from now, until the run has ended; a server that
                goes away for a moment is taken up again where it stopped.
            after: Only lines with a greater number.
            tail: Only the last so many; not with ``follow``.
            level: Only of this level and those above it: ``DEBUG``, ``INFO``, ….
            search: Only those that hold this text, upper and lower case alike.

        Example:
            ::

                for line in client.runs.logs("latest", follow=True):
                    print(line["text"])
        """
        if follow:
            path = _at(run_id, "stream")
            return _followed(self._connection, path, key, after, level, search)
        return self._lines(run_id, key, after, tail, {"level": level, "search": search})

    def _lines(
        self, run_id: str, key: str | None, after: int, tail: int | None, wanted: Json
    ) -> Iterator[Json]:
        path = _at(run_id, "logs")
        if tail is not None:
            yield from self._connection.get(path, key=key, tail=tail, **wanted)["lines"]
            return
        while True:
            page = self._connection.get(path, key=key, after=after, limit=_LINES, **wanted)
            yield from page["lines"]
            if len(page["lines"]) < _LINES:
                return
            after = page["last"]

    def download(self, run_id: str, key: str | None = None) -> Iterator[str]:
        """Yield the log as text, piece by piece."""
        return self._connection.download(_at(run_id, "logs/download"), {"key": key})

    def task(self, run_id: str, key: str) -> Json:
        """Return all that is known of a task: attempts, history, edges, why it failed."""
        return self._connection.get(_at(run_id, "task"), key=key)

    def graph(self, run_id: str) -> Json:
        """Return what a run was planned to do: nodes, and edges with their evidence."""
        return self._connection.get(_at(run_id, "graph"))

    def timeline(self, run_id: str) -> Json:
        """Return when each task waited, ran and was tried again, and the critical path."""
        return self._connection.get(_at(run_id, "timeline"))

    def events(self, run_id: str, *, after: int = 0) -> Iterator[Json]:
        """Yield what happened in a run, in order, as far as it is known now."""
        while found := self._connection.get(_at(run_id, "events"), after=after)["events"]:
            yield from found
            after = found[-1]["id"]

    def compare(self, run_id: str, other: str) -> Json:
        """Return two runs beside one another: how long tasks took, what they wrote, their SQL."""
        return self._connection.get(_at(run_id, f"compare/{_name(other)}"))

    def history(self, flow: str, key: str, *, last: int = 30) -> Json:
        """Return a task in the last runs of its flow."""
        return self._connection.get("/tasks/history", flow=flow, key=key, last=last)


def _followed(
    connection: Connection, path: str, key: str | None, after: int, level: str | None,
    search: str | None,
) -> Iterator[Json]:  # fmt: skip
    return follow(connection, path, key=key, after=after, level=level, search=search)


def _at(run_id: str, rest: str = "") -> str:
    return f"/runs/{_name(run_id)}" + (f"/{rest}" if rest else "")


def _name(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="") or "%20"
