"""What ``orchestrator doctor`` looks at."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli import service_checks
from orchestrator.cli.check import Check
from orchestrator.cli.file_locks import holder
from orchestrator.errors import InfrastructureError, OrchestratorError, UsageError

if TYPE_CHECKING:
    from orchestrator.cli.session import Session
    from orchestrator.model.planning import RunOptions
    from orchestrator.service.project import Project

_PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "distributed", "sqlglot")
_PYTHON = (3, 11)
_FILE = "duckdb:"


def all_checks(session: Session, *, target: str | None, profiles_dir: str | None) -> list[Check]:
    """Look at everything; what depends on a missing project is left out."""
    from orchestrator.model.planning import RunOptions

    found = [_python(), *map(_package, _PACKAGES), service_checks.zone_check()]
    try:
        project = session.project({"target": target})
    except OrchestratorError as error:
        return [*found, _wrong("project", error)]
    found.append(Check("project", f"{project.name} at {project.root}"))
    options = RunOptions(target=target or project.settings.target, profiles_dir=profiles_dir)
    found.append(_tried("flows", lambda: ", ".join(project.flows)))
    found.extend(_policy(project))
    found.extend(_until_wrong("run store", service_checks.store_checks(project)))
    found.append(service_checks.disk_check(project))
    return [*found, *_warehouses(project, options), *_clusters(project)]


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < _PYTHON:
        return Check("python", found, "use Python 3.11 or later", UsageError.exit_code)
    return Check("python", found)


def _package(name: str) -> Check:
    try:
        return Check(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "not installed", f"pip install {name}", UsageError.exit_code)


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, look())
    except OrchestratorError as error:
        return _wrong(name, error)


def _until_wrong(name: str, checks: Iterator[Check]) -> Iterator[Check]:
    try:
        yield from checks
    except OrchestratorError as error:
        yield _wrong(name, error)


def _wrong(name: str, error: OrchestratorError) -> Check:
    where = f"\n{error.where}" if error.where else ""
    return Check(name, f"{error.what}{where}", error.fix, error.exit_code)


def _warehouses(project: Project, options: RunOptions) -> Iterator[Check]:
    """The profile or connection of each warehouse, and who holds its database file."""
    planning = project.planning(options)
    names: list[str | None] = [*project.settings.warehouses]
    for name in names or [None]:
        label = f"warehouse {name}" if name else "warehouse"
        try:
            warehouse = planning.find_warehouse(name)
        except OrchestratorError as error:
            yield _wrong(label, error)
            continue
        if warehouse is None:
            yield Check(label, "none is set; Python and shell tasks need none")
            continue
        space = warehouse.namespace
        default = ".".join(filter(None, (space.catalog, space.schema)))
        yield Check(label, f"{space.dialect}, names are in {default or 'no default schema'}")
        if warehouse.affinity and warehouse.affinity.startswith(_FILE):
            yield _database(Path(warehouse.affinity.removeprefix(_FILE)))


def _policy(project: Project) -> Iterator[Check]:
    """Whether the guard rails can be read, if there are any; ``orchestrator check`` applies them."""
    from orchestrator.service.policy.reading import read_policy
    from orchestrator.service.policy.rules import FILE_NAME

    try:
        policy = read_policy(project.root)
    except OrchestratorError as error:
        yield _wrong("policy", error)
    else:
        if policy is not None:
            yield Check("policy", f"{FILE_NAME} is read")


def _clusters(project: Project) -> Iterator[Check]:
    """What each preset makes its cluster by; none is opened."""
    from orchestrator.service.clusters import looked_at

    for name in project.settings.clusters:
        yield _tried(f"cluster {name}", partial(looked_at, project, name))


def _database(path: Path) -> Check:
    if not path.is_file():
        return Check("database", f"{path} is not there yet; the first run makes it")
    held = holder(path)
    if held is None:
        return Check("database", f"{path} is free")
    return Check(
        "database",
        f"{path} is held by {held}",
        "close it there: one process may hold a DuckDB file",
        InfrastructureError.exit_code,
    )
