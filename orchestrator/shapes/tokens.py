"""Tokens as JSON; what they are made of is in none of it."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.shapes.values import Shape
from orchestrator.store.access import Token


def token(found: Token) -> Shape:
    """``name``, ``role``, ``created``, ``expires``, ``last_used``, ``revoked``."""
    return {
        "name": found.name, "role": found.role, "created": found.created,
        "expires": found.expires, "last_used": found.last_used, "revoked": found.revoked,
    }  # fmt: skip


def listed(found: Iterable[Token]) -> Shape:
    """``tokens``."""
    return {"tokens": [token(each) for each in found]}
