"""What a task tells of the columns it writes: the SQL it runs, and what is declared beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.model.dataset import Dataset, Namespace
from orchestrator.model.evidence import Evidence

#: A column of a dataset; columns are compared without case. ``*`` is any of them.
Column = tuple[Dataset, str]


class Extent(StrEnum):
    """How far a list of columns goes."""

    ALL = "all"  #: exactly these: a contract, a header, what a task declares
    MORE = "more"  #: besides those of the SQL: what a tool adds
    SOME = "some"  #: these, and maybe others: a description


@dataclass(frozen=True, slots=True)
class Output:
    """Columns of one dataset that a task says it writes.

    Args:
        dataset: The dataset.
        columns: By name, what goes into each; None where that is not said, so that anything the
            task reads may.
        extent: Whether there may be others.
        evidence: Where it is said.
    """

    dataset: Dataset
    columns: Mapping[str, tuple[Column, ...] | None]
    extent: Extent
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Code:
    """The SQL of a task as it runs, and what is said beside it.

    Args:
        text: The SQL; empty where the task runs none that is known.
        namespace: Dialect and defaults of its names.
        file: The file it comes from, relative to the project.
        lines: For each line of the text, the line of the file; empty where they are the same.
        target: Dataset that the output of a bare query goes into, as a dbt model's does.
        outputs: Columns that are said to be written.
        reads: Datasets it reads, where no SQL says so.
        known: Columns that are said of datasets it reads; there may be others.
        unknown: Why its SQL is not known, if so.

    Example:
        >>> Code("select 1\\n  as one", file="models/one.sql", lines=(3, 4)).line(2)
        4
    """

    text: str = ""
    namespace: Namespace = field(default_factory=Namespace)
    file: str | None = None
    lines: tuple[int, ...] = ()
    target: Dataset | None = None
    outputs: tuple[Output, ...] = ()
    reads: tuple[Dataset, ...] = ()
    known: Mapping[Dataset, tuple[str, ...]] = field(default_factory=dict)
    unknown: str | None = None

    def line(self, line: int) -> int:
        """Line of the file that a line of the text comes from."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else line
