"""The graphs of runs in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.store import graphs
from orchestrator.store.graphs import GraphStore, Positions
from orchestrator.store.inmemory.shared import WHERE, MemoryRuns
from orchestrator.store.keeping_access import no_such_graph
from orchestrator.store.rows import Row


class MemoryGraphs(MemoryRuns, GraphStore):
    """Graphs by hash."""

    def __init__(self) -> None:
        super().__init__()
        self._graphs: dict[str, Row] = {}

    def keep_graph(self, run_id: str, body: Mapping[str, Any]) -> str:
        name, text = graphs.named(body)
        with self._lock:
            self._of(run_id).run["graph"] = name
            self._graphs.setdefault(name, {"body": text, "layout": None})
        return name

    def graph(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._graph(name)["body"])
        return found

    def layout(self, name: str) -> dict[str, tuple[float, float]] | None:
        return graphs.layout_of(self._graph(name)["layout"])

    def keep_layout(self, name: str, positions: Positions) -> bool:
        with self._lock:
            row = self._graph(name)
            text = graphs.layout_text(row["body"], positions)
            if row["layout"] is not None:
                return False
            row["layout"] = text
            return True

    def _graph(self, name: str) -> Row:
        with self._lock:
            if name not in self._graphs:
                raise no_such_graph(name, WHERE)
            return self._graphs[name]

    def _forget_graphs(self) -> None:
        used = {kept.run["graph"] for kept in self._kept.values()}
        for name in self._graphs.keys() - used:
            del self._graphs[name]
