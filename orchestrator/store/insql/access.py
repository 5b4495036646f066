"""Tokens, sessions and deeds in a SQL database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from orchestrator import instants
from orchestrator.store import keeping_access, rows
from orchestrator.store.access import AccessStore, Deed, Token
from orchestrator.store.engines import RELAXED
from orchestrator.store.insql.shared import SqlRuns, one
from orchestrator.store.tables import deeds, sessions
from orchestrator.store.tables import tokens as table


class SqlAccess(SqlRuns, AccessStore):
    """Tokens by number, sessions by hash, deeds in order."""

    def add_token(self, token: Token, hashed: str) -> Token:
        row = keeping_access.token_row(token, hashed)
        adding = self._dialect.insert(table).on_conflict_do_nothing().returning(table.c.id)
        with self._write() as connection:
            number = connection.execute(adding, row).scalar()
        if number is None:
            raise keeping_access.taken_name(token.name, self._where)
        return keeping_access.token(row | {"id": number})

    def token(self, hashed: str) -> Token | None:
        found = self._read(select(table).where(table.c.hash == hashed))
        if not found:
            session = sessions.c
            now = rows.micros(instants.now())
            query = select(table).join(sessions, session.token_id == table.c.id)
            found = self._read(query.where(session.hash == hashed, session.expires > now))
        return keeping_access.token(found[0]) if found else None

    def tokens(self) -> tuple[Token, ...]:
        return tuple(map(keeping_access.token, self._read(select(table).order_by(table.c.id))))

    def use_token(self, number: int, at: datetime) -> None:
        used = update(table).where(table.c.id == number).values(last_used=rows.micros(at))
        with self._write(RELAXED) as connection:
            connection.execute(used)

    def revoke_token(self, name: str) -> Token:
        standing = (table.c.name == rows.clean(name)) & table.c.revoked.is_(None)
        row = one(
            self._read(select(table).where(standing)),
            lambda: keeping_access.no_such_token(name, self._where),
        )
        row["revoked"] = rows.micros(instants.now())
        with self._write() as connection:
            revoked = update(table).where(table.c.id == row["id"]).values(revoked=row["revoked"])
            connection.execute(revoked)
            connection.execute(delete(sessions).where(sessions.c.token_id == row["id"]))
        return keeping_access.token(row)

    def open_session(self, number: int, hashed: str, expires: datetime) -> None:
        now = rows.micros(instants.now())
        row = {"hash": hashed, "token_id": number, "created": now, "expires": rows.micros(expires)}
        with self._write() as connection:
            if connection.execute(select(table.c.id).where(table.c.id == number)).first() is None:
                raise keeping_access.no_such_token(number, self._where)
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(insert(sessions), row)

    def close_session(self, hashed: str) -> None:
        with self._write() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == hashed))

    def add_deed(self, deed: Deed) -> int:
        row = keeping_access.deed_row(deed)
        with self._write() as connection:
            adding = insert(deeds).returning(deeds.c.id)
            number: int = connection.execute(adding, row).scalar_one()
        return number

    def deeds(self, *, limit: int = 100, before: int | None = None) -> tuple[Deed, ...]:
        query = select(deeds).order_by(deeds.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(deeds.c.id < before)
        return tuple(map(keeping_access.deed, self._read(query)))
