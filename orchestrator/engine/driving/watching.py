"""Hears that a run is to stop while its driver is busy, as it is where work runs in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from orchestrator.engine.stopping import cancel_run
from orchestrator.store.records import Action, Ask

_LOOK = 0.5  #: seconds between two looks


class Watch:
    """Gives the driver its requests; a thread may look at them before it does.

    Args:
        run_id: The run; its attempts in this process are stopped.
        requests: Gives what is new.
        wants_stop: Says whether it is to stop for another reason (Ctrl-C, its time is over).
        hurry: Told that it is to stop.
    """

    def __init__(
        self,
        run_id: str,
        requests: Callable[[], Sequence[Ask]],
        wants_stop: Callable[[], bool],
        hurry: Callable[[], None],
    ) -> None:
        self._run_id, self._requests, self._wants_stop = run_id, requests, wants_stop
        self._hurry = hurry
        self._heard: list[Ask] = []
        self._lock = threading.Lock()

    def __call__(self) -> Sequence[Ask]:
        """Return what is new, also what the thread heard."""
        with self._lock:
            heard, self._heard = self._heard, []
            return (*heard, *self._requests())

    @contextmanager
    def beside(self, busy: bool) -> Iterator[None]:
        """Look on from a thread of its own for a block, if the driver will be busy."""
        ended = threading.Event()
        thread = threading.Thread(target=self._work, args=[ended], name="watching", daemon=True)
        if busy:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if busy:
                thread.join()

    def _work(self, ended: threading.Event) -> None:
        while not ended.wait(_LOOK):
            with self._lock:
                new = self._requests()
                self._heard += new
            if self._wants_stop() or any(asked.action is Action.CANCEL for asked in new):
                self._hurry()
                cancel_run(self._run_id)
                return
