"""Stars and what narrows them down: EXCLUDE, REPLACE, RENAME, patterns."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlglot import exp

from orchestrator.lineage.columns.relations import Item, Origin, Relation


def unstarred(
    node: exp.Star, items: list[Item], origin: Callable[[exp.Expr], Origin]
) -> list[Item]:
    """The columns that a star stands for.

    Args:
        node: The star with what belongs to it.
        items: The columns of its tables.
        origin: What goes into an expression of REPLACE.
    """
    left_out = {part.name.lower() for part in node.args.get("except_") or []}
    fresh = {e.alias.lower(): e for e in node.args.get("replace") or []}
    names = {e.this.name.lower(): e.args["alias"].name for e in node.args.get("rename") or []}
    kept = [item for item in items if item.name.lower() not in left_out]
    pattern = node.args.get("ilike")
    if pattern is not None:
        kept = _matching(kept, _like(pattern.name, re.IGNORECASE))
    found: list[Item] = []
    for item in kept:
        key = item.name.lower()
        made_at = node if item.made_at is None else item.made_at
        if key in fresh:
            part = fresh.pop(key)
            found.append(Item(item.name, origin(part.this), made_at=part))
        elif key in names:
            found.append(Item(names.pop(key), item.origin, made_at=made_at))
        else:
            found.append(item if item.made_at is made_at else replace(item, made_at=made_at))
    # What is replaced or renamed but not known by name hides behind a table's star.
    if any(item.is_star for item in found):
        found += [Item(p.alias, origin(p.this), made_at=p) for p in fresh.values()]
        behind = Relation(found)
        for old, new in names.items():
            found.append(Item(new, behind.guessed(old) or Origin(), made_at=node))
    return found


def chosen_by_pattern(node: exp.Expr, items: list[Item]) -> list[Item]:
    """The columns whose names match a pattern; a table's star stays a star.

    Args:
        node: A literal (a regular expression), a comparison with a pattern, or a lambda of one.
        items: The columns to choose from.
    """
    if isinstance(node, exp.Lambda):
        node = node.this
    text = node if isinstance(node, exp.Literal) else node.args.get("expression")
    if not isinstance(text, exp.Literal):
        return items
    with contextlib.suppress(re.error):
        if isinstance(node, (exp.Like, exp.ILike)):
            flags = re.IGNORECASE if isinstance(node, exp.ILike) else re.NOFLAG
            return _matching(items, _like(text.name, flags))
        return _matching(items, re.compile(text.name).search)
    return items


def _matching(items: Iterable[Item], matches: Callable[[str], object]) -> list[Item]:
    return [item for item in items if item.is_star or matches(item.name)]


def _like(pattern: str, flags: re.RegexFlag) -> Callable[[str], object]:
    """A LIKE pattern as a test of names."""
    parts = {"%": ".*", "_": "."}
    text = "".join(parts.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(text, flags | re.DOTALL).fullmatch
