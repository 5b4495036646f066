"""Runs shell commands as tasks, with the arguments and results of Prefect 1's ShellTask."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import FlowError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.task import Task
from orchestrator.process.output import Stream
from orchestrator.process.result import (
    CommandCancelled,
    CommandFailed,
    CommandTimedOut,
    ProcessResult,
)
from orchestrator.process.run import child_environment, run_process
from orchestrator.secrets import Secret, masker

_HINTS = {
    126: "a file is not a program: make it executable (chmod +x)",
    127: "a program was not found: check the PATH of this task, or name its full path",
    141: "a program wrote into a pipe whose reader had ended (`… | head`): let the reader read to "
    "the end, or give strict=False",
    -int(signal.SIGKILL): "something killed it; often the machine had run out of memory",
}


class ShellTask(Task):
    """Runs a shell command; its result is the last line of its standard output.

    Values reach the command as environment variables; never splice them into its text.
    ``bash``, ``zsh`` and ``ksh`` run with ``-e -o pipefail``: the first command that fails ends it,
    also on the left of a pipe; ``sh`` runs with ``-e``, it may not know ``pipefail``.

    Args:
        command: Text of the script; may be given to :meth:`run` instead.
        env: Variables to add to the environment; values are turned into text, a
            :class:`~orchestrator.secrets.Secret` is fetched when it runs, None takes a variable away.
        helper_script: Text put before the command, in the same shell (``cd`` somewhere, functions).
        shell: The shell to run.
        return_all: Whether the result is the list of all lines instead of the last one.
        log_stderr: Whether the end of standard error is logged again, as errors, if it fails.
        stream_output: Whether (or at which level) each line is logged while it runs.
        cwd: Folder to run in.
        strict: False runs the shell as it is: only the exit code of the last command counts.
        grace: Seconds between asking it to end and killing it, when it is stopped.
        task_args: As :class:`~orchestrator.model.task.Task` takes them.

    Example:
        >>> ShellTask('echo "Hello $NAME"', env={"NAME": "world"}).run()
        'Hello world'
    """

    resource_type: ClassVar[str] = "shell"
    stops_when_told: ClassVar[bool] = True
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(
        self,
        command: str | None = None,
        env: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
        shell: str = "bash",
        return_all: bool = False,
        log_stderr: bool = False,
        stream_output: bool | int | str = True,
        cwd: str | os.PathLike[str] | None = None,
        strict: bool = True,
        grace: float = 5.0,
        **task_args: Any,
    ) -> None:
        super().__init__(**task_args)
        self.command = command
        self.env = env
        self.helper_script = helper_script
        self.shell = shell
        self.return_all = return_all
        self.log_stderr = log_stderr
        self.stream_output = stream_output
        self.cwd = cwd
        self.strict = strict
        self.grace = grace
        _level(stream_output, self.name)

    def run(
        self,
        command: str | None = None,
        env: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
    ) -> str | list[str] | None:
        """Run the command; arguments left out are the task's own.

        Returns:
            The last line of standard output (None if there is none), or all lines.

        Raises:
            CommandFailed: It cannot be started, exits with another code than 0, or is stopped.
        """
        script = self._script(command, helper_script)
        return self._execute(script, self._environment(env), self._said())

    def _script(self, command: str | None, helper_script: str | None) -> Script:
        command = self.command if command is None else command
        if not command or not command.strip():
            raise FlowError(
                f"task {self.name!r} has no command", fix=f"give {type(self).__name__}(command=…)"
            )
        helper = self.helper_script if helper_script is None else helper_script
        return Script(command, helper or "")

    def _environment(self, env: Mapping[str, Any] | None) -> dict[str, str]:
        return child_environment(revealed((self.env if env is None else env) or {}))

    def _said(self) -> Said:
        return Said(_logger(), _level(self.stream_output, self.name), self.return_all)

    def _execute(
        self, script: Script, env: dict[str, str], said: Said, scratch: Path | None = None
    ) -> str | list[str] | None:
        result = run_process(
            script.text,
            shell=self.shell,
            strict=self.strict,
            env=env,
            cwd=self.cwd,
            on_line=said.take,
            timeout=self.timeout,
            grace=self.grace,
            stop_signal=self.stop_signal,
            keep=None if self.return_all else 1,
            longest=said.longest,
            scratch=scratch,
        )
        if result.left:
            said.logger.warning(
                "stopped %d processes that the command had left running", result.left
            )
        if result.ok:
            return said.returned(result)
        if self.log_stderr:
            for line in said.stderr:
                said.logger.error(line)
        raise self._failure(script.command, result, said)

    def _failure(self, command: str, result: ProcessResult, said: Said) -> CommandFailed:
        kind, how = _end(result, self.timeout)
        first = command.strip().splitlines()[0][:200]
        fix = _HINTS.get(result.returncode) if not result.stopped else None
        if result.survivors:
            fix = "end these processes by hand: " + ", ".join(map(str, result.survivors))
        mask = masker().mask
        error = kind(mask(f"command {how}: {first}"), fix=fix)
        error.output = tuple(mask(line) for line in said.errors() or result.last_lines)
        error.result = result
        return error


class Script:
    """The command as people know it, and the text that the shell reads."""

    def __init__(self, command: str, helper: str) -> None:
        self.command = command
        self.text = f"{helper}\n{command}" if helper else command


class Said:
    """What one run of a command says: logged as it comes, kept as far as it is the result.

    Args:
        logger: Where to.
        level: None keeps the log silent.
        return_all: Whether all lines are the result.
    """

    #: Bytes of a line above which it is logged in pieces.
    longest = 32_768

    def __init__(self, logger: logging.Logger, level: int | None, return_all: bool) -> None:
        self.logger = logger
        self.level = level
        self.return_all = return_all
        self.stderr: list[str] = []

    def take(self, stream: Stream, text: str) -> None:
        """Take one line."""
        if stream == "stderr":
            self.stderr = [*self.stderr[-19:], text]
        if self.level is not None:
            self.logger.log(self.level, "%s", text)

    def returned(self, result: ProcessResult) -> str | list[str] | None:
        """Return what the task returns."""
        lines = [line.rstrip() for line in result.stdout]
        if self.return_all:
            return lines
        return lines[-1] if lines else None

    def errors(self) -> tuple[str, ...]:
        """Return the lines that say what went wrong, where they can be told from the rest."""
        return ()


def revealed(env: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``env`` with its secrets fetched; values whose names sound secret are masked from now on."""
    plain = {
        name: value.get() if isinstance(value, Secret) else value for name, value in env.items()
    }
    masker().add_environment(plain)
    return plain


def _end(result: ProcessResult, timeout: float | None) -> tuple[type[CommandFailed], str]:
    if result.stopped == "timeout":
        return CommandTimedOut, f"stopped after {timeout:g} s"
    if result.stopped == "cancelled":
        return CommandCancelled, "cancelled"
    if result.stopped:
        return CommandFailed, "stopped from outside"
    if result.signal is not None:
        return CommandFailed, f"ended by signal {_signal_name(result.signal)}"
    return CommandFailed, f"failed with exit code {result.returncode}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else get_logger("shell")


def _level(stream_output: bool | int | str, task_name: str) -> int | None:
    if stream_output is True:
        return logging.INFO
    if stream_output is False:
        return None
    if isinstance(stream_output, int):
        return stream_output
    level = logging.getLevelNamesMapping().get(str(stream_output).upper())
    if level is None:
        raise FlowError(
            f"task {task_name!r}: stream_output={stream_output!r} is no log level",
            fix="give True, False, or a level: DEBUG, INFO, WARNING, ERROR",
        )
    return level
