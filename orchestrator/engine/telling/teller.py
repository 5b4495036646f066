"""Tells what happens in a run: to the store, and to those who listen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.engine.attempts.attempt import Logged, Report
from orchestrator.engine.plan import Plan
from orchestrator.engine.telling.failure_logs import failure_log
from orchestrator.engine.telling.recorder import Recorder
from orchestrator.engine.units import Unit
from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.state import State, StateType
from orchestrator.store.records import Change, LogLine, TaskRun
from orchestrator.store.texts import text_of

Listener = Callable[[Event], None]
#: So many new tasks are written together.
_ADDED_AT_ONCE = 500
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


class Teller:
    """The one place through which a driver speaks.

    Args:
        run_id: The run.
        recorder: Writes to the store.
        listeners: Told of each event, in the driver's thread.
        state_dir: Folder below which logs of failures will be written.
    """

    def __init__(
        self,
        run_id: str,
        recorder: Recorder,
        listeners: Sequence[Listener],
        state_dir: Path | None,
    ) -> None:
        self._run_id, self._recorder = run_id, recorder
        self._listeners, self._state_dir = listeners, state_dir
        self._texts: set[str] = set()

    def began(self, started: RunStarted, plan: Plan) -> None:
        """The run began, with a plan."""
        self._tell(started)
        self._recorder.put(Change(None, StateType.RUNNING, at=started.at))
        self._recorder.put(plan)

    def ended(self, state: State, began: datetime, units: Sequence[Unit]) -> None:
        """The run ended."""
        at = instants.now()
        self._recorder.put(Change(None, state.type, at=at, message=state.message))
        counts = Counter(unit.state.type for unit in units)
        self._tell(RunFinished(self._run_id, state, at, (at - began).total_seconds(), counts))

    def added(self, units: Sequence[Unit]) -> None:
        """Mapped runs became known."""
        for start in range(0, len(units), _ADDED_AT_ONCE):
            rows = tuple(
                TaskRun(
                    self._run_id, unit.key, unit.name, unit.planned.facts.resource_type,
                    path=unit.planned.facts.path,
                )
                for unit in units[start : start + _ADDED_AT_ONCE]
            )  # fmt: skip
            self._recorder.put(rows)
        if self._listeners:
            kinds = ((u.key, u.name, u.planned.facts.resource_type) for u in units)
            self._tell(TasksAdded(tuple(kinds), instants.now()))

    def moved(
        self,
        unit: Unit,
        at: datetime,
        *,
        report: Report | None = None,
        detail: Mapping[str, Any] | None = None,
        worker: str | None = None,
    ) -> None:
        """A unit entered the state it is in.

        Args:
            unit: The unit.
            at: When (aware UTC).
            report: Of the attempt that ended, if one did.
            detail: What to show where there is no report.
            worker: Who began the attempt.
        """
        state = unit.state
        shown = self._with_hashes(report.detail if report else detail or {})
        if state.is_failed() and self._state_dir is not None:
            shown["log_path"] = str(failure_log(self._state_dir, self._run_id, unit.key))
        began = None
        if report and not unit.heard:
            # Nobody said that it had begun: its end opens and closes the attempt in one go.
            began, worker = report.started, report.worker
        change = Change(
            unit.key, state.type, at=at, message=state.message, cause=state.cause,
            status=state.status, attempt=unit.attempt or None, token=unit.token or None,
            rows=report.rows if report else None, failures=report.failures if report else None,
            detail=shown or None, result=report.result if report else None, worker=worker,
            started=began,
        )  # fmt: skip
        self._recorder.put(change)
        if not self._listeners:
            return
        seconds = (report.finished - report.started).total_seconds() if report else None
        self._tell(
            TaskChanged(
                unit.key, shown.get("task_run_name", unit.name), state, at, unit.attempt, seconds,
                change.rows, change.failures, shown,
            )
        )  # fmt: skip

    def logged(self, message: Logged) -> None:
        """An attempt said something."""
        for at, level, text in message.lines:
            line = LogLine(text, message.key, message.number, _LEVELS.get(level, 20), at)
            self._recorder.put(line)
            self._tell(LogEmitted(message.key, level, text, at))

    def said(self, key: str | None, text: str) -> None:
        """The engine itself has something to say of a task, or of the run."""
        line = LogLine(text, key, at=instants.now())
        self._recorder.put(line)
        self._tell(LogEmitted(key, "INFO", text, line.at))

    def warned(self, key: str, attempt: int, text: str) -> None:
        """The engine itself has something to say of an attempt."""
        self.logged(Logged(key, attempt, ((instants.now(), "WARNING", text),)))

    def _with_hashes(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """A detail whose SQL, and that of the nodes it tells of, is kept and named by its hash."""
        shown = dict(detail)
        if isinstance(sql := shown.pop("ran_sql", None), str):
            shown["sql_hash"] = self._kept(sql)
        if isinstance(nodes := shown.get("nodes"), list):
            shown["nodes"] = [
                self._with_hashes(node) if isinstance(node, Mapping) else node for node in nodes
            ]
        return shown

    def _kept(self, sql: str) -> str:
        """Keep SQL that tasks ran, once however many of them ran it; return its hash."""
        text = text_of(sql)
        if text.hash not in self._texts:
            self._texts.add(text.hash)
            self._recorder.put(text)
        return text.hash

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
