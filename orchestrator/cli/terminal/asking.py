"""What the terminal says to somebody who asked something of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import one_line

if TYPE_CHECKING:
    from orchestrator.service.asking import Asked


def let_go_on(asked: Asked) -> list[Text]:
    """Say which tasks go on."""
    names = ", ".join(one_line(task.name) for task in asked.tasks)
    watch = f"orchestrator runs watch {asked.run.id} shows it"
    return [Text(f"{names} may go on in run {asked.run.id}; {watch}")]


def marked(asked: Asked, state: str) -> list[Text]:
    """Say what a task is taken for, and from when on."""
    name = ", ".join(one_line(task.name) for task in asked.tasks)
    if asked.now:
        return [Text(f"{name} is marked {state} in run {asked.run.id}, which goes by it now")]
    retry = f"orchestrator runs retry {asked.run.id} goes by it"
    return [Text(f"{name} is marked {state} in run {asked.run.id}; {retry}")]
