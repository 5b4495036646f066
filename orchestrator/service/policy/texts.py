"""The SQL texts of a flow, each with the task that runs it and the place it stands at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.secrets import masker

if TYPE_CHECKING:
    from orchestrator.service.policy.statements import Stated

#: Variables of the environment whose values are not shown, if they are no shorter than this.
_SECRET = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|PWD", re.IGNORECASE)
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Text:
    """SQL that a task runs.

    Args:
        task: Whose it is.
        sql: The statements.
        namespace: Dialect and defaults of its names.
        file: Where it stands, relative to the project.
        lines: For each line of it, the line of the file; empty where they are the same.
        role: What it is besides the task's own: ``post-hook``.
        problem: Why it is not all that runs there, if so.
    """

    task: TaskFacts
    sql: str
    namespace: Namespace
    file: str | None = None
    lines: tuple[int, ...] = ()
    role: str = ""
    problem: str | None = None

    @property
    def by(self) -> str:
        """Who runs it, for a sentence: ``orders``, or ``the post-hook of orders``."""
        return f"the {self.role} of {self.task.name}" if self.role else self.task.name

    def line(self, line: int) -> int:
        """Line of the file that a line of the text comes from."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else line

    def place(self, line: int) -> str:
        """File and line of a line of the text."""
        return f"{self.file}:{self.line(line)}" if self.file else self.task.name


def shown(text: str) -> str:
    """SQL as people may see it: without secrets, those that the environment gave it among them."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _SECRET.search(name):
            text = text.replace(value, "***")
    return masker().mask(text)


@dataclass(frozen=True, slots=True)
class Act:
    """One statement of a task, and where it stands."""

    text: Text
    stated: Stated

    @property
    def task(self) -> TaskFacts:
        """Whose it is."""
        return self.text.task

    @property
    def place(self) -> str:
        """File and line that it begins at."""
        return self.text.place(self.stated.line)


@dataclass(frozen=True, slots=True)
class Write:
    """A task writes, or drops, a table.

    Args:
        task: The task.
        access: The table, and the place that says so.
        verb: ``writes`` or ``drops``.
        by: Who does it: the task, or a hook of it.
    """

    task: TaskFacts
    access: Access
    verb: str
    by: str

    @property
    def dataset(self) -> Dataset:
        """The table."""
        return self.access.dataset
