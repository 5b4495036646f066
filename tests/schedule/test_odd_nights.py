"""Nights on which clocks change: local and UTC hours, before and after a round trip through JSON and pickle."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.schedule import Clock, CronClock, DatesClock, IntervalClock, RRuleClock, Schedule
from orchestrator.schedule import clock_from_dict as again

NY, NIGHTLY = "America/New_York", datetime(2026, 3, 1, 2, 30)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(clock: Clock | Schedule, after: str, number: int) -> tuple[list[str], list[str]]:
    """Local times with their offset, and UTC times."""
    found = list(islice(clock.occurrences(utc(after)), number))
    local = [f"{one.local:%d %H:%M%z}"[:-2] for one in found]
    return local, [f"{one.instant:%d %H:%M}" for one in found]


def cron(text: str, zone: str = NY, **more: Any) -> Clock:
    return CronClock(text, timezone=zone, **more)


#: (clock, after in UTC, local times, UTC times). New York: a gap on 2026-03-08 at 07:00 UTC, 02:00
#: to 03:00; an overlap on 2026-11-01 at 06:00 UTC, 02:00 to 01:00.
NIGHTS: list[tuple[Clock, str, list[str], list[str]]] = [
    # fixed jobs in the gap
    (cron("30 2 * * *"), "2026-03-07", ["07 02:30-05", "08 03:00-04", "09 02:30-04"], ["07 07:30", "08 07:00", "09 06:30"]),
    (cron("30 2 * * *", gap="shift"), "2026-03-07", ["07 02:30-05", "08 03:30-04", "09 02:30-04"], ["07 07:30", "08 07:30", "09 06:30"]),
    (cron("30 2 * * *", gap="skip"), "2026-03-07", ["07 02:30-05", "09 02:30-04"], ["07 07:30", "09 06:30"]),
    (cron("0 2 * * *"), "2026-03-08", ["08 03:00-04", "09 02:00-04"], ["08 07:00", "09 06:00"]),
    (cron("0 3 * * *"), "2026-03-08", ["08 03:00-04", "09 03:00-04"], ["08 07:00", "09 07:00"]),
    (cron("0,30 2,3 * * *"), "2026-03-08", ["08 03:00-04", "08 03:30-04", "09 02:00-04"], ["08 07:00", "08 07:30", "09 06:00"]),
    (cron("10,40 2,3 * * *", gap="shift"), "2026-03-08", ["08 03:10-04", "08 03:40-04", "09 02:10-04"], ["08 07:10", "08 07:40", "09 06:10"]),
    # ... from within, and from its very instants
    (cron("30 2 * * *"), "2026-03-08 06:59:59", ["08 03:00-04"], ["08 07:00"]),
    (cron("30 2 * * *"), "2026-03-08 07:00", ["09 02:30-04"], ["09 06:30"]),
    (cron("30 2 * * *", gap="shift"), "2026-03-08 07:29:59", ["08 03:30-04"], ["08 07:30"]),
    # fixed jobs in the overlap
    (cron("30 1 * * *"), "2026-10-31 12:00", ["01 01:30-04", "02 01:30-05"], ["01 05:30", "02 06:30"]),
    (cron("30 1 * * *", overlap="second"), "2026-10-31 12:00", ["01 01:30-05", "02 01:30-05"], ["01 06:30", "02 06:30"]),
    (cron("30 1 * * *", overlap="both"), "2026-10-31 12:00", ["01 01:30-04", "01 01:30-05", "02 01:30-05"], ["01 05:30", "01 06:30", "02 06:30"]),
    (cron("0 1 * * *"), "2026-10-31 12:00", ["01 01:00-04", "02 01:00-05"], ["01 05:00", "02 06:00"]),
    (cron("0 2 * * *"), "2026-10-31 12:00", ["01 02:00-05", "02 02:00-05"], ["01 07:00", "02 07:00"]),
    # ... restarted between the first and the second 01:30
    (cron("30 1 * * *"), "2026-11-01 05:30", ["02 01:30-05"], ["02 06:30"]),
    (cron("30 1 * * *"), "2026-11-01 06:00", ["02 01:30-05"], ["02 06:30"]),
    (cron("30 1 * * *", overlap="second"), "2026-11-01 05:45", ["01 01:30-05"], ["01 06:30"]),
    # days of the month and of the week
    (cron("30 2 * * 0"), "2026-03-02", ["08 03:00-04", "15 02:30-04"], ["08 07:00", "15 06:30"]),
    (cron("30 2 1-7 * 0"), "2026-03-06", ["06 02:30-05", "07 02:30-05", "08 03:00-04"], ["06 07:30", "07 07:30", "08 07:00"]),
    # wildcard jobs
    (cron("0 * * * *"), "2026-03-08 05:30", ["08 01:00-05", "08 03:00-04"], ["08 06:00", "08 07:00"]),
    (cron("0 * * * *"), "2026-11-01 04:30", ["01 01:00-04", "01 01:00-05", "01 02:00-05"], ["01 05:00", "01 06:00", "01 07:00"]),
    (cron("*/30 * * * *"), "2026-11-01 05:15", ["01 01:30-04", "01 01:00-05", "01 01:30-05"], ["01 05:30", "01 06:00", "01 06:30"]),
    (cron("0 */2 * * *", rule="fixed"), "2026-03-08 06:00", ["08 03:00-04", "08 04:00-04"], ["08 07:00", "08 08:00"]),
    (cron("0 */6 * * *", "America/Santiago", rule="wildcard"), "2026-09-05 23:00", ["06 06:00-03"], ["06 09:00"]),
    (cron("0 0,6,12,18 * * *", "America/Santiago"), "2026-09-05 23:00", ["06 01:00-03", "06 06:00-03"], ["06 04:00", "06 09:00"]),
    (cron("*/15 2 * * *", rule="wildcard"), "2026-03-07 08:00", ["09 02:00-04"], ["09 06:00"]),
    # half hours, negative daylight saving, midnights, two hours, other dates
    (cron("15 2 * * *", "Australia/Lord_Howe"), "2026-10-03 12:00", ["04 02:30+11", "05 02:15+11"], ["03 15:30", "04 15:15"]),
    (cron("30 * * * *", "Australia/Lord_Howe"), "2026-10-03 14:45", ["04 01:30+10", "04 02:30+11", "04 03:30+11"], ["03 15:00", "03 15:30", "03 16:30"]),
    (cron("30 * * * *", "Australia/Lord_Howe"), "2026-04-04 14:00", ["05 01:30+11", "05 01:30+10", "05 02:30+10"], ["04 14:30", "04 15:00", "04 16:00"]),
    (cron("*/15 2 * * *", "Pacific/Chatham", rule="wildcard"), "2026-09-26 12:00", ["27 02:00+12", "27 02:15+12", "27 02:30+12"], ["26 13:15", "26 13:30", "26 13:45"]),
    (cron("30 1 * * *", "Europe/Dublin"), "2026-03-28 12:00", ["29 02:00+01", "30 01:30+01"], ["29 01:00", "30 00:30"]),
    (cron("30 2 * * *", "Africa/Casablanca"), "2026-03-21 12:00", ["22 03:00+01", "23 02:30+01"], ["22 02:00", "23 01:30"]),
    (cron("30 2 * * *", "Africa/Casablanca"), "2026-02-14 12:00", ["15 02:30+01", "16 02:30+00"], ["15 01:30", "16 02:30"]),
    (cron("30 2 * * *", "Antarctica/Troll"), "2026-03-28 12:00", ["29 03:00+02", "30 02:30+02"], ["29 01:00", "30 00:30"]),
    (cron("0 0 * * *", "America/Santiago"), "2026-09-05 12:00", ["06 01:00-03", "07 00:00-03"], ["06 04:00", "07 03:00"]),
    (cron("0 0 * * *", "Asia/Beirut"), "2026-03-28 12:00", ["29 01:00+03", "30 00:00+03"], ["28 22:00", "29 21:00"]),
    (cron("0 0 * * *", "Atlantic/Azores"), "2026-10-24 12:00", ["25 00:00+00", "26 00:00-01"], ["25 00:00", "26 01:00"]),
    (cron("30 23 * * *", "America/Nuuk"), "2026-03-28 12:00", ["29 00:00-01", "29 23:30-01"], ["29 01:00", "30 00:30"]),
    (cron("30 23 * * *", "America/Nuuk"), "2026-10-24 12:00", ["24 23:30-01", "25 23:30-02"], ["25 00:30", "26 01:30"]),
    (cron("0 2 * * *", "Pacific/Apia"), "2011-12-29", ["29 02:00-10", "31 02:00+14"], ["29 12:00", "30 12:00"]),
    (cron("0 0 * * *", "Pacific/Kwajalein"), "1993-08-20", ["20 00:00-12", "22 00:00+12"], ["20 12:00", "21 12:00"]),
    (cron("30 0 * * *", "Asia/Tehran"), "2022-03-21 12:00", ["22 01:00+04", "23 00:30+04"], ["21 20:30", "22 20:00"]),
    (cron("30 0 * * *", "Asia/Tehran"), "2023-03-20 21:30", ["22 00:30+03", "23 00:30+03"], ["21 21:00", "22 21:00"]),
    # intervals: days by the wall, hours as they elapse
    (IntervalClock("P1D", NIGHTLY, timezone=NY), "2026-03-07", ["07 02:30-05", "08 03:00-04", "09 02:30-04", "10 02:30-04"], ["07 07:30", "08 07:00", "09 06:30", "10 06:30"]),
    (IntervalClock("P1D", NIGHTLY, timezone=NY, gap="shift"), "2026-03-08", ["08 03:30-04", "09 02:30-04"], ["08 07:30", "09 06:30"]),
    (IntervalClock("P1W", NIGHTLY, timezone=NY), "2026-03-02", ["08 03:00-04", "15 02:30-04"], ["08 07:00", "15 06:30"]),
    (IntervalClock("PT24H", NIGHTLY, timezone=NY), "2026-03-07", ["07 02:30-05", "08 03:30-04", "09 03:30-04"], ["07 07:30", "08 07:30", "09 07:30"]),
    (IntervalClock("PT1H", NIGHTLY, timezone=NY), "2026-03-08 06:00", ["08 01:30-05", "08 03:30-04", "08 04:30-04"], ["08 06:30", "08 07:30", "08 08:30"]),
    (IntervalClock("PT1H", NIGHTLY, timezone=NY), "2026-11-01 05:00", ["01 01:30-04", "01 01:30-05", "01 02:30-05"], ["01 05:30", "01 06:30", "01 07:30"]),
    (IntervalClock("PT6H", datetime(2026, 3, 7), timezone=NY), "2026-03-08", ["08 00:00-05", "08 07:00-04", "08 13:00-04"], ["08 05:00", "08 11:00", "08 17:00"]),
    (IntervalClock("P1D", datetime(2026, 10, 30, 1, 30), timezone=NY, overlap="both"), "2026-11-01", ["01 01:30-04", "01 01:30-05", "02 01:30-05"], ["01 05:30", "01 06:30", "02 06:30"]),
    # dates and recurrence rules
    (DatesClock([datetime(2026, 3, 8, 2, 30), datetime(2026, 11, 1, 1, 30)], timezone=NY), "2026-01-01", ["08 03:00-04", "01 01:30-04"], ["08 07:00", "01 05:30"]),
    (RRuleClock("FREQ=DAILY", NIGHTLY, timezone=NY), "2026-03-07", ["07 02:30-05", "08 03:00-04", "09 02:30-04"], ["07 07:30", "08 07:00", "09 06:30"]),
    (RRuleClock("FREQ=HOURLY", NIGHTLY, timezone=NY), "2026-03-08 06:00", ["08 01:30-05", "08 03:30-04"], ["08 06:30", "08 07:30"]),
    (RRuleClock("FREQ=HOURLY", NIGHTLY, timezone=NY), "2026-11-01 05:00", ["01 01:30-04", "01 01:30-05"], ["01 05:30", "01 06:30"]),
]  # fmt: skip


def name_of(value: object) -> str:
    return f"{value}" if isinstance(value, Clock | str) else ""


@pytest.mark.parametrize(("clock", "after", "local", "instant"), NIGHTS, ids=name_of)
def test_local_and_utc_hours(
    clock: Clock, after: str, local: list[str], instant: list[str]
) -> None:
    kept = again(json.loads(json.dumps(clock.to_dict())))
    sent = pickle.loads(pickle.dumps(clock))
    for one in (clock, kept, sent, Schedule([clock])):
        assert due(one, after, len(local)) == (local, instant)
    assert kept == clock == sent
    assert hash(kept) == hash(sent)


@pytest.mark.parametrize(("clock", "after", "local", "instant"), NIGHTS, ids=name_of)
def test_backwards_is_forwards_turned_round(
    clock: Clock, after: str, local: list[str], instant: list[str]
) -> None:
    found = list(islice(clock.occurrences(utc(after)), len(local)))
    end = found[-1].instant + timedelta(seconds=1)
    for one in (clock, Schedule([clock])):
        assert list(islice(one.before(end), len(found)))[::-1] == found


def test_an_occurrence_keeps_its_pass_through_json_and_pickle() -> None:
    both = CronClock("30 1 * * *", timezone=NY, overlap="both", parameters={"a": 1}, labels=["x"])
    first, second = islice(both.occurrences(utc("2026-11-01")), 2)
    assert (first.repeat, second.repeat) == (0, 1)
    assert first.nominal == second.nominal == datetime(2026, 11, 1, 1, 30)
    for one in (first, second):
        stored = type(one).from_dict(json.loads(json.dumps(one.to_dict())))
        assert stored == one == pickle.loads(pickle.dumps(one))
        assert (stored.instant, stored.key) == (one.instant, one.key)
    assert first.key != second.key


def test_a_night_of_a_gap_keeps_the_local_date_it_stands_for() -> None:
    (one,) = islice(cron("30 23 * * *", "America/Nuuk").occurrences(utc("2026-03-28 12:00")), 1)
    assert one.nominal == datetime(2026, 3, 28, 23, 30)
    assert one.local.isoformat() == "2026-03-29T00:00:00-01:00"
    assert one.key == "America/Nuuk 2026-03-28T23:30:00 0"


def test_data_intervals_are_as_long_as_the_days_are() -> None:
    clock = cron("0 0 * * *")
    lengths = {}
    for after in ("2026-03-07", "2026-10-31"):
        for one in islice(clock.occurrences(utc(after)), 3):
            assert one.interval_start is not None
            length = one.interval_end - one.interval_start
            lengths[f"{one.nominal:%m-%d}"] = length // timedelta(hours=1)
    assert lengths == {
        "03-07": 24, "03-08": 24, "03-09": 23, "10-31": 24, "11-01": 24, "11-02": 25,
    }  # fmt: skip


def test_after_may_be_local_to_any_zone_and_have_fractions() -> None:
    second_pass = datetime.fromisoformat("2026-11-01T01:15:00.250000-05:00")
    quarter = cron("*/15 * * * *")
    assert next(quarter.occurrences(second_pass)).instant == utc("2026-11-01 06:30")
    almost = utc("2026-11-01 06:30") - timedelta(microseconds=1)
    assert next(quarter.occurrences(almost)).instant == utc("2026-11-01 06:30")


def test_without_an_instant_it_is_after_now() -> None:
    with instants.fixed(utc("2026-11-01 05:30")):
        assert next(cron("30 1 * * *").occurrences()).instant == utc("2026-11-02 06:30")


def test_a_start_in_the_second_pass_stands() -> None:
    start = datetime.fromisoformat("2026-11-01T01:30:00-05:00")
    clock = IntervalClock("P1D", start, timezone=NY)
    local, instant = due(clock, "2026-10-31", 2)
    assert (local, instant) == (["01 01:30-05", "02 01:30-05"], ["01 06:30", "02 06:30"])


def test_what_falls_into_one_gap_stands_for_the_first_of_it_or_for_what_is_real() -> None:
    """Of 02:00 and 02:30 the run at 03:00 stands for 02:00; but if 03:00 is due itself, for that."""
    for text, nominal in (("0,30 2 * * *", "02:00"), ("0,30 2,3 * * *", "03:00")):
        one = next(cron(text).occurrences(utc("2026-03-08")))
        assert (f"{one.instant:%H:%M}", f"{one.nominal:%H:%M}") == ("07:00", nominal)
