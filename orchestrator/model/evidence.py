"""Evidence: the place that a read, a write or an edge was found at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """What kind of place the evidence is."""

    MANIFEST = "manifest"  #: dbt's manifest.json
    SQL = "sql"  #: a statement of a SQL text
    DECLARED = "declared"  #: ``reads=`` / ``writes=`` of a Python task
    ANNOTATION = "annotation"  #: what a Python task's function says of an argument or its result
    DATA = "data"  #: a result passed from task to task
    ORDER = "order"  #: ``upstream_tasks`` / ``set_upstream``
    ENGINE = "engine"  #: what the orchestrator adds itself (hooks before nodes)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where something was found.

    Args:
        source: The kind of place.
        text: What stands there, as one readable phrase.
        file: Path relative to the project, if there is one.
        line: Line in that file, counted from 1.
        node: dbt's unique id, if the place is a manifest node.

    Example:
        >>> str(Evidence(Source.SQL, "reads raw.orders", file="sql/daily.sql", line=14))
        'sql/daily.sql:14 reads raw.orders'
    """

    source: Source
    text: str
    file: str | None = None
    line: int | None = None
    node: str | None = None

    @property
    def place(self) -> str:
        """File and line, or the manifest node."""
        if self.file and self.line:
            return f"{self.file}:{self.line}"
        return self.file or self.node or ""

    def __str__(self) -> str:
        return f"{self.place} {self.text}".strip()
