"""A run store that puts into the outbox whom the rules want told of each state it records."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from orchestrator import instants
from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, StateType
from orchestrator.service.notify import messages
from orchestrator.service.notify.rules import Rule
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Notification
from orchestrator.store.records import Change, FlowRun, Refused, TaskRun

_LOG = logging.getLogger("orchestrator.notify")
_PATIENCE = 5.0  #: seconds that closing waits for the message of a state handler to be written
_ENDED = SUCCEEDED | BROKEN
_open: list[Announcing] = []
_opening = threading.Lock()


class Announcing:
    """Stands in front of a run store; whatever it does not know itself the store does.

    It works in the thread that records, after the record: what hinders a message hinders no run.

    Args:
        store: The run store.
        project: The project whose rules these are; runs of other projects are none of its business.
        rules: The rules.
        deliver: Called once when there is something to send for a run that this process drives.
    """

    def __init__(
        self,
        store: RunStore,
        project: str,
        rules: Sequence[Rule],
        *,
        deliver: Callable[[RunStore], Callable[[], None]] | None = None,
    ) -> None:
        self._store, self._project, self._rules = store, project, tuple(rules)
        self._deliver = deliver
        self._tags: dict[str, frozenset[str]] = {}
        self._finish: Callable[[], None] | None = None
        self._drives: str | None = None
        self._latest: str | None = None
        self._telling: list[threading.Thread] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def make_reachable(self) -> None:
        """Let state handlers in this process find this store, until it is closed."""
        with _opening:
            _open.append(self)

    def know_run(self, run_id: str, tags: Mapping[str, frozenset[str]]) -> None:
        """Take down the run that is driven here, and the tags of its tasks by key."""
        self._latest = run_id
        self._tags = {key: words for key, words in tags.items() if words}

    def close(self) -> None:
        """Let what is being sent end, within its bounds, and close the store."""
        with _opening:
            if self in _open:
                _open.remove(self)
        for thread in self._telling:
            thread.join(_PATIENCE)
        if self._finish is not None:
            self._finish()
        self._store.close()

    def transition(
        self, run_id: str, changes: Sequence[Change], *, fence: int | None = None
    ) -> tuple[Refused, ...]:
        """Record changes, and put what people want to hear of them into the outbox."""
        self._latest = run_id
        refused = self._store.transition(run_id, changes, fence=fence)
        try:
            not_made = {id(each.change) for each in refused}
            self._announce(run_id, [each for each in changes if id(each) not in not_made])
        except Exception:
            _LOG.warning("messages about run %s could not be written", run_id, exc_info=True)
        return refused

    def create_run(self, run: FlowRun, tasks: Sequence[TaskRun] = ()) -> str:
        """Keep a new run, and remember that it is driven here."""
        kept = self._store.create_run(run, tasks)
        if run.pid == os.getpid() and run.host == socket.gethostname():
            self._drives = kept
        return kept

    def tell(self, kind: str, target: str, payload: dict[str, Any], key: str | None = None) -> None:
        """Put a message of a state handler into the outbox; the handler does not wait for it.

        Args:
            kind: What kind.
            target: A rule's name, or what stands in its place.
            payload: What it says.
            key: Its stable name.
        """
        run_id = payload.get("run_id") or self._latest
        if run_id:
            payload = {**payload, "run_id": run_id, "project": self._project}
        target = f"{self._project}/{target}"
        told = Notification(kind, target, messages.masked(payload), run_id=run_id, key=key)
        thread = threading.Thread(target=self._put_quietly, args=(told,), daemon=True)
        self._telling.append(thread)
        thread.start()

    def _put_quietly(self, told: Notification) -> None:
        try:
            self._put([told])
        except Exception:
            _LOG.warning("a message could not be written", exc_info=True)

    def _announce(self, run_id: str, changes: Sequence[Change]) -> None:
        states = frozenset[StateType]().union(*(rule.states for rule in self._rules))
        if any(rule.recovered for rule in self._rules):
            states |= SUCCEEDED
        changes = [change for change in changes if change.to in states]
        if not changes:
            return
        run = self._store.run(run_id)
        if run.project == self._project:
            self._put([found for change in changes for found in self._of_change(run, change)])

    def _of_change(self, run: FlowRun, change: Change) -> Iterator[Notification]:
        at = change.at or instants.now()
        if change.key is None:
            yield from self.of_run(run, change.to, change.message, at)
            return
        rules = [rule for rule in self._rules if rule.on_tasks and change.to in rule.states]
        if rules:
            task = self._store.task_runs(run.id, change.key)[0]
            yield from self.of_task(run, task, change.to, change.message, at, change.attempt)

    def of_run(
        self, run: FlowRun, state: StateType, message: str, at: Any
    ) -> Iterator[Notification]:
        """Yield what is to be sent of a run that entered a state."""
        for rule in self._rules:
            if rule.on_run(run.flow, state):
                payload = messages.about_run(self._store, run, state, message, at, rule.timezone)
                yield self._message(rule, messages.STATE, payload, run, "", state)
            if rule.recovered and rule.covers(run.flow) and self._recovered(run, state):
                title = f"{run.flow} recovered"
                payload = messages.about(
                    run, messages.RECOVERED, title, message, at, rule.timezone, state=state.value
                )
                yield self._message(rule, messages.RECOVERED, payload, run)

    def of_task(
        self, run: FlowRun, task: TaskRun, state: StateType, message: str, at: Any, attempt: Any
    ) -> Iterator[Notification]:
        """Yield what is to be sent of a task run that entered a state."""
        mapped = task.key.rpartition("[")[0]  # an element has the tags of its task
        tags = self._tags.get(task.key) or self._tags.get(mapped) or ()
        for rule in self._rules:
            if rule.on_task(run.flow, task.key, task.name, tags, state):
                payload = messages.about_task(run, task, state, message, at, rule.timezone)
                # A finished state comes once, whoever tells of it; others come once an attempt.
                again = "" if state in FINISHED else attempt
                yield self._message(rule, messages.STATE, payload, run, task.key, state, again)

    def _recovered(self, run: FlowRun, state: StateType) -> bool:
        if state not in SUCCEEDED:
            return False
        before = self._store.runs(
            flow=run.flow, project=run.project, state=_ENDED, before=run.id, limit=1
        )
        return bool(before) and before[0].state in BROKEN

    def _message(
        self, rule: Rule, kind: str, payload: dict[str, Any], run: FlowRun, *parts: object
    ) -> Notification:
        target = f"{self._project}/{rule.name}"
        key = messages.key_of(target, kind, run.id, *parts)
        return Notification(kind, target, payload, run_id=run.id, key=key)

    def _put(self, found: Sequence[Notification]) -> None:
        if not found:
            return
        self._store.put(found)
        with _opening:
            if self._deliver is not None and self._finish is None and self._drives is not None:
                self._finish = self._deliver(self._store)


def reachable() -> Announcing | None:
    """Return the store that this process has open, if it has one."""
    with _opening:
        return _open[-1] if _open else None


def know_run(store: object, run_id: str, tags: Mapping[str, frozenset[str]]) -> None:
    """Tell a store that announces which run is about to be recorded, before its handlers speak.

    Args:
        store: A run store; one that announces nothing need not know.
        run_id: The run.
        tags: The tags of each task, by its key.
    """
    if isinstance(store, Announcing):
        store.know_run(run_id, tags)
