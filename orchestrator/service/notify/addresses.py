"""Which network addresses a message may go to: none of a private network, unless that is allowed."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence

from orchestrator.errors import InfrastructureError

#: Names the hosts of private networks that a service may send to, with commas; set by its operator.
ALLOWED = "ORCHESTRATOR_PRIVATE_WEBHOOKS"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class DeliveryError(InfrastructureError):
    """Raised when a message could not be delivered.

    Args:
        what: Why, without the URL.
        reachable: Whether somebody was there; else what else waits for the target need not be tried.
    """

    def __init__(self, what: str, *, fix: str | None = None, reachable: bool = True) -> None:
        super().__init__(what, fix=fix)
        self.reachable = reachable


def addresses(host: str, port: int, *, private: bool) -> Sequence[str]:
    """Look a host up, and return the addresses that may be connected to.

    The caller connects to these and does not look the name up again: a name that stands for a
    public address now and for a private one a moment later leads nowhere.

    Args:
        host: Name or address.
        port: The port.
        private: Whether addresses of private networks are allowed.

    Raises:
        DeliveryError: The name is unknown, or one of its addresses is not allowed.

    Example:
        >>> addresses("127.0.0.1", 80, private=False)
        Traceback (most recent call last):
            ...
        orchestrator.service.notify.addresses.DeliveryError: 127.0.0.1 is in a private network
          fix:   name it in ORCHESTRATOR_PRIVATE_WEBHOOKS of the service
    """
    try:
        looked_up = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{host} cannot be found: {error}", reachable=False) from None
    found = list(dict.fromkeys(str(entry[4][0]) for entry in looked_up))
    if not private and host not in _allowed() and not all(map(is_public, found)):
        fix = f"name it in {ALLOWED} of the service"
        raise DeliveryError(f"{host} is in a private network", fix=fix)
    return found


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large, also where it stands inside another.

    Example:
        >>> is_public("93.184.216.34"), is_public("::ffff:10.0.0.1"), is_public("169.254.169.254")
        (True, False, False)
    """
    inner = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _innermost(address: Address) -> Address:
    """An address of version 4 that is written inside one of version 6."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _allowed() -> set[str]:
    return {name.strip() for name in os.environ.get(ALLOWED, "").split(",") if name.strip()}
