"""The task that asks again and again until what it waits for has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import FlowError, InfrastructureError
from orchestrator.model.signals import Result
from tasks.http import answers
from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.pages import rest
from tasks.http.request import Request
from tasks.http.rows import find
from tasks.http.task import HttpTask
from tasks.http.wire import Patience, Wire, opened

#: Answers that do not change by waiting.
_HOPELESS = frozenset({400, 401, 403, 405, 407, 414, 451})


class WaitedInVainError(InfrastructureError, TimeoutError):
    """Raised when a condition did not hold in time."""


@dataclass(frozen=True)
class Seen:
    """An answer as a condition sees it.

    Args:
        status: Its status code.
        body: Its JSON, or its text where it is none.
    """

    status: int
    body: Any


class WaitForHttp(HttpTask):
    """Waits until an address answers as wanted; its result is the answer's body.

    No answer, 404, 408, 409, 429, 5xx and a body that is not as wanted mean "not yet"; 400, 401, 403
    and the like end it at once.

    Args:
        url: ``http`` or ``https``, with secrets as :class:`~tasks.http.ask.HttpRequest` has them.
        status: Status codes that it waits for; any 2xx if left out.
        path: Where in the JSON to look (``job.state``).
        equals: What it waits for there: a value, or a list of values any of which will do; anything
            but null, false and nothing, if left out.
        fails: Values there that end it as failed (``["failed", "cancelled"]``).
        until: Instead: a function of a :class:`Seen` (``.status``, ``.body``), True when it is so.
        interval: Seconds between two looks; a longer ``Retry-After`` counts.
        timeout: Seconds until it gives up and fails, told with the last answer; an hour if left out.
        max_bytes: The largest body; 64 MiB if left out.
        http_args: As :class:`~tasks.http.task.HttpTask`.

    Raises:
        WaitedInVainError: It did not come in time.
        HttpRefusedError: The server refuses, or a value of ``fails`` came.

    Example:
        >>> ready = WaitForHttp("https://api.example.com/jobs/7", path="state", equals="done",
        ...                     fails=["failed"], interval=30, timeout=3600)
        >>> ready.interval
        30
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        status: int | Iterable[int] = (),
        path: str | None = None,
        equals: Any = None,
        fails: Iterable[Any] = (),
        until: Callable[[Seen], object] | None = None,
        interval: float = 10.0,
        timeout: float = 3600.0,
        max_bytes: int = answers.MAX_BYTES,
        **http_args: Any,
    ) -> None:
        super().__init__(url, **http_args)
        if until is not None and (path is not None or equals is not None):
            raise FlowError(
                f"WaitForHttp {self.name!r} has two conditions", fix="give until=, or path="
            )
        self.status = (status,) if isinstance(status, int) else tuple(status)
        self.path = path
        self.equals = equals
        self.fails = tuple(fails)
        self.until = until
        self.interval = interval
        self.give_up_after = float(timeout)
        self.max_bytes = max_bytes

    def run(self, url: str | None = None, params: Any = None) -> Result:
        """Wait; arguments left out are the task's own.

        Returns:
            The body of the answer that was waited for: JSON, or text.
        """
        request = self.asked(url, params=params)
        deadline = time.monotonic() + self.give_up_after
        looks = 0
        patience = Patience(
            min(self.patience.connect, self.give_up_after),
            min(self.patience.read, self.give_up_after),
        )
        with opened(patience, self.verify) as wire:
            while True:
                looks += 1
                seen, why, wait = self._look(wire, request)
                if seen is not None:
                    return Result(seen.body, message=f"so it is, at look {looks}")
                left = deadline - time.monotonic()
                if left <= 0:
                    told = f"{looks:,} look{'' if looks == 1 else 's'}"
                    raise WaitedInVainError(
                        f"{request}: not so after {self.give_up_after:g} s and {told}; {why}",
                        fix="give a longer timeout, or look at what should make it so",
                    )
                rest(min(max(self.interval, wait), left), request)

    def _look(self, wire: Wire, request: Request) -> tuple[Seen | None, str, float]:
        """What was waited for, or why it is not so, and the seconds the server asks to wait."""
        try:
            with wire.sent(request, self.status) as response:
                content = answers.body(response, request, self.max_bytes)
                seen = Seen(response.status_code, _body(content, response, request))
        except HttpUnavailableError as error:
            return None, f"at last: {error.what}", error.retry_after or 0.0
        except HttpRefusedError as error:
            if error.status_code in _HOPELESS or error.status_code is None:
                raise
            return None, f"at last: {error.what}", 0.0
        return (seen, "", 0.0) if self._holds(seen, request) else (None, self._told(seen), 0.0)

    def _holds(self, seen: Seen, request: Request) -> bool:
        if self.status and seen.status not in self.status:
            return False
        if self.until is not None:
            return bool(self.until(seen))
        if self.path is None:
            return True
        found = find(seen.body, self.path)
        if found in self.fails:
            raise HttpRefusedError(f"{request}: {self.path} is {found!r}")
        if self.equals is None:
            return bool(found)
        wanted = self.equals if isinstance(self.equals, list | tuple | set) else (self.equals,)
        return found in wanted

    def _told(self, seen: Seen) -> str:
        at = f", {self.path} is {find(seen.body, self.path)!r}" if self.path else ""
        return f"at last it answered {seen.status}{at}"


def _body(content: bytes, response: Any, request: Request) -> Any:
    try:
        return answers.json_of(content, request)
    except HttpRefusedError:
        return answers.text_of(content, response)
