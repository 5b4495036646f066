"""Finds out who asks: by token, by session, or because only this machine can ask."""

from __future__ import annotations

import logging
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.server.errors import UnauthorizedError
from orchestrator.server.needs import Who
from orchestrator.server.security.hosts import is_loopback
from orchestrator.server.security.secrets import hash_of_session, hash_of_token
from orchestrator.store.access import Role, Token
from orchestrator.store.base import RunStore

COOKIE = "orchestrator_session"

_log = logging.getLogger(__name__)
_NOTED = timedelta(minutes=1)  #: how exactly the store knows when a token was last shown
#: What a proxy adds: then who asks may sit at another machine.
_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Knowing:
    """Tells who asks.

    Args:
        store: Has the tokens.
        locked: Whether a token is needed though there is none: others can reach the server.
    """

    def __init__(self, store: RunStore, *, locked: bool = False) -> None:
        self._store, self._locked = store, locked

    def who(self, headers: Headers) -> Who:
        """Return who asks.

        Raises:
            UnauthorizedError: Nobody knows.
        """
        shown = self._shown(headers)
        if shown is not None:
            return self.holder(shown)
        if self.needs_token(headers):
            raise UnauthorizedError(
                "a token is needed",
                fix="send `Authorization: Bearer TOKEN`; `orchestrator tokens create` makes one",
            )
        return Who("local", Role.ADMIN, self._store)

    def needs_token(self, headers: Headers) -> bool:
        """Whether one must be shown: there are tokens, or others than this machine may ask."""
        local = is_loopback(headers.get("host", "")) and not any(n in headers for n in _PROXIED)
        return self._locked or not local or bool(self._store.tokens())

    def holder(self, hashed: str) -> Who:
        """Return who has the token, or the session, of a hash.

        Raises:
            UnauthorizedError: It is not known, expired or revoked.
        """
        now = instants.now()
        token = self._store.token(hashed)
        if token is None or not token.is_good(now):
            raise UnauthorizedError(
                "the token is not known, has expired or was revoked",
                fix="ask for another: `orchestrator tokens create NAME --role ROLE`",
            )
        self._note(token)
        return Who(token.name, token.role, self._store)

    def _note(self, token: Token) -> None:
        now = instants.now()
        if token.last_used is None or now - token.last_used > _NOTED:
            try:
                self._store.use_token(token.id, now)
            except StoreError as error:  # who may look is let in also while nothing can be written
                _log.warning("it is not noted that a token was used: %s", error.what)

    def _shown(self, headers: Headers) -> str | None:
        given = headers.get("authorization")
        if given is not None:
            kind, _, secret = given.partition(" ")
            if kind.lower() != "bearer" or not secret.strip():
                raise UnauthorizedError(
                    "only bearer tokens are known", fix="send `Authorization: Bearer TOKEN`"
                )
            return hash_of_token(secret.strip())
        session = session_of(headers)
        return None if session is None else hash_of_session(session)


def session_of(headers: Headers) -> str | None:
    """Return the secret of the session that a browser shows."""
    cookie = SimpleCookie()
    try:
        cookie.load(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookie[COOKIE].value if COOKIE in cookie else None
