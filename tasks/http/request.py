"""What is asked for: one HTTP request, told so that its secrets are fetched when it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.errors import FlowError
from orchestrator.secrets import Secret, resolve
from tasks.http.masking import remember, shown

if TYPE_CHECKING:
    import httpx

#: A token for ``Authorization: Bearer``, or user and password; each may be a secret.
Auth = str | Secret | tuple[str, str | Secret] | None


@dataclass(frozen=True)
class Request:
    """A request; texts in it may be ``secret:NAME``, ``env:NAME`` or hold ``{secret:NAME}``.

    Args:
        url: ``http`` or ``https``.
        method: ``GET``, ``POST``, …
        params: Parameters added to the URL; a list gives one several times.
        headers: Headers.
        json: Body, sent as JSON.
        data: Body: text or bytes as they are, a mapping as a form.
        auth: A token (``Bearer``), or ``(user, password)``.

    Example:
        >>> Request("https://api.example.com/orders", auth="secret:API_TOKEN").method
        'GET'
    """

    url: str
    method: str = "GET"
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    data: str | bytes | Mapping[str, Any] | None = None
    auth: Auth = None

    def __str__(self) -> str:
        return f"{self.method.upper()} {shown(self.url)}"

    def __repr__(self) -> str:
        return f"<Request {self}>"

    def with_params(self, params: Mapping[str, Any]) -> Request:
        """The same with some parameters added or changed."""
        return replace(self, params={**self.params, **params})

    def built(self, client: httpx.Client) -> httpx.Request:
        """Make httpx's request of it, with the secrets fetched, which are masked from now on.

        Raises:
            ConfigurationError: A secret is not set.
            FlowError: The URL is none, or there are two bodies.
        """
        import httpx

        url = str(_revealed(self.url))
        _check_url(url)
        if self.json is not None and self.data is not None:
            raise FlowError(f"{self} has two bodies", fix="give json= or data=, not both")
        params = list(_pairs(_revealed(self.params)))
        headers = {name: str(value) for name, value in _revealed(self.headers).items()}
        user, password = self._credentials(headers)
        remember(headers, url, params)
        body: dict[str, Any] = {}
        if self.json is not None:
            body["json"] = _revealed(self.json)
        elif isinstance(self.data, Mapping):
            body["data"] = _revealed(self.data)
        elif self.data is not None:
            body["content"] = _revealed(self.data)
        try:
            target = httpx.URL(url)
            target = target.copy_merge_params(params) if params else target
            request = client.build_request(self.method.upper(), target, headers=headers, **body)
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as error:
            raise FlowError(f"{self} cannot be sent: {error}") from None
        if user is not None:
            request = next(httpx.BasicAuth(user, password).auth_flow(request))
        return request

    def _credentials(self, headers: dict[str, str]) -> tuple[str | None, str]:
        from orchestrator.secrets import masker

        if self.auth is None:
            return None, ""
        if isinstance(self.auth, tuple):
            user, password = (str(_revealed(part)) for part in self.auth)
            masker().add(password)
            return user, password
        token = str(_revealed(self.auth))
        masker().add(token)
        headers["Authorization"] = f"Bearer {token}"
        return None, ""


def _revealed(value: Any) -> Any:
    """As :func:`resolve`, also where a :class:`Secret` itself is given."""
    if isinstance(value, Secret):
        return value.get()
    if isinstance(value, Mapping):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(item) for item in value]
    return resolve(value) if isinstance(value, str) else value


def _pairs(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        for one in value if several else (value,):
            if one is not None:
                yield name, one


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise FlowError(
            f"{shown(url)!r} is no URL that can be asked",
            fix="write it whole: https://host/path",
        )
