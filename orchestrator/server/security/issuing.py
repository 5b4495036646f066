"""Tokens are made and taken back, each noted in the audit log."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from orchestrator import instants
from orchestrator.errors import UsageError
from orchestrator.schedule.length import length_of
from orchestrator.secrets import masker
from orchestrator.server.security.secrets import hash_of_token, new_secret
from orchestrator.store.access import Deed, Role, Token
from orchestrator.store.base import RunStore

_NAME = re.compile(r"[\w.@-][\w .@-]{0,63}")


def issue(
    store: RunStore, name: str, role: str, expires: str | None = None, *, by: str
) -> tuple[Token, str]:
    """Make a token, and return it with its secret, which is kept nowhere.

    Args:
        store: Where to.
        name: Who or what will have it.
        role: ``view``, ``run`` or ``admin``.
        expires: For how long it is good, in ISO 8601 (``P30D``); None for ever.
        by: Who makes it.

    Raises:
        UsageError: The name or the duration cannot be read.
        StoreError: There is one of that name.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a token",
            fix="take letters, digits, spaces and . _ @ -, at most 64 of them",
        )
    secret, now = new_secret(), instants.now()
    masker().add(secret)
    token = Token(name, Role(role), now, _end(now, expires))
    kept = store.add_token(token, hash_of_token(secret))
    store.add_deed(Deed(by, Role.ADMIN, "token.create", name, {"role": role, "expires": expires}))
    return kept, secret


def _end(now: datetime, expires: str | None) -> datetime | None:
    return now + timedelta(seconds=length_of(expires).about) if expires else None


def take_back(store: RunStore, name: str, *, by: str) -> Token:
    """Revoke a token and its sessions.

    Raises:
        NotFoundError: There is none of that name.
    """
    gone = store.revoke_token(name)
    store.add_deed(Deed(by, Role.ADMIN, "token.revoke", name))
    return gone
