"""Tokens, sessions and deeds in memory."""

from __future__ import annotations

from datetime import datetime

from orchestrator import instants
from orchestrator.store import keeping_access, rows
from orchestrator.store.access import AccessStore, Deed, Token
from orchestrator.store.inmemory.shared import WHERE, MemoryRuns
from orchestrator.store.rows import Row


class MemoryAccess(MemoryRuns, AccessStore):
    """Tokens by number, sessions by hash, deeds in order."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens: dict[int, Row] = {}
        self._sessions: dict[str, Row] = {}
        self._deeds: list[Row] = []

    def add_token(self, token: Token, hashed: str) -> Token:
        row = keeping_access.token_row(token, hashed)
        with self._lock:
            if self._standing(row["name"]) is not None:
                raise keeping_access.taken_name(token.name, WHERE)
            number = len(self._tokens) + 1
            self._tokens[number] = row | {"id": number}
            return keeping_access.token(self._tokens[number])

    def token(self, hashed: str) -> Token | None:
        now = rows.micros(instants.now()) or 0
        with self._lock:
            session = self._sessions.get(hashed)
            if session is not None:
                good = session["expires"] > now
                return keeping_access.token(self._tokens[session["token_id"]]) if good else None
            found = [row for row in self._tokens.values() if row["hash"] == hashed]
            return keeping_access.token(found[0]) if found else None

    def tokens(self) -> tuple[Token, ...]:
        with self._lock:
            return tuple(map(keeping_access.token, self._tokens.values()))

    def use_token(self, number: int, at: datetime) -> None:
        with self._lock:
            if number in self._tokens:
                self._tokens[number]["last_used"] = rows.micros(at)

    def revoke_token(self, name: str) -> Token:
        with self._lock:
            row = self._standing(rows.clean(name))
            if row is None:
                raise keeping_access.no_such_token(name, WHERE)
            row["revoked"] = rows.micros(instants.now())
            for hashed in [h for h, s in self._sessions.items() if s["token_id"] == row["id"]]:
                del self._sessions[hashed]
            return keeping_access.token(row)

    def open_session(self, number: int, hashed: str, expires: datetime) -> None:
        now = rows.micros(instants.now()) or 0
        with self._lock:
            if number not in self._tokens:
                raise keeping_access.no_such_token(number, WHERE)
            for old in [h for h, row in self._sessions.items() if row["expires"] <= now]:
                del self._sessions[old]
            self._sessions[hashed] = {"token_id": number, "expires": rows.micros(expires)}

    def close_session(self, hashed: str) -> None:
        with self._lock:
            self._sessions.pop(hashed, None)

    def add_deed(self, deed: Deed) -> int:
        row = keeping_access.deed_row(deed)
        with self._lock:
            self._deeds.append(row | {"id": len(self._deeds) + 1})
            return len(self._deeds)

    def deeds(self, *, limit: int = 100, before: int | None = None) -> tuple[Deed, ...]:
        with self._lock:
            found = [row for row in self._deeds if before is None or row["id"] < before]
        return tuple(map(keeping_access.deed, found[::-1][:limit]))

    def _standing(self, name: str) -> Row | None:
        for row in self._tokens.values():
            if row["name"] == name and row["revoked"] is None:
                return row
        return None
