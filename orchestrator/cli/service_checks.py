"""What ``orchestrator doctor`` looks at for the service: database, time zones, agents, outbox, disk."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.check import Check
from orchestrator.errors import InfrastructureError, StoreError, UsageError

if TYPE_CHECKING:
    from orchestrator.service.project import Project
    from orchestrator.store.agents import AgentRecord
    from orchestrator.store.base import RunStore

_BAD = InfrastructureError.exit_code
_OLDEST_ZONES = "2026a"
_SILENT = timedelta(seconds=30)  #: three beats of an agent
_SPARE = 1 << 30  #: bytes
_RUNS = 1_000_000  #: all that are unfinished
_UPDATE = "pip install --upgrade"


def store_file(project: Project) -> Path | None:
    """The file of a run store on SQLite; None for a server."""
    url = project.settings.store
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def store_checks(project: Project) -> Iterator[Check]:
    """Look into the run store, without making one or changing its schema."""
    path = store_file(project)
    if path is not None and not path.exists():
        _check_writable(path.parent)
        yield Check("run store", f"none yet; the first run makes {path}")
        return
    version, sound = _of_file(path) if path is not None else _of_server(project.settings.store)
    schema = _schema(version)
    if sound is not None:
        yield Check("integrity", sound, _RESTORE, 0 if sound == "ok" else _BAD)
    yield schema
    if schema.exit_code == 0 and version == _head():
        with project.store() as store:
            yield Check("run store", f"{path or _place(project)}; {_latest(store)}")
            yield from agent_checks(store)
            yield late_check(store, project.name)
            yield _outbox(store)


_RESTORE = "restore the file from a copy; moved away, the next run makes an empty one"


def _of_file(path: Path) -> tuple[str | None, str]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            sound = str(file.execute("PRAGMA quick_check(1)").fetchone()[0])
            table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            if file.execute(table).fetchone() is None:
                raise StoreError("the file is no run store", where=str(path), fix="name another")
            row = file.execute("SELECT version_num FROM alembic_version").fetchone()
            return (row[0] if row else None), sound
    except sqlite3.Error as error:
        raise StoreError(
            f"the run store cannot be read: {error}", where=str(path), fix=_RESTORE
        ) from None


def _of_server(url: str) -> tuple[str | None, None]:
    from sqlalchemy import inspect, make_url

    from orchestrator.store.engines import postgres_engine
    from orchestrator.store.failures import translated

    address = make_url(url)
    engine = postgres_engine(address)
    try:
        with translated(address.render_as_string(hide_password=True)), engine.connect() as server:
            if not inspect(server).has_table("alembic_version"):
                return None, None
            found = server.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return found, None
    finally:
        engine.dispose()


def _head() -> str:
    from orchestrator.store.tables import HEAD

    return HEAD


def _schema(version: str | None) -> Check:
    head = _head()
    if version is None:
        return Check("schema", "none yet; the first run makes it")
    if version > head:
        fix = f"{_UPDATE} analytics-orchestrator"
        return Check("schema", f"{version}; this program knows up to {head}", fix, _BAD)
    behind = "" if version == head else f"; the next run brings it to {head}"
    return Check("schema", f"{version}{behind}")


def _place(project: Project) -> str:
    return project.settings.store.split("@")[-1]


def _latest(store: RunStore) -> str:
    latest = store.runs(limit=1)
    return f"the last run is {latest[0].id}, {latest[0].state}" if latest else "no runs yet"


def agent_checks(store: RunStore) -> Iterator[Check]:
    """Each agent: when it was last heard of, and whether it runs this version."""
    for agent in store.agents():
        yield _agent(agent)


def _agent(agent: AgentRecord) -> Check:
    from orchestrator import instants

    silent = instants.now() - agent.heartbeat
    place = f"{agent.name} at {agent.host}, process {agent.pid}"
    if silent > _SILENT:
        found = f"{place}, was last heard of {silent.total_seconds():.0f} s ago"
        return Check("agent", found, "start it again: orchestrator agent", _BAD)
    here = _version()
    if agent.version and here and agent.version != here:
        found = f"{place}, runs version {agent.version}, here is {here}"
        return Check("agent", found, f"install {here} there, and start it again", _BAD)
    other = [
        f"{name} {theirs} (here {own})"
        for name, theirs in agent.packages.items()
        if (own := _installed(name)) and own != theirs
    ]
    if other:
        found = f"{place}, has {', '.join(other)}"
        return Check("agent", found, "install the same versions there, and start it again", _BAD)
    return Check("agent", f"{place}, version {agent.version or 'unknown'}")


def late_check(store: RunStore, project: str) -> Check:
    """Runs that could have begun minutes ago, and why none of them has."""
    from orchestrator import instants
    from orchestrator.service.scheduler.scheduler import UNFINISHED
    from orchestrator.service.scheduler.settling import late_causes, late_runs
    from orchestrator.service.scheduler.waiting import BUSY, heard_of

    now = instants.now()
    unfinished = store.runs(project=project, state=UNFINISHED, limit=_RUNS)
    late = late_runs(store, unfinished, heard_of(store.agents(), now), now)
    if not late:
        return Check("waiting runs", "none is late")
    causes = late_causes(late)
    found = "; ".join(f"{number} late: {cause}" for cause, number in causes.items())
    wrong = _BAD if causes.keys() != {BUSY} else 0
    return Check(
        "waiting runs", found, "start one: orchestrator agent, or orchestrator serve", wrong
    )


def _version() -> str:
    return _installed("analytics-orchestrator")


def _installed(package: str) -> str:
    """The version that is installed here, empty if none is."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _outbox(store: RunStore) -> Check:
    from orchestrator.store.outbox import Delivery

    most = 1000
    dead = len(store.outbox(state=Delivery.DEAD, limit=most))
    waiting = len(store.outbox(state=Delivery.PENDING, limit=most))
    found = f"{dead}{'+' if dead == most else ''} given up, {waiting} waiting"
    wrong = InfrastructureError.exit_code if dead else 0
    return Check("outbox", found, "orchestrator notifications list --state dead says why", wrong)


def zone_check() -> Check:
    """The time zone database that schedules reckon with."""
    from orchestrator.schedule.zone_data import zone_data_version, zone_names

    found = zone_data_version()
    old = found < _OLDEST_ZONES
    return Check(
        "time zones",
        f"tzdata {found}, {len(zone_names())} zones",
        f"{_UPDATE} tzdata" if old else None,
        UsageError.exit_code if old else 0,
    )


def disk_check(project: Project) -> Check:
    """How much room there is where the project keeps its state."""
    folder = there(project.settings.state_dir)
    free = shutil.disk_usage(folder).free
    found = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free < _SPARE:
        return Check("disk", found, "make room, or keep less: history_days, history_runs", _BAD)
    return Check("disk", found)


def there(folder: Path) -> Path:
    """The nearest folder upwards that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _check_writable(folder: Path) -> None:
    place = there(folder)
    if not os.access(place, os.W_OK):
        raise InfrastructureError(
            f"nothing can be written to {place}", fix="set state_dir in orchestrator.toml"
        )
