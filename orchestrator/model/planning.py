"""What tasks may ask while a flow is planned: the project's root, its warehouses, the run's options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Namespace
from orchestrator.model.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the person who starts a run may choose, in dbt's words.

    Args:
        target: dbt target (also decides the warehouse).
        profiles_dir: Folder of ``profiles.yml``.
        vars: dbt vars as YAML or JSON text.
        threads: Tasks at the same time in one process.
        full_refresh: Build incremental models anew.
        empty: Build with no rows.
        state: Folder of an earlier manifest, for ``state:`` and deferral.
        defer: Read what is not built here from ``state``.
        manifest: Plan from this manifest.json as it is.
        indirect_selection: Which data tests are selected with what they test, as in dbt: ``eager``
            (if left out), ``cautious``, ``buildable`` or ``empty``.
    """

    target: str | None = None
    profiles_dir: str | None = None
    vars: str | None = None
    threads: int | None = None
    full_refresh: bool = False
    empty: bool = False
    state: str | None = None
    defer: bool = False
    favor_state: bool = False
    manifest: str | None = None
    indirect_selection: str | None = None


@dataclass(frozen=True)
class Planning:
    """The surroundings of one planning.

    Args:
        root: The project's folder.
        state_dir: Folder for what is kept between runs.
        find_warehouse: Gives a named connection (the default one for None), or raises.
        analyze: ``analyze_sql`` behind the project's cache.
        save_cache: Keeps what ``analyze`` learnt for the next time.
        options: What the run was started with.
        run_id: The run that is planned; empty where nothing will run.
        strict_sql: Whether SQL that cannot be read is an error.
        busy_timeout: Seconds to wait for a database file that another process holds.
        changes: What differs from a git ref, for ``--select changed:REF``; None where nobody knows.
    """

    root: Path
    state_dir: Path | None = None
    find_warehouse: Callable[[str | None], Warehouse | None] = lambda name: None
    analyze: Callable[..., Any] | None = None
    save_cache: Callable[[], object] = lambda: None
    options: RunOptions = field(default_factory=RunOptions)
    run_id: str = ""
    strict_sql: bool = False
    busy_timeout: float = 60.0
    changes: Callable[[str], Any] | None = None

    def warehouse(self, name: str | None = None) -> Warehouse:
        """Return the named connection, or the project's default for None.

        Raises:
            ConfigurationError: It is not configured.
        """
        found = self.find_warehouse(name)
        if found is None:
            raise ConfigurationError(
                "no default warehouse is set" if name is None else f"no warehouse {name!r} is set",
                where=str(self.root / "orchestrator.toml"),
                fix=f'add [warehouses.{name or "NAME"}] with type = "duckdb" and path = "…"',
            )
        return found

    def namespace(self, name: str | None = None) -> Namespace:
        """Return dialect and defaults of a warehouse; DuckDB's without defaults if there is none."""
        found = self.find_warehouse(name)
        return found.namespace if found is not None else Namespace()

    def relative(self, path: str | os.PathLike[str] | None) -> str | None:
        """Return a path relative to the project, if it lies in it."""
        if path is None:
            return None
        try:
            return str(Path(path).resolve().relative_to(self.root.resolve()))
        except ValueError:
            return str(path)

    def place(self, line: tuple[str, int] | None) -> str | None:
        """Return a line of a file as ``FILE:LINE``, the file relative to the project."""
        return f"{self.relative(line[0])}:{line[1]}" if line else None


#: What :func:`json.dumps` may meet in results that are kept with a task run.
JsonValue = Mapping[str, Any] | list[Any] | str | int | float | bool | None
