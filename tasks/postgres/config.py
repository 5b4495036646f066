"""What makes a Postgres warehouse: a ``[warehouses.NAME]`` table, or a target of dbt's profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import resolve
from tasks.dbapi.config import checked, only_known
from tasks.dbapi.login import ProfileLogin, TableLogin
from tasks.dbt.profiles import Profile
from tasks.postgres.warehouse import POOL_SIZE, PostgresWarehouse

if TYPE_CHECKING:
    from tasks.warehouses import Request

#: The keys of the table and the kinds of their values.
KEYS: dict[str, type] = {
    "dsn": str, "host": str, "port": int, "dbname": str, "user": str, "password": str,
    "schema": str, "search_path": str, "role": str, "settings": dict,
    "sslmode": str, "sslrootcert": str, "sslcert": str, "sslkey": str, "passfile": str,
    "service": str, "connect_timeout": int, "keepalives_idle": int, "retries": int,
    "pool_size": int,
}  # fmt: skip
_DBNAME = re.compile(r"\bdbname\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")


def postgres_of(request: Request) -> PostgresWarehouse:
    """Make a Postgres warehouse of its own table; nothing is opened.

    Raises:
        ConfigurationError: A key is unknown, a value does not fit, or there is no database named.
    """
    config, where = request.config, request.place
    only_known(config, KEYS, where)
    for key, kind in KEYS.items():
        checked(config, key, kind, None, where)
    named = resolve(config.get("dbname") or _dbname(str(config.get("dsn") or "")))
    if not named:
        raise ConfigurationError(
            f"warehouse {request.name!r} names no database",
            where=where,
            fix='add dbname = "…" (beside a dsn that is a secret, too: names in SQL are read by it)',
        )
    return PostgresWarehouse(
        request.name,
        TableLogin(dict(config)),
        str(named),
        str(resolve(config.get("schema", "public"))),
        max(1, int(resolve(config.get("pool_size", POOL_SIZE)))),
    )


def postgres_of_profile(request: Request, profile: Profile) -> PostgresWarehouse:
    """Make a Postgres warehouse that logs in as dbt-postgres does."""
    login = PostgresProfileLogin.of(profile, request.options.vars)
    return PostgresWarehouse(request.name, login, profile.catalog, profile.schema or "public")


class PostgresProfileLogin(ProfileLogin):
    """A target of dbt's profile, with the names that psycopg has for dbt's."""

    def values(self) -> dict[str, Any]:
        """Read the target's settings."""
        read = super().values()
        for theirs, ours in (("pass", "password"), ("database", "dbname")):
            if theirs in read:
                read.setdefault(ours, read[theirs])
        return {key: value for key, value in read.items() if key in KEYS}


def _dbname(dsn: str) -> str | None:
    """The database that a dsn names; None if it is a reference, or names none."""
    if "://" not in dsn:
        found = _DBNAME.search(dsn)
        return (found[1] or found[2]) if found else None
    try:
        parts = urlsplit(dsn)
    except ValueError:  # the driver will say that it cannot be read
        return None
    given = parse_qs(parts.query).get("dbname", [""])[0]
    return given or unquote(parts.path.lstrip("/")) or None
