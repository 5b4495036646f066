"""Opens connections to a Postgres server: tried again while it cannot be reached, then a clear error."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import masker
from tasks.dbapi.errors import LoginRefusedError, UnreachableError
from tasks.dbapi.tag import short_tag
from tasks.dbapi.trying import logger, pauses, rest, tried

#: Settings that are passed to the driver as they stand.
DRIVER_KEYS = (
    "host", "port", "dbname", "user", "password", "connect_timeout", "keepalives_idle",
    "sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "service",
)  # fmt: skip
CONNECT_TIMEOUT = 10  #: seconds for each try
RETRIES = 3  #: tries after the first one
NAME_BYTES = 63  #: of ``application_name``; the server cuts what is longer
#: What a server says that cannot take a connection right now.
_NOT_NOW = re.compile(
    r"starting up|shutting down|in recovery|too many (?:clients|connections)|connection slots"
)
#: What the client says of its own settings; to try again would not help.
_WRONG = re.compile(r"FATAL:|no password supplied|\bSSL\b|certificate|sslmode|GSS|authentication")
#: A query whose client died would run to its end otherwise.
_NOTICE_THE_DEAD = "client_connection_check_interval"
_SQLALCHEMY = re.compile(r"^postgres(?:ql)?\+\w+://")


@dataclass(frozen=True)
class Opening:
    """How one warehouse is opened.

    Args:
        name: The warehouse's name, for messages.
        values: Its settings, secrets in their places.
        schema: Where names without a schema live; made if it is not there.
    """

    name: str
    values: Mapping[str, Any]
    schema: str

    def __repr__(self) -> str:
        return f"Opening({self.name!r})"

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection in autocommit mode.

        Raises:
            UnreachableError: The server could not be reached, however often it was tried.
            LoginRefusedError: It does not take the user, the password or the database.
            ConfigurationError: The driver does not take these settings.
        """
        arguments, place = self._arguments()
        began = time.monotonic()
        retries = int(self.values.get("retries", RETRIES))
        for number, pause in enumerate(pauses(), 1):
            try:
                return self._prepared(_opened(arguments))
            except psycopg.OperationalError as error:
                said = _one_line(error)
                if _WRONG.search(said) and not _NOT_NOW.search(said):
                    raise self._refused(said, place) from None
            if number > retries:
                raise self._unreachable(said, place, tried(number, time.monotonic() - began))
            rest(pause, place, said, number)
        raise AssertionError("pauses have no end")

    def prepare(self, connection: psycopg.Connection[Any]) -> None:
        """Bring a connection that is fresh, or as good as that, to the warehouse's settings."""
        connection.autocommit = True
        if _NOTICE_THE_DEAD not in self._settings():
            with suppress(psycopg.Error):  # before Postgres 14, and not on every system
                connection.execute(f"SET {_NOTICE_THE_DEAD} TO '10s'")
        statements = [
            f"SET search_path TO {self._search_path()}",
            *(f"SET {_setting(name, value)}" for name, value in self._settings().items()),
        ]
        if role := self.values.get("role"):
            statements.insert(0, f"SET ROLE {quoted(str(role))}")
        connection.execute("; ".join(statements))

    def _arguments(self) -> tuple[dict[str, Any], str]:
        given = {k: self.values[k] for k in DRIVER_KEYS if self.values.get(k) not in (None, "", 0)}
        dsn = _SQLALCHEMY.sub("postgresql://", str(self.values.get("dsn") or ""))
        try:
            arguments: dict[str, Any] = dict(conninfo_to_dict(dsn, **given))
        except psycopg.ProgrammingError:  # it shows the text, and the password in it
            raise ConfigurationError(
                f"the dsn of warehouse {self.name!r} cannot be read",
                fix='write dsn = "postgresql://user@host:5432/database"',
            ) from None
        if password := arguments.get("password"):
            masker().add(str(password))
        arguments.setdefault("connect_timeout", CONNECT_TIMEOUT)
        arguments["application_name"] = short_tag(NAME_BYTES)
        host = arguments.get("host") or arguments.get("hostaddr") or "the local socket"
        database = arguments.get("dbname") or arguments.get("user") or ""
        return arguments, f"{host}, port {arguments.get('port') or 5432}, database {database}"

    def _prepared(self, connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
        try:
            self.prepare(connection)
            self._make_schema(connection)
        except psycopg.OperationalError:  # lost again at once
            connection.close()
            raise
        except psycopg.Error as error:
            connection.close()
            raise ConfigurationError(
                f"warehouse {self.name!r} cannot be used as configured: {_one_line(error)}",
                fix="look at its schema, search_path, role and settings",
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_schema(self, connection: psycopg.Connection[Any]) -> None:
        # Asked first: who may not make schemas may not say IF NOT EXISTS either.
        row = connection.execute("SELECT to_regnamespace(%s)", [quoted(self.schema)]).fetchone()
        if row is not None and row[0] is None:
            with suppress(psycopg.errors.UniqueViolation):  # another one was quicker
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(self.schema)}")

    def _search_path(self) -> str:
        return str(self.values.get("search_path") or quoted(self.schema))

    def _settings(self) -> Mapping[str, Any]:
        return self.values.get("settings") or {}

    def _refused(self, said: str, place: str) -> LoginRefusedError:
        return LoginRefusedError(
            f"warehouse {self.name!r} was refused by its server: {said}",
            where=place,
            fix="look at its user, password, dbname and sslmode",
        )

    def _unreachable(self, said: str, place: str, how: str) -> UnreachableError:
        return UnreachableError(
            f"warehouse {self.name!r} cannot be reached: {how}; {said}",
            where=place,
            fix="see that the server runs and can be reached from here, or set more retries",
        )


def quoted(name: str) -> str:
    """Write a name in quotes.

    Example:
        >>> quoted('we"ird')
        '"we""ird"'
    """
    return '"' + name.replace('"', '""') + '"'


def _opened(arguments: dict[str, Any]) -> psycopg.Connection[Any]:
    # Statements are seldom the same twice; without names on the server poolers like it better.
    connection = psycopg.connect(**arguments, autocommit=True, prepare_threshold=None)
    connection.add_notice_handler(_log_notice)
    return connection


def _log_notice(said: psycopg.errors.Diagnostic) -> None:
    """Pass on what a statement tells (``RAISE NOTICE``); what the server itself remarks is detail."""
    level = logging.INFO if said.context else logging.DEBUG  # raised by code of the user's own
    if said.severity_nonlocalized == "WARNING":
        level = logging.WARNING
    logger().log(level, "%s", said.message_primary)


def _setting(name: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    parts = ".".join(quoted(part) for part in str(name).split("."))
    return f"{parts} TO '{text.replace(chr(39), chr(39) * 2)}'"


def _one_line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return masker().mask(said.removeprefix("connection failed: "))
