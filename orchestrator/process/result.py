"""How a command ended: the result of one that ran, the errors of one that failed."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import OrchestratorError


class CommandFailed(OrchestratorError):  # noqa: N818 - the name says what happened
    """Raised when a command cannot be started, exits with another code than 0, or is stopped.

    Attributes:
        output: Its last lines, or the errors among them.
        result: What is known of the process; None if it never started.
    """

    exit_code = 1
    output: tuple[str, ...] = ()
    result: ProcessResult | None = None

    def __str__(self) -> str:
        if not self.output:
            return super().__str__()
        return "\n".join([super().__str__(), "  output:", *(f"    {line}" for line in self.output)])


class CommandTimedOut(CommandFailed, TimeoutError):  # noqa: N818 - as above
    """Raised when a command is stopped because its time is over."""


class CommandCancelled(CommandFailed):
    """Raised when a command is stopped because its task was cancelled."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a command ended.

    Args:
        returncode: Exit code of the command; minus the signal's number if a signal ended it.
        signal: Number of that signal.
        last_lines: The end of its output, both streams, for people.
        stdout: The last lines of its standard output, whole (as many as were asked for).
        duration: Seconds from start to the end of the whole tree.
        stopped: Why it was stopped: ``timeout``, ``cancelled``, ``signal`` (the supervisor was told
            to end), ``orphaned``; empty if it ended by itself.
        left: Processes that were still there a grace period after the command itself had ended.
        survivors: Processes that even SIGKILL did not end (of another user, or stuck in the kernel).
    """

    returncode: int
    signal: int | None
    last_lines: tuple[str, ...]
    stdout: tuple[str, ...]
    duration: float
    stopped: str = ""
    left: int = 0
    survivors: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0; an end by signal is never a success."""
        return self.returncode == 0 and not self.stopped
