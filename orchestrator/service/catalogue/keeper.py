"""Keeps the survey of a project at hand: made in the background, served as it was meanwhile."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.process.output import Stream
from orchestrator.process.run import child_environment, run_process
from orchestrator.secrets import masker
from orchestrator.service.catalogue.coding import decoded
from orchestrator.service.catalogue.entries import Catalogue
from orchestrator.service.catalogue.files import digest_of
from orchestrator.service.catalogue.making import VARIABLE, WRITTEN
from orchestrator.service.catalogue.survey import Survey
from orchestrator.service.project import Project

_log = logging.getLogger(__name__)
_LOOK = 2.0  #: seconds between two looks at the files
_AGAIN = 60.0  #: seconds until a survey that failed is made again
_ASK_AGAIN = 300.0  #: seconds until a warehouse that could not be asked is asked again
_LONGEST = 900.0  #: seconds that a survey may take
_KEPT = 20  #: last lines of a survey that failed

_NOTHING = Survey()

#: Makes the survey of a state of the files, and calls what it is given each time there is more.
Make = Callable[[str, Callable[[], None]], None]


class Keeper:
    """Has the survey of one project.

    It looks at the files when somebody asks, at most every other second; what changed is surveyed
    in a process of its own, and until that has answered, the survey of before is given.

    Args:
        project: The project.
        make: Makes surveys; in a process of its own, if left out.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        project: Project,
        make: Make | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project, self._clock = project, clock
        self._make = make or self._in_child
        self.file = project.settings.state_dir / "cache" / "catalogue.json"
        self._change = threading.Condition()
        self._found: Survey | None = None
        self._catalogue: Catalogue | None = None
        self._looked = self._tried = float("-inf")
        self._tried_digest = ""
        self._busy = False
        self.problem = ""  #: why the last survey was not made, one line

    @property
    def busy(self) -> bool:
        """Whether a survey is being made."""
        return self._busy

    def survey(self, patience: float = 0.0) -> Survey:
        """Return the latest survey; an empty one where none was ever made.

        Args:
            patience: Seconds to wait for the first one.
        """
        with self._change:
            if self._found is None:
                self._take(self._kept())
            self._look()
            if self._found is None and patience > 0:
                self._change.wait_for(lambda: self._found is not None or not self._busy, patience)
            return self._found or _NOTHING

    def catalogue(self, patience: float = 0.0) -> Catalogue:
        """Return the datasets of the latest survey; takes the arguments of :meth:`survey`."""
        found = self.survey(patience)
        with self._change:
            if self._catalogue is None or self._catalogue.survey is not found:
                self._catalogue = Catalogue(found)
            return self._catalogue

    def _look(self) -> None:
        now = self._clock()
        if self._busy or now - self._looked < _LOOK:
            return
        self._looked = now
        digest = digest_of(self._project)
        if self._holds(digest):
            return
        patience = _AGAIN if self.problem else _ASK_AGAIN
        if digest == self._tried_digest and now - self._tried < patience:
            return
        self._busy, self._tried, self._tried_digest = True, now, digest
        threading.Thread(target=self._made, args=(digest,), name="catalogue", daemon=True).start()

    def _holds(self, digest: str) -> bool:
        found = self._found
        return bool(found and found.digest == digest and found.complete and not found.notes)

    def _made(self, digest: str) -> None:
        problem = ""
        try:
            self._make(digest, self._more)
        except OrchestratorError as error:
            problem = masker().mask(error.what)
        except Exception as error:
            problem = masker().mask(f"{type(error).__name__}: {error}")
            _log.exception("the catalogue was not made")
        with self._change:
            self.problem, self._busy = problem, False
            self._change.notify_all()

    def _more(self) -> None:
        found = self._kept()  # which takes a while; others are served meanwhile
        with self._change:
            self._take(found)
            self._change.notify_all()

    def _kept(self) -> Survey | None:
        try:
            return decoded(self.file.read_bytes())
        except OSError:
            return None

    def _take(self, found: Survey | None) -> None:
        if found is not None:
            self._found = _with_columns_of(self._found, found)

    def _in_child(self, digest: str, more: Callable[[], None]) -> None:
        asked = {
            "project": str(self._project.root),
            "settings": {"state_dir": str(self._project.settings.state_dir)},
            "digest": digest,
            "file": str(self.file),
        }
        last: list[str] = []

        def heard(stream: Stream, line: str) -> None:
            if stream == "stdout" and line == WRITTEN:
                more()
            elif stream == "stderr":
                last[:] = [*last, line][-_KEPT:]

        done = run_process(
            [sys.executable, "-m", "orchestrator.service.catalogue.making"],
            env=child_environment({VARIABLE: json.dumps(asked)}),
            cwd=Path(self._project.root), on_line=heard, timeout=_LONGEST, cancel=lambda: False,
        )  # fmt: skip
        if not done.ok:
            raise OrchestratorError(
                "the project could not be surveyed: " + (last[-1] if last else "it was stopped"),
                where=str(self._project.root),
            )


def _with_columns_of(before: Survey | None, now: Survey) -> Survey:
    """A survey whose columns are still being read has those of before meanwhile."""
    if before is None or now.complete:
        return now
    flows = {
        name: replace(flow, columns=before.flows[name].columns)
        if flow.columns is None and name in before.flows
        else flow
        for name, flow in now.flows.items()
    }
    return replace(now, flows=flows)
