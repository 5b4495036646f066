"""A pause of Python's cycle collector while many small values are made that stay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def without_collector(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function with the cycle collector paused; who paused it lets it go on.

    Walking a manifest of 5,000 models over and over takes the collector three times as long as
    reading it, and nothing made on the way is garbage.
    """

    @wraps(function)
    def paused(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _collecting(False):
            return function(*args, **kwargs)

    return paused


def with_collector(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function that leaves much garbage with the collector at work, also within a pause."""

    @wraps(function)
    def collected(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with _collecting(True):
            return function(*args, **kwargs)

    return collected


@contextmanager
def _collecting(wanted: bool) -> Iterator[None]:
    before = gc.isenabled()
    if before == wanted:
        yield
        return
    switch, back = (gc.enable, gc.disable) if wanted else (gc.disable, gc.enable)
    switch()
    try:
        yield
    finally:
        back()
