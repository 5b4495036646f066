"""Finds the task or dataset that a person means, and offers the nearest where there is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import NotFoundError
from orchestrator.model.dataset import Dataset
from orchestrator.model.facts import TaskFacts

if TYPE_CHECKING:
    from orchestrator.store.records import TaskRun


class HasDatasets(Protocol):
    """What knows datasets."""

    @property
    def datasets(self) -> list[Dataset]:
        """All of them."""
        ...


_OFFERED = 5
_LISTED = 10


def resolve_task(facts: Mapping[str, TaskFacts], name: str) -> str:
    """Return the key of the task a person means: by key, name, ``package.name`` or path.

    Raises:
        NotFoundError: No task is meant, or several.
    """
    if name in facts:
        return name
    wanted = name.casefold()
    for names in (_names, _looser_names):
        found = [key for key, task in facts.items() if wanted in names(task)]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFoundError(
                f"{name!r} names {len(found)} tasks",
                fix="give one of their keys: " + ", ".join(sorted(found)[:_LISTED]),
            )
    near = nearest(wanted, (spelling for task in facts.values() for spelling in _names(task)))
    raise NotFoundError(
        f"no task is named {name!r}",
        fix=f"did you mean {', '.join(near)}?"
        if near
        else "orchestrator plan --all lists the tasks",
    )


def resolve_task_run(tasks: Iterable[TaskRun], name: str) -> str:
    """Return the key of the task of a run that a person means.

    Raises:
        NotFoundError: No task is meant, or several.
    """
    facts = {
        task.key: TaskFacts(task.key, task.name, task.resource_type, path=task.path)
        for task in tasks
    }
    return resolve_task(facts, name)


def _names(task: TaskFacts) -> set[str]:
    return {task.name.casefold()}


def _looser_names(task: TaskFacts) -> set[str]:
    names = {task.key, ".".join(task.fqn), task.path or ""}
    if task.package:
        names.add(f"{task.package}.{task.name}")
    if task.fqn:
        names.add(task.fqn[-1])
    return {name.casefold() for name in names if name}


def resolve_dataset(graph: HasDatasets, name: str) -> Dataset:
    """Return the dataset a person means, by its whole name or the end of it.

    Raises:
        NotFoundError: No dataset is meant, or several.
    """
    found = _matching(graph.datasets, name)
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(sorted(map(str, found))[:_LISTED])
        raise NotFoundError(
            f"{name!r} names {len(found)} datasets", fix=f"give one whole: {listed}"
        )
    near = nearest(name.casefold(), _spellings(graph.datasets))
    raise NotFoundError(
        f"no task reads or writes {name!r}",
        fix=f"did you mean {', '.join(near)}?" if near else "name it as schema.table",
    )


def resolve_dataset_or_column(graph: HasDatasets, name: str) -> tuple[Dataset, str | None]:
    """Return the dataset that ``TABLE`` means, or that of ``TABLE.COLUMN`` with the column's name.

    A dataset of the whole name comes first. Whether there is such a column is not looked at.

    Raises:
        NotFoundError: No dataset is meant, or several.
    """
    table, column = _split_off(name)
    if (
        column
        and table
        and not _matching(graph.datasets, name)
        and _matching(graph.datasets, table)
    ):
        return resolve_dataset(graph, table), column
    return resolve_dataset(graph, name), None


def _split_off(name: str) -> tuple[str, str]:
    """The part after the last dot that stands in no quotes, and what stands before it."""
    quoted = re.fullmatch(r'(.*)\.(["`\[][^"`\]]+["`\]])', name)
    if quoted:
        return quoted[1], quoted[2]
    table, _, column = name.rpartition(".")
    return table, column


def _matching(datasets: Iterable[Dataset], name: str) -> list[Dataset]:
    wanted = _parts(name)
    exact = [dataset for dataset in datasets if _parts(str(dataset)) == wanted]
    return exact or [d for d in datasets if _parts(str(d))[-len(wanted) :] == wanted]


def _parts(name: str) -> list[str]:
    return [part.strip('"`[] ') for part in name.casefold().split(".")]


def _spellings(datasets: Iterable[Dataset]) -> Iterable[str]:
    for dataset in datasets:
        yield from (dataset.name, ".".join(filter(None, (dataset.schema, dataset.name))))


def nearest(
    wanted: str, names: Iterable[str], fold: Callable[[str], str] = str.casefold
) -> list[str]:
    """Return the names that are spelled most like what was asked for, the likest first."""
    spelled = {fold(name): name for name in names}
    return [spelled[near] for near in difflib.get_close_matches(wanted, spelled, n=_OFFERED)]
