"""Interval clocks: what lengths mean, what is refused, and how steps are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

from orchestrator.errors import FlowError
from orchestrator.schedule import IntervalClock, IntervalSchedule
from orchestrator.schedule.length import Length, length_of

JANUARY = datetime(2026, 1, 31, 9)


def local(clock: IntervalClock, after: datetime, number: int) -> list[str]:
    return [f"{one.local:%m-%d %H:%M}" for one in islice(clock.occurrences(after), number)]


@pytest.mark.parametrize(
    ("given", "length"),
    [
        ("P1D", Length(days=1)),
        ("p2w", Length(days=14)),
        ("P1Y2M3D", Length(14, 3)),
        ("PT24H", Length(seconds=86_400)),
        ("PT1H30M5S", Length(seconds=5405)),
        (timedelta(days=1), Length(days=1)),
        (timedelta(hours=24), Length(days=1)),
        (timedelta(hours=6), Length(seconds=21_600)),
        (pendulum.duration(months=1, days=2), Length(1, 2)),
        (pendulum.duration(weeks=1), Length(days=7)),
        (pendulum.duration(years=1), Length(12)),
        (pendulum.duration(minutes=90), Length(seconds=5400)),
    ],
)
def test_lengths(given: Any, length: Length) -> None:
    assert length_of(given) == length
    assert length_of(str(length)) == length


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("P1DT6H", "mixes days of the calendar with hours that elapse"),
        (timedelta(days=1, hours=6), "mixes days"),
        (pendulum.duration(months=1, hours=1), "mixes days"),
        ("PT0S", "not longer than nothing"),
        (timedelta(0), "not longer than nothing"),
        (timedelta(hours=-1), "not longer than nothing"),
        (timedelta(milliseconds=1500), "not of whole seconds"),
        ("P", "no ISO 8601 duration"),
        ("PT1.5H", "no ISO 8601 duration"),
        ("1 day", "no ISO 8601 duration"),
        ("P101Y", "longer than a hundred years"),
        (timedelta.max, r"not of whole seconds|longer than"),
        (timedelta(days=10**8), "longer than a hundred years"),
        (3600, "no length of time"),
        (None, "no length of time"),
    ],
)
def test_what_is_refused(given: Any, what: str) -> None:
    with pytest.raises(FlowError, match=what) as raised:
        IntervalClock(given)
    assert raised.value.fix


def test_months_are_counted_from_the_anchor() -> None:
    clock = IntervalClock("P1M", JANUARY, timezone="Europe/Paris")
    found = local(clock, datetime(2026, 1, 1, tzinfo=UTC), 4)
    assert found == ["01-31 09:00", "02-28 09:00", "03-31 09:00", "04-30 09:00"]
    far = clock.occurrences(datetime(2126, 1, 31, 8, tzinfo=UTC))
    assert f"{next(far).local:%Y-%m-%d}" == "2126-02-28"


def test_asked_in_the_last_hour_no_day_is_left_out() -> None:
    """Anchored in summer, asked in winter, within an hour before the next run."""
    clock = IntervalClock("P1D", datetime(2018, 7, 1, 9), timezone="America/New_York")
    for minute in range(0, 60, 7):
        after = datetime(2018, 12, 1, 13, minute, tzinfo=UTC)  # 08:xx in New York
        assert local(clock, after, 1) == ["12-01 09:00"]


def test_after_an_occurrence_comes_the_next_one() -> None:
    clock = IntervalClock("P1D", datetime(2018, 1, 15, 9), timezone="America/New_York")
    assert local(clock, datetime(2018, 7, 1, 13, tzinfo=UTC), 1) == ["07-02 09:00"]


def test_hours_lose_none_and_repeat_none() -> None:
    clock = IntervalClock("PT1H", datetime(2018, 7, 1), timezone="America/New_York")
    due = [one.epoch for one in islice(clock.occurrences(datetime(2018, 11, 3, tzinfo=UTC)), 100)]
    assert {later - earlier for earlier, later in pairwise(due)} == {3600}


def test_bounds_are_included() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    clock = IntervalClock("P1D", start, end)
    assert local(clock, datetime(2000, 1, 1, tzinfo=UTC), 9) == [
        "01-01 00:00", "01-02 00:00", "01-03 00:00",
    ]  # fmt: skip
    assert list(clock.occurrences(end)) == []
    assert list(clock.before(start)) == []


def test_the_first_data_interval_is_one_step_long() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    first = next(IntervalClock("P1D", start).occurrences(start - timedelta(days=9)))
    assert (first.interval_start, first.interval_end) == (start - timedelta(days=1), start)


def test_the_zone_is_that_of_the_start() -> None:
    for zone in (ZoneInfo("Europe/Paris"), pendulum.timezone("Europe/Paris")):
        clock = IntervalClock("P1D", datetime(2026, 1, 1, 9, tzinfo=zone))
        assert clock.timezone == "Europe/Paris"
    assert IntervalClock("P1D").timezone == "UTC"
    with pytest.raises(FlowError, match="which is no time zone"):
        IntervalClock("P1D", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5))))


def test_fractions_of_a_second_are_dropped() -> None:
    start = datetime(2026, 1, 1, 0, 0, 5, 960_000, tzinfo=UTC)
    clock = IntervalClock("PT75S", start)
    due = list(islice(clock.occurrences(start - timedelta(days=1)), 2))
    assert [one.instant.isoformat()[17:] for one in due] == ["05+00:00", "20+00:00"]


def test_without_a_start_it_is_anchored_at_midnight() -> None:
    clock = IntervalClock("PT6H", timezone="Asia/Kolkata")
    assert local(clock, datetime(2026, 1, 1, tzinfo=UTC), 2) == ["01-01 06:00", "01-01 12:00"]


def test_the_schedule_takes_prefects_order() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = IntervalSchedule(start, timedelta(hours=12))
    found = schedule.next(2, after=start)
    assert found == [start + timedelta(hours=12), start + timedelta(days=1)]
    with pytest.raises(FlowError, match="no interval"):
        IntervalSchedule(start)


def test_a_mixed_interval_is_mended() -> None:
    with pytest.raises(FlowError) as raised:
        IntervalClock(timedelta(days=1, minutes=30))
    assert raised.value.fix == "write 'PT24H30M' if all of it elapses, or two clocks"


@pytest.mark.parametrize("year", [1, 1799, 9989, 9991, 9999])
def test_far_away_there_is_an_end(year: int) -> None:
    after = datetime(year, 6, 1, tzinfo=UTC)
    for clock in (IntervalClock("P100Y"), IntervalClock("PT1H"), IntervalClock("P1M")):
        found = list(islice(clock.occurrences(after), 3))
        assert all(after < one.instant for one in found)
        assert bool(found) is (year < 9990) or clock.interval == Length(1200)
        assert all(one.instant < after for one in islice(clock.before(after), 3))
