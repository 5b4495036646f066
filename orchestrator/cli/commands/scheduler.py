"""``orchestrator scheduler``: makes the runs that are due, until it is told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli import options
from orchestrator.cli.serving import announce, until_told
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.service.scheduler.scheduler import Tick


@click.command("scheduler")
@click.option("--once", is_flag=True, help="Settle what is due now, and end.")
@options.shared
def command(session: Session, once: bool) -> None:
    """Make the runs that are due, which agents launch; tell people what becomes of runs.

    Any number of schedulers may share a store: each occurrence has one run. Ctrl-C or TERM ends it
    after the step it is at.
    """
    import logging
    import threading

    from orchestrator.service.notify.service import service_notifier
    from orchestrator.service.scheduler.loop import run_forever
    from orchestrator.service.scheduler.scheduler import Scheduler

    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    project = session.project()
    with project.store() as store:
        scheduler = Scheduler(store)
        if once:
            _told(session, scheduler.tick())
            return
        with until_told() as stop:
            notifier = threading.Thread(target=service_notifier(project, store).run, args=(stop,))
            notifier.start()
            announce(
                session,
                f"making the runs of {project.name} that are due; Ctrl-C stops it",
                {"event": "scheduler", "project": project.name},
            )
            try:
                run_forever(scheduler, stop, told=lambda step: _told(session, step))
            finally:
                stop.set()
                notifier.join()


def _told(session: Session, step: Tick) -> None:
    """Print what a step did: a line of JSON, or, for people, nothing if nothing happened."""
    if session.json:
        from orchestrator.shapes import schedules as schedule_shapes
        from orchestrator.shapes.values import dumps

        print(dumps(schedule_shapes.tick(step)), flush=True)
        return
    from orchestrator.cli.terminal.deployed_schedules import step_lines
    from orchestrator.cli.terminal.printing import write

    lines = step_lines(step)
    if lines:
        write(session.console(), lines)
