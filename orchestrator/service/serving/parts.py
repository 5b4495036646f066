"""The parts of a service: loops in threads of one process, each started again if it breaks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator import instants
from orchestrator.errors import OrchestratorError
from orchestrator.secrets import masker

_log = logging.getLogger(__name__)
_AGAIN = 5.0  #: seconds until a part that broke is started again

#: A part: works until the event is set.
Loop = Callable[[threading.Event], None]


@dataclass
class Part:
    """One part and how it is.

    Args:
        name: What people call it.
        loop: Works until its event is set.
        error: What ended it last, one line; empty if nothing did.
        broke: When that was.
        restarts: How often it was started again.
    """

    name: str
    loop: Loop
    error: str = ""
    broke: datetime | None = None
    restarts: int = 0
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether it works now."""
        return self.thread is not None and self.thread.is_alive() and not self.error


class Parts:
    """Runs loops side by side until told to stop.

    Args:
        loops: By name.
        again: Seconds until one that broke is started again.

    Example:
        >>> parts = Parts({"clock": lambda stop: stop.wait() and None})
        >>> parts.start()
        >>> [(part.name, part.alive) for part in parts]
        [('clock', True)]
        >>> parts.stop()
        True
    """

    def __init__(self, loops: Mapping[str, Loop], *, again: float = _AGAIN) -> None:
        self._parts = [Part(name, loop) for name, loop in loops.items()]
        self._stop = threading.Event()
        self._again = again

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def start(self) -> None:
        """Start each in a thread of its own."""
        for part in self._parts:
            part.thread = threading.Thread(target=self._keep, args=(part,), name=part.name)
            part.thread.daemon = True
            part.thread.start()

    def stop(self, seconds: float = 90.0) -> bool:
        """Tell all to stop and wait for them; False if one has not ended in time."""
        self._stop.set()
        for part in self._parts:
            if part.thread is not None:
                part.thread.join(seconds)
        return not any(part.thread is not None and part.thread.is_alive() for part in self._parts)

    def _keep(self, part: Part) -> None:
        while not self._stop.is_set():
            try:
                part.loop(self._stop)
            except Exception as error:
                what = error.what if isinstance(error, OrchestratorError) else repr(error)
                part.error, part.broke = masker().mask(what), instants.now()
                _log.exception("%s broke; it is started again in %g s", part.name, self._again)
            else:
                if self._stop.is_set():
                    return
                part.error, part.broke = "it ended by itself", instants.now()
            self._stop.wait(self._again)
            part.restarts += 1
            part.error = ""
