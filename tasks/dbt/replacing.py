"""Something else in the place of an attribute, for a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Put ``make(original)`` in the place of an attribute, if the owner has it.

    Example:
        >>> class Shop:
        ...     name = "first"
        >>> with replaced(Shop, "name", str.upper):
        ...     Shop.name
        'FIRST'
    """
    if name not in vars(owner):
        yield
        return
    original = vars(owner)[name]
    setattr(owner, name, make(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def added(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give a class an attribute of its own that it inherits, or has not at all."""
    if name in vars(owner):
        yield
        return
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name)
