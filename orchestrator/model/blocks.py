"""Blocks of a flow: tasks bound together, the first of them held back by one task before them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model import building

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.model.flow import Flow
    from orchestrator.model.task import Task


class Block:
    """Notes the tasks bound while it is entered; those without another of them before wait.

    Subclasses say for what, in :meth:`gate`.
    """

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self._entered: list[AbstractContextManager[None]] = []

    def gate(self, flow: Flow) -> Task:
        """The task that the first of the block wait for; asked for when there is one."""
        raise NotImplementedError

    def __enter__(self) -> Any:
        watching = building.watched(self._add)
        watching.__enter__()
        self._entered.append(watching)
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)

    def _add(self, flow: Flow, task: Task) -> None:
        before = set(_before(flow, task))
        self.tasks.append(task)
        if not before & set(self.tasks):
            flow.add_order(self.gate(flow), task)

    def last(self, flow: Flow) -> list[Task]:
        """Those tasks of the block that no other task of it waits for."""
        waited_for = {up for task in self.tasks for up in _before(flow, task)}
        return [task for task in self.tasks if task not in waited_for]


def _before(flow: Flow, task: Task) -> Iterable[Task]:
    binding = flow.binding(task)
    return (*binding.tasks(), *binding.upstream)


@contextmanager
def tags(*words: str) -> Iterator[None]:
    """Give each task that is bound in a block these tags.

    Args:
        words: The tags.

    Example:
        >>> from orchestrator.model.flow import Flow
        >>> from orchestrator.model.task import task
        >>> @task
        ... def load():
        ...     return 1
        >>> with Flow("sample") as flow:
        ...     with tags("heavy", "nightly"):
        ...         loaded = load()
        >>> sorted(loaded.tags)
        ['heavy', 'nightly']
    """
    for word in words:
        if not isinstance(word, str) or not word.strip():
            raise FlowError(f"{word!r} is no tag", fix='tags are words: tags("heavy", "nightly")')

    def tag(flow: Flow, task: Task) -> None:
        task.tags |= set(words)

    with building.watched(tag):
        yield
