"""``orchestrator runs``: look at past and present runs, and take them up again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.cli.terminal.screens import Screen
    from orchestrator.model.state import State
    from orchestrator.service.project import Project
    from orchestrator.store.base import RunStore
    from orchestrator.store.records import FlowRun, LogLine, TaskRun

_RUN = "RUN is an id, its beginning, or `latest`."


@click.group("runs")
def command() -> None:
    """List, show, follow, retry, cancel and steer runs."""


@command.command("list")
@click.option("--flow", help="Only runs of this flow.")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True)
@options.shared
def list_runs(session: Session, flow: str | None, limit: int) -> None:
    """List runs, the newest first."""
    from orchestrator.cli.terminal import runs as pictures
    from orchestrator.shapes import runs as run_shapes

    with session.project().store() as store:
        found = store.runs(flow=flow, limit=limit)
    session.show(lambda: run_shapes.runs(found), lambda width: pictures.table(found, width))


@command.command("show", epilog=_RUN)
@click.argument("run", default="latest")
@click.option("--all", "whole", is_flag=True, help="Show every task, also of a large run.")
@options.summary
@options.shared
def show(session: Session, run: str, whole: bool, summary: Path | None) -> None:
    """Show a run, its tasks, and why each failure failed."""
    from orchestrator import instants
    from orchestrator.cli.terminal import runs as pictures
    from orchestrator.service.scheduler.waiting import why_waiting
    from orchestrator.shapes import runs as run_shapes

    with session.project().store() as store:
        found = store.run(run)
        tasks = store.task_runs(found.id)
        asked = store.asked(found.id)
        last = _last_retry(store, found.id)
        waiting = why_waiting(store, found, instants.now())
    if summary is not None:
        _summarise(summary, found, tasks)
    session.show(
        lambda: run_shapes.whole(found, tasks, asked, waiting=waiting),
        lambda width: pictures.one(
            found, tasks, width, whole=whole, asked=asked, followed_by=last, waiting=waiting
        ),
    )


def _last_retry(store: RunStore, run_id: str) -> str | None:
    """The last run that finishes a run, if there is one."""
    return next(reversed(store.retries(run_id)), None)


def _summarise(path: Path, run: FlowRun, tasks: Iterable[TaskRun]) -> None:
    from orchestrator.cli import replay
    from orchestrator.cli.following import write_summary
    from orchestrator.cli.terminal.markdown import summary as markdown
    from orchestrator.cli.terminal.progress import Progress

    progress = Progress()
    for event in replay.whole(run, tasks):
        progress.apply(event)
    write_summary(path, markdown(progress))


@command.command("logs", epilog=_RUN)
@click.argument("run", default="latest")
@click.argument("task", required=False)
@click.option("--tail", "-n", type=click.IntRange(min=1), help="Only the last so many lines.")
@click.option("--search", metavar="TEXT", help="Only lines that hold this text.")
@options.shared
def logs(
    session: Session, run: str, task: str | None, tail: int | None, search: str | None
) -> None:
    """Print what a run, or one task of it, said."""
    from orchestrator.cli import replay
    from orchestrator.cli.terminal import runs as pictures
    from orchestrator.cli.terminal.printing import write
    from orchestrator.cli.terminal.progress import Progress
    from orchestrator.service.catalogue.resolving import resolve_task_run

    console = session.console()
    with session.project().store() as store:
        found = store.run(run)
        tasks = store.task_runs(found.id)
        key = resolve_task_run(tasks, task) if task else None
        progress = Progress()
        progress.apply(replay.started(found, tasks))
        titles = {each.key: progress.title(each.key).name for each in tasks}
        for page in _pages(store, found, key, tail, search):
            if session.json:
                _print_lines(page)
            else:
                write(console, pictures.log(page, titles, one_task=key is not None))


def _pages(
    store: RunStore, run: FlowRun, key: str | None, tail: int | None, search: str | None
) -> Iterator[tuple[LogLine, ...]]:
    if tail is not None:
        yield store.logs(run.id, key, tail=tail, search=search)
        return
    seen = 0
    while page := store.logs(run.id, key, after_seq=seen, search=search):
        yield page
        seen = page[-1].seq


def _print_lines(lines: tuple[LogLine, ...]) -> None:
    from orchestrator.shapes import runs as run_shapes
    from orchestrator.shapes import values

    for entry in lines:
        sys.stdout.write(values.dumps(run_shapes.line(entry)) + "\n")


@command.command("retry", epilog=_RUN)
@click.argument("run", default="latest")
@click.option(
    "--executor",
    type=options.Executors(),
    help="Where tasks run; as before if left out.",
)
@click.option("--cluster", metavar="NAME", help="Run tasks that name no cluster on this one.")
@click.option("--quiet", "-q", is_flag=True, help="Show only trouble and the result.")
@options.summary
@options.shared
def retry(
    session: Session,
    run: str,
    executor: str | None,
    cluster: str | None,
    quiet: bool,
    summary: Path | None,
) -> int:
    """Finish a run: what failed or never ran is run, what succeeded is not."""
    from orchestrator.cli.following import follow
    from orchestrator.service.running import retry_run

    executor = options.place(executor, cluster)
    project = session.project({"executor": executor})
    return follow(
        session,
        f"retry of {run}",
        lambda screen: retry_run(project, run, listeners=[screen], executor=executor).state,
        quiet=quiet,
        summary=summary,
    )


@command.command("cancel", epilog=_RUN)
@click.argument("run", default="latest")
@options.shared
def cancel(session: Session, run: str) -> None:
    """Ask the process that drives a run to stop it."""
    from rich.text import Text

    from orchestrator.service.asking import request_cancel

    project = session.project()
    found = request_cancel(project, run)
    session.show(
        lambda: {"run_id": found.id, "cancel": "requested"},
        lambda width: [
            Text(f"run {found.id} is told to stop; orchestrator runs watch {found.id} shows it end")
        ],
    )


@command.command("approve", epilog=_RUN)
@click.argument("run")
@click.argument("task")
@options.shared
def approve(session: Session, run: str, task: str) -> None:
    """Let TASK run, which waits for somebody's word."""
    _let_go_on(session, run, task, "approve")


@command.command("resume", epilog=_RUN)
@click.argument("run", default="latest")
@click.argument("task", required=False)
@options.shared
def resume(session: Session, run: str, task: str | None) -> None:
    """Let TASK go on, which paused itself; or all that wait, if none is named."""
    _let_go_on(session, run, task, "resume")


def _let_go_on(session: Session, run: str, task: str | None, word: str) -> None:
    from orchestrator.cli.terminal import asking as pictures
    from orchestrator.service.asking import let_go_on
    from orchestrator.shapes import runs as run_shapes
    from orchestrator.store.records import Action

    project = session.project()
    key = _key(project, run, task) if task is not None else None
    done = let_go_on(project, run, key, Action(word))
    session.show(lambda: run_shapes.asked_of(done, word), lambda width: pictures.let_go_on(done))


@command.command("mark", epilog=_RUN)
@click.argument("run")
@click.argument("task")
@click.argument("state", type=click.Choice(["success", "failed", "skipped"]))
@click.option("--reason", required=True, help="Why; it is kept with the run.")
@click.option("--result", metavar="JSON", help="With success: what tasks that take its result get.")
@options.shared
def mark(
    session: Session, run: str, task: str, state: str, reason: str, result: str | None
) -> None:
    """Give TASK a finished state by hand.

    A task that waits gets it now. For one that has ended it counts in `orchestrator runs retry`:
    success is not run again, failed is, with all that depends on it, and skipped is left out.
    """
    from orchestrator.cli.terminal import asking as pictures
    from orchestrator.service import asking
    from orchestrator.shapes import runs as run_shapes

    value = _json(result) if result is not None else None
    project = session.project()
    key = _key(project, run, task)
    done = asking.mark(project, run, key, state, reason=reason, result=value)
    session.show(
        lambda: run_shapes.asked_of(done, "mark", state), lambda width: pictures.marked(done, state)
    )


def _key(project: Project, run: str, task: str) -> str:
    from orchestrator.service.catalogue.resolving import resolve_task_run

    with project.store() as store:
        return resolve_task_run(store.task_runs(store.run(run).id), task)


def _json(text: str) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is no JSON: {error}", param_hint="--result") from None


@command.command("watch", epilog=_RUN)
@click.argument("run", default="latest")
@click.option("--quiet", "-q", is_flag=True, help="Show only trouble and the result.")
@options.shared
def watch(session: Session, run: str, quiet: bool) -> int:
    """Follow a run that another process drives, to its end. Ctrl-C leaves the run alone."""
    from orchestrator.cli.following import follow
    from orchestrator.cli.watching import Watcher

    with session.project().store() as store:
        found = store.run(run)

        def watched(screen: Screen) -> State:
            state = Watcher(store, found.id, screen).watch()
            screen.progress.followed_by = _last_retry(store, found.id)
            return state

        return follow(session, found.flow, watched, quiet=quiet)
