"""The warm dbt sessions of this process, by name: opened once, used by many tasks, always closed."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tasks.dbt.errors import DbtHookError
from tasks.dbt.invocation import Invocation
from tasks.dbt.options import DbtOptions
from tasks.dbt.results import NodeResult
from tasks.dbt.session import ParseReport, WarmSession

_log = logging.getLogger("dbt")
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40}
_sessions: dict[str, WarmSession] = {}
_reports: dict[str, ParseReport] = {}
_compiled: dict[str, dict[str, NodeResult | None]] = {}
_begun: set[str] = set()
_seconds: set[str] = set()
_warming: set[str] = set()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class SessionName:
    """Names one session: the run's, for one dbt project.

    Args:
        run_id: The run.
        key: The task group's key in the flow.
        options: What the session builds.
        planned_in: Where the warehouse is nobody's own, the process that planned the run.
        invocation: The invocation that all sessions of this name are part of.
    """

    run_id: str
    key: str
    options: DbtOptions
    planned_in: str | None = None
    invocation: Invocation | None = None

    @property
    def shared(self) -> bool:
        """Whether other processes run nodes of the build, too, each in a session of this name."""
        return self.planned_in is not None and self.planned_in != this_process()

    def __str__(self) -> str:
        return f"{self.run_id}:{self.key}"


def parse(name: SessionName) -> ParseReport:
    """Open the session and let dbt parse; nothing reaches the warehouse.

    A session that the run opened for another build, and then had nothing to do in, is left.
    """
    with _lock:
        if str(name) not in _sessions:
            _leave_idle(name)
            session = WarmSession(name.options, on_log=_logged, invocation=name.invocation)
            with own_logging():
                _reports[str(name)] = session.parse()
            _sessions[str(name)] = session
        return _reports[str(name)]


def begin(name: SessionName, selected: tuple[str, ...]) -> tuple[NodeResult, ...]:
    """Create schemas and run ``on-run-start`` in the session that :func:`parse` opened.

    Raises:
        DbtHookError: A hook ended the run; the session is begun all the same.
        WarehouseBusyError, DbtWarehouseError: As they say; the session has not begun.
    """
    try:
        hooks = _sessions[str(name)].begin(selected)
    except DbtHookError:
        _begun.add(str(name))
        raise
    _begun.add(str(name))
    return hooks


def begun(name: SessionName, selected: tuple[str, ...]) -> WarmSession:
    """Return the session, ready to run nodes.

    In a process that took over from one that died, or where several run nodes, the session is
    opened here; hooks that ran once for the run do not run again.

    Args:
        name: The session.
        selected: The nodes that the run builds.
    """
    with _lock:
        session = _sessions.get(str(name))
        if session is None:
            session = _opened_late(name)
        if str(name) not in _begun:
            try:
                session.begin(selected, hooks=False)
            except BaseException:
                _abandon(str(name))
                raise
            _begun.add(str(name))
        return session


def packed_parsed(name: SessionName) -> bytes:
    """Return what dbt parsed in the session that :func:`parse` opened, for :func:`warm`."""
    return _sessions[str(name)].packed_parsed()


def begin_import() -> None:
    """Begin to import dbt, which takes seconds, beside other work."""
    threading.Thread(target=_imported, name="dbt-import", daemon=True).start()


def _imported() -> None:
    try:
        with _lock, own_logging():
            importlib.import_module("tasks.dbt.internals")
    except Exception as error:  # who needs it imports it again, and says what is wrong
        _log.debug("dbt could not be imported beforehand: %s", error)


def warm(name: SessionName, parsed: bytes | None) -> None:
    """Begin to open the session beside other work, if this process has none; nodes wait for it.

    Args:
        name: The session.
        parsed: What dbt found as it parsed, in the process that opened the build's first session.
    """
    _warming.add(str(name))
    threading.Thread(target=_warmed, args=(name, parsed), name="dbt-warm", daemon=True).start()


def _warmed(name: SessionName, parsed: bytes | None) -> None:
    with _lock:
        if str(name) in _warming and str(name) not in _sessions:
            try:
                _opened_late(name, parsed)
            except Exception as error:  # who needs the session opens it again, and says why not
                _log.debug("a dbt session could not be opened beforehand: %s", error)
        _warming.discard(str(name))


def _opened_late(name: SessionName, parsed: bytes | None = None) -> WarmSession:
    """Open the session where, or when, another process has opened it before."""
    _leave_idle(name)
    session = WarmSession(
        name.options, on_log=_logged, invocation=name.invocation, second=name.shared,
        parsed=parsed,
    )  # fmt: skip
    with own_logging():
        session.parse()
    _sessions[str(name)] = session
    if name.shared:
        _seconds.add(str(name))
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
    """Take the session out of the register, for its last user to finish it.

    Returns:
        The session; None if there is none that has begun, and so nothing to finish.
    """
    with _lock:
        if str(name) in _begun:
            return _forget(str(name))
    abandon(name)
    return None


def abandon(name: SessionName) -> None:
    """Leave the session, if it is still open, without hooks; what ran is written, as by dbt."""
    with _lock:
        if str(name) in _sessions:
            _abandon(str(name))


def abandon_all(run_id: str) -> None:
    """Leave whatever sessions the run has still open in this process."""
    for name in [n for n in _warming if n.startswith(f"{run_id}:")]:
        _warming.discard(name)
    with _lock:
        for name in [n for n in _sessions if n.startswith(f"{run_id}:")]:
            _abandon(name)


def this_process() -> str:
    """Host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _leave_idle(name: SessionName) -> None:
    """The flow orders its builds, so whatever else the run has open is not in use any more."""
    for other in [o for o in _sessions if o.startswith(f"{name.run_id}:")]:
        _abandon(other)


def _abandon(name: str) -> None:
    finishes = name in _begun and name not in _seconds
    session = _forget(name)
    if not finishes:
        session.abandon()
        return
    session.cancel()
    session.finish()


def _forget(name: str) -> WarmSession:
    _reports.pop(name, None)
    _compiled.pop(name, None)
    _begun.discard(name)
    _seconds.discard(name)
    return _sessions.pop(name)


@contextmanager
def own_logging() -> Iterator[None]:
    """Take back the handlers that dbt's imports give the root logger: all would be said twice."""
    before = list(logging.root.handlers)
    try:
        yield
    finally:
        for handler in [h for h in logging.root.handlers if h not in before]:
            logging.root.removeHandler(handler)


def _logged(unique_id: str | None, level: str, text: str) -> None:
    _log.log(_LEVELS.get(level, 20), "%s", text)
