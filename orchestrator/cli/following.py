"""Shows a run on the screen that fits, and turns its end into an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.endings import INTERRUPTED
from orchestrator.cli.session import Session
from orchestrator.errors import UsageError
from orchestrator.model.state import State, StateType

if TYPE_CHECKING:
    from orchestrator.cli.terminal.screens import Screen

FAILED = 1


def follow(
    session: Session,
    flow: str,
    drive: Callable[[Screen], State],
    *,
    quiet: bool = False,
    summary: Path | None = None,
) -> int:
    """Show a run while ``drive`` drives it.

    Args:
        session: Says where to and in which format.
        flow: Name shown until the run begins.
        drive: Tells the screen each event, and returns the run's state.
        quiet: Show only trouble and the result.
        summary: A file to write the end of the run to, as Markdown, however it ends.

    Returns:
        The exit code.

    Raises:
        UsageError: The file cannot be written.
    """
    from orchestrator.cli.terminal.screens import make_screen

    screen = make_screen(session.format, session.console(), flow, quiet=quiet)
    try:
        with refusals(summary, flow, screen), screen:
            state = drive(screen)
    except KeyboardInterrupt:
        if screen.progress.ended is not None:  # it was ended hard, and is settled
            screen.finish()
        raise
    screen.finish()
    if summary is not None:
        from orchestrator.cli.terminal.markdown import summary as markdown

        write_summary(summary, markdown(screen.progress))
    return exit_code(state)


@contextmanager
def refusals(summary: Path | None, flow: str, screen: Screen | None = None) -> Iterator[None]:
    """Write an error that ends a block to a file, as Markdown, and pass it on.

    Args:
        summary: The file; None writes nothing.
        flow: What is to run.
        screen: What has heard of the run, if it began.

    Raises:
        UsageError: The file cannot be written.
    """
    if summary is not None:
        write_summary(summary, "")  # that nobody may write is to be known before the run, not after
    try:
        yield
    except BaseException as error:
        if summary is not None:
            write_summary(summary, _refusal(screen, flow, error))
        raise


def _refusal(screen: Screen | None, flow: str, error: BaseException) -> str:
    from orchestrator.cli.terminal import markdown

    told = markdown.refusal(flow, error)
    if screen is None or screen.progress.started is None:
        return told
    return f"{told}\n{markdown.summary(screen.progress)}"


def write_summary(path: Path, text: str) -> None:
    """Write Markdown to a file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            f"the summary cannot be written: {error.strerror}",
            where=str(path),
            fix="name a file in a folder that is there and may be written to",
        ) from None


def exit_code(state: State) -> int:
    """Return 0, 1 or 130 for a run that ended.

    Example:
        >>> exit_code(State(StateType.SUCCESS)), exit_code(State(StateType.TIMED_OUT))
        (0, 1)
    """
    if state.is_successful():
        return 0
    return INTERRUPTED if state.type is StateType.CANCELLED else FAILED
