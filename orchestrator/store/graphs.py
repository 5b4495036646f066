"""The graphs of runs: what a run was planned to do, kept once however many runs are planned so."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.store.rows import clean, to_json

#: Where nodes are drawn, by key: across and down.
Positions = Mapping[str, tuple[float, float]]


class GraphStore(ABC):
    """What a run store promises of graphs."""

    @abstractmethod
    def keep_graph(self, run_id: str, body: Mapping[str, Any]) -> str:
        """Keep the graph of a run, and return the hash that names it.

        Args:
            run_id: The whole id.
            body: JSON object with ``nodes`` (each with ``key``) and ``edges``. Equal ones are kept
                once.

        Raises:
            NotFoundError: There is no such run.
            StoreError: It is not JSON.

        Example:
            >>> from orchestrator.store.memory import MemoryStore
            >>> from orchestrator.store.records import FlowRun
            >>> store = MemoryStore()
            >>> run_id = store.create_run(FlowRun("a1", "nightly"))
            >>> name = store.keep_graph("a1", {"nodes": [{"key": "load"}], "edges": []})
            >>> store.run("a1").graph == name, store.graph(name)["nodes"]
            (True, [{'key': 'load'}])
        """

    @abstractmethod
    def graph(self, name: str) -> dict[str, Any]:
        """Return the graph of that hash.

        Raises:
            NotFoundError: There is none.
        """

    @abstractmethod
    def layout(self, name: str) -> dict[str, tuple[float, float]] | None:
        """Return where the nodes of a graph are drawn; None if nobody has said so.

        Raises:
            NotFoundError: There is no such graph.
        """

    @abstractmethod
    def keep_layout(self, name: str, positions: Positions) -> bool:
        """Keep where the nodes of a graph are drawn; False if that is kept already.

        Raises:
            NotFoundError: There is no such graph.
            StoreError: A key is none of the graph's, or a number is not finite.
        """


def named(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hash of a graph, and its JSON text.

    Raises:
        StoreError: It is not JSON.
    """
    text = clean(to_json(dict(body), "a graph") or "{}")
    return hashlib.sha256(text.encode()).hexdigest()[:32], text


def layout_text(body: str, positions: Positions) -> str:
    """Return the JSON text of a layout.

    Args:
        body: The JSON text of its graph.
        positions: By key.

    Raises:
        StoreError: A key is none of the graph's, or a number is not finite.
    """
    keys = {node["key"] for node in json.loads(body)["nodes"]}
    for key, (across, down) in positions.items():
        if key not in keys:
            raise StoreError(f"the graph has no node {key!r}")
        if not (math.isfinite(across) and math.isfinite(down)):
            raise StoreError(f"node {key!r} is drawn nowhere: {across}, {down}")
    plain = {key: [float(across), float(down)] for key, (across, down) in positions.items()}
    return to_json(plain, "a layout") or "{}"


def layout_of(text: str | None) -> dict[str, tuple[float, float]] | None:
    """Return the layout that JSON text says; None for None."""
    if text is None:
        return None
    return {key: (across, down) for key, (across, down) in json.loads(text).items()}
