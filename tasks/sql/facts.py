"""What a SQL text reads, writes and drops, each with the line that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.errors import SqlError
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.planning import Planning
from orchestrator.model.task import Task
from tasks.sql.script import Script
from tasks.sql.templates import UNKNOWN

if TYPE_CHECKING:
    from orchestrator.lineage.sql.effects import SqlLineage


def sql_facts(
    key: str,
    task: Task,
    script: Script,
    namespace: Namespace,
    planning: Planning,
    *,
    more: Sequence[Script] = (),
    made: Sequence[tuple[Dataset, int]] = (),
    about: Mapping[str, object] | None = None,
) -> TaskFacts:
    """Return the facts of a task that runs ``script``, with what it declares besides.

    Args:
        key: Its key in the flow.
        task: The task.
        script: The rendered SQL.
        namespace: Dialect and defaults of the warehouse.
        planning: Holds the cache of analyses.
        more: Other texts that may run in its place.
        made: Datasets that its SELECT is made into, each with the line of the text that says so.
        about: What is said of the task besides, for selecting by ``config.KEY:VALUE``.

    Raises:
        SqlError: Part of the SQL cannot be read, and the project is strict about that.
    """
    touched = _Touched()
    for text in (script, *more):
        touched.by(task, text, lineage_of(text, namespace, planning), planning)
    place = _Places(task, script, planning)
    for dataset, line in made:
        lines = {dataset: line}
        touched.writes |= {a.dataset: a for a in place.all([dataset], "writes", lines.get)}
    reads, writes = touched.reads.values(), touched.writes.values()
    return TaskFacts(
        key=key,
        name=task.name,
        resource_type=task.resource_type,
        reads=(*reads, *task.accesses(task.reads, "reads", namespace, planning)),
        writes=(*writes, *task.accesses(task.writes, "writes", namespace, planning)),
        drops=tuple(touched.drops.values()),
        tags=task.tags,
        path=place.file,
        fqn=(task.name,),
        config=about or {},
        lineage_unknown=touched.unknown,
    )


@dataclass
class _Touched:
    """What texts of a task read, write and drop, each where it is said first."""

    reads: dict[Dataset, Access] = field(default_factory=dict)
    writes: dict[Dataset, Access] = field(default_factory=dict)
    drops: dict[Dataset, Access] = field(default_factory=dict)
    unknown: str | None = None

    def by(self, task: Task, text: Script, lineage: SqlLineage, planning: Planning) -> None:
        """Add what a text does."""
        self.unknown = self.unknown or unknown_of(text, lineage, planning)
        place = _Places(task, text, planning)
        for found, datasets, verb, line_of in (
            (self.reads, lineage.reads, "reads", lineage.first_read),
            (self.writes, lineage.writes, "writes", lineage.first_write),
            (self.drops, lineage.drops, "drops", lineage.first_drop),
        ):
            for access in place.all(datasets, verb, line_of):
                if access.dataset.name == UNKNOWN:
                    self.unknown = self.unknown or f"a value of the run says what it {verb}"
                else:
                    found.setdefault(access.dataset, access)


def lineage_of(script: Script, namespace: Namespace, planning: Planning) -> SqlLineage:
    """Read a script, through the project's cache."""
    return _analyze(planning)(
        script.text,
        dialect=namespace.dialect,
        default_catalog=_exact(namespace.catalog),
        default_schema=_exact(namespace.schema),
    )


def unknown_of(script: Script, lineage: SqlLineage, planning: Planning) -> str | None:
    """Why part of a script's lineage is not known; None if all is.

    Raises:
        SqlError: Part of it is not, and the project is strict about that.
    """
    if not lineage.errors:
        return None
    first = lineage.errors[0]
    if planning.strict_sql:
        raise _unreadable(script, first)
    return f"line {script.line(first.line)}, column {first.column}: {first.message}"


class _Places:
    """Names the place of each dataset in a script."""

    def __init__(self, task: Task, script: Script, planning: Planning) -> None:
        self._script = script
        self._defined_at = task.defined_at
        self.file = script.file
        if self.file is None and task.defined_at:
            self.file = planning.relative(task.defined_at[0])

    def all(
        self, datasets: Iterable[Dataset], verb: str, line_of: Callable[[Dataset], int | None]
    ) -> tuple[Access, ...]:
        return tuple(
            Access(dataset, self._evidence(f"{verb} {dataset}", line_of(dataset)))
            for dataset in sorted(datasets, key=str)
        )

    def _evidence(self, text: str, line: int | None) -> Evidence:
        return Evidence(Source.SQL, text, file=self.file, line=self._line(line))

    def _line(self, line: int | None) -> int | None:
        if self._script.file is None:  # the SQL stands in the flow's module, at a call
            return self._defined_at[1] if self._defined_at else None
        return None if line is None else self._script.line(line)


def _analyze(planning: Planning) -> Callable[..., SqlLineage]:
    if planning.analyze is not None:
        return planning.analyze
    from orchestrator.lineage import analyze_sql

    return analyze_sql


def _exact(name: str | None) -> str | None:
    """Quote a default that is folded already, so that it is not folded again."""
    return None if name is None else f'"{name}"'


def _unreadable(script: Script, problem: Any) -> SqlError:
    lines = script.text.split("\n")
    marked = ""
    if 0 < problem.line <= len(lines):
        number = f"{script.line(problem.line)} | "
        mark = " " * (len(number) + max(problem.column, 1) - 1) + "^"
        marked = f"\n{number}{lines[problem.line - 1]}\n{mark}"
    return SqlError(
        f"this SQL cannot be read: {problem.message}{marked}",
        where=f"{script.at(problem.line)}, column {problem.column}",
        fix="mend it, or set strict_sql = false to keep the task without its lineage",
    )
