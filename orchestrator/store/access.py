"""Who may use the API, and what they did: tokens, sessions and the audit log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator import instants


class Role(StrEnum):
    """What somebody may do; each may do all that those before it may."""

    VIEW = "view"
    RUN = "run"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what needs that one.

        Example:
            >>> Role.ADMIN.covers(Role.RUN), Role.VIEW.covers(Role.RUN)
            (True, False)
        """
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Token:
    """What somebody shows to be let in. The secret itself is nowhere kept, only its hash.

    Args:
        name: Who or what has it; no two that are good have the same.
        role: What it lets do.
        created: When (aware).
        expires: From when it is no good any more; None for never.
        last_used: When it was shown last, to about a minute.
        revoked: When it was taken back.
        id: Grows with time; the store gives it.
    """

    name: str
    role: Role
    created: datetime = field(default_factory=lambda: instants.now())
    expires: datetime | None = None
    last_used: datetime | None = None
    revoked: datetime | None = None
    id: int = 0

    def is_good(self, now: datetime) -> bool:
        """Whether it lets in at an instant."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did.

    Args:
        by: Name of the token, or of the person at the command line.
        role: What they might do at the time.
        action: What, as ``run.cancel``.
        subject: What it was done to: a run's id, a flow's name.
        data: JSON object; never a secret.
        at: When (aware).
        id: Grows with time; the store gives it.
    """

    by: str
    role: Role
    action: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: instants.now())
    id: int = 0


class AccessStore(ABC):
    """What a run store promises of those who use the API."""

    @abstractmethod
    def add_token(self, token: Token, hashed: str) -> Token:
        """Keep a token under the hash of its secret, and return it with its number.

        Raises:
            StoreError: One of that name is there that was not revoked.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> store = MemoryStore()
            >>> store.add_token(Token("ada", Role.RUN), "a1b2").id
            1
            >>> store.token("a1b2").name
            'ada'
        """

    @abstractmethod
    def token(self, hashed: str) -> Token | None:
        """Return the token with that hash, or whose session has it; None if there is none.

        It may be expired or revoked; of an expired session nothing comes back.
        """

    @abstractmethod
    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens in the order they were made, those expired and revoked as well."""

    @abstractmethod
    def use_token(self, number: int, at: datetime) -> None:
        """Note that a token was shown."""

    @abstractmethod
    def revoke_token(self, name: str) -> Token:
        """Take a token back, with all its sessions, and return it.

        Raises:
            NotFoundError: None of that name is there that was not revoked.
        """

    @abstractmethod
    def open_session(self, number: int, hashed: str, expires: datetime) -> None:
        """Keep a session of a token under the hash of its secret; forget those that expired.

        Raises:
            NotFoundError: There is no such token.
        """

    @abstractmethod
    def close_session(self, hashed: str) -> None:
        """Forget a session, if it is there."""

    @abstractmethod
    def add_deed(self, deed: Deed) -> int:
        """Keep what somebody did, and return its number.

        Raises:
            StoreError: Its data is not JSON.
        """

    @abstractmethod
    def deeds(self, *, limit: int = 100, before: int | None = None) -> tuple[Deed, ...]:
        """Return what people did, the newest first.

        Args:
            limit: At most so many.
            before: Only those with a smaller number (the next page).
        """
