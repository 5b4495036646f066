"""What all tasks that run a command share: environment, folder, streamed output, exit codes."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import FlowError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.signals import SKIP
from orchestrator.model.task import Task
from orchestrator.process.result import CommandFailed, ProcessResult
from orchestrator.process.run import child_environment, run_process
from orchestrator.secrets import Secret, masker, resolve
from tasks.shell.ends import failure
from tasks.shell.said import Said, level_of


class CommandTask(Task):
    """The base of tasks that run a command under supervision; subclasses say which.

    Args:
        env: Variables to add to the environment; values are turned into text, None takes a variable
            away. ``"secret:NAME"``, ``"env:NAME"`` and a :class:`~orchestrator.secrets.Secret` are
            fetched when it runs and masked in all it says.
        return_all: Whether the result is the list of all lines instead of the last one.
        log_stderr: Whether the end of standard error is logged again, as errors, if it fails.
        stream_output: Whether (or at which level) each line is logged while it runs.
        cwd: Folder to run in.
        exit_codes: Exit codes that mean success.
        skip_codes: Exit codes that mean there was nothing to do: the task, and what depends on it,
            is skipped. (Those worth another try: ``retry_on="exit 75"``.)
        grace: Seconds between asking it to end and killing it, when it is stopped.
        task_args: As :class:`~orchestrator.model.task.Task` takes them; ``timeout`` ends the whole
            tree of processes.

    Raises:
        FlowError: ``stream_output`` is no level, or an exit code is none.
    """

    resource_type: ClassVar[str] = "shell"
    stops_when_told: ClassVar[bool] = True
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(
        self,
        env: Mapping[str, Any] | None = None,
        return_all: bool = False,
        log_stderr: bool = False,
        stream_output: bool | int | str = True,
        cwd: str | os.PathLike[str] | None = None,
        exit_codes: Iterable[int] = (0,),
        skip_codes: Iterable[int] = (),
        grace: float = 5.0,
        **task_args: Any,
    ) -> None:
        super().__init__(**task_args)
        self.env = env
        self.return_all = return_all
        self.log_stderr = log_stderr
        self.stream_output = stream_output
        self.cwd = cwd
        self.exit_codes = _codes(exit_codes, "exit_codes", self.name)
        self.skip_codes = _codes(skip_codes, "skip_codes", self.name)
        self.grace = grace
        level_of(stream_output, self.name)

    def _variables(self, env: Mapping[str, Any] | None) -> dict[str, Any]:
        """The task's own variables, or those given to ``run`` in their place, as plain values.

        References written as text are those of the flow's author: a value that comes with a run
        (a parameter, another task's result) never names a secret.
        """
        return revealed(self.env) if env is None else plain(env)

    def _said(self) -> Said:
        return Said(_logger(), level_of(self.stream_output, self.name), self.return_all)

    def _execute(
        self,
        command: str | Sequence[str],
        shown: str,
        variables: Mapping[str, Any],
        said: Said,
        *,
        shell: str = "bash",
        strict: bool = True,
        scratch: Path | None = None,
    ) -> str | list[str] | None:
        """Run a command to its end; return what the task returns, or raise what came of it."""
        result = run_process(
            command,
            shell=shell,
            strict=strict,
            env=child_environment(variables),
            cwd=self.cwd,
            on_line=said.take,
            timeout=self.timeout,
            grace=self.grace,
            stop_signal=self.stop_signal,
            keep=None if self.return_all else 1,
            longest=said.longest,
            scratch=scratch,
        )
        return self._judged(shown, result, said)

    def _judged(self, shown: str, result: ProcessResult, said: Said) -> str | list[str] | None:
        if result.left:
            said.logger.warning(
                "stopped %d processes that the command had left running", result.left
            )
        if not result.stopped and result.returncode in self.exit_codes:
            return said.returned(result)
        if not result.stopped and result.returncode in self.skip_codes:
            raise SKIP(f"the command ended with exit code {result.returncode}: nothing to do")
        if self.log_stderr:
            for line in said.stderr:
                said.logger.error(line)
        raise self._failure(shown, result, said)

    def _failure(self, shown: str, result: ProcessResult, said: Said) -> CommandFailed:
        return failure(shown, result, said.errors(), self.timeout)


def revealed(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return settings with their secrets and references fetched; those are masked from now on."""
    return plain(resolve(dict(settings or {})))


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with their :class:`Secret` values fetched; text stays as it is.

    Values whose names sound secret are masked from now on.
    """
    found = {
        name: value.get() if isinstance(value, Secret) else value
        for name, value in settings.items()
    }
    masker().add_environment(found)
    return found


def _codes(codes: Iterable[int], what: str, task_name: str) -> frozenset[int]:
    found = (codes,) if isinstance(codes, int) else tuple(codes)
    wrong = [c for c in found if isinstance(c, bool) or not isinstance(c, int) or not 0 <= c <= 255]
    if wrong:
        raise FlowError(
            f"task {task_name!r}: {what} holds {wrong[0]!r}, which is no exit code",
            fix="give whole numbers from 0 to 255",
        )
    return frozenset(found)


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else get_logger("shell")
