"""Clocks of dates and of recurrence rules; what all clocks refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from dateutil.rrule import DAILY, MONTHLY, rrule
from dateutil.tz import gettz

from orchestrator.errors import FlowError
from orchestrator.schedule import CronClock, DatesClock, RRuleClock, RRuleSchedule, clock_from_dict

START = datetime(2026, 1, 1, tzinfo=UTC)


def local(clock: Any, number: int = 9, after: datetime = START) -> list[str]:
    return [f"{one.local:%m-%d %H:%M}" for one in islice(clock.occurrences(after), number)]


def test_dates_are_sorted_and_each_comes_once() -> None:
    dates = [
        datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 3, 1), datetime(2026, 5, 1), START,
    ]  # fmt: skip
    clock = DatesClock(dates)
    assert local(clock) == ["03-01 00:00", "05-01 00:00"]
    assert clock_from_dict(clock.to_dict()) == clock
    first, second = clock.occurrences(START)
    assert first.interval_start == START
    assert second.interval_start == first.instant
    assert next(iter(clock.before(first.instant))).interval_start is None


@pytest.mark.parametrize("dates", [[], ["2026-01-01"], [None]])
def test_what_is_no_date(dates: Any) -> None:
    with pytest.raises(FlowError):
        DatesClock(dates)


def test_a_date_that_never_was() -> None:
    assert local(DatesClock([datetime(2011, 12, 30, 9)], timezone="Pacific/Apia")) == []
    with pytest.raises(FlowError, match="on a date that Pacific/Apia never had"):
        CronClock("@daily", datetime(2011, 12, 30, 9), timezone="Pacific/Apia")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=MONTHLY;BYDAY=-1FR", ["01-30 09:00", "02-27 09:00", "03-27 09:00"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=2", ["01-05 09:00", "01-07 09:00"]),
        ("DTSTART:20260105T060000\nRRULE:FREQ=DAILY;COUNT=1", ["01-05 06:00"]),
        ("DTSTART;TZID=Europe/Paris:20260105T060000\nRRULE:FREQ=DAILY;COUNT=1", ["01-05 06:00"]),
        ("DTSTART:20260105T050000Z\nRRULE:FREQ=DAILY;COUNT=1", ["01-05 06:00"]),
        ("FREQ=DAILY;UNTIL=20260103T080000Z", ["01-02 09:00", "01-03 09:00"]),
        ("FREQ=DAILY;UNTIL=20260103T075959Z", ["01-02 09:00"]),
        (
            "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260103T090000\nRDATE:20260110T120000",
            ["01-02 09:00", "01-04 09:00", "01-10 12:00"],
        ),
    ],
)
def test_rules(text: str, expected: list[str]) -> None:
    clock = RRuleClock(text, datetime(2026, 1, 1, 9), timezone="Europe/Paris")
    after = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for one in (clock, clock_from_dict(clock.to_dict())):
        assert local(one, 3, after) == expected


def test_a_rule_as_dateutil_makes_it() -> None:
    naive = rrule(MONTHLY, dtstart=datetime(2026, 1, 1, 9), bymonthday=-1)
    assert local(RRuleSchedule(naive, timezone="Europe/Paris"), 2) == ["01-31 09:00", "02-28 09:00"]
    zone = gettz("UTC")
    aware = rrule(DAILY, dtstart=datetime(2026, 1, 1, 9, tzinfo=zone))
    assert RRuleClock(aware).timezone == "UTC"


def test_a_rule_without_a_start_is_the_same_whenever_it_is_read() -> None:
    clock = RRuleClock("FREQ=DAILY;INTERVAL=3")
    assert local(clock, 2) == local(clock_from_dict(clock.to_dict()), 2) == [
        "01-03 00:00", "01-06 00:00",
    ]  # fmt: skip


@pytest.mark.parametrize("rule", ["", "FREQ=OFTEN", "hello", "FREQ=DAILY;BYDAY=XX", 5, None])
def test_what_is_no_rule(rule: Any) -> None:
    with pytest.raises(FlowError) as raised:
        RRuleClock(rule)
    assert raised.value.fix


# -- what all clocks refuse ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"timezone": "America/NewYork"}, "there is no time zone 'America/NewYork'"),
        ({"timezone": "../../etc/passwd"}, "there is no time zone"),
        ({"timezone": "america/new_york"}, "there is no time zone"),
        ({"gap": "later"}, "gap='later' is none of 'end', 'shift', 'skip'"),
        ({"overlap": True}, "overlap=True is none of 'first', 'second', 'both'"),
        ({"rule": "vixie"}, "rule='vixie' is none of"),
        ({"start_date": "2026-01-01"}, "'2026-01-01' is no datetime"),
        ({"start_date": START, "end_date": datetime(2025, 1, 1)}, "before it begins"),
    ],
)
def test_what_clocks_refuse(more: dict[str, Any], what: str) -> None:
    with pytest.raises(FlowError) as raised:
        CronClock("@daily", **more)
    assert what in raised.value.what
    assert raised.value.fix


def test_a_zone_in_the_wrong_case_is_offered() -> None:
    with pytest.raises(FlowError) as raised:
        CronClock("@daily", timezone="america/new york")
    assert "'America/New_York'" in (raised.value.fix or "")


@pytest.mark.parametrize("after", [datetime(2026, 1, 1), "2026-01-01", 5])
def test_after_must_be_an_instant(after: Any) -> None:
    with pytest.raises(FlowError, match=r"no time zone|is no instant"):
        next(CronClock("@daily").occurrences(after))


def test_no_such_clock() -> None:
    with pytest.raises(FlowError, match="there is no clock of kind 'sun'"):
        clock_from_dict({"clock": "sun"})


def test_prefects_words_are_understood() -> None:
    clock = CronClock(cron="0 9 * * *", parameter_defaults={"x": 1}, labels=["etl"])
    one = next(clock.occurrences(START))
    assert (one.parameters, one.labels) == ({"x": 1}, ("etl",))
    assert str(clock) == "cron 0 9 * * * UTC"
