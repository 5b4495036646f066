"""The settings of a project: read once, frozen, each value knowing where it came from."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError

FILE_NAME = "orchestrator.toml"
ENVIRONMENT_PREFIX = "ORCHESTRATOR_"
EXECUTORS = ("threads", "inline", "dask")
LINEAGE_CHECKS = ("off", "warn", "strict")
LIMITED = ("tag", "warehouse", "flow")  #: what a limit may be on

_ONLY_IN_FILE = ("warehouses", "limits", "notifications", "server")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([\w.\"' -]+?)\s*=")
_TOML_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")

Parser = Callable[[object], Any]


@dataclass(frozen=True)
class Settings:
    """What a project is set to.

    Args:
        root: Folder of ``orchestrator.toml``; the folder asked for where there is none.
        name: The project; the root's name if not set.
        flows: Folder of the flows' modules, absolute.
        state_dir: Folder of run store, cache and logs, absolute.
        store: URL of the run store; a path becomes a SQLite URL.
        executor: ``threads``, ``inline`` or ``dask``.
        threads: Tasks at once; None leaves it to the executor.
        target: dbt's target; None leaves it to profiles.yml.
        warehouse: Name of the connection that tasks use if they name none.
        warehouses: The ``[warehouses.NAME]`` tables as written, secret references unresolved.
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

    def origin(self, key: str) -> str:
        """Say where a value came from: ``flag``, ``environment NAME``, ``file:line`` or ``default``.

        Args:
            key: A setting, or a dotted path into the warehouses (``warehouses.prod.type``).

        Raises:
            ConfigurationError: There is no such setting.
        """
        _known(key.split(".")[0], "the settings", _KEYS)
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
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key, value, origin in (
        *_from_file(root / FILE_NAME),
        *_from_environment(os.environ if environ is None else environ),
        *_from_flags(flags or {}),
    ):
        if "." not in key:
            values[key] = _parsed(key, value, origin)
        origins[key] = origin
    return _settings(root, values, origins)


# -- the three sources, as (key, raw value, origin); dotted keys only tell an origin -------------


def _from_file(path: Path) -> Iterator[tuple[str, object, str]]:
    if not path.is_file():
        return
    text = _read(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(path, error) from None
    lines = _lines(text)
    for key, value in table.items():
        origin = f"{FILE_NAME}:{lines[key]}" if key in lines else FILE_NAME
        _known(key, origin, _KEYS)
        yield key, value, origin
    for key in sorted(lines):
        if "." in key and key.split(".")[0] in _KEYS:
            yield key, None, f"{FILE_NAME}:{lines[key]}"


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    for key in _KEYS:
        name = ENVIRONMENT_PREFIX + key.upper()
        if key not in _ONLY_IN_FILE and environ.get(name, "") != "":
            yield key, environ[name], f"environment {name}"


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, object, str]]:
    for key, value in flags.items():
        if value is not None:
            _known(key, "flag", _KEYS)
            yield key, value, "flag"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{FILE_NAME} cannot be read: {error}", where=str(path), fix="it must be UTF-8 text"
        ) from None


def _broken(path: Path, error: tomllib.TOMLDecodeError) -> ConfigurationError:
    place = _TOML_PLACE.search(str(error))
    where = f"{path}:{place[1]}:{place[2]}" if place else str(path)
    reason = _TOML_PLACE.sub("", str(error))
    return ConfigurationError(
        f"{FILE_NAME} is not TOML: {reason}", where=where, fix='write text in quotes: name = "shop"'
    )


def _lines(text: str) -> dict[str, int]:
    """Return the line of each dotted key; tomllib does not tell. A best effort, used in messages."""
    found: dict[str, int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            parts = table
        elif assignment := _ASSIGNMENT.match(line):
            parts = (*table, *_parts(assignment[1]))
        else:
            continue
        for depth in range(1, len(parts) + 1):
            found.setdefault(".".join(parts[:depth]), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


# -- checking --------------------------------------------------------------------------------


def _known(key: str, where: str, known: Iterable[str]) -> None:
    if key not in known:
        near = difflib.get_close_matches(key, list(known), n=1)
        raise ConfigurationError(
            f"unknown setting {key!r}",
            where=where,
            fix=f"did you mean {near[0]!r}?" if near else "settings: " + ", ".join(sorted(known)),
        )


def _parsed(key: str, value: object, origin: str) -> Any:
    try:
        return _KEYS[key](value)
    except ValueError as error:
        raise ConfigurationError(f"setting {key!r}: {error}", where=origin) from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected text, got {value!r}")
    return value.strip()


def _path(value: object) -> str:
    return _text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _whole(least: int) -> Parser:
    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"expected a whole number of at least {least}, got {value!r}")
        return number

    return parse


def _seconds(value: object) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"expected a number of seconds, 0 or more, got {value!r}")
    return number


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError(f"expected true or false, got {value!r}")


def _choice(choices: tuple[str, ...], fold: Callable[[str], str]) -> Parser:
    def parse(value: object) -> str:
        word = fold(value.strip()) if isinstance(value, str) else value
        if word not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {value!r}")
        return str(word)

    return parse


def _lineage_check(value: object) -> str:
    # In TOML an unquoted off is soon written as false.
    return str(_choice(LINEAGE_CHECKS, str.lower)("off" if value is False else value))


def _tables(kind: str) -> Parser:
    def parse(value: object) -> dict[str, dict[str, Any]]:
        if not isinstance(value, Mapping):
            raise ValueError(f"expected tables [{kind}.NAME], got {value!r}")
        for name, table in value.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"expected a table [{kind}.{name}], got a plain value")
        return {name: dict(table) for name, table in value.items()}

    return parse


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
        raise ValueError(f"expected {shapes}, got {value!r}")
    return value


def _limits(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a table [limits], got {value!r}")
    slots = _whole(0)
    return {limit_name(str(name)): slots(number) for name, number in value.items()}


def _server(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= {"hosts"}:
        raise ValueError(f"expected a table [server] with hosts, got {value!r}")
    hosts = value.get("hosts", [])
    plain = isinstance(hosts, list) and all(isinstance(host, str) for host in hosts)
    if not plain or any(not _HOST.fullmatch(host) for host in hosts):
        raise ValueError(f'expected names as in hosts = ["shop.example"], got {hosts!r}')
    return {"hosts": [host.lower() for host in hosts]}


_KEYS: dict[str, Parser] = {
    "name": _text,
    "flows": _path,
    "state_dir": _path,
    "store": _path,
    "executor": _choice(EXECUTORS, str.lower),
    "threads": _whole(1),
    "target": _text,
    "warehouse": _text,
    "warehouses": _tables("warehouses"),
    "strict_sql": _switch,
    "lineage_check": _lineage_check,
    "busy_timeout": _seconds,
    "history_days": _whole(1),
    "history_runs": _whole(1),
    "notifications": _tables("notifications"),
    "limits": _limits,
    "server": _server,
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
