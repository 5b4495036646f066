"""What all tasks over HTTP share: the arguments of a request, and retries as the server asks for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from orchestrator.errors import FlowError, InfrastructureError
from orchestrator.model import context
from orchestrator.model.signals import RETRY
from orchestrator.model.task import Task
from tasks.http.errors import HttpUnavailableError
from tasks.http.request import Auth, Request
from tasks.http.wire import Patience, Wire, opened

#: What is worth another attempt, where the task itself does not say.
PASSING = (InfrastructureError, ConnectionError, TimeoutError)
_LONGEST = 3600.0  #: seconds that a server may make a task wait, unless ``retry_max_delay`` says


class HttpTask(Task):
    """A task that sends requests. With ``max_retries`` it is tried again where that may help: nobody
    answered, or with 408, 425, 429 or 5xx; after the ``Retry-After`` of the answer, if it has one.

    Args:
        url: ``http`` or ``https``; it and all that follows may hold ``secret:NAME`` or ``env:NAME``
            as a whole text and ``{secret:NAME}`` in one.
        method: ``GET``, ``POST``, …
        params: Parameters added to the URL; a list gives one several times.
        headers: Headers.
        json: Body, sent as JSON.
        data: Body: text or bytes as they are, a mapping as a form.
        auth: A token (``Authorization: Bearer``), or ``(user, password)``.
        accept: Status codes that are no error besides 2xx.
        connect_timeout: Seconds until the connection stands.
        read_timeout: Seconds without a byte of the answer.
        verify: Path of the certificates that are trusted; False trusts any.
        task_args: As any :class:`~orchestrator.model.task.Task`; ``timeout`` is for all of an attempt.
    """

    resource_type: ClassVar[str] = "http"
    stops_when_told: ClassVar[bool] = True

    def __init__(
        self,
        url: str | None = None,
        *,
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        json: Any = None,
        data: str | bytes | Mapping[str, Any] | None = None,
        auth: Auth = None,
        accept: Iterable[int] = (),
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        verify: str | bool = True,
        **task_args: Any,
    ) -> None:
        task_args.setdefault("retry_on", PASSING)
        super().__init__(**task_args)
        self.request = Request(url or "", method, params or {}, headers or {}, json, data, auth)
        self.accept = tuple(accept)
        self.patience = Patience(connect_timeout, read_timeout)
        self.verify = verify

    def asked(self, url: str | None, **changes: Any) -> Request:
        """The request with what ``run`` was given in place of the task's own."""
        given = {name: value for name, value in changes.items() if value is not None}
        if url:
            given["url"] = url
        request = replace(self.request, **given)
        if not request.url:
            raise FlowError(f"task {self.name!r} has no URL", fix="give it url=")
        return request

    def wire(self) -> AbstractContextManager[Wire]:
        """Connections for this attempt."""
        return opened(self.patience, self.verify)

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Where the server says when to come again, ask for the next attempt then."""
        try:
            yield
        except HttpUnavailableError as error:
            delay = self._asked_to_wait(error)
            if delay is None:
                raise
            raise RETRY(f"{error.what}; it asked to wait {delay:g} s", delay=delay) from None

    def _asked_to_wait(self, error: HttpUnavailableError) -> float | None:
        running = context.active()
        if running is None or error.retry_after is None:
            return None
        own = self.retry.decide(running.attempt, error, str(error.status_code))
        limit = self.retry.max_delay.total_seconds() if self.retry.max_delay else _LONGEST
        if own is None or error.retry_after > limit:
            return None
        return max(math.ceil(error.retry_after), own.total_seconds())
