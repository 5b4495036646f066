"""How the project's folder and what is in service differ, found out in a process of its own.

``python -m orchestrator.server.flows.drifting`` is that process: it reads the project's modules as
they are now, which the server itself never imports.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from orchestrator.errors import OrchestratorError, ProjectError
from orchestrator.process.output import Stream
from orchestrator.process.run import child_environment, run_process
from orchestrator.secrets import masker
from orchestrator.server.needs import ProjectOf, StoreOf
from orchestrator.service.catalogue.files import digest_of
from orchestrator.service.deploying.listing import in_service
from orchestrator.service.project import Project
from orchestrator.shapes.values import Shape, dumps
from orchestrator.store.base import RunStore

_VARIABLE = "ORCHESTRATOR_DRIFT"  #: what to do, as JSON: ``project``, ``settings``
_LONGEST = 120.0  #: seconds
_MOST = 64 * 2**20  #: bytes of an answer
_GOOD = 300.0  #: seconds until it is looked at again: commits of others change no file here


class Drifting:
    """Has the drift of one project; looks again when files or deployments changed.

    Args:
        project: The project.
        store: Its run store.
        look: Finds the drift; in a process of its own, if left out.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        project: Project,
        store: RunStore,
        look: Callable[[], Shape] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project, self._store, self._clock = project, store, clock
        self._look = look or self._in_child
        self._lock = threading.Lock()
        self._known: tuple[object, float, Shape] | None = None

    def found(self) -> Shape:
        """The drift, as ``orchestrator deployments drift --format json`` prints it.

        Raises:
            ProjectError: It cannot be found out.
        """
        with self._lock:
            deployed = tuple(one.current.id for one in in_service(self._store, self._project.name))
            state = digest_of(self._project), deployed
            now = self._clock()
            if self._known is None or self._known[0] != state or now - self._known[1] > _GOOD:
                self._known = state, now, self._look()
            return self._known[2]

    def _in_child(self) -> Shape:
        settings = self._project.settings
        chosen = {"state_dir": str(settings.state_dir), "store": settings.store}
        asked = {"project": str(self._project.root), "settings": chosen}
        said: dict[Stream, str] = {"stdout": "", "stderr": ""}

        def heard(stream: Stream, line: str) -> None:
            if stream == "stderr" or line.startswith("{"):  # modules may print, too
                said[stream] = line

        done = run_process(
            [sys.executable, "-m", __name__],
            env=child_environment({_VARIABLE: json.dumps(asked)}),
            cwd=self._project.root, on_line=heard, timeout=_LONGEST, cancel=lambda: False,
            longest=_MOST,
        )  # fmt: skip
        if not done.ok:
            raise ProjectError(
                f"what differs cannot be found out: {said['stderr'] or 'it took too long'}",
                where=str(self._project.root),
                fix="`orchestrator deployments drift` says more",
            )
        found: Shape = json.loads(said["stdout"])
        return found


def main() -> int:
    """Print the drift of the project that the environment names."""
    from orchestrator.service.deploying.drift import drift
    from orchestrator.shapes.drift import drift as shape_of

    asked = json.loads(os.environ.pop(_VARIABLE))
    logging.disable(logging.CRITICAL)
    try:
        text = dumps(shape_of(drift(Project.find(Path(asked["project"]), asked["settings"]))))
    except Exception as error:  # modules of somebody's own may raise anything
        what = error.what if isinstance(error, OrchestratorError) else repr(error)
        print(masker().mask(what).replace("\n", " "), file=sys.stderr)
        return 1
    print(masker().mask(text), flush=True)
    return 0


def _drifting(request: Request, project: ProjectOf, store: StoreOf) -> Drifting:
    state = request.app.state
    if not hasattr(state, "drifting"):
        state.drifting = Drifting(project, store)
    found: Drifting = state.drifting
    return found


#: In a handler's signature: ``drifting: DriftingOf``.
DriftingOf = Annotated[Drifting, Depends(_drifting)]

if __name__ == "__main__":
    sys.exit(main())
