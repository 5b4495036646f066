"""Runs single attempts on each executor, without a driver: for the tests of what one attempt does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import DaskExecutor, InlineExecutor, ThreadsExecutor
from orchestrator.engine.attempts.attempt import Attempt, Report, run_attempt
from orchestrator.engine.messages import Logged
from orchestrator.executors.base import Completed, Executor, Message
from orchestrator.model.task import Task

#: Seconds after which a test gives up; nothing is asserted about how long anything takes.
PATIENCE = 90.0
MAKERS = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 1, "threads_per_worker": 4}),
}
_numbers = itertools.count(1)


def order(task: Task, state_dir: Path | None = None, **more: Any) -> Attempt:
    """An attempt of a task; what is not an attribute of an attempt is an argument of the task."""
    own = {name: more.pop(name) for name in list(more) if name in Attempt.__dataclass_fields__}
    key, run_id = own.pop("key", task.name), own.pop("run_id", f"run{next(_numbers)}")
    number = own.pop("number", 1)
    token = f"{run_id}:{key}:{number}"
    return Attempt(
        run_id, own.pop("flow", "f"), key, number, token, task, more, state_dir=state_dir, **own
    )


@dataclass
class Channel:
    """Keeps what an attempt says."""

    said: list[Any] = field(default_factory=list)

    def send(self, message: Any) -> None:
        self.said.append(message)

    def attach(self) -> None: ...

    def publish(self, values: Any) -> None: ...

    def lines(self) -> list[str]:
        return [text for m in self.said if isinstance(m, Logged) for _, _, text in m.lines]


def tried(task: Task, state_dir: Path | None = None, **more: Any) -> tuple[Report, Any]:
    """Run one attempt in this thread; its report and its value."""
    kept = run_attempt(order(task, state_dir, **more), Channel(), [])
    return kept.report, kept.value


class Place:
    """A started executor."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.lines: list[str] = []

    def submit(self, attempt: Attempt) -> None:
        self.executor.submit(run_attempt, attempt, self.executor.channel, [])

    def ended(self) -> Report:
        """Wait for the next attempt that ends."""
        while True:
            items = self.executor.wait(PATIENCE)
            assert items, "nothing happened"
            reports = []
            for item in items:
                if isinstance(item, Message) and isinstance(item.content, Logged):
                    self.lines += [text for _, _, text in item.content.lines]
                elif isinstance(item, Completed):
                    assert item.error is None, item.error
                    reports.append(item.report)
            if reports:
                (report,) = reports
                assert isinstance(report, Report)
                return report

    def tried(self, task: Task, state_dir: Path | None = None, **more: Any) -> Report:
        self.submit(order(task, state_dir, **more))
        return self.ended()


@contextmanager
def place(name: str) -> Iterator[Place]:
    executor = MAKERS[name]()
    with executor.start():
        yield Place(executor)
