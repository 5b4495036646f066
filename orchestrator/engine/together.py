"""Which keys of owned things stand for one process, where a task works on several of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def joined(affinities: Iterable[Collection[str]], first: Collection[str] = ()) -> dict[str, str]:
    """By key, the one key that stands for all that must be owned by the same process.

    Args:
        affinities: Keys that one task needs, for each task.
        first: Keys that stand for the others wherever they are among them.

    Example:
        >>> joined([{"a", "b"}, {"c"}, {"b", "d"}], first={"b"})
        {'a': 'b', 'b': 'b', 'd': 'b'}
    """
    groups: list[set[str]] = []
    for keys in affinities:
        if len(keys) > 1:
            touched = [group for group in groups if not group.isdisjoint(keys)]
            groups = [group for group in groups if group.isdisjoint(keys)]
            groups.append(set(keys).union(*touched))
    names = {key: min(group & set(first) or group) for group in groups for key in group}
    return dict(sorted(names.items()))
