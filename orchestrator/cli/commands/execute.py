"""``orchestrator execute``: run what is written down in the store; agents launch it."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.service.project import Project


@click.command("execute")
@click.argument("run_id", metavar="RUN")
@click.option("--fence", type=int, help="The number under which the run was claimed.")
@click.option("--quiet", "-q", is_flag=True, help="Show only trouble and the result.")
@options.shared
def command(session: Session, run_id: str, fence: int | None, quiet: bool) -> int:
    """Run RUN, which is in the run store and has not begun: agents launch this command.

    It ends as `orchestrator run` does. Told to end by SIGTERM, it cancels the run.
    """
    from orchestrator.cli.following import follow
    from orchestrator.service.running import execute_run

    project = session.project()
    with project.store() as store:
        run = store.run(run_id)
    _cancel_when_told_to_end(project, run.id)
    return follow(
        session,
        run.flow,
        lambda screen: execute_run(project, run.id, listeners=[screen], seen=fence).state,
        quiet=quiet,
    )


def _cancel_when_told_to_end(project: Project, run_id: str) -> None:
    def told(number: int, frame: FrameType | None) -> None:
        # A thread of its own: the driver, which this interrupts, may hold the store's locks.
        threading.Thread(target=_cancel, args=(project, run_id), daemon=True).start()

    signal.signal(signal.SIGTERM, told)


def _cancel(project: Project, run_id: str) -> None:
    """Ask the run to stop, so that its history says why; at once if the store does not answer."""
    from orchestrator.errors import OrchestratorError
    from orchestrator.service.scheduler.following import interrupt

    try:
        with project.store() as store:
            interrupt(store, run_id, "its process was told to end: the agent stops, or is gone")
    except OrchestratorError:
        signal.raise_signal(signal.SIGINT)
