"""Commands as tasks: shell scripts with Prefect 1's ShellTask, and what all commands share."""

from __future__ import annotations

from tasks.shell.command import CommandTask
from tasks.shell.task import ShellTask

__all__ = ["CommandTask", "ShellTask"]
