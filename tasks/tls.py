"""Whom a TLS connection trusts."""

from __future__ import annotations

import ssl

from orchestrator.errors import ConfigurationError


def trusted(certificates: str | None = None) -> ssl.SSLContext:
    """Trust the certificates of a file; those of the system, if none is named.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=certificates)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"the file of trusted certificates cannot be read: {error}", where=certificates
        ) from None
