"""Screens take a run's events and print: plain lines, a live picture, or one JSON object a line."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator import instants
from orchestrator.cli.terminal import live
from orchestrator.cli.terminal.lines import line
from orchestrator.cli.terminal.printing import hush_stdout, write
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import report
from orchestrator.cli.terminal.text import clock, one_line
from orchestrator.model.events import Event
from orchestrator.shapes import values

#: Seconds between two pictures.
_BEAT = 0.25


class Screen:
    """Listens to a run between entering and leaving; one who cannot print any more stays silent.

    A run never stops because nobody reads what it says (``run … | head``).
    """

    def __init__(self) -> None:
        self.progress = Progress()
        self._deaf = False

    def __call__(self, event: Event) -> None:
        self.progress.apply(event)
        self._quietly(event)

    def _quietly(self, event: Event) -> None:
        if self._deaf:
            return
        with self._listened_to():
            self.show(event)

    @contextlib.contextmanager
    def _listened_to(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # the pipe is closed, the terminal is gone, the disk of the log is full
            self._deaf = True
            hush_stdout()

    def show(self, event: Event) -> None:
        """Print what the event is worth."""
        raise NotImplementedError

    def finish(self) -> None:
        """Print what is said at the end of the run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class JsonScreen(Screen):
    """One JSON object a line, flushed at once."""

    def show(self, event: Event) -> None:
        """Print the event."""
        sys.stdout.write(values.dumps(values.event(event)) + "\n")
        sys.stdout.flush()


class LineScreen(Screen):
    """One line for each task that ends, and the report; for logs, pipes and CI."""

    def __init__(self, console: Console, flow: str = "", *, quiet: bool = False) -> None:
        super().__init__()
        self.console, self.quiet, self._flow = console, quiet, one_line(flow)

    def __enter__(self) -> Self:
        # Planning a dbt project takes seconds: whoever watches should know what is going on.
        if self._flow and not self.quiet:
            with contextlib.suppress(OSError):
                # Not part of the run's own lines, which begin once it is planned.
                print(
                    f"{clock(instants.now())}  {self._flow}  reading the project", file=sys.stderr
                )
        return self

    def show(self, event: Event) -> None:
        """Print the line of the event."""
        text = None if self.quiet else line(event, self.progress)
        if text is not None:
            write(self.console, [text])

    def finish(self) -> None:
        """Print the report."""
        if not self._deaf:
            with self._listened_to():
                write(self.console, report(self.progress, self.console.width, quiet=self.quiet))


class LiveScreen(LineScreen):
    """A picture of what runs now; what has ended scrolls away above it.

    Events only leave their line behind; a thread draws at most four times a second, so the cost
    does not grow with the number of tasks.
    """

    def __init__(self, console: Console, flow: str, *, quiet: bool = False) -> None:
        super().__init__(console, flow, quiet=quiet)
        self._began = time.monotonic()
        self._lines: list[Text] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._live = Live(
            console=console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )
        self._thread = threading.Thread(target=self._beat, name="terminal", daemon=True)

    def __call__(self, event: Event) -> None:
        with self._lock:
            self.progress.apply(event)
            text = None if self.quiet else line(event, self.progress)
            if text is not None:
                self._lines.append(text)

    def __enter__(self) -> Self:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        with self._listened_to():
            self.draw()
            self._live.stop()

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT) and not self._deaf:
            with self._listened_to():
                self.draw()

    def draw(self) -> None:
        """Draw once: the lines since the last time, and the picture below them."""
        with self._lock:
            lines, self._lines = self._lines, []
            picture = self._picture()
        self._live.update(picture, refresh=not lines)
        if lines:
            write(self.console, lines)

    def _picture(self) -> Text:
        width, height = self.console.size
        if self.progress.started is None:
            return live.planning(self._flow, time.monotonic() - self._began, width)
        ascii_only = self.console.options.ascii_only
        return live.picture(self.progress, instants.now(), width, height, ascii_only=ascii_only)


def make_screen(form: str, console: Console, flow: str, *, quiet: bool = False) -> Screen:
    """Choose the screen: JSON if asked for, live on a terminal, else lines."""
    if form == "json":
        return JsonScreen()
    if may_redraw(console, os.environ):
        return LiveScreen(console, flow, quiet=quiet)
    return LineScreen(console, flow, quiet=quiet)


def may_redraw(console: Console, environ: Mapping[str, str]) -> bool:
    """Whether what was printed can be drawn over: a terminal, not a log that looks like one."""
    isatty = getattr(console.file, "isatty", lambda: False)
    return isatty() and not console.is_dumb_terminal and not environ.get("CI")
