"""A dict that makes its values when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class LateValues(dict[Any, Any]):
    """A dict to whoever uses it; what is not made yet is known by its key alone.

    Whatever asks for all of it, a copy by ``dict()`` or ``**`` as well, makes all of it. It has no
    public attribute that a dict has not: templates take attributes for keys.

    Args:
        unmade: What values are made of, by key; never changed here.
        make: Makes a value of it.

    Example:
        >>> late = LateValues({"a": 1, "b": 2}, lambda given: given * 10)
        >>> late["a"], "b" in late, late.get("c"), dict(late)
        (10, True, None, {'a': 10, 'b': 20})
    """

    __slots__ = ("_make", "_unmade")

    def __init__(self, unmade: Mapping[Any, Any], make: Callable[[Any], Any]) -> None:
        self._unmade, self._make = unmade, make

    def __missing__(self, key: Any) -> Any:
        value = self._make(self._unmade[key])
        self[key] = value
        return value

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or key in self._unmade

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or the default."""
        if key not in self:
            return default
        return self[key]

    def _whole(self) -> LateValues:
        """This dict with every value made."""
        for key in self._unmade:
            self[key]
        self._unmade = {}
        return self

    def __iter__(self) -> Iterator[Any]:
        return dict.__iter__(self._whole())

    def __reversed__(self) -> Iterator[Any]:
        return dict.__reversed__(self._whole())

    def __bool__(self) -> bool:
        return dict.__len__(self) > 0 or bool(self._unmade)

    def __len__(self) -> int:
        return dict.__len__(self._whole())

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self._whole(), other)

    def __ne__(self, other: object) -> bool:
        return dict.__ne__(self._whole(), other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return dict.__repr__(self._whole())

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)

    def __delitem__(self, key: Any) -> None:
        dict.__delitem__(self._whole(), key)

    def keys(self) -> Any:
        """All keys."""
        return dict.keys(self._whole())

    def values(self) -> Any:
        """All values."""
        return dict.values(self._whole())

    def items(self) -> Any:
        """All keys with their values."""
        return dict.items(self._whole())

    def copy(self) -> dict[Any, Any]:
        """A plain dict of the same."""
        return dict(self)

    def pop(self, *args: Any) -> Any:
        """Take a key out and return its value."""
        return dict.pop(self._whole(), *args)

    def popitem(self) -> tuple[Any, Any]:
        """Take some key out and return it with its value."""
        return dict.popitem(self._whole())

    def clear(self) -> None:
        """Take everything out."""
        dict.clear(self._whole())

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, entering the default if there is none."""
        if key not in self:
            self[key] = default
        return self[key]


def unmade(values: LateValues) -> Mapping[Any, Any]:
    """What those of its values that nobody asked for are to be made of."""
    return values._unmade


def made_already(values: LateValues) -> Iterable[tuple[Any, Any]]:
    """Its keys with their values, without those that nobody asked for."""
    return dict.items(values)


def fill(values: LateValues, given: Mapping[Any, Any], make: Callable[[Any], Any]) -> None:
    """Give it, once, what values are to be made of; those that it has stay."""
    values._unmade, values._make = given, make
