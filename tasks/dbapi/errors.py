"""Why a database server could not be used: out of reach, or not willing."""

from __future__ import annotations

from orchestrator.errors import ConfigurationError, InfrastructureError


class UnreachableError(InfrastructureError):
    """Raised when a server could not be reached, however often it was tried; later it may."""

    code = "08001"  #: SQLSTATE of a connection that could not be made, for ``retry_on``


class LoginRefusedError(ConfigurationError):
    """Raised when a server does not take the user, the password or the database."""

    code = "28000"  #: SQLSTATE of a login that was refused
