"""What makes a Snowflake warehouse: a ``[warehouses.NAME]`` table, or a target of dbt's profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import resolve
from tasks.dbapi.config import checked, only_known
from tasks.dbapi.login import Login, ProfileLogin, TableLogin
from tasks.dbt.profiles import Profile
from tasks.snowflake.warehouse import POOL_SIZE, SnowflakeWarehouse

if TYPE_CHECKING:
    from tasks.warehouses import Request

#: The keys of the table and the kinds of their values.
KEYS: dict[str, type] = {
    "account": str, "user": str, "password": str, "passcode": str,
    "private_key": str, "private_key_path": str, "private_key_passphrase": str,
    "token": str, "authenticator": str, "oauth_client_id": str, "oauth_client_secret": str,
    "oauth_token_request_url": str, "oauth_scope": str, "workload_identity_provider": str,
    "host": str, "port": int, "protocol": str, "proxy_host": str, "proxy_port": int,
    "proxy_user": str, "proxy_password": str,
    "role": str, "warehouse": str, "database": str, "schema": str, "session_parameters": dict,
    "client_session_keep_alive": bool, "connect_timeout": int, "network_timeout": int,
    "socket_timeout": int, "pool_size": int,
}  # fmt: skip
WANTED = ("account", "database")


def snowflake_of(request: Request) -> SnowflakeWarehouse:
    """Make a Snowflake warehouse of its own table; nothing is opened.

    Raises:
        ConfigurationError: A key is unknown or missing, or a value does not fit.
    """
    config, where = request.config, request.place
    only_known(config, KEYS, where)
    for key, kind in KEYS.items():
        checked(config, key, kind, None, where)
    for key in WANTED:
        if not config.get(key):
            raise ConfigurationError(
                f"warehouse {request.name!r} names no {key}", where=where, fix=f'add {key} = "…"'
            )
    table = dict(config)
    if path := table.get("private_key_path"):
        # A relative path means relative to the project, wherever the worker stands.
        table["private_key_path"] = _absolute(str(path), request)
    return warehouse_of(request.name, TableLogin(table), resolve(_public(config)))


def snowflake_of_profile(request: Request, profile: Profile) -> SnowflakeWarehouse:
    """Make a Snowflake warehouse that logs in as dbt-snowflake does."""
    login = SnowflakeProfileLogin.of(profile, request.options.vars)
    return warehouse_of(request.name, login, _public(profile.values))


def warehouse_of(name: str, login: Login, public: Mapping[str, Any]) -> SnowflakeWarehouse:
    """Make a warehouse of a login and the settings that are no secret."""
    return SnowflakeWarehouse(
        name,
        login,
        public.get("database"),
        public.get("schema") or "PUBLIC",
        max(1, int(public.get("pool_size") or POOL_SIZE)),
    )


class SnowflakeProfileLogin(ProfileLogin):
    """A target of dbt's profile, with the names that the connector has for dbt's."""

    def values(self) -> dict[str, Any]:
        """Read the target's settings."""
        read = super().values()
        # dbt turns underscores of an account into hyphens: only so it names a host.
        if account := read.get("account"):
            read["account"] = str(account).replace("_", "-")
        return {key: value for key, value in read.items() if key in KEYS}


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in ("database", "schema", "pool_size") if values.get(key)}


def _absolute(path: str, request: Request) -> str:
    from pathlib import Path

    if path.startswith(("secret:", "env:", "~")):
        return path
    return str(request.root / Path(path))
