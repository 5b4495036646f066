"""The texts of runs in a SQL database."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, exists, select, text

from orchestrator.store.engines import RELAXED
from orchestrator.store.insql.shared import SqlRuns, chunks
from orchestrator.store.lookup import no_such_run
from orchestrator.store.tables import flow_runs, text_uses
from orchestrator.store.tables import texts as table
from orchestrator.store.texts import Text, TextStore

_UNUSED = ~exists().where(text_uses.c.hash == table.c.hash)


class SqlTexts(SqlRuns, TextStore):
    """Texts by hash, and which runs have them."""

    def keep_texts(self, run_id: str, texts: Collection[Text]) -> None:
        # In one order for everybody: so two runs never wait for each other.
        named = dict(sorted((text.hash, text.body) for text in texts))
        # What is lost here with the machine is what its tasks' ends, written later, are lost with.
        with self._write(RELAXED) as connection:
            _lock(connection, "ROW EXCLUSIVE")
            known = select(flow_runs.c.id).where(flow_runs.c.id == run_id)
            if connection.execute(known).first() is None:
                raise no_such_run(run_id, self._where)
            kept: set[str] = set()  # most texts are those of the night before: they do not travel
            for some in chunks(list(named)):
                found = select(table.c.hash).where(table.c.hash.in_(some))
                kept.update(connection.execute(found).scalars())
            new = [{"hash": name, "body": named[name]} for name in named if name not in kept]
            if new:
                connection.execute(self._dialect.insert(table).on_conflict_do_nothing(), new)
            if named:
                uses = [{"run_id": run_id, "hash": name} for name in named]
                connection.execute(self._dialect.insert(text_uses).on_conflict_do_nothing(), uses)

    def texts(self, hashes: Collection[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for some in chunks(list(hashes)):
            rows = self._read(select(table).where(table.c.hash.in_(some)))
            found.update((row["hash"], row["body"]) for row in rows)
        return found

    def _forget_texts(self) -> None:
        with self._write() as connection:
            _lock(connection, "SHARE ROW EXCLUSIVE")
            connection.execute(delete(table).where(_UNUSED))


def _lock(connection: Connection, mode: str) -> None:
    """Keep a text that one finds here from being forgotten before its use is written."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(text(f"LOCK TABLE texts IN {mode} MODE"))
