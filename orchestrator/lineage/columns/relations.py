"""Relations as column lineage sees them: named columns, and stars of tables not known by column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from orchestrator.model.dataset import Dataset

#: A column of a dataset.
Source = tuple[Dataset, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """What goes into a column.

    Args:
        sources: Columns of datasets.
        unresolved: Names that may belong to more than one table.
        counted: Datasets whose rows are counted.
    """

    sources: frozenset[Source] = frozenset()
    unresolved: frozenset[str] = frozenset()
    counted: frozenset[Dataset] = frozenset()

    def __or__(self, other: Origin) -> Origin:
        return Origin(
            self.sources | other.sources,
            self.unresolved | other.unresolved,
            self.counted | other.counted,
        )


NOTHING = Origin()


def union(origins: Iterable[Origin]) -> Origin:
    """All of several origins together."""
    some = [origin for origin in origins if origin is not NOTHING]
    if len(some) < 2:
        return some[0] if some else NOTHING
    return Origin(
        frozenset().union(*[origin.sources for origin in some]),
        frozenset().union(*[origin.unresolved for origin in some]),
        frozenset().union(*[origin.counted for origin in some]),
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One column of a relation, or the star of a table whose columns are not known.

    Args:
        name: Its name as written; ``*`` for a star.
        origin: What goes into it.
        named: Whether it has a name of its own.
        made_at: The expression that makes it, or what is nearest to that.
    """

    name: str
    origin: Origin = NOTHING
    named: bool = True
    made_at: exp.Expr | None = field(default=None, compare=False)

    @property
    def is_star(self) -> bool:
        """Whether it stands for columns that are not known by name."""
        return self.name == "*"


@dataclass(slots=True)
class Relation:
    """What stands in a FROM clause.

    Args:
        items: Its columns, in order.
        blank: Any other column may be asked of it, and comes from ``rest``: a table function.
        base: The dataset that it is, unchanged.
        rest: What goes into columns that it has but does not name.
    """

    items: list[Item] = field(default_factory=list)
    blank: bool = False
    base: Dataset | None = None
    rest: Origin = NOTHING
    _by_name: dict[str, Origin] | None = None
    _stars: list[Item] | None = None

    @property
    def stars(self) -> list[Item]:
        """The tables in it that are not known by column."""
        if self._stars is None:
            self._stars = [item for item in self.items if item.name == "*"]
        return self._stars

    @property
    def is_open(self) -> bool:
        """Whether it may have columns that are not known by name."""
        return self.blank or bool(self.stars)

    def known(self, name: str) -> Origin | None:
        """What goes into the column of that name, None where the name is not known."""
        if self._by_name is None:
            named: dict[str, Origin] = {}
            for item in self.items:
                named.setdefault(item.name.lower(), item.origin)
            named.pop("*", None)
            self._by_name = named
        return self._by_name.get(name.lower())

    def guessed(self, name: str) -> Origin | None:
        """What goes into a column that only a star can hold; None where there is no star."""
        sources = {dataset for star in self.stars for dataset, _ in star.origin.sources}
        if len(sources) == 1:
            return Origin(frozenset({(next(iter(sources)), name)}))
        if sources:
            return Origin(unresolved=frozenset({name}))
        return self.rest if self.is_open else None

    def find(self, name: str) -> Origin | None:
        """Known or guessed."""
        known = self.known(name)
        if known is None and self.base is not None and not self.is_open:
            # What is known of a table may be out of date; the text is sure of the column.
            return Origin(frozenset({(self.base, name)}))
        return known if known is not None else self.guessed(name)

    def renamed(self, names: list[str]) -> Relation:
        """With new names for its first columns, as ``t (a, b)`` gives them."""
        if not names:
            return self
        if any(item.is_star for item in self.items[: len(names)]):
            everything = union(item.origin for item in self.items)
            first = self.items[0].made_at
            return Relation([Item(name, everything, made_at=first) for name in names])
        fresh = [
            replace(item, name=name, named=True)
            for item, name in zip(self.items, names, strict=False)
        ]
        missing = [Item(name, self.rest) for name in names[len(self.items) :]]
        return Relation([*fresh, *missing, *self.items[len(names) :]], self.blank, rest=self.rest)


def table(dataset: Dataset, columns: Iterable[str] | None) -> Relation:
    """The relation of a dataset, by its columns where they are known."""
    if columns is None:
        items = [Item("*", Origin(frozenset({(dataset, "*")})))]
    else:
        items = [Item(name, Origin(frozenset({(dataset, name)}))) for name in columns]
    return Relation(items, base=dataset)
