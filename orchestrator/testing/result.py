"""What a run under test came to: states, results, logs and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from orchestrator.errors import NotFoundError
from orchestrator.model.state import BROKEN, State, StateType
from orchestrator.nearest import did_you_mean
from orchestrator.store.base import RunStore
from orchestrator.store.records import TaskRun
from orchestrator.testing.loading import Rows
from orchestrator.testing.warehouse import SampleWarehouse

V = TypeVar("V")


class ByName(Mapping[str, V], Generic[V]):
    """Values of tasks, by key or by name; a name that is not known tells the nearest.

    Args:
        values: By key.
        keys: The key for each name.
        what: What a task has, for messages.
    """

    def __init__(self, values: Mapping[str, V], keys: Mapping[str, str], what: str) -> None:
        self._values, self._keys, self._what = values, keys, what

    def __getitem__(self, name: str) -> V:
        key = name if name in self._values else self._keys.get(name, name)
        if key in self._values:
            return self._values[key]
        known = sorted({*self._values, *self._keys})
        raise NotFoundError(
            f"no task {name!r} has a {self._what} in this run",
            fix=did_you_mean(name, known, "there is " + ", ".join(self._values)),
        )

    def __contains__(self, name: object) -> bool:
        return name in self._values or self._keys.get(str(name)) in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(dict(self._values))


class FlowResult:
    """How a flow under test ended.

    Attributes:
        state: Of the run; ``state.result`` maps each task's key to its state.
        states: The word of each task's state, which compares with text: ``"Success"``.
        results: What each task returned; of a mapped task, the list of what its elements returned.
        messages: One line for each task.
        run_id: The run, in ``store``.
        store: Keeps the run.
        warehouse: The database that stands in for the project's default warehouse.
        warehouses: All of them by name.
        notes: What to know of how it ran: SQL that was translated.
    """

    def __init__(
        self,
        flow: str,
        state: State,
        run_id: str,
        store: RunStore,
        values: Mapping[str, Any],
        warehouses: Mapping[str, SampleWarehouse],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.flow, self.state, self.run_id, self.store = flow, state, run_id, store
        self.warehouses, self.notes = warehouses, notes
        self._runs = store.task_runs(run_id)
        names: dict[str, str] = {}
        for run in self._runs:
            names.setdefault(run.name, run.key)
        self.states = ByName({run.key: run.state for run in self._runs}, names, "state")
        self.messages = ByName({run.key: _message(run) for run in self._runs}, names, "message")
        self.results = ByName(_results(self._runs, values), names, "result")
        self._names = names

    @property
    def warehouse(self) -> SampleWarehouse:
        """The database that stands in for the default warehouse."""
        return next(iter(self.warehouses.values()))

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded."""
        return self.state.is_successful()

    @property
    def failed(self) -> list[str]:
        """Names of the tasks that broke."""
        return [run.name for run in self._runs if run.state in BROKEN]

    def logs(self, task: str | None = None) -> list[str]:
        """The lines that were logged; those of one task, or of its elements, if named.

        Raises:
            NotFoundError: There is no such task.
        """
        lines = self.store.logs(self.run_id)
        if task is None:
            return [line.text for line in lines]
        _ = self.states[task]
        key = self._names.get(task, task)
        return [line.text for line in lines if (line.key or "").split("[")[0] == key]

    def table(self, name: str) -> Rows:
        """The rows of a table after the run, as mappings; the default warehouse is looked at first.

        Raises:
            NotFoundError: There is none of that name; it says which tasks broke, and why.
        """
        for warehouse in self.warehouses.values():
            if warehouse.has(name):
                return warehouse.table(name)
        try:
            return self.warehouse.table(name)
        except NotFoundError as error:
            if not self.failed:
                raise
            raise NotFoundError(
                f"{error.what}: {self.trouble()}",
                where=error.where,
                fix=f"mend {' and '.join(self.failed)}, or give a stub for it",
            ) from None

    def trouble(self) -> str:
        """Which tasks broke, each with why; empty if none did."""
        return "; ".join(
            f"{run.name} broke: {_message(run)}" for run in self._runs if run.state in BROKEN
        )

    def query(self, sql: str) -> Rows:
        """Run a query on the default warehouse after the run; gives rows as mappings."""
        return self.warehouse.query(sql)

    def __repr__(self) -> str:
        broken = "; ".join(
            f"{run.name}: {_message(run)}" for run in self._runs if run.state in BROKEN
        )
        return f"<{self.flow}: {self.state.type}{f' ({broken})' if broken else ''}>"


def _message(run: TaskRun) -> str:
    """One line of what became of it; of what broke, all that is known."""
    error = run.detail.get("error")
    if run.state not in BROKEN or not isinstance(error, str) or error.strip() in run.message:
        return run.message
    return error if run.message in error else f"{run.message}\n{error}"


def _results(runs: tuple[TaskRun, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Results by key: those that were seen, else what the store kept; lists for mapped tasks."""
    found: dict[str, Any] = {}
    elements: dict[str, list[str]] = {}
    for run in runs:
        if run.key.endswith("]") and "[" in run.key:
            elements.setdefault(run.key[: run.key.rindex("[")], []).append(run.key)
        if run.key in values:
            found[run.key] = values[run.key]
        elif run.state is StateType.SUCCESS:
            kept = run.result
            found[run.key] = kept.get("value") if isinstance(kept, Mapping) else kept
    for key, members in elements.items():
        members.sort(key=lambda member: int(member[member.rindex("[") + 1 : -1]))
        found[key] = [found.get(member) for member in members]
    return found
