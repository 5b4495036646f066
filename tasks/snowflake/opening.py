"""Opens connections to Snowflake: tried again while it cannot be reached, then a clear error."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from snowflake.connector import errors

from orchestrator.errors import ConfigurationError
from orchestrator.secrets import masker
from tasks.dbapi.errors import LoginRefusedError, UnreachableError
from tasks.dbapi.trying import pauses, rest, tried
from tasks.snowflake.connection import Connection
from tasks.snowflake.keys import private_key
from tasks.snowflake.names import identifier

#: Settings that are passed to the connector as they stand.
DRIVER_KEYS = (
    "account", "user", "password", "passcode", "token", "authenticator", "host", "port",
    "protocol", "proxy_host", "proxy_port", "proxy_user", "proxy_password", "role", "warehouse",
    "database", "schema", "client_session_keep_alive", "oauth_client_id", "oauth_client_secret",
    "oauth_token_request_url", "oauth_scope", "workload_identity_provider", "network_timeout",
    "socket_timeout",
)  # fmt: skip
CONNECT_TIMEOUT = 60  #: seconds for which a login is tried
_UNREACHABLE = (
    errors.OperationalError, errors.InternalServerError, errors.ServiceUnavailableError,
    errors.GatewayTimeoutError, errors.BadGatewayError, errors.RequestTimeoutError,
    errors.TooManyRequests, errors.OtherHTTPRetryableError, OSError,
)  # fmt: skip
# urllib3 warns of each login that fails in words of its own, beside ours.
logging.getLogger("snowflake.connector.vendored.urllib3.connectionpool").addFilter(
    lambda record: "/login-request" not in record.getMessage()
)


@dataclass(frozen=True)
class Opening:
    """How one warehouse is opened.

    Args:
        name: The warehouse's name, for messages.
        values: Its settings, secrets in their places.
    """

    name: str
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Opening({self.name!r})"

    def connect(self) -> Connection:
        """Open a session in autocommit mode.

        Raises:
            UnreachableError: The server could not be reached for ``connect_timeout`` seconds.
            LoginRefusedError: It refuses the user, the password or key, or the settings do not fit.
            ConfigurationError: The key cannot be used, or the schema cannot be made.
        """
        connection = self._logged_in(self._arguments())
        self._enter_schema(connection)
        return connection

    def _logged_in(self, arguments: dict[str, Any]) -> Connection:
        """Try until the time is up; the connector by itself gives up after its second try."""
        began = time.monotonic()
        for number, pause in enumerate(pauses(), 1):
            left = arguments["login_timeout"] - (time.monotonic() - began)
            try:
                return Connection(**{**arguments, "login_timeout": max(1, round(left))})
            except ConfigurationError:
                raise
            except errors.NonRetryableTlsError as error:
                raise self._refused(error, arguments) from None
            except _UNREACHABLE as error:
                said = one_line(error)
            except (errors.Error, ValueError, TypeError) as error:
                raise self._refused(error, arguments) from None
            passed = time.monotonic() - began
            if passed + pause > arguments["login_timeout"]:
                raise self._unreachable(said, arguments, tried(number, passed))
            rest(pause, place_of(arguments), said, number)
        raise AssertionError("pauses have no end")

    def _arguments(self) -> dict[str, Any]:
        values = self.values
        given = {k: values[k] for k in DRIVER_KEYS if values.get(k) not in (None, "")}
        if str(given.get("authenticator", "")).lower() == "jwt":  # dbt's word for a ready token
            given["authenticator"] = "oauth"
        for name in ("password", "token", "passcode", "oauth_client_secret", "proxy_password"):
            if name in given:
                masker().add(str(given[name]))
        path = values.get("private_key_path")
        key = private_key(values.get("private_key"), path, values.get("private_key_passphrase"))
        if key is not None:
            given |= {"private_key": key, "authenticator": "SNOWFLAKE_JWT"}
        timeout = int(values.get("connect_timeout") or CONNECT_TIMEOUT)
        return {
            **given,
            "autocommit": True,
            "application": "orchestrator",
            "login_timeout": timeout,
            # Asking where in which cloud this is takes seconds, and serves only logins by that.
            "platform_detection_timeout_seconds": None
            if given.get("workload_identity_provider")
            else 0.0,
            "session_parameters": dict(values.get("session_parameters") or {}),
        }

    def _enter_schema(self, connection: Connection) -> None:
        """Make the schema, where the server left it out because there is none."""
        wanted = self.values.get("schema")
        if not wanted or connection.schema is not None:
            return
        parts = [str(part) for part in (self.values.get("database"), wanted) if part]
        name = ".".join(identifier(part) for part in parts)
        try:
            for statement in (f"CREATE SCHEMA IF NOT EXISTS {name}", f"USE SCHEMA {name}"):
                connection.cursor().execute(statement)
        except errors.Error as error:
            with suppress(errors.Error):
                connection.close()
            raise ConfigurationError(
                f"warehouse {self.name!r} has no schema {wanted}, and it cannot be made: "
                f"{one_line(error)}",
                where=place_of(self.values),
                fix="look at its database, schema and role",
            ) from None
        connection.changed = False

    def _refused(self, error: BaseException, arguments: Mapping[str, Any]) -> LoginRefusedError:
        return LoginRefusedError(
            f"warehouse {self.name!r} was refused: {one_line(error)}",
            where=place_of(arguments),
            fix="look at its account, user, role, and its password, key or token",
        )

    def _unreachable(self, said: str, arguments: Mapping[str, Any], how: str) -> UnreachableError:
        return UnreachableError(
            f"warehouse {self.name!r} cannot be reached: {how}; {said}",
            where=place_of(arguments),
            fix="look at its account and host, and at the network; or set a longer connect_timeout",
        )


def place_of(values: Mapping[str, Any]) -> str:
    """Name the server of some settings.

    Example:
        >>> place_of({"account": "org-acme"}), place_of({"host": "localhost", "port": 8084})
        ('https://org-acme.snowflakecomputing.com:443', 'https://localhost:8084')
    """
    host = values.get("host") or f"{values.get('account')}.snowflakecomputing.com"
    return f"{values.get('protocol') or 'https'}://{host}:{values.get('port') or 443}"


def one_line(error: BaseException) -> str:
    """What an error says, in one line, secrets hidden."""
    return masker().mask(" ".join(str(error).split()))
