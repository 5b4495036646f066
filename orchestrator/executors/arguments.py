"""The arguments that a class or function takes, and which of those that are given it does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from orchestrator.nearest import near_to

#: How like a known argument a word has to be that may be meant for what the class passes it on to.
_LIKENESS = 0.85
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters(kind: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters that a class or function names; none where that cannot be told."""
    with suppress(TypeError, ValueError):
        return inspect.signature(kind).parameters
    return {}


def refused(
    kind: Callable[..., Any], given: Iterable[str], also: Iterable[type] = ()
) -> tuple[str, str] | None:
    """Return what is wrong with the names of arguments and what to do; None if nothing is.

    Args:
        kind: The class or function. What its classes pass on unnamed may be anything that is not
            nearly one of their own names.
        given: Names of arguments.
        also: What it passes the others on to, where that is known.

    Example:
        >>> def cluster(n_workers: int) -> None: ...
        >>> refused(cluster, ["n_worker"])
        ("cluster takes no argument 'n_worker'", "did you mean 'n_workers'?")
    """
    known = _known(kind)
    passes_on = not also and any(p.kind is p.VAR_KEYWORD for p in known.values())
    own = [name for name, p in known.items() if name != "self" and p.kind not in _REST]
    for taker in also:
        known |= _known(taker)
    for name in given if own else ():
        near = near_to(name, own, _LIKENESS) or near_to(name, known, _LIKENESS)
        if name not in known and (near or not passes_on):
            fix = f"did you mean {near!r}?" if near else f"it takes {', '.join(own)}"
            return f"{kind.__name__} takes no argument {name!r}", fix
    return None


def _known(kind: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    known: dict[str, inspect.Parameter] = {}
    for each in reversed(getattr(kind, "__mro__", (kind,))):
        if each is not object:
            known |= _own(each)
    return known


def _own(kind: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    own = vars(kind).get("__init__") if isinstance(kind, type) else kind
    return parameters(own) if own is not None else {}
