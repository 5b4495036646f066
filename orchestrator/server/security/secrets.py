"""What is shown to be let in: random, and known to the store by its hash alone."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "orc_"  #: so that scanners for secrets, and people, know one when they see it


def new_secret() -> str:
    """Return a new secret: 32 random bytes as text.

    Example:
        >>> new_secret().startswith("orc_")
        True
    """
    return PREFIX + secrets.token_urlsafe(32)


def hash_of_token(secret: str) -> str:
    """Return the hash a token is kept under."""
    return _hash("token", secret)


def hash_of_session(secret: str) -> str:
    """Return the hash a session is kept under; never that of a token, whatever the secret."""
    return _hash("session", secret)


def _hash(kind: str, secret: str) -> str:
    # A secret of 256 random bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(f"{kind}:{secret}".encode("utf-8", "replace")).hexdigest()
