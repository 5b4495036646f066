"""What the commands share that stay until they are told to end: the signal, and the first word."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from orchestrator.cli.session import Session

_TOLD = (signal.SIGTERM, signal.SIGINT)


def agent_options(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--label``, ``--most`` and ``--kind``."""
    for option in (
        click.option(
            "--kind", default="process", metavar="KIND", show_default=True,
            help="What launches runs: process, docker, fargate, or module:Class of your own.",
        ),
        click.option(
            "--most", type=click.IntRange(min=1), default=4, metavar="N", show_default=True,
            help="Runs at the same time.",
        ),
        click.option(
            "--label", "labels", multiple=True, metavar="LABEL",
            help="Take runs that need this label, too. May be repeated.",
        ),
    ):  # fmt: skip
        fn = option(fn)
    return fn


def address_options(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--host`` and ``--port``."""
    for option in (
        click.option(
            "--port", type=click.IntRange(0, 65535), default=4280, metavar="PORT",
            show_default=True, help="Port of the HTTP API; 0 takes any free one.",
        ),
        click.option(
            "--host", default="127.0.0.1", metavar="HOST", show_default=True,
            help="Address of the HTTP API; one that others can reach needs a token to be there.",
        ),
    ):  # fmt: skip
        fn = option(fn)
    return fn


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """Give an event that is set when the process is told to end; a second Ctrl-C does not wait."""
    stop = threading.Event()
    asked = False

    def told(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # A thread of its own: what this interrupts may hold the event's lock, waiting for it.
        threading.Thread(target=stop.set, daemon=True).start()

    before = {number: signal.signal(number, told) for number in _TOLD}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def announce(session: Session, text: str, shape: Mapping[str, Any]) -> None:
    """Say that it works now: a line for people, or an object on a line for programs."""
    if session.json:
        from orchestrator.shapes.values import dumps

        print(dumps(dict(shape)), flush=True)
    else:
        session.console().print(text, markup=False, highlight=False)
