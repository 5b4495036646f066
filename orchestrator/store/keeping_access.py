"""Tokens, sessions and deeds to rows and back, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.store.access import Deed, Role, Token
from orchestrator.store.rows import Row, clean, instant_of, micros, object_of, to_json

_LIST = "`orchestrator tokens list` shows the tokens"


def token_row(token: Token, hashed: str) -> Row:
    """Return the row of a token, still without its number."""
    return {
        "name": clean(token.name),
        "role": token.role.value,
        "hash": hashed,
        "created": micros(token.created),
        "expires": micros(token.expires),
        "last_used": micros(token.last_used),
        "revoked": micros(token.revoked),
    }


def token(row: Mapping[str, Any]) -> Token:
    """Return the token of a row."""
    created = instant_of(row["created"])
    assert created is not None
    return Token(
        row["name"], Role(row["role"]), created, instant_of(row["expires"]),
        instant_of(row["last_used"]), instant_of(row["revoked"]), row["id"],
    )  # fmt: skip


def deed_row(deed: Deed) -> Row:
    """Return the row of a deed, still without its number."""
    return {
        "by": clean(deed.by),
        "role": deed.role.value,
        "action": clean(deed.action),
        "subject": clean(deed.subject),
        "data": to_json(deed.data, "what was done"),
        "at": micros(deed.at),
    }


def deed(row: Mapping[str, Any]) -> Deed:
    """Return the deed of a row."""
    at = instant_of(row["at"])
    assert at is not None
    return Deed(
        row["by"], Role(row["role"]), row["action"], row["subject"], object_of(row["data"]), at,
        row["id"],
    )  # fmt: skip


def taken_name(name: str, where: str) -> StoreError:
    """Return the error for a token whose name another has."""
    return StoreError(
        f"there is a token named {name!r} already",
        where=where,
        fix="give it another name, or take the other back with `orchestrator tokens revoke`",
    )


def no_such_token(name: object, where: str) -> NotFoundError:
    """Return the error for a token that is not kept, or was revoked."""
    return NotFoundError(f"no token {name!r}", where=where, fix=_LIST)


def no_such_graph(name: str, where: str) -> NotFoundError:
    """Return the error for a graph that is not kept."""
    return NotFoundError(f"no graph {name!r}", where=where, fix="ask for the graph of a run")
