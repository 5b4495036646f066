"""Shapes that relations take: set operations and the columns of table functions."""

from __future__ import annotations

import itertools
from dataclasses import replace

from sqlglot import exp

from orchestrator.lineage.columns.relations import NOTHING, Item, Origin, Relation, union


def made_of(origin: Origin, names: list[str]) -> Relation:
    """The relation of a table function: its columns come from its arguments."""
    return Relation([Item(name, origin) for name in names], blank=not names, rest=origin)


def united(branches: list[Relation], node: exp.SetOperation) -> Relation:
    """The columns of a set operation, by position or by name."""
    if node.args.get("by_name"):
        firsts: dict[str, Item] = {}
        for item in (item for branch in branches for item in branch.items):
            firsts.setdefault(item.name.lower(), item)
        return Relation(
            [
                replace(item, origin=union(b.find(item.name) or NOTHING for b in branches))
                for item in firsts.values()
            ]
        )
    shapes = {tuple(item.is_star for item in branch.items) for branch in branches}
    if len(shapes) > 1 and any(branch.stars for branch in branches):
        return _uneven(branches)
    columns = itertools.zip_longest(*(branch.items for branch in branches))
    items = []
    for column in columns:
        present = [item for item in column if item is not None]
        first = present[0]
        items.append(replace(first, origin=union(item.origin for item in present)))
    return Relation(items, any(branch.blank for branch in branches))


def _uneven(branches: list[Relation]) -> Relation:
    """Branches of which some are not known by column: by name what can be, and all the stars."""
    widest = max(branches, key=lambda branch: sum(not item.is_star for item in branch.items))
    named = [item for item in widest.items if not item.is_star]
    items = [
        replace(item, origin=union(branch.find(item.name) or NOTHING for branch in branches))
        for item in named
    ]
    found = [star for branch in branches for star in branch.stars]
    stars = union(star.origin for star in found)
    return Relation([*items, *([replace(found[0], origin=stars)] if stars.sources else [])])
