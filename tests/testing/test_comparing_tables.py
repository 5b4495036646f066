"""Tables are compared as people would: by value, without order, with the difference in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UsageError
from orchestrator.testing import assert_table
from orchestrator.testing.comparing import compare, same

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("expected", "found", "alike"),
    [
        (1, 1.0, True),
        (2.5, Decimal("2.50"), True),
        (0.1 + 0.2, 0.3, True),
        (1, 2, False),
        (float("nan"), float("nan"), True),
        (True, 1, True),
        ("true", True, True),
        ("2026-03-01", DAY, True),
        ("2026-03-02", DAY, False),
        ("tomorrow", DAY, False),
        (DAY, datetime(2026, 3, 1), True),
        (datetime(2026, 3, 1, 6), datetime(2026, 3, 1, 6, tzinfo=UTC), True),
        ("2.50", Decimal("2.5"), True),
        ("two", Decimal("2.5"), False),
        (None, None, True),
        (None, 0, False),
        ("", None, False),
        (5, "5", True),
        ([1, {"a": 2}], [1, {"a": Decimal(2)}], True),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_values_are_compared_by_what_they_say(expected: Any, found: Any, alike: bool) -> None:
    assert same(expected, found) is alike


def test_order_does_not_count_but_repetition_does() -> None:
    rows = [{"a": 1}, {"a": 1}, {"a": 2}]
    assert not compare(rows, [{"a": 2}, {"a": 1}, {"a": 1}])
    assert compare(rows, [{"a": 2}, {"a": 1}]).missing == [{"a": 1}]
    assert compare(rows[:2], rows).extra == [{"a": 2}]


def test_order_counts_where_it_is_asked_for() -> None:
    rows = [{"a": 1}, {"a": 2}]
    assert_table(rows, "t", rows, ordered=True)
    with pytest.raises(AssertionError, match="the rows are the same, but in another order"):
        assert_table(rows[::-1], "t", rows, ordered=True)
    with pytest.raises(AssertionError, match="a: expected 2, found 3"):
        assert_table([{"a": 1}, {"a": 3}], "t", rows, ordered=True)


def test_the_difference_names_rows_and_columns() -> None:
    found = [
        {"day": DAY, "orders": 2, "note": None},
        {"day": date(2026, 3, 3), "orders": 9, "note": "new"},
    ]
    expected = [
        {"day": "2026-03-01", "orders": 3, "note": None},
        {"day": "2026-03-02", "orders": 1, "note": "x"},
    ]
    with pytest.raises(AssertionError) as raised:
        assert_table(found, "marts.daily", expected)
    assert str(raised.value).splitlines() == [
        "marts.daily is not as expected: 1 row differs, 1 row missing, 1 row extra",
        "  differs: day='2026-03-01', note=NULL",
        "    orders: expected 3, found 2",
        "  missing: day='2026-03-02', orders=1, note='x'",
        "  extra: day=2026-03-03, orders=9, note='new'",
    ]


def test_only_expected_columns_count() -> None:
    found = [{"day": DAY, "Orders": 2}]
    assert_table(found, "t", [{"orders": 2}])
    assert_table(found, "t", [{"orders": 5, "day": DAY}], columns=["day"])
    with pytest.raises(AssertionError, match="the table has no column 'order'; did you mean 'Ord"):
        assert_table(found, "t", [{"order": 2}])


def test_no_rows_are_expected_of_an_empty_table() -> None:
    assert_table([], "t", [])
    with pytest.raises(AssertionError, match="1 row extra"):
        assert_table([{"a": 1}], "t", [])
    with pytest.raises(AssertionError, match="1 row missing"):
        assert_table([], "t", [{"a": 1}])


def test_many_differences_are_cut_short() -> None:
    with pytest.raises(AssertionError, match="missing: 15 more"):
        assert_table([], "t", [{"a": number} for number in range(25)])


def test_a_large_table_is_compared_in_no_time() -> None:
    rows = [{"id": number, "name": f"n{number}"} for number in range(20_000)]
    changed = [*rows[:-1], {"id": 19_999, "name": "other"}]
    found = compare(rows, changed[::-1])
    assert [pair[2] for pair in found.differing] == [["name"]]


def test_expected_rows_may_be_a_file_or_a_query(tmp_path: Path, in_tmp: Path) -> None:
    (tmp_path / "daily.csv").write_text("day,orders\n2026-03-01,2\n")
    assert_table([{"day": DAY, "orders": 2}], "t", "daily.csv")
    assert_table([{"day": DAY, "orders": 2}], "t", "select date '2026-03-01' as day, 2 as orders")
    with pytest.raises(UsageError, match=r"no file 'dayly.csv'"):
        assert_table([], "t", "dayly.csv")
