"""A word on the command line while the columns of a flow are read and that takes long."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from orchestrator.cli.session import Session

#: Seconds before a word is said of what goes on.
_PATIENCE = 1.5


@contextlib.contextmanager
def told_if_long(session: Session) -> Iterator[None]:
    """Say what goes on, once, to whoever waits for it; programs are told nothing."""
    if session.json:
        yield
        return

    def say() -> None:
        with contextlib.suppress(OSError):
            session.console(stderr=True).print(
                "reading the columns; dbt compiles what it has not compiled before", style="dim"
            )

    timer = threading.Timer(_PATIENCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
