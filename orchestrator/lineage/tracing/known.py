"""Which columns each dataset has, as far as that is known while the tasks are walked through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.model.dataset import Dataset

#: Columns of datasets as a warehouse has them.
Catalog = Mapping[Dataset, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one dataset.

    Args:
        names: Those that are known, as written, in order.
        is_open: Whether there may be others.
        unknown: Why no column is known, or not all, if somebody can say.
    """

    names: tuple[str, ...] = ()
    is_open: bool = True
    unknown: str | None = None

    def __contains__(self, name: str) -> bool:
        wanted = name.casefold()
        return any(wanted == known.casefold() for known in self.names)

    def with_names(self, names: Iterable[str]) -> Columns:
        """With more names."""
        return Columns(merged(self.names, names), self.is_open, self.unknown)


class KnownColumns:
    """What tasks have written so far, and below that what the warehouse has.

    What the flow itself writes is trusted first, where all its columns are known (an enforced
    contract is such a list too); then the warehouse's catalog, which is asked at most once, and
    only for a dataset that needs it; then names that are said or seen, which may not be all.

    Args:
        catalog: Asks the warehouses.
    """

    def __init__(self, catalog: Callable[[], Catalog] = dict) -> None:
        self._ask = catalog
        self._catalog: Catalog | None = None
        self._written: dict[Dataset, Columns] = {}

    def write(self, dataset: Dataset, columns: Columns, *, anew: bool) -> None:
        """Note what a task writes.

        Args:
            dataset: The dataset.
            columns: Its columns as the task writes them.
            anew: Whether it then has no others, whatever was written before.
        """
        before = self._written.get(dataset)
        if anew or before is None:
            self._written[dataset] = columns
        elif before.is_open:
            self._written[dataset] = before.with_names(columns.names)

    def of(self, dataset: Dataset, said: Iterable[str] = ()) -> Columns:
        """The columns of a dataset.

        Args:
            dataset: The dataset.
            said: Names that a description gives it.
        """
        written = self._written.get(dataset, Columns())
        if not written.is_open:
            return written
        in_catalog = self.catalog.get(dataset)
        if in_catalog is not None:
            return Columns(in_catalog, is_open=False)
        return written.with_names(said)

    @property
    def catalog(self) -> Catalog:
        """What the warehouses have."""
        if self._catalog is None:
            self._catalog = self._ask()
        return self._catalog


def merged(names: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Names and then more, each once, compared without case; ``*`` left out.

    Example:
        >>> merged(["id", "*"], ["ID", "day"])
        ('id', 'day')
    """
    found: dict[str, str] = {}
    for name in (*names, *more):
        if name != "*":
            found.setdefault(name.casefold(), name)
    return tuple(found.values())
