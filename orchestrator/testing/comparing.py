"""Compares a table with the rows it should have, and says how they differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from orchestrator.nearest import nearest
from orchestrator.testing.loading import Rows, rows_of

_CLOSE = 1e-9  #: by which share two floating-point numbers may differ and be the same
_SHOWN = 10  #: differences of each kind that are written out
_LONGEST = 60  #: characters of a value that are shown


class HasTables(Protocol):
    """What :func:`assert_table` takes its table from: a run's result, or a warehouse."""

    def table(self, name: str) -> Rows:
        """The rows of a table."""
        ...


@runtime_checkable
class CanFail(Protocol):
    """A run's result, which may be that tasks broke."""

    def trouble(self) -> str:
        """Which tasks broke, each with why; empty if none did."""
        ...


@dataclass(frozen=True)
class Difference:
    """How rows differ from what was expected.

    Args:
        differing: Pairs of what was expected and what was found that are much alike, with the
            columns that differ.
        missing: Expected, and not found.
        extra: Found, and not expected.
        order: Whether the rows are the same but come in another order.
    """

    differing: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Sequence[str]]] = ()
    missing: Sequence[Mapping[str, Any]] = ()
    extra: Sequence[Mapping[str, Any]] = ()
    order: bool = False
    columns: str = ""

    def __bool__(self) -> bool:
        return bool(self.differing or self.missing or self.extra or self.order or self.columns)

    def lines(self) -> list[str]:
        """The difference as people read it, row by row and column by column."""
        if self.columns:
            return [self.columns]
        if self.order:
            return ["the rows are the same, but in another order"]
        lines = []
        for expected, found, columns in self.differing[:_SHOWN]:
            same = {name: value for name, value in expected.items() if name not in columns}
            lines.append(f"differs: {_row(same)}" if same else "differs:")
            lines += [
                f"  {name}: expected {_value(expected[name])}, found {_value(found[name])}"
                for name in columns
            ]
        lines += _listed("differs", self.differing)
        for word, rows in (("missing", self.missing), ("extra", self.extra)):
            lines += [f"{word}: {_row(row)}" for row in rows[:_SHOWN]] + _listed(word, rows)
        return lines

    def summary(self) -> str:
        """The difference in one line."""
        if self.columns or self.order:
            return self.lines()[0]
        counts = (
            (len(self.differing), "differs" if len(self.differing) == 1 else "differ"),
            (len(self.missing), "missing"),
            (len(self.extra), "extra"),
        )
        said = [f"{count} row{'' if count == 1 else 's'} {word}" for count, word in counts if count]
        return ", ".join(said)


def assert_table(
    of: HasTables | Iterable[Mapping[str, Any]],
    name: str | None = None,
    rows: Any = (),
    *,
    ordered: bool = False,
    columns: Sequence[str] | None = None,
) -> None:
    """Assert that a table has exactly these rows, and say how it differs if it has not.

    Columns that the expected rows do not name are not looked at. Numbers are compared by value, and
    a text that is expected where the table has a date or a number is read as one.

    Args:
        of: What a run returned, a warehouse, or rows themselves.
        name: The table: ``schema.table``; of rows, what to call them.
        rows: What it should have: mappings, a file, a query, Arrow or a data frame.
        ordered: Whether the order counts.
        columns: Look at these columns only.

    Raises:
        AssertionError: It has not; the message names each row that is missing, extra or different,
            and the tasks that broke.
        NotFoundError: There is no such table; it says which tasks broke, and why.

    Example:
        >>> assert_table([{"day": "2026-03-01", "orders": 2}], "daily", [{"orders": 2}])
    """
    __tracebackhide__ = True
    what = f"the expected rows of {name or 'the table'}"
    expected = rows_of(rows, what)
    table = getattr(of, "table", None)
    found = table(name) if table is not None else rows_of(of, name or "the rows")
    difference = compare(expected, found, ordered=ordered, columns=columns)
    if difference:
        title = f"{name or 'the table'} is not as expected: {difference.summary()}"
        said = [] if difference.columns or difference.order else difference.lines()
        trouble = of.trouble() if isinstance(of, CanFail) else ""
        said += [f"the run did not succeed: {trouble}"] if trouble else []
        raise AssertionError("\n  ".join([title, *said]))


def compare(
    expected: Rows, found: Rows, *, ordered: bool = False, columns: Sequence[str] | None = None
) -> Difference:
    """Compare rows; those that are left over on both sides are paired by what they share.

    Example:
        >>> compare([{"a": 1, "b": 2}], [{"a": 1, "b": 3}]).lines()
        ['differs: a=1', '  b: expected 2, found 3']
    """
    wanted = list(columns or (expected[0] if expected else ()))
    if not wanted:
        return Difference(extra=found)
    for name, rows in [(n, rows) for rows in (found, expected) if rows for n in wanted]:
        if name.casefold() not in {key.casefold() for key in rows[0]}:
            return Difference(columns=_no_column(name, rows is found, rows[0]))
    left = [_only(row, wanted) for row in expected]
    right = [_only(row, wanted) for row in found]
    if ordered:
        return _in_order(left, right)
    missing = _without_equals(left, right)
    return _paired(missing, right)


def _only(row: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    folded = {key.casefold(): value for key, value in row.items()}
    return {name: row[name] if name in row else folded[name.casefold()] for name in wanted}


def _no_column(name: str, in_table: bool, row: Mapping[str, Any]) -> str:
    whose = "the table has" if in_table else "the expected rows have"
    return f"{whose} no column {name!r}; {nearest(name, row, 'it has ')}"


def _without_equals(left: Rows, right: Rows) -> Rows:
    """What is left of ``left`` when each row has found its equal, which is taken from ``right``."""
    by_text: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(right):
        by_text.setdefault(_text_of(row), []).append(place)
    taken: set[int] = set()
    rest = []
    for row in left:  # equal texts first: most rows are equal, and there may be many
        places = by_text.get(_text_of(row))
        if places:
            taken.add(places.pop(0))
        else:
            rest.append(row)
    free = [place for place in range(len(right)) if place not in taken]
    missing = []
    for row in rest:
        match = next((place for place in free if _equal(row, right[place])), None)
        if match is None:
            missing.append(row)
        else:
            free.remove(match)
    right[:] = [right[place] for place in free]
    return missing


def _paired(missing: Rows, extra: Rows) -> Difference:
    """Pair what is missing with what is there instead, the most alike first."""
    free, alone, pairs = list(extra), [], []
    for row in missing:
        scored = [(len(_differing(row, other)), place) for place, other in enumerate(free)]
        least, place = min(scored, default=(len(row), 0))
        if least < len(row):
            other = free.pop(place)
            pairs.append((row, other, _differing(row, other)))
        else:
            alone.append(row)
    return Difference(pairs, alone, free)


def _in_order(left: Rows, right: Rows) -> Difference:
    both = list(zip(left, right, strict=False))
    pairs = [(a, b, _differing(a, b)) for a, b in both if not _equal(a, b)]
    short = len(both)
    found = Difference(pairs, left[short:], right[short:])
    if pairs and not found.missing and not found.extra:
        rest = list(right)
        if not _without_equals(left, rest) and not rest:
            return Difference(order=True)
    return found


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    return [name for name in left if not same(left[name], right[name])]


def _equal(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return all(same(left[name], right[name]) for name in left)


def same(expected: Any, found: Any) -> bool:
    """Whether a value is the expected one; an expected text is read as what was found.

    Example:
        >>> same(2, Decimal("2.00")), same("2026-03-01", date(2026, 3, 1)), same(None, 0)
        (True, True, False)
    """
    if expected is None or found is None:
        return expected is found
    if isinstance(expected, str) and not isinstance(found, str):
        return _reads_as(expected, found)
    if _is_number(expected) and _is_number(found):
        return _same_number(expected, found)
    if isinstance(expected, date) and isinstance(found, date):
        return _same_instant(expected, found)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and _equal(expected, found)
    if isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(found, str):
        return str(expected) == found
    return bool(expected == found)


def _reads_as(text: str, found: Any) -> bool:
    try:
        if isinstance(found, bool):
            return text.strip().lower() == str(found).lower()
        if _is_number(found):
            return _same_number(Decimal(text.strip()), found)
        if isinstance(found, (date, time)):
            kind = datetime if isinstance(found, date) else time
            return same(kind.fromisoformat(text.strip()), found)
    except (ValueError, ArithmeticError):
        return False
    return text == str(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _same_number(left: Any, right: Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        one, other = float(left), float(right)
        return math.isclose(one, other, rel_tol=_CLOSE) or (math.isnan(one) and math.isnan(other))
    return bool(left == right)


def _same_instant(left: date, right: date) -> bool:
    """A date counts as the midnight it begins with; a time without a zone is in UTC beside one."""
    moments = [
        value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        for value in (left, right)
    ]
    if any(moment.tzinfo is not None for moment in moments):
        moments = [m if m.tzinfo is not None else m.replace(tzinfo=UTC) for m in moments]
    return moments[0] == moments[1]


def _text_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{type(value).__name__}:{value!r}" for value in row.values())


def _row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in row.items())


def _value(value: Any) -> str:
    """A value as people write it.

    Example:
        >>> _value(Decimal("2.50")), _value(date(2026, 3, 1)), _value(None), _value("a")
        ('2.50', '2026-03-01', 'NULL', "'a'")
    """
    if value is None:
        return "NULL"
    plain = isinstance(value, (Decimal, date, time, Path))
    text = str(value) if plain else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _listed(word: str, rows: Sequence[Any]) -> list[str]:
    return [f"{word}: {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
