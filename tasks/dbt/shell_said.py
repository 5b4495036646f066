"""What a dbt command says: its JSON events turned into lines, levels, node states and errors."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.process.output import Stream
from orchestrator.process.result import ProcessResult
from tasks.shell.said import Said

#: dbt's words for a node that did not do what it should.
BROKEN = frozenset({"error", "fail", "runtime error", "partial success"})
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNDER_WAY = frozenset({"", "none", "started", "compiling", "executing"})
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_SHOWN = 60  #: lines of dbt's errors in a message
_ROWS = 2_000  #: nodes in the detail of an attempt; beyond that only those that broke


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node of a dbt project came to its end.

    Args:
        unique_id: As dbt names it: ``model.shop.orders``.
        status: dbt's word: ``success``, ``error``, ``fail``, ``warn``, ``pass``, ``skipped``, …
        seconds: How long it took, where dbt says so.
        message: dbt's line about it.
        started: When, as dbt writes it (UTC), where it did start.
        finished: The same of its end.
        relation: The relation as SQL writes it, for a node that makes one.
    """

    unique_id: str
    status: str
    seconds: float | None
    message: str
    started: str | None = None
    finished: str | None = None
    relation: str | None = None

    @property
    def name(self) -> str:
        """What people call it: the last word of its id that is not a hash."""
        parts = self.unique_id.split(".")
        return parts[2] if len(parts) > 2 else self.unique_id


class DbtSaid(Said):
    """What dbt says, and what it tells of its nodes.

    Args:
        logger: Where to.
        level: None keeps the log silent.
        return_all: Whether all lines are the result.
        on_node: Called with each node as it finishes.

    Attributes:
        nodes: Those that finished, in that order.
        files: The file of each node that broke, as dbt names it.
        compiled: The file of compiled SQL of each node that broke, as dbt names it.
        began: When the command began, in seconds since the epoch.
        writes_to: dbt's target folder, where that is known.
    """

    longest = 16 * 2**20

    def __init__(
        self,
        logger: logging.Logger,
        level: int | None,
        return_all: bool,
        on_node: Callable[[NodeFinished], None] | None,
    ) -> None:
        super().__init__(logger, level, return_all)
        self.nodes: list[NodeFinished] = []
        self.files: dict[str, str] = {}
        self.compiled: dict[str, str] = {}
        self.began = time.time()
        self.writes_to: Path | None = None
        self._on_node = on_node
        self._finished: set[tuple[str, str]] = set()
        self._errors: dict[str, list[str]] = {}
        self._lines: list[str] = []

    def take(self, stream: Stream, text: str) -> None:
        """Take one line."""
        event = _event(text) if stream == "stdout" else None
        if event is None:
            self._keep(stream, text.rstrip())
            super().take(stream, text)
            return
        info, data = event
        message = _ANSI.sub("", str(info.get("msg") or "")).strip("\n")
        level = _LEVELS.get(str(info.get("level")), logging.INFO)
        self._note(info, data, message)
        if message.strip() and level > logging.DEBUG:
            self._keep("stdout", *message.splitlines())
            if self.level is not None:
                self.logger.log(max(level, self.level), "%s", message)

    def returned(self, result: ProcessResult) -> str | list[str] | None:
        """Return what the task returns."""
        if self.return_all:
            return self._lines
        return self._lines[-1] if self._lines else None

    def errors(self) -> tuple[str, ...]:
        """Return dbt's errors, node by node; nothing if it told none in JSON."""
        lines = [line for error in self._errors.values() for line in error]
        if not lines:
            return tuple(self._lines[-20:]) if self._finished else ()
        cut = [f"… {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
        return (*lines[:_SHOWN], *cut)

    def broken(self) -> list[NodeFinished]:
        """Return the nodes that broke; those left out because of them are none."""
        return [node for node in self.nodes if node.status in BROKEN]

    def error_of(self, node: NodeFinished) -> str:
        """Return what dbt says went wrong with a node."""
        return "\n".join(self._errors.get(node.unique_id, [node.message]))

    def detail(self, sql: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the facts of an attempt: how many nodes came to which end, and a row for each.

        Args:
            sql: The SQL that nodes ran, by unique id, where it is known.
        """
        if not self.nodes:
            return {}
        kept = self.nodes if len(self.nodes) <= _ROWS else self.broken()[:_ROWS]
        return {
            "statuses": dict(Counter(node.status for node in self.nodes)),
            "nodes": [self._row(node, (sql or {}).get(node.unique_id)) for node in kept],
        }

    def _row(self, node: NodeFinished, sql: str | None) -> dict[str, Any]:
        row = {
            "unique_id": node.unique_id,
            "status": node.status,
            "seconds": node.seconds,
            "started": node.started,
            "finished": node.finished,
            "relation": node.relation,
            "error": self.error_of(node) if node.status in BROKEN else None,
            "ran_sql": sql,
        }
        return {name: value for name, value in row.items() if value is not None}

    def _keep(self, stream: Stream, *lines: str) -> None:
        if stream == "stdout":
            self._lines.extend(lines)
            if not self.return_all:
                del self._lines[:-20]

    def _note(self, info: Mapping[str, Any], data: Mapping[str, Any], message: str) -> None:
        name = str(info.get("name"))
        node = data.get("node_info")
        node = node if isinstance(node, Mapping) else {}
        if name.startswith(("Log", "Skipping")):
            if "Batch" not in name:  # one of many of a microbatch model
                self._note_node(str(info.get("invocation_id")), node, data, message)
            return
        key = str(node.get("unique_id") or "")
        if info.get("level") == "error" and name != "EndOfRunSummary":
            self._errors.setdefault(key, []).extend(_unblank(message))
            if data.get("path"):
                self.files.setdefault(key, str(data["path"]))
        elif name == "SQLCompiledPath" and key in self._errors:
            self._errors[key].extend(_unblank(message))
            self.compiled[key] = str(data.get("path") or "")

    def _note_node(
        self, invocation: str, node: Mapping[str, Any], data: Mapping[str, Any], message: str
    ) -> None:
        status, unique_id = str(node.get("node_status") or "").lower(), str(node.get("unique_id"))
        if status in _UNDER_WAY or (invocation, unique_id) in self._finished:
            return
        self._finished.add((invocation, unique_id))
        seconds, relation = data.get("execution_time"), node.get("node_relation")
        ended = NodeFinished(
            unique_id,
            status,
            float(seconds) if isinstance(seconds, int | float) else None,
            message,
            str(node.get("node_started_at") or "") or None,
            str(node.get("node_finished_at") or "") or None,
            relation.get("relation_name") or None if isinstance(relation, Mapping) else None,
        )
        self.nodes.append(ended)
        if self._on_node is not None:
            self._on_node(ended)


def _event(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    info = found.get("info")
    if not isinstance(info, dict) or "msg" not in info:
        return None
    data = found.get("data")
    return info, data if isinstance(data, dict) else {}


def _unblank(message: str) -> Iterable[str]:
    return (line.rstrip() for line in message.splitlines() if line.strip())
