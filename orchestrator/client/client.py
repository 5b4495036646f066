"""The client: one server, and what can be asked of it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from orchestrator.client.connection import Connection, Json
from orchestrator.client.datasets import Datasets
from orchestrator.client.flows import Deployments, Flows, Schedules
from orchestrator.client.runs import Runs

if TYPE_CHECKING:
    import httpx


class Client:
    """Asks a server over HTTP, with the names of its API; needs the extra ``http``.

    Requests that change nothing, or may be sent twice, are sent again while the server cannot be
    reached. Whatever the server refuses is raised as the error that the server had. It may be
    used from several threads, and as a context manager.

    Args:
        url: Address of the server, as ``orchestrator serve`` prints it.
        token: What proves who asks; none is needed on the server's own machine while it has none.
        timeout: Seconds to wait for an answer.
        retries: How often a request is sent again.
        http: An ``httpx.Client`` to use: with other certificates, a proxy, ….

    Attributes:
        runs: See :class:`~orchestrator.client.runs.Runs`.
        flows: See :class:`~orchestrator.client.flows.Flows`.
        deployments: See :class:`~orchestrator.client.flows.Deployments`.
        schedules: See :class:`~orchestrator.client.flows.Schedules`.
        datasets: See :class:`~orchestrator.client.datasets.Datasets`.

    Raises:
        ConfigurationError: The address is none, or httpx is not installed.

    Example:
        ::

            from orchestrator.client import Client

            with Client("http://127.0.0.1:4280") as client:
                run = client.runs.create("nightly", {"day": "2026-03-01"}, idempotency_key="march")
                print(client.runs.wait(run["run_id"])["state"])
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        http: httpx.Client | None = None,
    ) -> None:
        self._connection = Connection(url, token, timeout=timeout, retries=retries, http=http)
        self.runs = Runs(self._connection)
        self.flows = Flows(self._connection)
        self.deployments = Deployments(self._connection)
        self.schedules = Schedules(self._connection)
        self.datasets = Datasets(self._connection)

    def lineage(
        self, dataset: str, column: str | None = None, *, direction: str = "both", depth: int = 3
    ) -> Json:
        """Return what feeds a dataset or a column, and what it feeds.

        Args:
            dataset: Name of the dataset.
            column: Name of the column; the whole dataset if left out.
            direction: ``up``, ``down`` or ``both``.
            depth: So many steps.

        Raises:
            NotFoundError: There is no such dataset or column.
        """
        return self._connection.get(
            "/lineage", dataset=dataset, column=column, direction=direction, depth=depth
        )

    def me(self) -> Json:
        """Return who asks, with which role, and which project is served."""
        return self._connection.get("/me")

    def agents(self) -> Json:
        """Return the agents that launch runs."""
        return self._connection.get("/agents")

    def limits(self) -> Json:
        """Return how much may run at the same time, and what does."""
        return self._connection.get("/limits")

    def set_limit(self, name: str, slots: int | None) -> Json:
        """Say how much of something may run at the same time.

        Args:
            name: ``tag:NAME``, ``warehouse:NAME`` or ``flow:NAME``.
            slots: So many; None takes the limit away.
        """
        return self._connection.send("PUT", "/limits", {"name": name, "slots": slots})

    def close(self) -> None:
        """Let go of connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
