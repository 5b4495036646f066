"""The one instance that this process has of each DuckDB file, shared by its threads."""

from __future__ import annotations

import atexit
import logging
import os
import re
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError, InfrastructureError, WarehouseBusyError
from orchestrator.model import context
from tasks.duckdb.opening import MEMORY, Opening, dbt_environment, options_of_dbt

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LOCKED = "Could not set lock on file"
_FILE = re.compile(r'lock on file "([^"]+)"')
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) ?\(PID (?P<pid>\d+)\)")
_CONFIGURED_OTHERWISE = "with a different configuration"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  #: seconds between two looks at a held file
_REPEAT = 10.0  #: seconds between two messages about a held file
_log = logging.getLogger("orchestrator.warehouse")


@contextmanager
def cursor(opening: Opening) -> Iterator[DuckDBPyConnection]:
    """Give a cursor of the process's one instance of a database, closed at the end of the block.

    The instance stays open until the runs that used it are released; outside a run it is closed
    with its last cursor.

    Args:
        opening: The database and how to open it.

    Raises:
        WarehouseBusyError: Another process holds the file longer than ``busy_timeout``.
        ConfigurationError: It cannot be opened in this way.
        InfrastructureError: It cannot be opened.
    """
    instance = _acquired(opening)
    try:
        made = instance.root.cursor()
        try:
            for statement in opening.cursor_statements():
                _prepare(made, statement, opening, None)
            yield made
        finally:
            made.close()
    finally:
        _give_back(instance)


def release_all(run_id: str | None = None) -> None:
    """Close the databases that a run kept open, so that other processes can open them.

    Call it in each process that ran tasks, when the run ends there. A database that another run
    of the process uses stays open; one with a cursor in use is closed together with that cursor.

    Args:
        run_id: The run that ended; every run, if left out.

    Example:
        >>> release_all("20130101-nightly")
    """
    with _registry:
        for instance in list(_instances.values()):
            instance.runs -= instance.runs if run_id is None else {run_id}
            _close_if_idle(instance)


def is_prepared(opening: Opening, part: Hashable) -> bool:
    """Whether a part was noted by :func:`prepared` since this process opened the database."""
    with _registry:
        instance = _instances.get(opening.path)
        return instance is not None and part in instance.prepared


def prepared(opening: Opening, part: Hashable) -> None:
    """Note that a part of an open database is ready for everyone who uses it."""
    with _registry:
        instance = _instances.get(opening.path)
        if instance is not None:
            instance.prepared.add(part)


class _Instance:
    """An open database: its root connection, who uses it and who keeps it."""

    def __init__(self, opening: Opening, root: DuckDBPyConnection, owned: bool) -> None:
        self.path = opening.path
        self.config_options = opening.config_options
        self.root = root
        self.owned = owned  #: False where dbt opened it, and closes it
        self.users = 0
        self.runs: set[str] = set()
        self.prepared: set[Hashable] = set()


_registry = threading.RLock()  #: guards the two dicts and the counts; never held while waiting
_instances: dict[str, _Instance] = {}
_doors: dict[str, threading.Lock] = {}  #: one thread at a time opens a file


def _acquired(opening: Opening) -> _Instance:
    running = context.active()
    deadline = time.monotonic() + opening.busy_timeout
    with _door(opening, deadline):
        with _registry:
            instance = _instances.get(opening.path)
        if instance is None or not _still_open(instance):
            instance = _opened(opening, deadline)
        elif instance.owned and instance.config_options != opening.config_options:
            raise _configured_otherwise(opening)
        with _registry:
            _instances[opening.path] = instance
            instance.users += 1
            if running is not None:
                instance.runs.add(running.run_id)
        try:
            _prepare_once(instance, opening, _Waiting(opening, deadline))
        except BaseException:
            _give_back(instance)
            raise
    return instance


@contextmanager
def _door(opening: Opening, deadline: float) -> Iterator[None]:
    with _registry:
        door = _doors.setdefault(opening.path, threading.Lock())
    while not door.acquire(timeout=0.2):
        _stop_if_cancelled(opening)
        if time.monotonic() > deadline + _LONGEST_PAUSE * 2:
            raise _busy(opening, "another thread of this process, which waits for it")
    try:
        yield
    finally:
        door.release()


def _give_back(instance: _Instance) -> None:
    with _registry:
        instance.users -= 1
        _close_if_idle(instance)


def _close_if_idle(instance: _Instance) -> None:
    if instance.users or instance.runs:
        return
    if _instances.get(instance.path) is instance:
        del _instances[instance.path]
    if instance.owned:
        instance.root.close()


def _still_open(instance: _Instance) -> bool:
    import duckdb

    try:
        instance.root.cursor().close()
    except duckdb.Error:
        return False
    return True


# -- opening -----------------------------------------------------------------------------------


def _opened(opening: Opening, deadline: float) -> _Instance:
    if opening.path == MEMORY:
        environment = dbt_environment(MEMORY)
        if environment is not None:  # a second connection would be a second, empty database
            return _Instance(opening, environment.conn, owned=False)
    return _Instance(opening, _connected(opening, deadline), owned=True)


def _connected(opening: Opening, deadline: float) -> DuckDBPyConnection:
    import duckdb

    options, waiting = opening.connect_options(), _Waiting(opening, deadline)
    if os.path.isabs(opening.path):
        os.makedirs(os.path.dirname(opening.path), exist_ok=True)
    while True:
        try:
            return duckdb.connect(opening.path, config=options)
        except duckdb.ConnectionException as error:
            theirs = options_of_dbt(opening.path)
            if _CONFIGURED_OTHERWISE not in str(error) or theirs in (None, options):
                raise _refused(opening, error) from None
            options = theirs or {}
        except duckdb.Error as error:
            if _LOCKED not in str(error):
                raise _refused(opening, error) from None
            waiting.pause(str(error))


class _Waiting:
    """Waits for a file that another process holds, and says who it is."""

    def __init__(self, opening: Opening, deadline: float) -> None:
        self._opening, self._deadline = opening, deadline
        self._began = time.monotonic()
        self._next_word = self._began
        self._pause = _FIRST_PAUSE

    def pause(self, message: str) -> None:
        now, holder = time.monotonic(), _holder(message)
        if now >= self._deadline:
            raise _busy(self._opening, holder, _file(message))
        if now >= self._next_word:
            self._say(_file(message) or self._opening.path, holder, now)
            self._next_word = now + _REPEAT
        running = context.active()
        pause = min(self._pause, self._deadline - now)
        (running.cancelled if running else threading.Event()).wait(pause)
        _stop_if_cancelled(self._opening)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)

    def _say(self, file: str, holder: str, now: float) -> None:
        running = context.active()
        (running.logger if running else _log).warning(
            "%s is held by %s; waiting (%.0f s so far, %.0f s left)",
            file, holder, now - self._began, self._deadline - now,
        )  # fmt: skip


def _holder(message: str) -> str:
    found = _HOLDER.search(message)
    if found is None:
        return "another process"
    return f"process {found['pid']} ({os.path.basename(found['program'])})"


def _file(message: str) -> str | None:
    """The file that is held: the database's own, or one attached to it."""
    found = _FILE.search(message)
    return found[1] if found else None


def _busy(opening: Opening, holder: str, file: str | None = None) -> WarehouseBusyError:
    return WarehouseBusyError(
        f"the DuckDB file is held by {holder}; gave up after {opening.busy_timeout:g} s",
        where=file or opening.path,
        fix="end that process or close its connection (only one process may open a DuckDB file), "
        "or set a longer busy_timeout",
    )


def _stop_if_cancelled(opening: Opening) -> None:
    running = context.active()
    if running is not None and running.cancelled.is_set():
        raise InfrastructureError("cancelled while waiting for the DuckDB file", where=opening.path)


def _configured_otherwise(opening: Opening) -> ConfigurationError:
    return ConfigurationError(
        "the DuckDB file is open in this process with other config_options",
        where=opening.path,
        fix="give every warehouse and dbt profile of this file the same config_options",
    )


def _refused(opening: Opening, error: Any) -> ConfigurationError | InfrastructureError:
    if _CONFIGURED_OTHERWISE in str(error):
        return _configured_otherwise(opening)
    return ConfigurationError(
        f"DuckDB cannot open the database: {str(error).splitlines()[0]}",
        where=opening.path,
        fix="look at the warehouse's path, config_options, extensions and attach",
    )


def _prepare_once(instance: _Instance, opening: Opening, waiting: _Waiting) -> None:
    if opening in instance.prepared or not instance.owned:
        return
    for statement in opening.instance_statements():
        if not statement.startswith("INSTALL ") or not _loads(instance.root, statement):
            _prepare(instance.root, statement, opening, waiting)
    instance.prepared.add(opening)


def _loads(root: DuckDBPyConnection, install: str) -> bool:
    """Whether an extension is there already, so that nothing need be downloaded."""
    import duckdb

    try:
        root.execute(f"LOAD {install.split()[1]}")
    except duckdb.Error:
        return False
    return True


def _prepare(connection: Any, statement: str, opening: Opening, waiting: _Waiting | None) -> None:
    import duckdb

    while True:
        try:
            connection.execute(statement)
            return
        except duckdb.Error as error:
            if waiting is None or _LOCKED not in str(error):
                raise _refused(opening, error) from None
            waiting.pause(str(error))


atexit.register(release_all)
