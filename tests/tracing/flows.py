"""Small flows of SQL and declared tasks, traced without a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.lineage import analyze_sql
from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.graph import ColumnGraph, ColumnStep
from orchestrator.lineage.tracing.reading import ColumnReader
from orchestrator.lineage.tracing.trace import trace
from orchestrator.model.code import Code, Extent, Output
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts

SPACE = Namespace("duckdb", "shop", "main")
Tasks = Iterable[tuple[TaskFacts, Code | None]]


def table(name: str) -> Dataset:
    """A table of the shop."""
    return Dataset.parse(name, SPACE)


def sql(name: str, text: str, **more: Any) -> tuple[TaskFacts, Code]:
    """A task that runs a SQL file."""
    file = f"sql/{name}.sql"
    return TaskFacts(name, name, "sql", path=file), Code(text, SPACE, file, **more)


def model(name: str, text: str, **more: Any) -> tuple[TaskFacts, Code]:
    """A task whose query goes into the table of its name."""
    facts = TaskFacts(name, name, "model", path=f"models/{name}.sql")
    return facts, Code(text, SPACE, facts.path, target=table(name), **more)


def python(
    name: str, reads: str = "", writes: str = "", said: tuple[Output, ...] = ()
) -> tuple[TaskFacts, Code | None]:
    """A task that declares what it reads and writes."""
    place = Evidence(Source.DECLARED, name, "flows/nightly.py", 5)
    facts = TaskFacts(
        name,
        name,
        "python",
        reads=tuple(Access(table(n), place) for n in reads.split()),
        writes=tuple(Access(table(n), place) for n in writes.split()),
    )
    return facts, Code(outputs=said) if said else None


def says(name: str, columns: Mapping[str, Any], extent: Extent = Extent.ALL) -> Output:
    """Columns that are said of a table; sources are ``table.column`` texts."""
    place = Evidence(Source.DECLARED, f"says {name}", "flows/nightly.py", 5)
    return Output(
        table(name),
        {
            column: None if sources is None else tuple(column_of(source) for source in sources)
            for column, sources in columns.items()
        },
        extent,
        place,
    )


def column_of(text: str) -> tuple[Dataset, str]:
    """``table.column`` as a column."""
    name, _, column = text.rpartition(".")
    return table(name), column


def reader(cache: ContentCache | None = None) -> ColumnReader:
    """A reader with an empty cache, or a given one."""
    return ColumnReader(analyze_sql, cache or ContentCache(None, version="test"))


def drawn(*tasks: tuple[TaskFacts, Code | None], catalog: Any = dict) -> ColumnGraph:
    """The graph of some tasks."""
    return trace("nightly", tasks, reader(), catalog)


def short(step: ColumnStep) -> str:
    """A step as ``source > target at file:line (how)``."""
    ends = [
        f"{end[0].schema}.{end[0].name}.{end[1]}" if end else "-"
        for end in (step.source, step.target)
    ]
    return f"{' > '.join(ends)} at {step.evidence.place} ({step.how})"


def up(graph: ColumnGraph, text: str) -> list[str]:
    """Steps into a column, in short."""
    return sorted(short(step) for step in graph.steps(column_of(text), up=True))


def down(graph: ColumnGraph, text: str) -> list[str]:
    """Steps from a column, in short."""
    return sorted(short(step) for step in graph.steps(column_of(text), up=False))
