"""Makes the warehouses of ``orchestrator.toml``: which types there are, and how each is configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import ConfigurationError, OrchestratorError
from orchestrator.model.planning import RunOptions
from orchestrator.model.warehouse import Warehouse
from orchestrator.nearest import did_you_mean
from orchestrator.secrets import resolve
from tasks.dbt.profiles import Profile, load_profile, read_project
from tasks.dbt.warehouse import DbtWarehouse
from tasks.duckdb.files import views_of
from tasks.duckdb.opening import MEMORY, Opening
from tasks.duckdb.warehouse import DuckDBWarehouse, catalog_of
from tasks.postgres.config import postgres_of, postgres_of_profile
from tasks.snowflake.config import snowflake_of, snowflake_of_profile


@dataclass(frozen=True)
class Request:
    """One ``[warehouses.NAME]`` table and what it is read with.

    Args:
        name: The warehouse.
        config: The table without ``type``.
        root: The project's folder; relative paths mean relative to it.
        options: What the run was started with.
        busy_timeout: Seconds to wait for a file that another process holds.
    """

    name: str
    config: Mapping[str, Any]
    root: Path
    options: RunOptions
    busy_timeout: float

    @property
    def place(self) -> str:
        """Where the table stands."""
        return f"{self.root / 'orchestrator.toml'}, [warehouses.{self.name}]"


def make(
    name: str,
    config: Mapping[str, Any],
    *,
    root: Path,
    options: RunOptions,
    busy_timeout: float = 60.0,
) -> Warehouse:
    """Make the warehouse that one ``[warehouses.NAME]`` table describes; nothing is opened.

    Args:
        name: Its name.
        config: The table: ``type`` and what belongs to that type.
        root: The project's folder.
        options: What the run was started with; ``target`` and ``profiles_dir`` choose dbt's.
        busy_timeout: Seconds to wait for a DuckDB file that another process holds, where the table
            has none of its own.

    Raises:
        ConfigurationError: The type or a key is unknown, or a value does not fit.

    Example:
        >>> local = {"type": "duckdb", "path": "shop.duckdb"}
        >>> make("local", local, root=Path("/srv"), options=RunOptions()).affinity
        'duckdb:/srv/shop.duckdb'
    """
    request = Request(
        name, {k: v for k, v in config.items() if k != "type"}, root, options, busy_timeout
    )
    kind = config.get("type")
    if kind is None:
        raise ConfigurationError(
            f"warehouse {name!r} has no type",
            where=request.place,
            fix=f"add type = {_one_of(TYPES)}",
        )
    _known(str(kind), TYPES, "type of warehouse", request)
    return TYPES[str(kind)](request)


def duckdb_of(request: Request) -> Warehouse:
    """Make a DuckDB warehouse of its own table."""
    config = dict(request.config)
    for key in config:
        _known(key, DUCKDB_KEYS, "key", request)
    if "path" not in config:
        raise ConfigurationError(
            f"warehouse {request.name!r} has no path",
            where=request.place,
            fix=f'add path = "warehouse.duckdb", or path = "{MEMORY}"',
        )
    path = absolute(_checked(request, "path", str, None), request.root)
    shared = _dbt_opening(path, request)
    opening = Opening(
        path=path,
        config_options={**shared.config_options, **_checked(request, "config_options", dict, {})},
        settings={**shared.settings, **_checked(request, "settings", dict, {})},
        extensions=(*shared.extensions, *_checked(request, "extensions", list, [])),
        attach=(*shared.attach, *_attached(_checked(request, "attach", list, []), request)),
        secrets=shared.secrets,
        busy_timeout=_busy_timeout(request),
    )
    schema = _checked(request, "schema", str, "main")
    files = views_of(_checked(request, "files", dict, {}), request.root, request.place)
    return DuckDBWarehouse(request.name, opening, catalog_of(path), schema, files)


def dbt_of(request: Request) -> Warehouse:
    """Make the warehouse that a dbt project's profile describes."""
    for key in request.config:
        _known(key, DBT_KEYS, "key", request)
    project_dir = request.root / _checked(request, "project_dir", str, ".")
    read_project(os.path.realpath(project_dir))  # says so first where there is no project at all
    profile = _profile(
        project_dir,
        request.options,
        name=_checked(request, "profile", str, None),
        target=_checked(request, "target", str, None),
        profiles_dir=_checked(request, "profiles_dir", str, None),
        root=request.root,
    )
    return ADAPTERS.get(profile.adapter_type, _dbt_only)(request, profile)


def duckdb_of_profile(request: Request, profile: Profile) -> Warehouse:
    """Make a DuckDB warehouse that opens the database exactly as dbt-duckdb does."""
    opening = opening_of_profile(profile, _busy_timeout(request))
    catalog = profile.catalog or catalog_of(opening.path)
    return DuckDBWarehouse(request.name, opening, catalog, profile.schema or "main")


def opening_of_profile(profile: Profile, busy_timeout: float) -> Opening:
    """Say how dbt-duckdb opens the database of a profile."""
    values = profile.values
    return Opening(
        path=absolute(profile.database_path or MEMORY, Path(profile.project_dir)),
        config_options=dict(values.get("config_options") or {}),
        settings=dict(values.get("settings") or {}),
        extensions=tuple(values.get("extensions") or ()),
        attach=tuple(
            _anchored(item, Path(profile.project_dir)) for item in values.get("attach") or ()
        ),
        secrets=tuple(values.get("secrets") or ()),
        busy_timeout=busy_timeout,
    )


def absolute(path: str, root: Path) -> str:
    """Return the real path of a database file, so that each file has one name; URLs as they stand."""
    text = str(resolve(path))
    if text == MEMORY or "://" in text or text.startswith(("md:", "ducklake:")):
        return text
    return os.path.realpath(root / Path(text).expanduser())


#: By ``type``. A new type joins here.
TYPES: dict[str, Callable[[Request], Warehouse]] = {
    "duckdb": duckdb_of,
    "dbt": dbt_of,
    "postgres": postgres_of,
    "snowflake": snowflake_of,
}
#: By dbt's adapter type, for ``type = "dbt"``. Other adapters are left to dbt alone.
ADAPTERS: dict[str, Callable[[Request, Profile], Warehouse]] = {
    "duckdb": duckdb_of_profile,
    "postgres": postgres_of_profile,
    "snowflake": snowflake_of_profile,
}

#: The keys of the tables and the kinds of their values.
DUCKDB_KEYS: dict[str, type] = {
    "path": str, "schema": str, "config_options": dict, "settings": dict, "extensions": list,
    "attach": list, "project_dir": str, "busy_timeout": float, "files": dict,
}  # fmt: skip
DBT_KEYS: dict[str, type] = {
    "project_dir": str, "profile": str, "target": str, "profiles_dir": str, "busy_timeout": float,
}  # fmt: skip
_KINDS: dict[type, str] = {str: "text", dict: "a table", list: "a list"}


def _dbt_only(request: Request, profile: Profile) -> Warehouse:
    return DbtWarehouse(request.name, profile.adapter_type, profile.catalog, profile.schema)


def _dbt_opening(path: str, request: Request) -> Opening:
    """How the project's dbt opens the same file, if it does: DuckDB wants both to be alike."""
    given = _checked(request, "project_dir", str, None)
    folders = [request.root / given] if given else _dbt_projects(request.root)
    for folder in folders:
        try:
            profile = _profile(folder, request.options)
        except OrchestratorError:
            if given:
                raise
            continue  # dbt will say what is wrong with it, if it is used at all
        opening = opening_of_profile(profile, 0) if profile.adapter_type == "duckdb" else None
        if opening is not None and opening.path == path:
            return opening
    return Opening(path)


def _dbt_projects(root: Path) -> list[Path]:
    found = [root, *(Path(entry.path) for entry in _folders(root))]
    return [folder for folder in found if (folder / "dbt_project.yml").is_file()]


def _folders(root: Path) -> list[os.DirEntry[str]]:
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(
            (e for e in entries if e.is_dir() and e.name[0] not in "._"), key=lambda e: e.name
        )


def _profile(
    project_dir: Path,
    options: RunOptions,
    *,
    name: str | None = None,
    target: str | None = None,
    profiles_dir: str | None = None,
    root: Path | None = None,
) -> Profile:
    own_dir = str((root or project_dir) / profiles_dir) if profiles_dir else None
    return load_profile(
        os.path.realpath(project_dir),
        profiles_dir=options.profiles_dir or own_dir,
        profile=name,
        target=options.target or target,
        variables=_variables(options),
    )


def _variables(options: RunOptions) -> dict[str, Any]:
    try:
        read = yaml.safe_load(options.vars) if options.vars else {}
    except yaml.YAMLError:
        read = None
    if not isinstance(read, dict):
        raise ConfigurationError(
            "the vars are no YAML mapping", where=options.vars, fix="write --vars '{name: value}'"
        )
    return read


def _attached(items: list[Any], request: Request) -> list[Any]:
    for item in items:
        path = item.get("path") if isinstance(item, Mapping) else item
        if not isinstance(path, str) or not path:
            raise ConfigurationError(
                f"attach holds {item!r}, which is no database",
                where=request.place,
                fix='write attach = ["other.duckdb"] or [{ path = "other.duckdb", alias = "other" }]',
            )
    return [_anchored(item, request.root) for item in items]


def _anchored(item: Any, root: Path) -> Any:
    if isinstance(item, str):
        return item if ":" in item else absolute(item, root)
    path, kind = str(item.get("path", "")), item.get("type")
    if ":" in path or str(kind or "duckdb").lower() not in ("duckdb", "sqlite"):
        return dict(item)
    return {**item, "path": absolute(path, root)}


def _busy_timeout(request: Request) -> float:
    value = request.config.get("busy_timeout", request.busy_timeout)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ConfigurationError(
            f"busy_timeout is {value!r}",
            where=request.place,
            fix="write seconds: busy_timeout = 60",
        )
    return float(value)


def _checked(request: Request, key: str, kind: type, default: Any) -> Any:
    value = request.config.get(key, default)
    if value is default or (isinstance(value, kind) and value != ""):
        return value
    raise ConfigurationError(
        f"{key} must be {_KINDS[kind]}, not {value!r}", where=request.place, fix=f"mend {key}"
    )


def _known(word: str, known: Iterable[str], what: str, request: Request) -> None:
    if word not in known:
        known = list(known)
        raise ConfigurationError(
            f"unknown {what} {word!r}",
            where=request.place,
            fix=did_you_mean(word, known, f"there is {_one_of(known)}"),
        )


def _one_of(words: Iterable[str]) -> str:
    return " or ".join(f'"{word}"' for word in words)
