"""The net effect of a script: what it needs before, what it leaves behind, what is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.lineage.sql.effects import StatementEffect
from orchestrator.model.dataset import Dataset


@dataclass(frozen=True, slots=True)
class NetEffect:
    """What a script does, seen from outside.

    Args:
        reads: Needed before it runs.
        writes: Written and still there at the end.
        drops: There before, gone at the end.
    """

    reads: frozenset[Dataset]
    writes: frozenset[Dataset]
    drops: frozenset[Dataset]


@dataclass(slots=True, eq=False)
class _Thing:
    """A table itself, apart from the name that it bears at the moment."""

    origin: Dataset | None = None  #: the name it had before the script, None if the script made it
    temporary: bool = False
    written: bool = False
    replaced: bool = False


class _Ledger:
    """Which thing each name stands for, as the statements go by."""

    def __init__(self) -> None:
        self.reads: set[Dataset] = set()
        self.bound: dict[Dataset, _Thing | None] = {}
        self.there_before: set[Dataset] = set()
        #: What a temporary table of the same name hides, None where nothing is known of it.
        self.hidden: dict[Dataset, _Thing | None] = {}

    def thing(self, name: Dataset) -> _Thing:
        found = self.bound.get(name)
        if found is None:
            found = _Thing(origin=name)
            if name not in self.bound:
                self.there_before.add(name)
            self.bound[name] = found
        return found

    def read(self, name: Dataset) -> None:
        thing = self.thing(name)
        if thing.origin and not thing.replaced:
            self.reads.add(thing.origin)

    def write(self, name: Dataset, replaces: bool) -> None:
        thing = self.thing(name)
        thing.written = True
        thing.replaced = thing.replaced or replaces

    def create(self, name: Dataset, temporary: bool, conditional: bool) -> None:
        before = self.bound.get(name)
        if conditional and before:
            self.write(name, replaces=False)
            return
        if temporary and not (before and before.temporary):
            self.hidden[name] = before
        self.bound[name] = _Thing(temporary=temporary)

    def drop(self, name: Dataset) -> None:
        thing = self.thing(name)
        self.bound[name] = None
        if thing.temporary and name in self.hidden:
            before = self.hidden.pop(name)
            if before is not None:
                self.bound[name] = before
            else:
                del self.bound[name]

    def rename(self, old: Dataset, new: Dataset) -> None:
        self.bound[new] = self.thing(old)
        self.bound[old] = None

    def swap(self, one: Dataset, other: Dataset) -> None:
        self.bound[one], self.bound[other] = self.thing(other), self.thing(one)

    def result(self) -> NetEffect:
        writes: set[Dataset] = set()
        for name, thing in (*self.bound.items(), *self.hidden.items()):
            if thing is None or thing.temporary:
                continue
            if thing.origin == name and not thing.written:
                continue
            writes.add(name)
            if thing.origin and thing.origin != name and not thing.replaced:
                self.reads.add(thing.origin)
        gone = {name for name in self.there_before if self.bound.get(name, True) is None}
        return NetEffect(frozenset(self.reads), frozenset(writes), frozenset(gone))


def net_effect(statements: Iterable[StatementEffect]) -> NetEffect:
    """Follow the statements of a script, in order, and say what they come to.

    Args:
        statements: Effects in the order of the text.

    Returns:
        What the script needs, leaves and removes. What it creates itself, temporary tables and
        tables it drops again fall out; renamed and swapped tables count under their last name.
    """
    statements = tuple(statements)
    if len(statements) == 1 and not (statements[0].renames or statements[0].swaps):
        return _net_of_one(statements[0])
    ledger = _Ledger()
    for effect in statements:
        for name in effect.reads:
            ledger.read(name)
        for name in effect.writes:
            if name in effect.creates:
                ledger.create(name, effect.temporary, effect.conditional)
            else:
                ledger.write(name, name in effect.replaces)
        for name in effect.drops:
            ledger.drop(name)
        for old, new in effect.renames:
            ledger.rename(old, new)
        for one, other in effect.swaps:
            ledger.swap(one, other)
    return ledger.result()


def _net_of_one(effect: StatementEffect) -> NetEffect:
    """A statement alone does what it does; most texts are one statement."""
    passing = effect.creates if effect.temporary else frozenset()
    return NetEffect(effect.reads, effect.writes - passing - effect.drops, effect.drops)
