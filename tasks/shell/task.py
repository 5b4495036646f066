"""Runs shell scripts as tasks, with the arguments and results of Prefect 1's ShellTask."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError
from tasks.shell.command import CommandTask
from tasks.shell.said import Said


class ShellTask(CommandTask):
    """Runs a shell command; its result is the last line of its standard output.

    Values reach the command as environment variables; never splice them into its text.
    ``bash``, ``zsh`` and ``ksh`` run with ``-e -o pipefail``: the first command that fails ends it,
    also on the left of a pipe; ``sh`` runs with ``-e``, it may not know ``pipefail``.

    Args:
        command: Text of the script; may be given to :meth:`run` instead.
        env: Variables to add to the environment; values are turned into text, None takes a variable
            away; ``"secret:NAME"`` and ``"env:NAME"`` are fetched when it runs.
        helper_script: Text put before the command, in the same shell (``cd`` somewhere, functions).
        shell: The shell to run.
        return_all: Whether the result is the list of all lines instead of the last one.
        log_stderr: Whether the end of standard error is logged again, as errors, if it fails.
        stream_output: Whether (or at which level) each line is logged while it runs.
        cwd: Folder to run in.
        strict: False runs the shell as it is: only the exit code of the last command counts.
        command_args: ``exit_codes``, ``skip_codes``, ``grace`` (seconds) of
            :class:`~tasks.shell.CommandTask`, and what all tasks take.

    Raises:
        CommandFailed: It cannot be started, exits with another code than 0, or is stopped.
        FlowError: There is no command, or an argument cannot be read.

    Example:
        >>> ShellTask('echo "Hello $NAME"', env={"NAME": "world"}).run()
        'Hello world'
    """

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
        **command_args: Any,
    ) -> None:
        super().__init__(env, return_all, log_stderr, stream_output, cwd, **command_args)
        self.command = command
        self.helper_script = helper_script
        self.shell = shell
        self.strict = strict

    def run(
        self,
        command: str | None = None,
        env: Mapping[str, Any] | None = None,
        helper_script: str | None = None,
    ) -> Any:
        """Run the command; arguments left out are the task's own.

        Returns:
            The last line of standard output (None if there is none), or all lines.
        """
        script = self._script(command, helper_script)
        return self._run_script(script, self._variables(env), self._said())

    def _script(self, command: str | None, helper_script: str | None) -> Script:
        command = self.command if command is None else command
        if not command or not command.strip():
            raise FlowError(
                f"task {self.name!r} has no command", fix=f"give {type(self).__name__}(command=…)"
            )
        helper = self.helper_script if helper_script is None else helper_script
        return Script(command, helper or "")

    def _run_script(
        self, script: Script, variables: Mapping[str, Any], said: Said, scratch: Path | None = None
    ) -> str | list[str] | None:
        return self._execute(
            script.text, script.command, variables, said,
            shell=self.shell, strict=self.strict, scratch=scratch,
        )  # fmt: skip


class Script:
    """The command as people know it, and the text that the shell reads."""

    def __init__(self, command: str, helper: str) -> None:
        self.command = command
        self.helper = helper
        self.text = f"{helper}\n{command}" if helper else command
