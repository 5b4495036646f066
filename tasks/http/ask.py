"""The task that sends one request and returns its answer, or saves it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.dataset import is_path
from orchestrator.model.signals import Result
from orchestrator.nearest import nearest
from tasks.http import answers
from tasks.http.request import Request
from tasks.http.task import HttpTask

if TYPE_CHECKING:
    import httpx

FETCH = ("json", "text", "bytes", "answer", "none")


class HttpRequest(HttpTask):
    """Sends one request; its result is what the answer holds.

    A 4xx is not tried again; 408, 425, 429, 5xx and no answer are, as often as ``max_retries`` says.

    Args:
        url: ``http`` or ``https``; it and ``params``, ``headers``, ``json``, ``data`` and ``auth`` may
            hold secrets: ``secret:NAME``, ``env:NAME``, or ``{secret:NAME}`` within a text.
        fetch: What is returned: ``json``, the body read (None if it is empty with 204); ``text``;
            ``bytes``; ``answer``, a dict with ``status``, ``headers`` (small letters), ``url`` and
            ``text``; ``none``.
        save_to: File (a path, or a URL as fsspec takes it) that the body is written to as it comes,
            instead; its address is returned. The file stands when it is whole, and is a dataset
            that this task writes.
        max_bytes: The largest body, unpacked; 64 MiB if left out, and none for ``save_to``.
        http_args: ``method``, ``params``, ``headers``, ``json``, ``data``, ``auth``, ``accept``,
            ``connect_timeout``, ``read_timeout``, ``verify`` as :class:`~tasks.http.task.HttpTask`
            has them, and what any task takes.

    Raises:
        HttpUnavailableError: Nobody answered, or with 408, 425, 429 or 5xx.
        HttpRefusedError: Any other 4xx; a certificate that is not trusted; more than ten redirects; a
            body that is too large or is not JSON.

    Example:
        >>> rates = HttpRequest("https://api.example.com/rates", params={"base": "EUR"},
        ...                     auth="secret:RATES_TOKEN", max_retries=3, retry_delay=10)
        >>> rates.request
        <Request GET https://api.example.com/rates>
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        fetch: str = "json",
        save_to: str | os.PathLike[str] | None = None,
        max_bytes: int | None = None,
        **http_args: Any,
    ) -> None:
        super().__init__(url, **http_args)
        if fetch not in FETCH:
            raise FlowError(
                f"HttpRequest {self.name!r} cannot fetch {fetch!r}",
                where=building.place(self.defined_at),
                fix=nearest(fetch, FETCH, "one of "),
            )
        self.fetch = fetch
        self.save_to = None if save_to is None else os.fspath(save_to)
        if self.save_to is not None and is_path(self.save_to):
            self.writes = (*self.writes, self.save_to)
        self.max_bytes = max_bytes

    def run(self, url: str | None = None, params: Any = None, json: Any = None) -> Result:
        """Send it; arguments left out are the task's own.

        Returns:
            What ``fetch`` says.
        """
        request = self.asked(url, params=params, json=json)
        with self.heeding(), self.wire() as wire, wire.sent(request, self.accept) as response:
            value, size = self._taken(response, request)
            status = f"{response.status_code} {response.reason_phrase}".rstrip()
        return Result(value, message=f"{status}, {size:,} bytes")

    def _taken(self, response: httpx.Response, request: Request) -> tuple[Any, int]:
        if self.save_to is not None and response.is_success:
            size = answers.save(response, request, self.save_to, self.max_bytes)
            return self.save_to, size
        content = answers.body(response, request, self.max_bytes or answers.MAX_BYTES)
        return self._read(content, response, request), len(content)

    def _read(self, content: bytes, response: httpx.Response, request: Request) -> Any:
        if self.fetch == "json":
            empty = not content and (response.status_code == 204 or not response.is_success)
            return None if empty else answers.json_of(content, request)
        if self.fetch == "text":
            return answers.text_of(content, response)
        if self.fetch == "answer":
            return {
                "status": response.status_code,
                "headers": {name.lower(): value for name, value in response.headers.items()},
                "url": str(response.url),
                "text": answers.text_of(content, response),
            }
        return content if self.fetch == "bytes" else None
