"""What a command says: logged as it comes, kept as far as it is the result."""

from __future__ import annotations

import logging

from orchestrator.errors import FlowError
from orchestrator.process.output import Stream
from orchestrator.process.result import ProcessResult


class Said:
    """What one run of a command says.

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


def level_of(stream_output: bool | int | str, task_name: str) -> int | None:
    """Return the level at which lines are logged, None for not at all.

    Args:
        stream_output: As the task takes it.
        task_name: For the error.

    Raises:
        FlowError: It is no level.

    Example:
        >>> level_of("WARNING", "load"), level_of(False, "load")
        (30, None)
    """
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
