"""How a DuckDB database is opened: its path and all that must be the same for everyone who opens it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.secrets import resolve

MEMORY = ":memory:"


@dataclass(frozen=True)
class Opening:
    """One way to open one database.

    DuckDB refuses a second connection of a process to the same file when its ``config_options``
    differ, so these are what dbt would pass.

    Args:
        path: Absolute real path of the file, ``:memory:`` or a URL.
        config_options: Options of ``duckdb.connect``.
        settings: ``SET`` on each cursor.
        extensions: Installed and loaded once; a name, or ``{"name": …, "repo": …}``.
        attach: Further databases: a path, or dbt's ``{"path": …, "alias": …, "read_only": …}``.
        secrets: dbt's secrets for cloud storage.
        busy_timeout: Seconds to wait for a file that another process holds.
    """

    path: str
    config_options: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    extensions: tuple[Any, ...] = field(default=(), hash=False)
    attach: tuple[Any, ...] = field(default=(), repr=False, hash=False)
    secrets: tuple[Any, ...] = field(default=(), repr=False, hash=False)
    busy_timeout: float = 60.0

    def connect_options(self) -> dict[str, Any]:
        """Return what to pass as ``config``, secret references resolved."""
        return dict(resolve(self.config_options))

    def instance_statements(self) -> Iterator[str]:
        """Statements that prepare the database once, as dbt-duckdb does when it opens one."""
        for extension in self.extensions:
            yield from _extension(extension)
        yield from _secrets(self.secrets)
        for attached in self.attach:
            yield _attachment(resolve(attached))

    def cursor_statements(self) -> Iterator[str]:
        """Statements that each new cursor needs."""
        for key, value in resolve(self.settings).items():
            yield f"SET {key} = {_quoted(value)}"


def options_of_dbt(path: str) -> dict[str, Any] | None:
    """Return the options with which dbt has ``path`` open in this process, or None if it has not."""
    environment = dbt_environment(path)
    return None if environment is None else dict(environment.creds.config_options or {})


def dbt_environment(path: str) -> Any:
    """Return dbt-duckdb's environment of this process if it is of ``path``; dbt is not imported."""
    module = sys.modules.get("dbt.adapters.duckdb.connections")
    environment = getattr(getattr(module, "DuckDBConnectionManager", None), "_ENV", None)
    if environment is None or environment.conn is None:
        return None
    theirs = environment.creds.path
    return environment if theirs == path or os.path.realpath(theirs) == path else None


def _extension(extension: Any) -> tuple[str, str]:
    if isinstance(extension, Mapping):
        name = extension["name"]
        return f"INSTALL {name} FROM {extension['repo']}", f"LOAD {name}"
    return f"INSTALL {extension}", f"LOAD {extension}"


def _secrets(secrets: tuple[Any, ...]) -> Iterator[str]:
    if not secrets:
        return
    # Only a dbt profile has secrets in this form, and dbt's own class knows how to write them.
    from dbt.adapters.duckdb.secrets import DEFAULT_SECRET_PREFIX, Secret

    for number, secret in enumerate(secrets, 1):
        values = dict(secret)
        name = values.pop("name", f"{DEFAULT_SECRET_PREFIX}{number}")
        yield Secret.create(secret_type=values.pop("type"), name=name, **values).to_sql()


def _attachment(attached: Any) -> str:
    values: dict[str, Any] = {"path": attached} if isinstance(attached, str) else dict(attached)
    statement = f"ATTACH IF NOT EXISTS {_quoted(values.pop('path'))}"
    if alias := values.pop("alias", None):
        statement += f" AS {alias}"
    values |= values.pop("options", None) or {}
    values.pop("is_ducklake", None)
    options = [_option(key, value) for key, value in values.items() if value not in (None, False)]
    return statement + (f" ({', '.join(options)})" if options else "")


def _option(key: str, value: Any) -> str:
    if value is True:
        return key.upper()
    if key.lower() in ("type", "secret") or not isinstance(value, str):
        return f"{key.upper()} {value}"
    return f"{key.upper()} {_quoted(value)}"


def _quoted(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
