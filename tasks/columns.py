"""Fits the columns of a frame to those of a table, by name, and says which do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from orchestrator.errors import FlowError
from orchestrator.nearest import near_to


def fitted(
    table: str, given: Sequence[str], known: Sequence[str], may_lack: Collection[str] = ()
) -> tuple[str, ...]:
    """Name, for each column of a frame, the column of the table that it goes into.

    Args:
        table: The table, for messages.
        given: Columns of the frame, in their order.
        known: Columns of the table.
        may_lack: Those of them that fill themselves: with a default, a sequence, an expression.

    Returns:
        As many names as ``given``, spelt as the table has them. Case counts only where two columns
        of the table differ in nothing else.

    Raises:
        FlowError: A column is missing, unknown or there twice.

    Example:
        >>> fitted("marts.scores", ["Total", "day"], ["day", "total"])
        ('total', 'day')
    """
    refuse_twice(table, given)
    exact, folded = set(known), {name.lower(): name for name in known}
    into = [name if name in exact else folded.get(name.lower()) for name in given]
    extra = [name for name, target in zip(given, into, strict=True) if target is None]
    filled = {target for target in into if target is not None}
    missing = [name for name in known if name not in filled and name not in may_lack]
    if extra or missing:
        parts = [f"the table has no {_listed(extra)}"] if extra else []
        parts += [f"the frame lacks {_listed(missing)}"] if missing else []
        raise FlowError(
            f"the columns do not fit {table}: {'; '.join(parts)}",
            where=table,
            fix=_hint(extra, missing),
        )
    return tuple(target for target in into if target is not None)


def refuse_twice(table: str, given: Sequence[str]) -> None:
    """Refuse a frame that has two columns of one name, or none at all."""
    if not given:
        raise FlowError(
            f"what is to be written to {table} has no columns",
            where=table,
            fix="give the frame its columns, even if it has no rows",
        )
    twice = [name for name, count in Counter(name.lower() for name in given).items() if count > 1]
    if twice:
        raise FlowError(
            f"the frame for {table} has more than one column {_listed(twice)}",
            where=table,
            fix="name them apart (names are compared without case)",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _hint(extra: Sequence[str], missing: Sequence[str]) -> str:
    for name in extra:
        near = near_to(name, missing)
        if near:
            return f"is {name!r} meant to be {near!r}? rename it"
    return "add, drop or rename the columns, or make the table anew with mode='replace'"
