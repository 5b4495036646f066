"""The warm dbt sessions of this process, by name: opened once, used by many tasks, always closed."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from tasks.dbt.options import DbtOptions
from tasks.dbt.results import NodeResult
from tasks.dbt.session import ParseReport, WarmSession

_log = logging.getLogger("dbt")
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40}
_sessions: dict[str, WarmSession] = {}
_reports: dict[str, ParseReport] = {}
_compiled: dict[str, dict[str, NodeResult | None]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class SessionName:
    """Names one session: the run's, for one dbt project.

    Args:
        run_id: The run.
        key: The task group's key in the flow.
        options: What the session builds.
    """

    run_id: str
    key: str
    options: DbtOptions

    def __str__(self) -> str:
        return f"{self.run_id}:{self.key}"


def parse(name: SessionName) -> ParseReport:
    """Open the session and let dbt parse; nothing reaches the warehouse.

    A session that the run opened for another build, and then had nothing to do in, is left.
    """
    with _lock:
        if str(name) not in _sessions:
            _leave_idle(name)
            session = WarmSession(name.options, on_log=_logged)
            _reports[str(name)] = session.parse()
            _sessions[str(name)] = session
        return _reports[str(name)]


def begun(name: SessionName, selected: tuple[str, ...]) -> WarmSession:
    """Return the session, ready to run nodes.

    In a process that took over from one that died, the session is opened anew; hooks that ran
    once for the run do not run again.

    Args:
        name: The session.
        selected: The nodes that the run builds.
    """
    with _lock:
        session = _sessions.get(str(name))
        if session is None:
            session = WarmSession(name.options, on_log=_logged)
            session.parse()
            session.begin(selected, hooks=False)
            _sessions[str(name)] = session
        return session


def compiled(name: SessionName, session: WarmSession, ephemeral: str) -> NodeResult | None:
    """Have an ephemeral model compiled, once a session; return its result if that failed."""
    with _lock:
        known = _compiled.setdefault(str(name), {})
        if ephemeral not in known:
            result = session.run_node(ephemeral)
            known[ephemeral] = None if result.ok else result
        return known[ephemeral]


def close(name: SessionName) -> WarmSession | None:
    """Take the session out of the register, for its last user to finish or abandon it."""
    with _lock:
        return _forget(str(name)) if str(name) in _sessions else None


def abandon(name: SessionName) -> None:
    """Leave the session, if it is still open, without hooks and without writing."""
    session = close(name)
    if session is not None:
        session.abandon()


def _leave_idle(name: SessionName) -> None:
    """The flow orders its builds, so whatever else the run has open is not in use any more."""
    for other in [o for o in _sessions if o.startswith(f"{name.run_id}:")]:
        _forget(other).abandon()


def _forget(name: str) -> WarmSession:
    _reports.pop(name, None)
    _compiled.pop(name, None)
    return _sessions.pop(name)


def _logged(unique_id: str | None, level: str, text: str) -> None:
    _log.log(_LEVELS.get(level, 20), "%s", text)
