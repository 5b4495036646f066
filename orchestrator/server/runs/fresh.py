"""The project as its files are now: who mends a flow need not start the server again."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import Depends, Request

from orchestrator.server.needs import ProjectOf
from orchestrator.service.project import Project

_lock = threading.Lock()
#: Names, instants and sizes of files with flows.
Stamp = frozenset[tuple[str, int, int]]


class Fresh:
    """Has a project whose flows are loaded anew when their files have changed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stamp = _stamp(project)

    def project(self) -> Project:
        """The project, which loads its flows when they are asked for."""
        with _lock:
            stamp, old = _stamp(self._project), self._project
            if stamp != self._stamp:
                self._project = Project(old.root, old.settings, configured=old.configured)
                self._stamp = stamp
            return self._project


def _stamp(project: Project) -> Stamp:
    found = ((path, path.stat()) for path in project.settings.flows.glob("*.py"))
    return frozenset((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in found)


def _fresh(request: Request, project: ProjectOf) -> Project:
    state = request.app.state
    if not hasattr(state, "fresh"):
        state.fresh = Fresh(project)
    found: Fresh = state.fresh
    return found.project()


#: In a handler's signature: ``project: FreshOf``.
FreshOf = Annotated[Project, Depends(_fresh)]
