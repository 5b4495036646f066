"""Public names of a package that are imported when they are first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names are imported late, so that it opens at once.

    Args:
        package: The package's own name.
        homes: The module that each name lives in.

    Example:
        >>> ask = late_names("shop", {"Path": "pathlib"})
        >>> ask("Path").__name__
        'Path'
    """

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    return found
