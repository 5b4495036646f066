"""Requests to one server: with the token, tried again where that is safe, errors translated."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.client.translating import translated
from orchestrator.errors import ConfigurationError, InfrastructureError

if TYPE_CHECKING:
    import httpx

#: Statuses of servers that are not there for a moment.
_AWAY = frozenset({502, 503, 504})
_SAFE = frozenset({"GET", "PUT", "DELETE"})
_LONGEST = 5.0  #: seconds between two tries

Json = dict[str, Any]
Query = Mapping[str, Any]


class Connection:
    """Speaks to one server.

    Args:
        url: Address of the server.
        token: What proves who asks.
        timeout: Seconds to wait for an answer.
        retries: How often a request is sent again that may be sent twice.
        http: The HTTP client to use; one of its own if left out.

    Raises:
        ConfigurationError: The address is none, or httpx is not installed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        http: httpx.Client | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"{url!r} is no address of a server", fix="give one such as http://127.0.0.1:4280"
            )
        self.base = url.rstrip("/") + "/api/v1"
        self._own = http is None
        self._http = http if http is not None else _client(timeout)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._retries = retries

    def get(self, path: str, **query: Any) -> Json:
        """Ask for something."""
        return self.send("GET", path, query=query)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Query | None = None,
        key: str | None = None,
    ) -> Json:
        """Send a request and return what is answered.

        Args:
            method: ``GET``, ``POST``, ….
            path: The path after ``/api/v1``; names in it must be quoted.
            body: JSON to send.
            query: Values of the query; what is None is left out.
            key: Idempotency key: the request may be sent twice.

        Raises:
            OrchestratorError: The server refuses, in the words of the server.
            InfrastructureError: The server cannot be reached.
        """
        headers = dict(self._headers)
        if key is not None:
            headers["Idempotency-Key"] = key
        again = self._retries if method in _SAFE or key is not None else 0
        content: Json = {"params": _plain(query)}
        if method != "GET":
            content["json"] = {} if body is None else body
        for left in range(again, -1, -1):
            answer = self._try(method, path, headers, content, last=left == 0)
            if answer is not None:
                return answer
            time.sleep(_pause(again - left))
        raise AssertionError("the last try answers or raises")

    def _try(
        self, method: str, path: str, headers: Mapping[str, str], content: Json, *, last: bool
    ) -> Json | None:
        """Send once; None if it is worth sending again."""
        import httpx

        url = self.base + path
        try:
            answer = self._http.request(method, url, headers=headers, **content)
        except httpx.TransportError as error:
            if last:
                raise self.away(error) from error
            return None
        if answer.status_code in _AWAY and not last:
            return None
        return self._taken(answer)

    @contextmanager
    def stream(
        self, path: str, query: Query, headers: Mapping[str, str], pause: float
    ) -> Iterator[Iterator[str]]:
        """Open a stream, and give its lines as they come.

        Args:
            path: The path after ``/api/v1``.
            query: Values of the query.
            headers: More headers.
            pause: Seconds without a line after which the stream counts as broken.
        """
        import httpx

        with self._http.stream(
            "GET", self.base + path, params=_plain(query), headers={**self._headers, **headers},
            timeout=httpx.Timeout(30.0, read=pause),
        ) as answer:  # fmt: skip
            if answer.is_error:
                answer.read()
                self._taken(answer)
            yield answer.iter_lines()

    def download(self, path: str, query: Query) -> Iterator[str]:
        """Read a text piece by piece."""
        with self._http.stream(
            "GET", self.base + path, params=_plain(query), headers=self._headers
        ) as answer:
            if answer.is_error:
                answer.read()
                self._taken(answer)
            yield from answer.iter_text()

    def away(self, error: Exception) -> InfrastructureError:
        """The error for a server that does not answer."""
        said = str(error) or type(error).__name__
        return InfrastructureError(
            f"the server cannot be reached: {said}",
            where=self.base,
            fix="start it with `orchestrator serve`, or mend the address",
        )

    def close(self) -> None:
        """Let go of connections."""
        if self._own:
            self._http.close()

    def _taken(self, answer: httpx.Response) -> Json:
        try:
            body: Any = answer.json() if answer.content else {}
        except ValueError:
            body = None
        if answer.is_error or not isinstance(body, dict):
            raise translated(answer.status_code, body, str(answer.request.url))
        return body


def _client(timeout: float) -> httpx.Client:
    try:
        import httpx
    except ImportError as error:
        raise ConfigurationError(
            "the client needs httpx, which is not installed",
            fix="install analytics-orchestrator[http]",
        ) from error
    return httpx.Client(timeout=timeout)


def _plain(query: Query | None) -> dict[str, Any]:
    return {name: _text(value) for name, value in (query or {}).items() if value is not None}


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _pause(tries: int) -> float:
    """Longer from try to try, and never the same for all who wait."""
    return float(min(_LONGEST, 0.2 * 2**tries) * random.uniform(0.5, 1.0))
