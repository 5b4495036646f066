"""The contract of an agent: it claims due runs, has them launched, watches them, and settles them."""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Generic, TypeVar

from orchestrator import instants
from orchestrator.engine.telling.recorder import LEASE
from orchestrator.errors import NotFoundError, OrchestratorError, StoreError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.agent.orders import Order, process_order
from orchestrator.service.agent.output import Output
from orchestrator.service.project import Project
from orchestrator.service.scheduler.following import (
    ANOTHER,
    follow,
    interrupt,
    policies_of,
)
from orchestrator.service.scheduler.stopping import end
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Action, FlowRun, new_run_id

_log = logging.getLogger(__name__)
BEAT = 10.0  #: seconds between two heartbeats; who misses three is believed lost
PROGRAM = "analytics-orchestrator"
#: What an agent says the versions of, besides Python's; what is not installed is left out.
PACKAGES = (PROGRAM, "dbt-core", "dbt-duckdb", "dbt-snowflake", "duckdb", "sqlglot", "distributed")
Handle = TypeVar("Handle")


@dataclass(frozen=True, slots=True)
class Exit:
    """How a launched process ended.

    Args:
        code: Its exit code, minus the number of the signal that ended it; None if nobody knows.
        reason: More about it, one line for people.
    """

    code: int | None
    reason: str = ""

    def __str__(self) -> str:
        """One line for people."""
        if self.code is not None and self.code < 0:
            name = next((s.name for s in signal.Signals if s == -self.code), str(-self.code))
            said = f"its process was killed by {name}"
        elif self.code is not None:
            said = f"its process ended with exit code {self.code}"
        else:
            said = "its process is gone"
        return f"{said}: {self.reason}" if self.reason else said


@dataclass
class _Launched(Generic[Handle]):
    """A claimed run and what watches over it; ``handle`` is None while it is launched."""

    run: FlowRun
    handle: Handle | None = None
    heard: int = 0
    cancelled: bool = False
    kill_at: float | None = None
    killed: bool = False


class Agent(ABC, Generic[Handle]):
    """Takes runs whose labels it has, and has each launched as a process of its own.

    A subclass says how: it overrides :meth:`launch`, :meth:`poll` and :meth:`kill`. What is
    launched executes ``orchestrator execute``, which takes the run over and keeps its own lease.

    Args:
        store: The run store.
        labels: Runs that need no other labels are taken.
        project: The project the agent was started in; gives the store's address to processes.
        name: What people call it; the machine's name if left out.
        most: Runs at the same time.
        pause: Seconds between two looks.
        grace: Seconds that a run has to stop by itself when it is cancelled, before it is killed.

    Example:
        >>> class Nowhere(Agent[str]):
        ...     def launch(self, run):
        ...         return run.id
        ...     def poll(self, handle):
        ...         return Exit(1, "there is no machine")
        ...     def kill(self, handle):
        ...         pass
        >>> from orchestrator.store.memory import MemoryStore
        >>> store = MemoryStore()
        >>> run_id = store.create_run(FlowRun("a1", "nightly"))
        >>> agent = Nowhere(store, project=None)
        >>> agent.step(); agent.step()
        >>> print(store.run("a1").message)
        its process ended with exit code 1: there is no machine
    """

    def __init__(
        self,
        store: RunStore,
        labels: Collection[str] = (),
        *,
        project: Project | None,
        name: str | None = None,
        most: int = 4,
        pause: float = 1.0,
        grace: float = 30.0,
    ) -> None:
        self.store, self.labels, self.project = store, tuple(sorted(set(labels))), project
        self.most, self.pause, self.grace = most, pause, grace
        self.id = new_run_id()
        self.name = name or socket.gethostname()
        self.output = Output(store)
        self._launched: dict[str, _Launched[Handle]] = {}
        self._claims: dict[str, int] = {}
        self._stopping = False

    # -- what a subclass says --------------------------------------------------------------

    @abstractmethod
    def launch(self, run: FlowRun) -> Handle:
        """Start the process of a run and return at once.

        :meth:`order` gives the command. An error fails the run, with the error as its cause.

        Returns:
            Whatever the other hooks need to find it again.
        """

    @abstractmethod
    def poll(self, handle: Handle) -> Exit | None:
        """Return how a process ended, or None while it is there. Must return soon."""

    @abstractmethod
    def kill(self, handle: Handle) -> None:
        """Ask that a process ends, with all it started; :meth:`poll` says when it has."""

    # -- what a subclass may use -----------------------------------------------------------

    def order(self, run: FlowRun) -> Order:
        """The command that executes a run, with its environment and its folder."""
        assert self.project is not None, "an agent that launches processes needs a project"
        return process_order(run, self.deployment(run), self.project)

    def deployment(self, run: FlowRun) -> Deployment | None:
        """The deployment a run is of, if it is of one."""
        return self.store.deployment(run.deployment_id) if run.deployment_id else None

    def say(self, run: FlowRun, text: str, level: int = logging.INFO) -> None:
        """Write a line into a run's log; secrets that this process knows are masked."""
        self.output.put(run.id, text, level)

    # -- its life --------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, then stop what runs and sign off.

        An error of the store, or of a hook, never ends it: it is logged, and tried again.
        """
        ended = threading.Event()
        beating = threading.Thread(
            target=self._beat_on, args=(ended,), name="agent-heartbeat", daemon=True
        )
        beating.start()
        try:
            while not stop.is_set():
                self._safely(self.step)
                stop.wait(self.pause)
        finally:
            self.close()
            ended.set()
            beating.join()
            self._safely(self.store.dismiss, self.id)

    def step(self) -> None:
        """Look once: settle what ended, stop what is to stop, claim and launch what is due."""
        for launched in list(self._launched.values()):
            self._safely(self._look, launched)
        self.output.flush()
        while not self._stopping and len(self._launched) < self.most:
            until = instants.now() + LEASE
            run = self.store.claim(self.id, self.labels, until, now=instants.now())
            if run is None:
                return
            self._start(run)

    def beat(self) -> None:
        """Say that the agent is alive, and prolong what it has claimed and nobody drives yet."""
        if not self.store.beat(self.id, instants.now()):
            self.store.enlist(self._record())
        until = instants.now() + LEASE
        for run_id, fence in list(self._claims.items()):
            if not self.store.heartbeat(run_id, fence, until):
                self._claims.pop(run_id, None)  # its own process drives it now

    def close(self) -> None:
        """Stop what runs and settle it; waits for the processes to end."""
        self._stopping = True
        for launched in self._launched.values():
            self._safely(self._ask_to_stop, launched)
        deadline = time.monotonic() + 3 * self.grace
        while self._launched and time.monotonic() < deadline:
            for launched in list(self._launched.values()):
                self._safely(self._look, launched)
            time.sleep(min(self.pause, 0.1))
        self._safely(self.output.flush)

    # -- inside ----------------------------------------------------------------------------

    def _start(self, run: FlowRun) -> None:
        launched: _Launched[Handle] = _Launched(run)
        self._launched[run.id] = launched
        self._claims[run.id] = run.fence
        try:
            launched.handle = self.launch(run)
        except Exception as error:
            del self._launched[run.id]
            what = error.what if isinstance(error, OrchestratorError) else repr(error)
            self.say(run, f"it could not be launched: {error}", logging.ERROR)
            self._settle(launched, StateType.FAILED, f"it could not be launched: {what}")

    def _look(self, launched: _Launched[Handle]) -> None:
        assert launched.handle is not None
        ended = self.poll(launched.handle)
        try:
            run = self.store.run(launched.run.id)
        except NotFoundError:
            self._kill(launched, "the run is not in the store any more")
            if ended is not None:
                self._forget(launched)
            return
        if ended is not None:
            self._ended(launched, run, ended)
        elif run.state in FINISHED or not self._is_ours(launched, run):
            # Its driver ends by itself now, or finds out that it is refused.
            self._kill_later(launched, "the run has ended, its process has not")
        else:
            self._heed(launched, run)

    def _heed(self, launched: _Launched[Handle], run: FlowRun) -> None:
        """Stop a run that is cancelled; its own driver comes first, if there is one."""
        for asked in self.store.asked(run.id, after=launched.heard):
            launched.heard = asked.id
            launched.cancelled |= asked.action is Action.CANCEL
        if launched.cancelled:
            if run.fence == launched.run.fence:
                self._kill(launched, "it is cancelled")
            self._kill_later(launched, "it was cancelled and did not stop")

    def _ask_to_stop(self, launched: _Launched[Handle]) -> None:
        """Interrupt a run because the agent stops; one that has not begun is for other agents."""
        run = self.store.run(launched.run.id)
        if run.state in FINISHED or not self._is_ours(launched, run):
            return  # its process ends by itself, and is ended if it does not
        if run.fence == launched.run.fence:
            self._kill(launched, "the agent stops")
        else:
            interrupt(self.store, run.id, f"agent {self.name} stops")

    def _kill_later(self, launched: _Launched[Handle], why: str) -> None:
        if launched.kill_at is None:
            launched.kill_at = time.monotonic() + self.grace
        elif time.monotonic() > launched.kill_at:
            self._kill(launched, why)

    def _kill(self, launched: _Launched[Handle], why: str) -> None:
        if launched.killed or launched.handle is None:
            return
        launched.killed = True
        self.say(launched.run, f"its process is told to end: {why}", logging.WARNING)
        self.kill(launched.handle)

    def _ended(self, launched: _Launched[Handle], run: FlowRun, ended: Exit) -> None:
        """The process is gone: what it left open is put back, or ended with its cause."""
        if run.state not in FINISHED and self._is_ours(launched, run):
            begun = run.fence != launched.run.fence
            if self._stopping and not begun and self.store.unclaim(run.id, run.fence):
                self._forget(launched)
                return
            if launched.cancelled:
                self._settle(launched, StateType.CANCELLED, f"cancelled; {ended}")
            else:
                policies = policies_of(self.store, run)
                followed = begun and follow(self.store, run, policies, instants.now())
                self._settle(launched, StateType.FAILED, f"{ended}{ANOTHER if followed else ''}")
        self._forget(launched)

    def _settle(self, launched: _Launched[Handle], to: StateType, message: str) -> None:
        run = self.store.run(launched.run.id)
        if self._is_ours(launched, run):
            end(self.store, run, to, message)
        self._claims.pop(run.id, None)

    def _is_ours(self, launched: _Launched[Handle], run: FlowRun) -> bool:
        """Whether nobody took the run from the agent: its process took it over once at most."""
        return run.agent == self.id and run.fence - launched.run.fence in (0, 1)

    def _forget(self, launched: _Launched[Handle]) -> None:
        self._launched.pop(launched.run.id, None)
        self._claims.pop(launched.run.id, None)

    def _record(self) -> AgentRecord:
        return AgentRecord(
            self.id, self.name, self.labels, socket.gethostname(), os.getpid(),
            version=_version(PROGRAM), packages=_packages(),
        )  # fmt: skip

    def _beat_on(self, ended: threading.Event) -> None:
        while True:
            self._safely(self.beat)
            if ended.wait(BEAT):
                return

    def _safely(self, do: Callable[..., object], *arguments: object) -> None:
        try:
            do(*arguments)
        except StoreError as error:
            _log.warning("agent %s: %s", self.name, error.what)
        except Exception:
            _log.exception("agent %s goes on after an error", self.name)


def _packages() -> dict[str, str]:
    """Versions of what decides how runs of this agent turn out, by name."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **{n: v for n, v in found.items() if v}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
