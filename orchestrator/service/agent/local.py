"""The agent that launches runs as processes of this machine, under supervision."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from orchestrator.errors import ConfigurationError, OrchestratorError
from orchestrator.process.output import Stream
from orchestrator.process.run import run_process
from orchestrator.service.agent.base import Agent, Exit
from orchestrator.service.agent.docker import docker_order
from orchestrator.service.agent.orders import Order, environment_of
from orchestrator.store.records import FlowRun

#: Seconds between asking a process to end and killing it.
_GRACE = 20.0


class Process:
    """A supervised process that runs beside: its whole tree ends with it, and with this process.

    Args:
        order: What to run.
        say: Gets its lines, with their level.
        grace: Seconds between asking it to end and killing it.
    """

    def __init__(
        self, order: Order, say: Callable[[str, int], None], grace: float = _GRACE
    ) -> None:
        self._order, self._say, self._grace = order, say, grace
        self._stop = threading.Event()
        self.ended: Exit | None = None
        threading.Thread(target=self._run, name="agent-process", daemon=True).start()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop.set()

    def _run(self) -> None:
        try:
            result = run_process(
                self._order.words, env=self._order.environment, cwd=self._order.folder,
                on_line=self._line, cancel=self._stop, grace=self._grace,
            )  # fmt: skip
            if result.stopped and self._order.undo:
                run_process(self._order.undo, env=self._order.environment, timeout=_GRACE)
            last = result.last_lines[-1].strip() if result.last_lines else ""
            reason = last if result.returncode > 0 else ""
            if result.survivors:
                reason = f"these processes could not be ended: {result.survivors}"
            self.ended = Exit(result.returncode, reason)
        except OrchestratorError as error:
            self.ended = Exit(None, error.what)
        except BaseException as error:
            self.ended = Exit(None, repr(error))
            raise

    def _line(self, stream: Stream, text: str) -> None:
        if text.strip():
            self._say(text, logging.WARNING if stream == "stderr" else logging.INFO)


class LocalAgent(Agent[Process]):
    """Launches each run as a process of its own: in its version's folder, with its environment.

    If the agent is killed, its processes are ended with all they started. Runs of deployments
    with a ``docker`` environment are launched by the docker command.
    """

    def launch(self, run: FlowRun) -> Process:
        """Start the process of a run."""
        return Process(self.order(run), partial(self.say, run))

    def poll(self, handle: Process) -> Exit | None:
        """Return how it ended, or None."""
        return handle.ended

    def kill(self, handle: Process) -> None:
        """Ask it to end; it is killed with its tree if it does not."""
        handle.stop()

    def order(self, run: FlowRun) -> Order:
        """The command of a run, by the kind of its deployment's environment.

        Raises:
            ConfigurationError: The kind is not one of this agent's.
        """
        kind = str(environment_of(self.deployment(run)).get("kind", "process"))
        if kind == "process":
            return super().order(run)
        if kind == "docker":
            assert self.project is not None
            return docker_order(run, self.deployment(run), self.project)
        raise ConfigurationError(
            f"this agent cannot launch runs in an environment of kind {kind!r}",
            fix="give the deployment a label that only agents of that kind have",
        )


class DockerAgent(LocalAgent):
    """Launches every run in a container, by the docker command.

    Args:
        image: The image for runs whose deployment names none.
        rest: As for :class:`~orchestrator.service.agent.base.Agent`.
    """

    def __init__(self, *arguments: Any, image: str | None = None, **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self.image = image

    def order(self, run: FlowRun) -> Order:
        """The docker command of a run."""
        assert self.project is not None
        return docker_order(run, self.deployment(run), self.project, self.image)
