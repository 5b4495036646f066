"""Tests that need no Python: what one is, how it ended, which are wanted, and who runs them."""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from orchestrator.engine.plan import Plan
from orchestrator.errors import SelectionError, UsageError
from orchestrator.model.flow import Flow
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.testing.sandbox import SampleProject

#: Makers of kinds of tests: ``(project) -> Kind``.
_PLUGINS = "orchestrator.testing"
_WORD = re.compile(r"\s*(\(|\)|[^\s()]+)")
#: Folders in which nobody writes tests.
PASSED_BY = frozenset(
    {"target", "dbt_packages", "node_modules", "__pycache__", "logs", "venv", "site-packages"}
)


class Ending(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"  #: what it found is not what it expects
    ERROR = "error"  #: it could not be carried through
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One test.

    Args:
        kind: ``dbt``, ``sql`` or ``flow``.
        name: What people call it.
        file: Where it is written, relative to the project.
        line: The line.
        of: What it tests: the SQL file's path, the model's name.
    """

    kind: str
    name: str
    file: str
    line: int | None = None
    of: str = ""

    @property
    def place(self) -> str:
        """File and line."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Outcome:
    """How one test ended.

    Args:
        case: The test.
        ending: How.
        seconds: How long it took.
        message: What was wrong, with the difference; empty if nothing was.
        place: File and line of what failed, if that is another place than the test's.
    """

    case: Case
    ending: Ending
    seconds: float = 0.0
    message: str = ""
    place: str = ""

    @property
    def bad(self) -> bool:
        """Whether it counts against the whole."""
        return self.ending in (Ending.FAILED, Ending.ERROR)


@dataclass(frozen=True)
class Chosen:
    """The tasks that ``--select`` picks: their keys, with their names, and the files they come from."""

    keys: frozenset[str]
    paths: frozenset[str]

    @classmethod
    def by(cls, project: Project, select: Sequence[str]) -> Chosen:
        """Pick tasks of all flows of a project, in dbt's words; no real database is needed for it.

        Raises:
            SelectionError: The words pick nothing in any flow.
        """
        keys: set[str] = set()
        paths: set[str] = set()
        refused: SelectionError | None = None
        for flow in project.flows.values():
            try:
                plan = _planned(project, flow, tuple(select))
            except SelectionError as error:
                refused = error
                continue
            keys |= set(plan.tasks) | {each.facts.name for each in plan.tasks.values()}
            paths |= {str(each.facts.path) for each in plan.tasks.values() if each.facts.path}
        if refused is not None and not keys:
            raise refused
        return cls(frozenset(keys), frozenset(paths))


def _planned(project: Project, flow: Flow, select: tuple[str, ...]) -> Plan:
    with tempfile.TemporaryDirectory(prefix="orchestrator-test-") as folder:
        sample = SampleProject(project, Path(folder), flow)
        with sample.surroundings():
            sample.prepare()
            return plan_flow(sample, flow, Request(include=select))


@dataclass(frozen=True)
class Wanted:
    """Which tests are to run.

    Args:
        paths: Files and folders that they are written in; anywhere, if empty.
        expression: As ``pytest -k``: words of names, with ``and``, ``or``, ``not`` and brackets.
        chosen: The tasks whose tests run; all, if None.
    """

    paths: Sequence[Path] = ()
    expression: str = ""
    chosen: Chosen | None = field(default=None)

    def takes(self, case: Case, root: Path) -> bool:
        """Whether a test is one of them."""
        file = (root / case.file).resolve()
        if self.paths and not any(file == p or p in file.parents for p in self.paths):
            return False
        if self.chosen is not None and case.of not in self.chosen.keys | self.chosen.paths:
            return False
        return not self.expression or matches(self.expression, f"{case.file} {case.name}")


class Kind(Protocol):
    """One kind of tests.

    Attributes:
        title: What people call it.
    """

    title: str

    def collect(self, wanted: Wanted) -> tuple[list[Case], list[Outcome]]:
        """Find the tests; those whose file cannot be read have ended already."""
        ...

    def run(self, cases: Sequence[Case], say: Callable[[str], None]) -> Iterator[Outcome]:
        """Run them; ``say`` is told what is being done beside."""
        ...


def kinds(project: Project) -> Mapping[str, Kind]:
    """The kinds of tests that the task library brings, by name."""
    found: dict[str, Kind] = {}
    for point in sorted(importlib.metadata.entry_points(group=_PLUGINS), key=lambda p: p.name):
        if point.name != "databases":
            make: Callable[[Project], Kind] = point.load()
            found[point.name] = make(project)
    return found


def files_below(root: Path, *endings: str) -> Iterator[Path]:
    """Files under a project in which people may write tests, in order."""
    for path in sorted(root.iterdir() if root.is_dir() else ()):
        if path.name.startswith(".") or path.name in PASSED_BY:
            continue
        if path.is_dir() and not (path / "pyvenv.cfg").exists():
            yield from files_below(path, *endings)
        elif path.name.endswith(endings) and path.is_file():
            yield path


def matches(expression: str, text: str) -> bool:
    """Whether a text has the words of an expression, as ``pytest -k`` reads it.

    Raises:
        UsageError: It is no such expression.

    Example:
        >>> matches("orders and not (slow or raw)", "counts_orders")
        True
    """
    words = _WORD.findall(expression)
    made = []
    for word in words:
        plain = word in ("and", "or", "not", "(", ")")
        made.append(word if plain else str(word.lower() in text.lower()))
    try:
        found: Any = eval(
            " ".join(made), {"__builtins__": {}}
        )  # only True, False, and, or, not, ()
    except (SyntaxError, TypeError):
        found = None
    if not isinstance(found, bool):
        raise UsageError(
            f"-k {expression!r} cannot be read", fix="write words with and, or, not, ( and )"
        )
    return found
