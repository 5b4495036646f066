"""Shows a run on the screen that fits, and turns its end into an exit code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.cli.endings import INTERRUPTED
from orchestrator.cli.session import Session
from orchestrator.model.state import State, StateType

if TYPE_CHECKING:
    from orchestrator.cli.terminal.screens import Screen

FAILED = 1


def follow(
    session: Session, flow: str, drive: Callable[[Screen], State], *, quiet: bool = False
) -> int:
    """Show a run while ``drive`` drives it.

    Args:
        session: Says where to and in which format.
        flow: Name shown until the run begins.
        drive: Tells the screen each event, and returns the run's state.
        quiet: Show only trouble and the result.

    Returns:
        The exit code.
    """
    from orchestrator.cli.terminal.screens import make_screen

    screen = make_screen(session.format, session.console(), flow, quiet=quiet)
    with screen:
        state = drive(screen)
    screen.finish()
    return exit_code(state)


def exit_code(state: State) -> int:
    """Return 0, 1 or 130 for a run that ended.

    Example:
        >>> exit_code(State(StateType.SUCCESS)), exit_code(State(StateType.TIMED_OUT))
        (0, 1)
    """
    if state.is_successful():
        return 0
    return INTERRUPTED if state.type is StateType.CANCELLED else FAILED
