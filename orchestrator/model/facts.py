"""What the planner knows of one task: what it touches, what it waits for, how it can be selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task as the derivation and the selectors see it.

    Args:
        key: Unique in the flow; dbt nodes use dbt's unique id.
        name: What people call it (and ``--select NAME`` finds).
        resource_type: ``model``, ``test``, ``seed``, ``snapshot``, ``unit_test``, ``operation``
            for dbt; ``sql``, ``python``, ``shell``, ``parameter`` for the others.
        reads: Datasets needed before it runs.
        writes: Datasets that stand after it ran.
        drops: Datasets that do not exist any more after it ran.
        upstream: Keys of tasks it waits for by name (manifest, data passing, explicit order).
        tags: For ``tag:``.
        path: File it comes from, relative to the project, for ``path:`` and evidence.
        fqn: dbt's fully qualified name parts; ``(name,)`` for other tasks.
        package: dbt package.
        config: For ``config.KEY:VALUE``.
        sources: dbt source names (``source.table``) it reads, for ``source:``.
        lineage_unknown: Why its reads and writes could not be read, if so.
    """

    key: str
    name: str
    resource_type: str = "python"
    reads: tuple[Access, ...] = ()
    writes: tuple[Access, ...] = ()
    drops: tuple[Access, ...] = ()
    upstream: tuple[tuple[str, Evidence], ...] = ()
    tags: frozenset[str] = frozenset()
    path: str | None = None
    fqn: tuple[str, ...] = ()
    package: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    lineage_unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One derived dependency and everything that says so.

    Args:
        upstream: Key of the task that comes first.
        downstream: Key of the task that waits.
        evidence: At least one place; the reader's end and the writer's end for datasets.
        dataset: What connects them, if a dataset does.
    """

    upstream: str
    downstream: str
    evidence: tuple[Evidence, ...]
    dataset: Dataset | None = None
