"""The gate: every request passes it before any route answers, and is refused unless it fits."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Collection

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.errors import InfrastructureError, OrchestratorError, UsageError
from orchestrator.secrets import masker
from orchestrator.server.errors import ForbiddenError, answer, status_of
from orchestrator.server.naming import apart
from orchestrator.server.needs import Who
from orchestrator.server.security.hosts import is_own, may_be_asked
from orchestrator.server.security.knowing import Knowing
from orchestrator.server.security.methods import is_taken, methods_of
from orchestrator.store.access import Role

API = "/api"
LOGIN = "/api/v1/login"
MOST = 2**20  #: bytes that a request may send

#: What changes nothing that matters to others; any other write needs more than the role ``view``.
_TRIFLES = re.compile(r"/api/v1/(logout|graphs/[^/]+/layout)")
_log = logging.getLogger(__name__)
_READS = ("GET", "HEAD")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class RefusedError(Exception):
    """Raised inside the gate: a request is answered with an error at once."""

    def __init__(
        self, problem: OrchestratorError, status: int | None = None, **headers: str
    ) -> None:
        super().__init__(problem.what)
        self.problem, self.status, self.headers = problem, status, headers


class Gate:
    """ASGI middleware around the whole application.

    Args:
        app: What is behind it.
        knowing: Tells who asks.
        hosts: Names under which it may be asked, besides this machine's own.
    """

    def __init__(self, app: ASGIApp, knowing: Knowing, hosts: Collection[str] = ()) -> None:
        self._app, self._knowing = app, knowing
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there are none
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(_as_sent(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = _Taken(receive)
        given = _Given(scope, send, taken)
        try:
            scope.setdefault("state", {})["who"] = await self._check(scope)
            await self._app(scope, taken, given)
            if taken.too_much:
                raise _too_large()
        except Exception as error:
            if given.begun:
                raise
            taken.too_much = False
            await _refusal(error, scope)(scope, receive, given)

    async def _check(self, scope: Scope) -> Who | None:
        """Return who asks; None where nobody needs to be known."""
        headers = Headers(scope=scope)
        _check_host(headers, self._hosts)
        path, method = path_of(scope), scope["method"]
        if not path.startswith(API):
            if method not in _READS:
                only = ", ".join(_READS)
                raise RefusedError(UsageError("only /api takes this method"), 405, allow=only)
            return None
        _check_origin(headers, method)
        who = None
        if (path, method) != (LOGIN, "POST"):
            who = await to_thread.run_sync(self._knowing.who, headers)
            if method not in _READS and who.role is Role.VIEW and not _TRIFLES.fullmatch(path):
                raise RefusedError(ForbiddenError(f"{who.name} may look, and change nothing"))
        _check_method(scope)
        if method not in _READS:
            _check_body(headers, method)
        return who


def _as_sent(scope: Scope) -> Scope:
    """The request with what is a slash within a name told apart, where names come from a path."""
    return {**scope, "path": apart(scope)} if path_of(scope).startswith(API) else scope


def path_of(scope: Scope) -> str:
    """The path as the routes see it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _check_host(headers: Headers, hosts: Collection[str]) -> None:
    if not may_be_asked(headers.getlist("host"), hosts):
        raise RefusedError(
            UsageError(
                "this server does not go by that name",
                fix="use localhost, or add the name to hosts under [server] in orchestrator.toml",
            ),
            400,
        )


def _check_origin(headers: Headers, method: str) -> None:
    """Refuse what a page of somebody else makes a browser ask for."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and not is_own(origin, headers["host"]):
        raise RefusedError(ForbiddenError("requests from other sites are refused"))
    opened = method in _READS and headers.get("sec-fetch-mode") == "navigate"
    # A link that somebody opens comes from anywhere; what it shows stays in its own window.
    if site not in (None, "same-origin") and not (opened or (site == "none" and method in _READS)):
        raise RefusedError(ForbiddenError("requests from other sites are refused"))


def _check_method(scope: Scope) -> None:
    if is_taken(scope):
        return
    place, methods = f"{scope['method']} {path_of(scope)}", methods_of(scope)
    if not methods:
        raise RefusedError(UsageError("there is nothing at this path", where=place), 404)
    allowed = ", ".join(methods)
    problem = UsageError(
        "this path does not take that method", where=place, fix=f"it takes {allowed}"
    )
    raise RefusedError(problem, 405, allow=allowed)


def _check_body(headers: Headers, method: str) -> None:
    if method == "DELETE" and _says_nothing(headers):
        return  # no form makes a browser send it, and no script of another site without asking
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or len(headers.getlist("content-type")) != 1:
        raise RefusedError(
            UsageError(
                "requests that change something are JSON",
                fix="send `Content-Type: application/json`",
            ),
            415,
        )
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal():
        raise RefusedError(UsageError("the length of the request is no number"), 400)
    if int(length) > MOST:
        raise _too_large()


def _says_nothing(headers: Headers) -> bool:
    sends = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return "content-type" not in headers and not sends


class _Taken:
    """What a request sends, as long as it is not too much."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size, self.too_much = receive, 0, False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MOST:
            self.too_much = True
            raise _too_large()
        return message


class _Given:
    """What is answered, dressed; nothing where a route would answer half a request."""

    def __init__(self, scope: Scope, send: Send, taken: _Taken) -> None:
        self._scope, self._send, self._taken, self.begun = scope, send, taken, False

    async def __call__(self, message: Message) -> None:
        if self._taken.too_much and not self.begun:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            _dress(message, self._scope)
        await self._send(message)


def _too_large() -> RefusedError:
    return RefusedError(UsageError(f"the request is larger than {MOST:,} bytes"), 413)


def _refusal(error: Exception, scope: Scope) -> ASGIApp:
    """The answer to what is refused, or broke."""
    if isinstance(error, RefusedError):
        refused = answer(error.problem, error.status)
        refused.headers.update(error.headers)
        return refused
    if isinstance(error, OrchestratorError):
        made = answer(error)
        if status_of(error) == 401:
            made.headers["www-authenticate"] = "Bearer"
        return made
    place = f"{scope['method']} {path_of(scope)}"
    trace = "".join(traceback.format_exception(error))
    _log.error("%s broke\n%s", place, masker().mask(trace))
    broke = InfrastructureError(
        "the server broke at this request", where=place, fix="its log says how"
    )
    return answer(broke, 500)


def _dress(message: Message, scope: Scope) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in _HEADERS.items():
        headers[name] = value
    if path_of(scope).startswith(API):
        headers.setdefault("cache-control", "no-store")
