"""The critical path: the chain of tasks that decided when a run ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def critical_path(
    finished: Mapping[str, float], upstream: Mapping[str, Iterable[str]]
) -> Sequence[str]:
    """Return the chain that leads to what finished last, the first task first.

    Before each task of it stands the one, of those it waited for, that finished last: what would
    have had to be quicker for the task to begin sooner.

    Args:
        finished: By key, when it finished (seconds); tasks that never did are left out.
        upstream: By key, what it waited for.

    Example:
        >>> critical_path({"a": 1.0, "b": 5.0, "c": 7.0}, {"c": ["a", "b"]})
        ['b', 'c']
    """
    if not finished:
        return []
    at = max(finished, key=lambda key: (finished[key], key))
    path, seen = [at], {at}
    while before := [up for up in upstream.get(at, ()) if up in finished and up not in seen]:
        at = max(before, key=lambda key: (finished[key], key))
        path.append(at)
        seen.add(at)
    return path[::-1]
