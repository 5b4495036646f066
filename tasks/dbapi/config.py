"""Checks what a ``[warehouses.NAME]`` table says: its keys and the kinds of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.nearest import nearest

_KINDS: dict[type, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false",
    dict: "a table", list: "a list",
}  # fmt: skip


def only_known(config: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse keys that a type of warehouse does not have.

    Args:
        config: The table without ``type``.
        known: The keys there are.
        where: Where the table stands.

    Raises:
        ConfigurationError: A key is unknown; says which one may be meant.
    """
    known = list(known)
    for key in config:
        if key not in known:
            fix = nearest(key, known, "there is ")
            raise ConfigurationError(f"unknown key {key!r}", where=where, fix=fix)


def checked(config: Mapping[str, Any], key: str, kind: type, default: Any, where: str) -> Any:
    """Return a value of the table, or ``default`` where it says nothing.

    Args:
        config: The table.
        key: The key.
        kind: ``str``, ``int``, ``float``, ``bool``, ``dict`` or ``list``; numbers are not negative,
            and a reference (``env:NAME``) stands for any of them.
        default: For a key that is not there.
        where: Where the table stands.

    Raises:
        ConfigurationError: The value is of another kind. It is not shown: it may be a secret.

    Example:
        >>> checked({"port": 5433}, "port", int, 5432, "orchestrator.toml")
        5433
    """
    value = config.get(key, default)
    if value is default or _fits(value, kind):
        return value
    raise ConfigurationError(f"{key} must be {_KINDS[kind]}", where=where, fix=f"mend {key}")


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, str) and kind is not str and value.startswith(("env:", "secret:")):
        return True
    if kind in (int, float):
        number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return number and value >= 0
    return isinstance(value, kind) and value != ""
