"""The words for states that rules and handlers know, and the states that each covers."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import ConfigurationError
from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, StateType
from orchestrator.nearest import nearest

_NOT_BEGUN = frozenset({StateType.PENDING, StateType.RETRYING, StateType.PAUSED})
#: A word covers what its class of Prefect 1 has below it.
_COVERED = {
    **{state.value: frozenset({state}) for state in StateType},
    "Failed": BROKEN,
    "Finished": FINISHED,
    "Pending": _NOT_BEGUN,
    "Scheduled": _NOT_BEGUN,
    "Success": SUCCEEDED,
}


def covered(words: Iterable[object], where: str | None = None) -> frozenset[StateType]:
    """Return the states that words cover: ``Failed`` also covers ``TimedOut``, as in Prefect 1.

    Args:
        words: Names of states, members of :class:`~orchestrator.model.state.StateType`, or classes
            that are called like a state.
        where: Where the words stand, for the error.

    Raises:
        ConfigurationError: A word is no state; names the nearest.

    Example:
        >>> sorted(covered(["Failed", StateType.CANCELLED]))
        [<StateType.CANCELLED: 'Cancelled'>, <StateType.FAILED: 'Failed'>, <StateType.TIMED_OUT: 'TimedOut'>]
    """
    found: set[StateType] = set()
    for word in [words] if isinstance(words, str) else words:
        name = word.value if isinstance(word, StateType) else getattr(word, "__name__", str(word))
        if name not in _COVERED:
            offered = nearest(name, _COVERED, "states: ")
            raise ConfigurationError(f"there is no state {name!r}", where=where, fix=offered)
        found |= _COVERED[name]
    return frozenset(found)


def wanted(only: Iterable[object] | None, ignored: Iterable[object] | None) -> frozenset[StateType]:
    """Return the states that are left of ``only`` (None: all) without ``ignored``."""
    chosen = frozenset(StateType) if only is None else covered(only)
    return chosen - covered(ignored or ())
