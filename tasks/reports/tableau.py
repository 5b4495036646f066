"""The task that refreshes an extract on Tableau Server or Cloud, and waits until that is done."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, ClassVar

from orchestrator.errors import FlowError, OrchestratorError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.signals import Result
from orchestrator.model.task import Task
from orchestrator.secrets import Secret
from tasks.http.errors import HttpUnavailableError
from tasks.http.pages import rest
from tasks.http.task import PASSING
from tasks.http.wire import Patience, opened
from tasks.reports.tableau_api import Tableau, TableauError

_LUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Looks at a job that may fail in a row, before it is given up.
_PATIENCE = 5


class TableauRefresh(Task):
    """Starts the refresh of an extract, and waits for its end; its result is the job's id.

    It signs in with a personal access token, and signs out whatever happens. A cancelled task
    cancels the job.

    Args:
        server: Address of the server: ``https://tableau.example.com``.
        datasource: Name or id (LUID) of a published data source; or
        workbook: of a workbook.
        site: Its content URL, as in the address of its pages; empty for the default site.
        project: Name of the project, where the name alone is not unique.
        token_name: Name of the personal access token.
        token: Its secret: ``secret:NAME`` or ``env:NAME``.
        api_version: Of the REST API.
        interval: Seconds between two looks at the job.
        wait_for: Seconds until it gives up waiting; the job goes on. Four hours if left out.
        verify: Path of the certificates that are trusted; False trusts any.
        task_args: As any :class:`~orchestrator.model.task.Task`; say ``reads=`` for the tables that
            the extract is made of, so that it waits for them.

    Raises:
        TableauError: The server refuses, or the refresh failed; with the server's words.
        HttpUnavailableError: The server does not answer.
        FlowError: There is no such data source or workbook, or more than one.

    Example:
        >>> refresh = TableauRefresh("https://tableau.example.com", datasource="Daily sales",
        ...                          site="retail", token_name="nightly", token="secret:TABLEAU",
        ...                          reads=["marts.daily"])
        >>> refresh.content
        ('datasources', 'Daily sales')
    """

    resource_type: ClassVar[str] = "tableau"
    stops_when_told: ClassVar[bool] = True

    def __init__(
        self,
        server: str,
        *,
        datasource: str | None = None,
        workbook: str | None = None,
        site: str = "",
        project: str | None = None,
        token_name: str,
        token: str | Secret,
        api_version: str = "3.19",
        interval: float = 10.0,
        wait_for: float = 4 * 3600.0,
        verify: str | bool = True,
        **task_args: Any,
    ) -> None:
        task_args.setdefault("retry_on", PASSING)
        super().__init__(**task_args)
        if (datasource is None) == (workbook is None):
            raise FlowError(
                f"TableauRefresh {self.name!r} needs what to refresh once",
                fix="give datasource= or workbook=",
            )
        if not re.fullmatch(r"\d+\.\d+", api_version):
            raise FlowError(f"{api_version!r} is no version of Tableau's API", fix='as in "3.19"')
        kind = "datasources" if workbook is None else "workbooks"
        self.content: tuple[str, str] = (kind, datasource or workbook or "")
        self.server = server
        self.site = site
        self.project = project
        self.token_name = token_name
        self.token = token
        self.api_version = api_version
        self.interval = interval
        self.wait_for = wait_for
        self.verify = verify

    def run(self) -> Result:
        """Refresh it.

        Returns:
            The id of the job.
        """
        kind, name = self.content
        with opened(Patience(), self.verify) as wire:
            tableau = Tableau(wire, self.server, self.api_version)
            tableau.sign_in(self.site, self.token_name, self.token)
            job = None
            try:
                luid = name if _LUID.fullmatch(name) else self._found(tableau)
                job = tableau.refresh(kind, luid)
                _logger().info("Tableau refreshes %s %r: job %s", kind[:-1], name, job)
                seconds = self._waited(tableau, job)
            finally:
                self._leave(tableau, job)
        return Result(job, message=f"{kind[:-1]} {name!r} refreshed in {seconds:.0f} s")

    def _found(self, tableau: Tableau) -> str:
        kind, name = self.content
        found = tableau.named(kind, name)
        if self.project is not None:
            found = [each for each in found if each.project == self.project]
        if len(found) == 1:
            return found[0].luid
        places = ", ".join(sorted(repr(each.project) for each in found))
        at = f" in project {self.project!r}" if self.project else ""
        if found:
            raise FlowError(
                f"there are {len(found)} {kind} {name!r} on Tableau{at}: in {places}",
                fix="give project=, or the id instead of the name",
            )
        raise FlowError(
            f"there is no {kind[:-1]} {name!r} on Tableau{at}",
            fix="check the name and the site, and what the token's owner may see",
        )

    def _waited(self, tableau: Tableau, job: str) -> float:
        """Wait for the end of a job, and return how many seconds that took."""
        began = time.monotonic()
        missed = 0
        while True:
            try:
                ended = tableau.ended(job)
                missed = 0
            except HttpUnavailableError:
                missed += 1
                if missed > _PATIENCE:
                    raise
                ended = False
            seconds = time.monotonic() - began
            if ended:
                return seconds
            if seconds > self.wait_for:
                raise TableauError(
                    f"job {job} of Tableau has not ended after {self.wait_for:g} s",
                    fix="give a longer wait_for, or look at the job on the server",
                )
            rest(self.interval, f"job {job} of Tableau")

    def _leave(self, tableau: Tableau, job: str | None) -> None:
        """Sign out, over a connection that a cancelled attempt does not cut off; cancel its job."""
        running = context.active()
        cancelled = running is not None and running.cancelled.is_set()
        with (
            suppress(OrchestratorError),
            _undisturbed(),
            opened(Patience(5, 5), self.verify) as wire,
        ):
            leaving = tableau.over(wire)
            try:
                if job is not None and cancelled:
                    leaving.cancel(job)
                    _logger().info("job %s of Tableau was told to stop", job)
            finally:
                leaving.sign_out()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a block run that the attempt's cancellation does not reach."""
    running = context.active()
    if running is None:
        yield
        return
    with context.entered(replace(running, cancelled=context.Cancellation())):
        yield


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running else get_logger("tableau")
