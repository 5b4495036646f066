"""Runs one program as a task, without a shell: words in, lines out, nothing left running."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.secrets import Secret
from tasks.shell.command import CommandTask, plain, revealed

#: Becomes the program; nothing of the caller's is part of this text.
_WITH_INPUT = ("/bin/sh", "-c", 'exec "$@" <"$0"')


class ProcessTask(CommandTask):
    """Runs a program; its result is the last line of its standard output.

    No shell reads the words: a value in them is one argument, whatever it holds. Others on the
    machine can see them; secrets belong into ``env`` or ``stdin``.

    Args:
        argv: The program and its arguments; each becomes text. May be given to :meth:`run` instead.
        stdin: Text or bytes for its standard input; ``"secret:NAME"`` and ``"env:NAME"`` are
            fetched when it runs. Nothing, if left out.
        env: Variables to add to the environment, as :class:`~tasks.ShellTask` takes them.
        cwd: Folder to run in.
        exit_codes: Exit codes that mean success.
        command_args: ``return_all``, ``log_stderr``, ``stream_output``, ``skip_codes``, ``grace``
            (seconds) of :class:`~tasks.shell.CommandTask`, and what all tasks take.

    Raises:
        CommandFailed: It cannot be started, exits with another code, or is stopped.
        FlowError: There are no words, or they are one text.

    Example:
        >>> ProcessTask(["tr", "a-z", "A-Z"], stdin="hello").run()
        'HELLO'
    """

    def __init__(
        self,
        argv: Sequence[Any] | None = None,
        stdin: str | bytes | Secret | None = None,
        env: Mapping[str, Any] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        exit_codes: Sequence[int] = (0,),
        **command_args: Any,
    ) -> None:
        super().__init__(env, cwd=cwd, exit_codes=exit_codes, **command_args)
        self.argv = None if argv is None else self._words(argv)
        self.stdin = stdin

    def run(
        self,
        argv: Sequence[Any] | None = None,
        stdin: str | bytes | Secret | None = None,
        env: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the program; arguments left out are the task's own.

        Returns:
            The last line of standard output (None if there is none), or all lines.
        """
        words = self._words(self.argv if argv is None else argv)
        given = plain({"stdin": stdin}) if stdin is not None else revealed({"stdin": self.stdin})
        scratch = Path(tempfile.mkdtemp(prefix="orchestrator-"))
        try:
            command = [*_fed(given["stdin"], scratch), *words]
            return self._execute(
                command, shlex.join(words), self._variables(env), self._said(), scratch=scratch
            )
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _words(self, argv: Sequence[Any] | None) -> list[str]:
        if isinstance(argv, str | bytes) or not argv:
            raise FlowError(
                f"task {self.name!r} needs the program and its arguments as a list",
                fix='give argv=["program", "argument"]; for a line that a shell reads: ShellTask',
            )
        return [os.fspath(word) if isinstance(word, os.PathLike) else str(word) for word in argv]


def _fed(stdin: str | bytes | None, scratch: Path) -> tuple[str, ...]:
    """What stands before the words, so that the program reads its input from a private file."""
    if stdin is None:
        return ()
    file = scratch / "stdin"
    data = stdin if isinstance(stdin, bytes) else str(stdin).encode("utf-8", "surrogateescape")
    file.write_bytes(data)  # mkdtemp made a folder that only its owner may enter
    return (*_WITH_INPUT, str(file))
