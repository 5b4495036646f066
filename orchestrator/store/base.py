"""The contract of the run store: what every implementation promises."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from orchestrator.errors import StoreError
from orchestrator.model.state import StateType
from orchestrator.store.access import AccessStore
from orchestrator.store.agents import AgentStore
from orchestrator.store.deployments import DeploymentStore
from orchestrator.store.graphs import GraphStore
from orchestrator.store.occurrences import OccurrenceStore
from orchestrator.store.outbox import OutboxStore
from orchestrator.store.records import (
    Ask,
    Attempt,
    Change,
    Event,
    FlowRun,
    Limit,
    LogLine,
    Refused,
    TaskRun,
)
from orchestrator.store.texts import TextStore

LATEST = "latest"  #: instead of a run's id: the run created last


class FencedError(StoreError):
    """Raised when another driver has taken the run over, or the run is finished."""


class RunStore(
    DeploymentStore, OccurrenceStore, AgentStore, OutboxStore, GraphStore, TextStore, AccessStore
):
    """Keeps runs, what became of their tasks, their logs, and what makes and launches them.

    Promises of every implementation:

    - Methods may be called from any thread.
    - A write is whole or not at all, and when it returns, it lasts.
    - Values are kept as JSON: tuples come back as lists, keys of objects as text. Instants are
      aware, and come back in UTC.
    - A finished state is final; a task's row always equals its last event.
    - What cannot be read or written raises :class:`~orchestrator.errors.StoreError`; a run that
      is not there raises :class:`~orchestrator.errors.NotFoundError`.

    Use it as a context manager, or call :meth:`close`.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> with MemoryStore() as store:
        ...     run_id = store.create_run(FlowRun("a1", "nightly"), [TaskRun("a1", "load", "load")])
        ...     refused = store.transition("a1", [Change("load", StateType.RUNNING, token="t1")])
        ...     refused, store.task_runs("a1")[0].attempt
        ((), 1)
    """

    @abstractmethod
    def create_run(self, run: FlowRun, tasks: Sequence[TaskRun] = ()) -> str:
        """Keep a new run and its tasks, in the order given.

        Of several callers with one ``idempotency_key``, at the same time or years apart, one makes
        the run, and the others get its id; nothing of theirs is kept.

        Returns:
            The id of the run that is kept: this one's, or that of the run that has its key already.

        Raises:
            StoreError: A run of that id is there, a task comes twice, or a value is not JSON.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> store = MemoryStore()
            >>> store.create_run(FlowRun("a1", "nightly", idempotency_key="2026-03-01"))
            'a1'
            >>> store.create_run(FlowRun("b2", "nightly", idempotency_key="2026-03-01"))
            'a1'
        """

    @abstractmethod
    def add_tasks(self, run_id: str, tasks: Sequence[TaskRun], *, fence: int | None = None) -> None:
        """Add tasks known only since the run began; a key that is there is left as it is.

        Args:
            run_id: The whole id.
            tasks: The tasks; their order goes on from those that are there.
            fence: The driver's number; None for one who is not the driver.

        Raises:
            FencedError: The run is finished, or ``fence`` is not the run's.
        """

    @abstractmethod
    def transition(
        self, run_id: str, changes: Sequence[Change], *, fence: int | None = None
    ) -> tuple[Refused, ...]:
        """Make the changes that may be made, in order, all in one transaction.

        Each change made appends one event. ``RUNNING`` opens an attempt; ``RETRYING`` or a
        finished state closes it. A change is refused, and the others still made, when

        - the present state is not among ``expected``, or may not move to the new state;
        - its token or number is not that of the live attempt;
        - its detail or result is not JSON;
        - the run is finished and the change would start something;
        - ``fence`` is given and is not the run's (then all are refused).

        Returns:
            The changes that were refused, each with the reason.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> store = MemoryStore()
            >>> store.create_run(FlowRun("a1", "nightly"))
            'a1'
            >>> done = store.transition("a1", [Change(None, StateType.SUCCESS)])
            >>> print(store.transition("a1", [Change(None, StateType.RUNNING)])[0].reason)
            the run is Success, and a finished state is final
        """

    @abstractmethod
    def append_logs(self, run_id: str, lines: Sequence[LogLine]) -> None:
        """Append lines to the run's log. Their ``seq`` is given here: 1 for the first, no gaps.

        The latest lines may be lost when the machine itself stops, never when a process does.
        """

    @abstractmethod
    def logs(
        self,
        run_id: str,
        key: str | None = None,
        *,
        after_seq: int = 0,
        before_seq: int | None = None,
        limit: int = 1000,
        tail: int | None = None,
        level: int | None = None,
        search: str | None = None,
    ) -> tuple[LogLine, ...]:
        """Return lines in the order they were written.

        Args:
            run_id: The whole id.
            key: Only this task's; None for all of the run.
            after_seq: Only lines after this one.
            before_seq: Only lines before this one; with ``tail``, the page before it.
            limit: At most so many, the first ones.
            tail: Instead of the first ``limit`` lines, the last so many.
            level: Only this level and those above it.
            search: Only lines that hold this text, upper and lower case alike.
        """

    @abstractmethod
    def log_total(self, run_id: str) -> int:
        """Return how many lines the run's log has, which is the ``seq`` of its last one."""

    @abstractmethod
    def run(self, run_id: str) -> FlowRun:
        """Return a run by its id, a beginning that only one id has, or ``"latest"``.

        Raises:
            NotFoundError: None has it, or several have; then they are named.
        """

    @abstractmethod
    def runs(
        self,
        *,
        flow: str | None = None,
        project: str | None = None,
        state: StateType | Collection[StateType] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> tuple[FlowRun, ...]:
        """Return runs, the newest first.

        Args:
            flow: Only of this flow.
            project: Only of this project.
            state: Only in this state, or one of these.
            since: Only those created at this instant or later.
            until: Only those created before this instant.
            limit: At most so many.
            before: Id of a run: only those created before it (the next page).
        """

    @abstractmethod
    def retries(self, run_id: str) -> tuple[str, ...]:
        """Return the ids of the runs that finish a run, the oldest first."""

    @abstractmethod
    def counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StateType, int]]:
        """Return how many tasks of each run stand in each state; runs without tasks are left out.

        Args:
            run_ids: The whole ids.
        """

    @abstractmethod
    def task_runs(
        self, run_id: str, key: str | None = None, *, keys: Collection[str] | None = None
    ) -> tuple[TaskRun, ...]:
        """Return the run's tasks in the order they were given.

        Args:
            run_id: The whole id.
            key: Only the one of this key.
            keys: Only those of these keys.
        """

    @abstractmethod
    def attempts(self, run_id: str, key: str | None = None) -> tuple[Attempt, ...]:
        """Return the attempts of the run, or of one task, ordered by task and number."""

    @abstractmethod
    def events(
        self, run_id: str, *, after: int = 0, limit: int | None = None, key: str | None = None
    ) -> tuple[Event, ...]:
        """Return the run's events with an id greater than ``after``, in order.

        A reader that asks again with the last id it saw misses none.

        Args:
            run_id: The whole id.
            after: The last id that is known.
            limit: At most so many, the first ones.
            key: Only this task's; None for all of the run.
        """

    @abstractmethod
    def last_event(self, run_id: str | None = None) -> int:
        """Return the id of the newest event of a run, or of any; 0 if there is none."""

    @abstractmethod
    def changed_runs(self, after: int) -> Mapping[str, int]:
        """Return the runs that have events with an id greater than ``after``, each with its last.

        Where several processes write, an event may be seen here later than one with a greater id:
        whoever follows all runs looks a little back each time.
        """

    @abstractmethod
    def durations(
        self,
        flow: str | None,
        keys: Collection[str],
        *,
        last: int = 10,
        project: str | None = None,
    ) -> Mapping[str, float]:
        """Return the median seconds of each task's last successful attempts.

        Args:
            flow: Only runs of this flow; None for all flows.
            keys: The tasks; those never seen to succeed are left out of the answer.
            last: Look at about so many successes of each task, the newest ones.
            project: Only runs of this project.
        """

    @abstractmethod
    def heartbeat(self, run_id: str, fence: int, until: datetime) -> bool:
        """Prolong the driver's lease and those of the limits it holds.

        Returns:
            False when the run is finished or taken over; then nothing is prolonged.
        """

    @abstractmethod
    def expired_runs(self, now: datetime) -> tuple[FlowRun, ...]:
        """Return unfinished runs whose lease has run out, the oldest first.

        A run that has started but has no lease counts as expired; one that is still ``Pending``
        and was never claimed does not.
        """

    @abstractmethod
    def take_over(
        self,
        run_id: str,
        *,
        seen: int | None = None,
        pid: int | None = None,
        host: str | None = None,
        until: datetime | None = None,
    ) -> int:
        """Make the caller the run's driver, refuse the old one from now, and return the fence.

        What the old driver held of limits is given back.

        Args:
            run_id: The whole id.
            seen: The fence the caller saw; if it is another by now, somebody was faster.
            pid: The caller's process.
            host: The caller's machine.
            until: End of the caller's lease.

        Raises:
            FencedError: The run is finished, or somebody was faster.
        """

    @abstractmethod
    def call_off(self, run_ids: Collection[str], why: str) -> tuple[str, ...]:
        """Cancel those of some runs that nobody has begun, all in one transaction.

        These are the runs that are ``Pending`` and that no agent has taken. Their open tasks are
        skipped, and what they had of limits is given back.

        Args:
            run_ids: The whole ids; those of runs that stand otherwise, or are not there, are
                passed over.
            why: Said to people.

        Returns:
            The ids of the runs that were cancelled here, in the order given.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> store = MemoryStore()
            >>> made = [store.create_run(FlowRun(run_id, "nightly")) for run_id in ("a1", "b2")]
            >>> done = store.transition("a1", [Change(None, StateType.RUNNING)])
            >>> store.call_off(made, "the backfill was cancelled")
            ('b2',)
        """

    @abstractmethod
    def ask(self, run_id: str, asked: Ask) -> int:
        """Keep a request to a run, and append an event that says so.

        Args:
            run_id: The whole id; the run may be finished.
            asked: The request.

        Returns:
            The request's number.

        Raises:
            NotFoundError: There is no such run, or it has no such task.
            StoreError: The request's data is not JSON.
        """

    @abstractmethod
    def asked(self, run_id: str, *, after: int = 0) -> tuple[Ask, ...]:
        """Return the requests to a run with a number greater than ``after``, in order."""

    @abstractmethod
    def set_limit(self, name: str, slots: int | None) -> None:
        """Say how much of something may run at the same time; None takes the limit away.

        Args:
            name: ``tag:NAME``, ``warehouse:NAME`` or ``flow:NAME``.
            slots: So many from now on; what runs already is left to end.
        """

    @abstractmethod
    def limits(self) -> tuple[Limit, ...]:
        """Return all limits by name, each with the slots that are taken now."""

    @abstractmethod
    def acquire(
        self, names: Collection[str], holder: str, run_id: str, until: datetime
    ) -> tuple[str, ...]:
        """Take a slot of each limit named, or of none of them.

        Who is refused stands in line from then on, each run once, until ``until`` or until it is
        served: what frees goes to the run that asked first, so that none waits for ever however
        busy the others are. Asking again with the same holder prolongs what it has.

        Args:
            names: Names without a limit count as free.
            holder: Who takes them: unique, such as an attempt's token.
            run_id: The run; its heartbeat prolongs the lease.
            until: When the lease ends if nothing more is heard.

        Returns:
            The names that stood in the way; none if the slots are taken.

        Raises:
            NotFoundError: There is no such run.

        Example:
            >>> from datetime import timedelta
            >>> from orchestrator import instants
            >>> from orchestrator.store.memory import MemoryStore
            >>> store, soon = MemoryStore(), instants.now() + timedelta(seconds=30)
            >>> run_id = store.create_run(FlowRun("a1", "nightly"))
            >>> store.set_limit("tag:heavy", 1)
            >>> store.acquire(["tag:heavy", "tag:free"], "first", "a1", soon)
            ()
            >>> store.acquire(["tag:heavy"], "second", "a1", soon)
            ('tag:heavy',)
        """

    @abstractmethod
    def release(self, holder: str) -> None:
        """Give back every slot that a holder has."""

    @abstractmethod
    def leave(self, run_id: str) -> None:
        """Give back every slot that a run has, and its place in every line."""

    @abstractmethod
    def prune(self, older_than: datetime | None = None, *, most: int | None = None) -> int:
        """Delete old finished runs with all that belongs to them.

        Args:
            older_than: Delete those that finished before the instant, and the occurrences that
                were due and settled before it; None for none by age.
            most: Of each flow of a project, keep so many finished runs, the newest ones; None for
                any number.

        Returns:
            How many runs were deleted. Unfinished runs are kept.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; the store cannot be used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
