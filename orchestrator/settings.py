"""The settings of a project: read once, frozen, each value knowing where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.environments import ENVIRONMENTS, Environment
from orchestrator.errors import ConfigurationError
from orchestrator.kinds import (
    PATH,
    SECONDS,
    SWITCH,
    TEXT,
    Key,
    Kind,
    MisfitError,
    Shape,
    choice,
    tables,
    whole,
)
from orchestrator.nearest import hint, nearest
from orchestrator.presets import PREFIX, PRESETS, Preset, cluster_named
from orchestrator.toml_files import read_toml, text_of

FILE_NAME = "orchestrator.toml"
ENVIRONMENT_PREFIX = "ORCHESTRATOR_"
EXECUTORS = ("threads", "inline", "dask")
LINEAGE_CHECKS = ("off", "warn", "strict")
LIMITED = ("tag", "warehouse", "flow")  #: what a limit may be on

ONLY_IN_FILE = ("warehouses", "clusters", "environments", "limits", "notifications", "server")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOSTS = {"type": "array", "items": {"type": "string", "pattern": f"^(?:{_HOST.pattern})$"}}
_SERVER: Shape = {
    "type": "object",
    "properties": {"hosts": {**_HOSTS, "description": "names of this server, as in shop.example"}},
    "additionalProperties": False,
}
_EXECUTOR: Shape = {
    "anyOf": [
        {"type": "string", "enum": list(EXECUTORS)},
        {"type": "string", "pattern": f"^{PREFIX}.+$"},
    ]
}


@dataclass(frozen=True)
class Settings:
    """What a project is set to.

    Args:
        root: Folder of ``orchestrator.toml``; the folder asked for where there is none.
        name: The project; the root's name if not set.
        flows: Folder of the flows' modules, absolute.
        state_dir: Folder of run store, cache and logs, absolute.
        store: URL of the run store; a path becomes a SQLite URL.
        executor: ``threads``, ``inline``, ``dask`` or ``cluster:NAME``.
        threads: Tasks at once; None leaves it to the executor.
        target: dbt's target; None leaves it to profiles.yml.
        warehouse: Name of the connection that tasks use if they name none.
        warehouses: The ``[warehouses.NAME]`` tables as written, secret references unresolved.
        clusters: The ``[clusters.NAME]`` tables, secret references unresolved.
        environments: The ``[environments.NAME]`` tables.
        strict_sql: Whether SQL that cannot be read stops the plan.
        lineage_check: What to do where a task reads or writes what was not derived: ``off`` does not
            look, ``warn`` reports it, ``strict`` fails the task.
        busy_timeout: Seconds to wait for a DuckDB file that another process holds.
        history_days: Days that runs are kept; None keeps them for ever.
        history_runs: So many runs of each flow are kept at most; None keeps all.
        notifications: The ``[notifications.NAME]`` tables as written, secret references unresolved.
        limits: How much may run at the same time, by ``tag:NAME``, ``warehouse:NAME``, ``flow:NAME``.
        server: The ``[server]`` table.

    Example:
        >>> import tempfile
        >>> settings = load_settings(Path(tempfile.mkdtemp()), environ={})
        >>> settings.executor, settings.origin("executor")
        ('threads', 'default')
    """

    root: Path
    name: str
    flows: Path
    state_dir: Path
    store: str = field(repr=False)  # a URL may hold a password
    executor: str = "threads"
    threads: int | None = None
    target: str | None = None
    warehouse: str | None = None
    warehouses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    clusters: Mapping[str, Preset] = field(default_factory=dict, repr=False)
    environments: Mapping[str, Environment] = field(default_factory=dict, repr=False)
    strict_sql: bool = False
    lineage_check: str = "warn"
    busy_timeout: float = 60.0
    history_days: int | None = 90
    history_runs: int | None = 1000
    notifications: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the server may be asked, besides this machine's own."""
        return tuple(self.server.get("hosts", ()))

    def cluster(self, name: str) -> Preset:
        """Return the preset of a cluster.

        Raises:
            ConfigurationError: There is none of that name.
        """
        if name not in self.clusters:
            hint = nearest(name, self.clusters) if self.clusters else f"add [clusters.{name}]"
            raise ConfigurationError(
                f"there is no cluster {name!r}", where=str(self.root / FILE_NAME), fix=hint
            )
        return self.clusters[name]

    def origin(self, key: str) -> str:
        """Say where a value came from: ``flag``, ``environment NAME``, ``file:line`` or ``default``.

        Args:
            key: A setting, or a dotted path into the warehouses (``warehouses.prod.type``).

        Raises:
            ConfigurationError: There is no such setting.
        """
        _known(key.split(".")[0], "the settings", KEYS)
        while key not in self.origins and "." in key:
            key = key.rpartition(".")[0]
        return self.origins.get(key, "default")


def find_project(start: Path) -> Path | None:
    """Return the nearest folder from ``start`` upwards that holds ``orchestrator.toml``, or None."""
    start = Path(start).expanduser().resolve()
    folders = [start, *start.parents]
    return next((folder for folder in folders if (folder / FILE_NAME).is_file()), None)


def load_settings(
    start: Path,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings that hold in a folder: defaults < file < environment < flags.

    Args:
        start: Folder to look for ``orchestrator.toml`` in, and upwards from.
        flags: Settings of the command line; None values count as not given.
        environ: Environment to read ``ORCHESTRATOR_…`` from; the process's if left out.

    Raises:
        ConfigurationError: The file cannot be read, a key is unknown, a value does not fit.
    """
    start = Path(start).expanduser().resolve()
    root = find_project(start) or (start.parent if start.is_file() else start)
    said = [
        *_from_file(root / FILE_NAME),
        *_from_environment(os.environ if environ is None else environ),
        *_from_flags(flags or {}),
    ]
    origins = {key: origin for key, _, origin in said}
    values = {
        key: _parsed(key, value, origin, origins) for key, value, origin in said if "." not in key
    }
    return _settings(root, values, origins)


# -- the three sources, as (key, raw value, origin); dotted keys only tell an origin -------------


def _from_file(path: Path) -> Iterator[tuple[str, object, str]]:
    if not path.is_file():
        return
    table, places = read_toml(text_of(path), path)
    lines = {".".join(place): line for place, line in places.items()}
    for key, value in table.items():
        origin = f"{FILE_NAME}:{lines[key]}" if key in lines else FILE_NAME
        _known(key, origin, KEYS)
        yield key, value, origin
    for key in sorted(lines):
        if "." in key and key.split(".")[0] in KEYS:
            yield key, None, f"{FILE_NAME}:{lines[key]}"


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    for key in KEYS:
        name = ENVIRONMENT_PREFIX + key.upper()
        if key not in ONLY_IN_FILE and environ.get(name, "") != "":
            yield key, KEYS[key].kind.of_text(environ[name]), f"environment {name}"


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    for key, value in flags.items():
        if value is not None:
            _known(key, "flag", KEYS)
            yield key, value, "flag"


# -- checking --------------------------------------------------------------------------------


def _known(key: str, where: str, known: Iterable[str]) -> None:
    if key not in known:
        fix = nearest(key, sorted(known), "settings: ")
        raise ConfigurationError(f"unknown setting {key!r}", where=where, fix=fix)


def _parsed(key: str, value: object, origin: str, origins: Mapping[str, str]) -> Any:
    try:
        return KEYS[key].kind(value)
    except MisfitError as error:
        within = [".".join((key, *error.place[:depth])) for depth in (2, 1)]
        where = next((origins[name] for name in within if name in origins), origin)
        raise ConfigurationError(f"setting {key!r}: {error}", where=where) from None
    except ValueError as error:
        raise ConfigurationError(f"setting {key!r}: {error}", where=origin) from None


def executor_name(value: object) -> str:
    """Return the name of an executor, if it is one: a word, or ``cluster:NAME``.

    Raises:
        ValueError: It is not.

    Example:
        >>> executor_name("Threads"), executor_name("cluster:big")
        ('threads', 'cluster:big')
    """
    if isinstance(value, str) and cluster_named(value.strip()):
        return value.strip()
    return str(choice((*EXECUTORS, f"{PREFIX}NAME"))(value))


def limit_name(value: str) -> str:
    """Return the name of a limit, if it is one.

    Raises:
        ValueError: It is not.

    Example:
        >>> limit_name("tag:heavy")
        'tag:heavy'
    """
    kind, colon, name = value.partition(":")
    if kind not in LIMITED or not colon or not name.strip():
        shapes = " or ".join(f"{kind}:NAME" for kind in LIMITED)
        near = hint(kind, LIMITED) if colon and name.strip() else ""
        raise ValueError(f"expected {shapes}, got {value!r}{near}")
    return value


def limits(least: int) -> Kind:
    """A table of limits: at most so much of each at the same time, ``least`` or more."""
    slots = whole(least)

    def one(name: str, number: object) -> int:
        try:
            limit_name(name)
        except ValueError as error:
            raise MisfitError(str(error), name) from None
        try:
            return int(slots(number))
        except ValueError as error:
            raise MisfitError(f"{name}: {error}", name) from None

    def read(value: object) -> dict[str, int]:
        if not isinstance(value, Mapping):
            raise ValueError(f'expected a table, as in {{"tag:heavy" = 2}}, got {value!r}')
        return {str(name): one(str(name), number) for name, number in value.items()}

    names = {"pattern": rf"^(?:{'|'.join(LIMITED)}):\s*\S"}
    return Kind(
        read, {"type": "object", "propertyNames": names, "additionalProperties": slots.shape}
    )


def _server(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= {"hosts"}:
        raise ValueError(f"expected a table [server] with hosts, got {value!r}")
    hosts = value.get("hosts", [])
    plain = isinstance(hosts, list) and all(isinstance(host, str) for host in hosts)
    if not plain or any(not _HOST.fullmatch(host) for host in hosts):
        raise ValueError(f'expected names as in hosts = ["shop.example"], got {hosts!r}')
    return {"hosts": [host.lower() for host in hosts]}


#: Every key of ``orchestrator.toml``: what reads it, what editors are told, what the page says.
KEYS: dict[str, Key] = {
    "name": Key(TEXT, "the project's name in the run store", "the folder's name"),
    "flows": Key(PATH, "folder of the flows' modules", '`"flows"`'),
    "state_dir": Key(
        PATH,
        "folder for what is kept between runs: run store, caches, logs of failures, `secrets.toml`;"
        " private to its owner",
        '`".orchestrator"`',
    ),
    "store": Key(
        PATH,
        "the run store: a path, or a URL such as `postgresql+psycopg://…`",
        "`store.db` in `state_dir`",
    ),
    "executor": Key(
        Kind(executor_name, _EXECUTOR),
        "where tasks run: `threads`, `inline`, `dask` or `cluster:NAME`; a flow, `--executor` or"
        " `--cluster` may say otherwise",
    ),
    "threads": Key(
        whole(1),
        "tasks at the same time in one process; also `--threads`",
        "dbt's profile says, else 4 or the number of cores",
    ),
    "target": Key(TEXT, "dbt's target; also `--target`", "as `profiles.yml` says"),
    "warehouse": Key(
        TEXT, "name of the connection for tasks that name none", "the only one there is"
    ),
    "warehouses": Key(
        tables("warehouses"),
        "the connections: tables `[warehouses.NAME]`",
        "none; in a dbt project the profile's",
        "settings.md#warehouses",
    ),
    "clusters": Key(PRESETS, "clusters by name: tables `[clusters.NAME]`", "none", "clusters.md"),
    "environments": Key(
        ENVIRONMENTS,
        "where flows are put into service: tables `[environments.NAME]`, for `deploy --to NAME`",
        "none",
        "deployments.md#environments",
    ),
    "strict_sql": Key(
        SWITCH,
        "whether SQL that cannot be read stops the plan; else its task is kept, its lineage unknown",
    ),
    "lineage_check": Key(
        choice(LINEAGE_CHECKS),
        "what to do where a task reads or writes what was not derived: `off`, `warn`, `strict`;"
        " also `--lineage-check`",
        page="undeclared.md",
    ),
    "busy_timeout": Key(SECONDS, "seconds to wait for a DuckDB file that another process holds"),
    "history_days": Key(
        whole(1),
        "days that finished runs, and what belongs to them, are kept",
        page="notifications.md#what-is-kept-and-for-how-long",
    ),
    "history_runs": Key(whole(1), "so many finished runs of each flow are kept at most"),
    "notifications": Key(
        tables("notifications"),
        "who is told of what: tables `[notifications.NAME]`",
        "none",
        "notifications.md",
    ),
    "limits": Key(
        limits(0),
        'how much may run at the same time: a table `[limits]` of `"tag:NAME"`, `"warehouse:NAME"`'
        ' or `"flow:NAME"` and a whole number',
        "none",
        "limits.md",
    ),
    "server": Key(
        Kind(_server, _SERVER),
        "a table `[server]`: `hosts`, names under which the API and the page may be asked besides"
        " this machine's own",
        "none",
        "api.md",
    ),
}


def _settings(root: Path, values: dict[str, Any], origins: dict[str, str]) -> Settings:
    state_dir = _under(root, values.pop("state_dir", ".orchestrator"))
    store = values.pop("store", None)
    if store is None or "://" not in store:
        store = f"sqlite:///{_under(root, store) if store else state_dir / 'store.db'}"
    settings = Settings(
        root=root,
        name=values.pop("name", root.name or "project"),
        flows=_under(root, values.pop("flows", "flows")),
        state_dir=state_dir,
        store=store,
        origins=origins,
    )
    settings = replace(settings, **values)
    if settings.warehouse and settings.warehouses:
        _known(settings.warehouse, settings.origin("warehouse"), settings.warehouses)
    return settings


def _under(root: Path, path: str) -> Path:
    return Path(os.path.normpath(root / Path(path).expanduser()))
