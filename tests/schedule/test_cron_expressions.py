"""Cron expressions: what they name, and what is said of those that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from orchestrator.errors import FlowError
from orchestrator.schedule import CronClock
from orchestrator.schedule.cron import ALIASES, parse_cron


def days(expression: str, number: int, **more: bool) -> list[str]:
    """The first days of 2026 at which an expression is true, in UTC."""
    clock = CronClock(expression, timezone="UTC", **more)
    due = clock.occurrences(datetime(2025, 12, 31, 23, 59, tzinfo=UTC))
    return [f"{one.instant:%m-%d}" for one in islice(due, number)]


@pytest.mark.parametrize(
    ("minute", "hour", "times"),
    [
        ("*/20", "3", ["03:00", "03:20", "03:40"]),
        ("5,1,3-4", "0", ["00:01", "00:03", "00:04", "00:05"]),
        ("50/5", "0", ["00:50", "00:55"]),
        ("10-30/10", "23", ["23:10", "23:20", "23:30"]),
        ("0", "*/9", ["00:00", "09:00", "18:00"]),
    ],
)
def test_times_of_the_day(minute: str, hour: str, times: list[str]) -> None:
    seconds = parse_cron(f"{minute} {hour} * * *").seconds
    assert [f"{s // 3600:02}:{s % 3600 // 60:02}" for s in seconds] == times


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # 2026-01-01 is a Thursday.
        ("* * mon-fri", ["01-01", "01-02", "01-05", "01-06"]),
        ("* * 1-5", ["01-01", "01-02", "01-05", "01-06"]),
        ("* * fri-sun", ["01-02", "01-03", "01-04", "01-09"]),
        ("* * 7", ["01-04", "01-11", "01-18", "01-25"]),
        ("* * 0", ["01-04", "01-11", "01-18", "01-25"]),
        ("* * SUN", ["01-04", "01-11", "01-18", "01-25"]),
        ("13 * 5", ["01-02", "01-09", "01-13", "01-16"]),  # the 13th or a Friday
        ("*/10 * 5", ["05-01", "07-31", "08-21", "09-11"]),  # a star: both
        ("? * 1", ["01-05", "01-12", "01-19", "01-26"]),
        ("L * *", ["01-31", "02-28", "03-31", "04-30"]),
        ("LW * *", ["01-30", "02-27", "03-31", "04-30"]),
        ("* * 5L", ["01-30", "02-27", "03-27", "04-24"]),
        ("* * mon#2", ["01-12", "02-09", "03-09", "04-13"]),
        ("* * 1#5", ["03-30", "06-29", "08-31", "11-30"]),
        ("31 * *", ["01-31", "03-31", "05-31", "07-31"]),
        ("1 jan,jul *", ["01-01", "07-01", "01-01", "07-01"]),
        ("29 2 *", ["02-29", "02-29", "02-29", "02-29"]),
    ],
)
def test_days(fields: str, expected: list[str]) -> None:
    assert days(f"0 0 {fields}", 4) == expected


def test_both_day_fields_can_be_asked_for() -> None:
    assert days("0 0 1-7 * 2", 3, day_or=False) == ["01-06", "02-03", "03-03"]
    assert days("0 0 1-7 * 2", 3) == ["01-01", "01-02", "01-03"]


def test_a_leap_day_that_is_a_monday_is_found_far_ahead() -> None:
    clock = CronClock("0 0 29 2 1", day_or=False)
    due = clock.occurrences(datetime(2025, 1, 1, tzinfo=UTC))
    assert [one.instant.year for one in islice(due, 4)] == [2044, 2072, 2112, 2140]


def test_aliases() -> None:
    for alias, text in ALIASES.items():
        assert days(alias, 3) == days(text, 3)
    assert parse_cron("@Daily").fixed
    assert not parse_cron("@hourly").fixed


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("60 2 * * *", "the minute '60' is not 0 to 59", "field 1: minute"),
        ("30 24 * * *", "the hour '24' is not 0 to 23", "field 2: hour"),
        ("0 0 0 * *", "the day of the month '0' is not 1 to 31", "field 3: day of the month"),
        ("0 0 1 13 *", "the month '13' is not 1 to 12, or JAN to DEC", "field 4: month"),
        ("0 0 * * 8", "the day of the week '8' is not 0 to 7", "field 5: day of the week"),
        ("0 0 * * mo", "the day of the week 'mo'", "field 5"),
        ("0 22-2 * * *", "the range '22-2' runs backwards", "field 2: hour"),
        ("*/0 * * * *", "the step of '*/0'", "field 1"),
        ("*/60 * * * *", "the step of '*/60' is not 1 to 59", "field 1"),
        ("0 0 * * 1#6", "'1#6' names week 6", "field 5"),
        ("5- * * * *", "'5-' cannot be read", "field 1"),
        ("*-5 * * * *", "'*-5' cannot be read", "field 1"),
        ("1,,2 * * * *", "'' cannot be read", "field 1"),
        ("² * * * *", "cannot be read", "field 1"),
        ("0 0 30 2 *", "is never true", "fields 3 and 4"),
        ("0 0 31 4,6 *", "is never true", "fields 3 and 4"),
    ],
)
def test_errors_name_the_field(text: str, what: str, where: str) -> None:
    with pytest.raises(FlowError) as raised:
        CronClock(text)
    assert what in raised.value.what
    assert where in (raised.value.where or "")
    assert raised.value.fix


@pytest.mark.parametrize("text", ["", "*", "hello world", "0 0 * *", "@reboot", 1, None])
def test_what_is_no_expression(text: object) -> None:
    with pytest.raises(FlowError) as raised:
        CronClock(text)  # type: ignore[arg-type]
    assert raised.value.fix


def test_seconds_and_years_have_no_field() -> None:
    with pytest.raises(FlowError, match="has 6 fields, not five; seconds and years have no field"):
        CronClock("0 30 2 * * *")


def test_a_range_that_runs_backwards_is_mended() -> None:
    with pytest.raises(FlowError) as raised:
        CronClock("0 22-2 * * *")
    assert raised.value.fix == "write two: 22-23,0-2"
    assert len(parse_cron("0 22-23,0-2 * * *").seconds) == 5
