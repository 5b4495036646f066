"""Names under which the server may be asked, and where a browser's request may come from."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from orchestrator.service.serving.web import is_loopback as is_loopback_address

#: Names of this machine that no foreign page can give its own.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def name_of(host: str) -> str:
    """Return the name in a ``Host`` header; empty if it is none.

    Example:
        >>> name_of("[::1]:4280"), name_of("Shop.example:80"), name_of("a@b")
        ('::1', 'shop.example', '')
    """
    if not host or any(c in host for c in "/\\@?# ,"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    return (parts.hostname or "").rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether a ``Host`` header names this machine as only itself can."""
    return name_of(host) in LOOPBACK or is_loopback_address(name_of(host))


def may_be_asked(hosts: list[str], names: Collection[str]) -> bool:
    """Whether a request with these ``Host`` headers is answered.

    Args:
        hosts: All there are; there must be one.
        names: Names that are allowed besides this machine's own.
    """
    return len(hosts) == 1 and (is_loopback(hosts[0]) or name_of(hosts[0]) in names)


def is_own(origin: str, host: str) -> bool:
    """Whether an ``Origin`` is the server's own.

    Example:
        >>> is_own("https://shop.example", "shop.example")
        True
        >>> is_own("null", "shop.example")
        False
    """
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()
