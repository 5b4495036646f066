"""The graphs of runs in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update

from orchestrator.store import graphs
from orchestrator.store.graphs import GraphStore, Positions
from orchestrator.store.insql.shared import SqlRuns, one
from orchestrator.store.keeping_access import no_such_graph
from orchestrator.store.lookup import no_such_run
from orchestrator.store.rows import Row
from orchestrator.store.tables import flow_runs
from orchestrator.store.tables import graphs as table

_OF_NO_RUN = table.c.hash.not_in(select(flow_runs.c.graph).where(flow_runs.c.graph.is_not(None)))


class SqlGraphs(SqlRuns, GraphStore):
    """Graphs by hash."""

    def keep_graph(self, run_id: str, body: Mapping[str, Any]) -> str:
        name, text = graphs.named(body)
        drawn = update(flow_runs).where(flow_runs.c.id == run_id).values(graph=name)
        with self._write() as connection:
            if connection.execute(drawn).rowcount != 1:
                raise no_such_run(run_id, self._where)
            # Most runs are planned as the one before: then the text does not travel.
            if connection.execute(select(table.c.hash).where(table.c.hash == name)).first() is None:
                adding = self._dialect.insert(table).on_conflict_do_nothing()
                connection.execute(adding, {"hash": name, "body": text, "layout": None})
        return name

    def graph(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._graph(name, table.c.body)["body"])
        return found

    def layout(self, name: str) -> dict[str, tuple[float, float]] | None:
        return graphs.layout_of(self._graph(name, table.c.layout)["layout"])

    def keep_layout(self, name: str, positions: Positions) -> bool:
        text = graphs.layout_text(self._graph(name, table.c.body)["body"], positions)
        drawn = update(table).where(table.c.hash == name, table.c.layout.is_(None))
        with self._write() as connection:
            return connection.execute(drawn.values(layout=text)).rowcount == 1

    def _graph(self, name: str, column: Any) -> Row:
        found = self._read(select(column).where(table.c.hash == name))
        return one(found, lambda: no_such_graph(name, self._where))

    def _forget_graphs(self) -> None:
        with self._write() as connection:
            connection.execute(delete(table).where(_OF_NO_RUN))
