"""Schedules: several clocks, filters, adjustments, data intervals, and being stored."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest

from orchestrator.errors import FlowError
from orchestrator.schedule import (
    CronClock,
    CronSchedule,
    DatesClock,
    DatesSchedule,
    IntervalClock,
    Occurrence,
    Schedule,
    adjustments,
    as_schedule,
    filters,
)

#: A Thursday.
START = datetime(2026, 1, 1, tzinfo=UTC)
NY = "America/New_York"


def texts(found: Iterable[Occurrence], number: int = 4, form: str = "%m-%d %H:%M") -> list[str]:
    return [f"{one.local:{form}}" for one in islice(found, number)]


def days(schedule: Schedule, number: int = 4, after: datetime = START) -> list[str]:
    return texts(schedule.occurrences(after), number, "%m-%d")


# -- several clocks --------------------------------------------------------------------------------


def test_clocks_are_merged_in_order() -> None:
    schedule = Schedule([CronClock("0 6 * * *"), CronClock("0 18 * * 4", timezone="Asia/Tokyo")])
    found = texts(schedule.occurrences(START + timedelta(days=6)), 4, "%m-%d %H:%M %Z")
    assert found == ["01-07 06:00 UTC", "01-08 06:00 UTC", "01-08 18:00 JST", "01-09 06:00 UTC"]


def test_the_same_instant_is_one_run_unless_parameters_or_labels_differ() -> None:
    plain = CronClock("0 6 * * *")
    same = CronClock("0 7 * * *", timezone="Europe/Berlin")  # 06:00 UTC
    other = CronClock("0 6 * * *", parameters={"region": "eu"})
    labelled = CronClock("0 6 * * *", labels=["big"])

    assert days(Schedule([plain, same, plain]), 2) == ["01-01", "01-02"]
    found = list(islice(Schedule([plain, other, labelled, other]).occurrences(START), 6))
    assert [one.parameters for one in found[:3]] == [None, {"region": "eu"}, None]
    assert [one.labels for one in found[:3]] == [(), (), ("big",)]
    assert len({one.epoch for one in found}) == 2
    assert len({one.key for one in found}) == 6


def test_each_clock_has_bounds_of_its_own() -> None:
    early = CronClock("0 6 * * *", end_date=datetime(2026, 1, 2, 6))
    late = CronClock("0 6 * * *", start_date=datetime(2026, 1, 4, 6))
    assert days(Schedule([early, late])) == ["01-01", "01-02", "01-04", "01-05"]


def test_a_schedule_that_ends_ends() -> None:
    assert list(DatesSchedule([START]).occurrences(START)) == []
    assert days(DatesSchedule([START]), after=START - timedelta(days=1)) == ["01-01"]


# -- data intervals --------------------------------------------------------------------------------


def intervals(found: list[Occurrence]) -> list[tuple[datetime | None, datetime]]:
    return [(one.interval_start, one.interval_end) for one in found]


def test_a_data_interval_covers_what_a_filter_left_out() -> None:
    schedule = Schedule([CronClock("0 6 * * *", timezone=NY)], filters=[filters.is_weekday])
    found = list(islice(schedule.occurrences(START + timedelta(days=2)), 3))
    assert found[0].interval_start == datetime(2026, 1, 2, 11, tzinfo=UTC)  # Friday
    assert found[0].interval_end == datetime(2026, 1, 5, 11, tzinfo=UTC)  # Monday


def test_data_intervals_leave_no_hole_and_do_not_overlap() -> None:
    clocks = [CronClock("30 2 * * *", timezone=NY), CronClock("0 12 * * 0", timezone=NY)]
    found = list(islice(Schedule(clocks).occurrences(START), 500))
    pairs = intervals(found)
    assert all(start is not None and start < end for start, end in pairs)
    assert [start for start, _ in pairs[1:]] == [end for _, end in pairs[:-1]]


def test_data_intervals_of_different_parameters_are_apart() -> None:
    clocks = [CronClock(f"0 {hour} * * *", parameters={"hour": hour}) for hour in (6, 18)]
    for one in islice(Schedule(clocks).occurrences(START), 6):
        assert one.interval_start == one.interval_end - timedelta(days=1)


def test_a_data_interval_does_not_depend_on_where_one_begins_to_look() -> None:
    schedule = Schedule([CronClock("0 6 * * *")], filters=[filters.on_date(12, 24)])
    first, second = islice(schedule.occurrences(START), 2)
    assert next(schedule.occurrences(first.instant)) == second
    assert list(islice(schedule.before(second.instant + timedelta(1)), 2)) == [second, first]
    assert first.interval_start == datetime(2025, 12, 24, 6, tzinfo=UTC)


# -- filters ---------------------------------------------------------------------------------------

DAILY = CronClock("0 6 * * *", timezone=NY)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (filters.is_weekday, ["01-01", "01-02", "01-05", "01-06"]),
        (filters.is_weekend, ["01-03", "01-04", "01-10", "01-11"]),
        (filters.is_month_start, ["01-01", "02-01", "03-01", "04-01"]),
        (filters.is_month_end, ["01-31", "02-28", "03-31", "04-30"]),
        (filters.is_day_of_week(0), ["01-04", "01-11", "01-18", "01-25"]),
        (filters.is_day_of_week("Monday"), ["01-05", "01-12", "01-19", "01-26"]),
        (filters.on_date(2, 29), ["02-29", "02-29", "02-29", "02-29"]),
        (filters.between_dates(12, 30, 1, 2), ["01-01", "01-02", "12-30", "12-31"]),
        (filters.between_dates(3, 30, 3, 31), ["03-30", "03-31", "03-30", "03-31"]),
        (filters.between_dates(3, 31, 3, 30), ["01-01", "01-02", "01-03", "01-04"]),
        (filters.on_datetime(datetime(2026, 1, 3, 6)), ["01-03"]),
        (filters.on_datetime(datetime(2026, 1, 3, 11, tzinfo=UTC)), ["01-03"]),
        (filters.between_datetimes("2026-01-03T06:00", "2026-01-04T06:00"), ["01-03", "01-04"]),
        (filters.between_datetimes(pendulum.datetime(2026, 1, 3, 11), pendulum.datetime(2026, 1, 4)), ["01-03"]),
        (filters.at_time(time(6)), ["01-01", "01-02", "01-03", "01-04"]),
        (filters.at_time("07:00"), []),
        (filters.between_times("22:00", "06:00"), ["01-01", "01-02", "01-03", "01-04"]),
        (filters.between_times(time(7), time(9)), []),
        (filters.on_dates(["2026-01-02", date(2026, 1, 4)]), ["01-02", "01-04"]),
        (filters.is_business_day(["2026-01-01"]), ["01-02", "01-05", "01-06", "01-07"]),
        (filters.is_business_month_end(["2026-01-30"]), ["01-29", "02-27", "03-31", "04-30"]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_filters(chosen: filters.Filter, expected: list[str]) -> None:
    until = datetime(2041, 1, 1)
    clock = CronClock("0 6 * * *", timezone=NY, end_date=until)
    schedule = Schedule([clock], filters=[chosen])
    stored = Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))
    for one in (schedule, stored, pickle.loads(pickle.dumps(schedule))):
        assert days(one) == expected
        assert one == schedule


def test_all_some_and_none() -> None:
    schedule = Schedule(
        [CronClock("0 * * * *")],
        filters=[filters.is_weekday],
        or_filters=[filters.at_time("09:00"), filters.at_time("17:00")],
        not_filters=[filters.on_dates(["2026-01-02"])],
    )
    assert texts(schedule.occurrences(START)) == [
        "01-01 09:00", "01-01 17:00", "01-05 09:00", "01-05 17:00",
    ]  # fmt: skip


def test_a_filter_looks_at_the_local_time_an_occurrence_stands_for() -> None:
    """Nuuk has no 23:30 on Saturday 2026-03-28; the run is at Sunday 00:00 and is Saturday's."""
    clock = CronClock("30 23 * * *", timezone="America/Nuuk")
    schedule = Schedule([clock], filters=[filters.at_time("23:30"), filters.is_day_of_week(6)])
    assert texts(schedule.occurrences(datetime(2026, 3, 27, tzinfo=UTC)), 2) == [
        "03-29 00:00", "04-04 23:30",
    ]  # fmt: skip


def test_a_function_may_be_a_filter_but_is_not_stored() -> None:
    def even(moment: pendulum.DateTime) -> bool:
        return moment.day % 2 == 0 and moment.day_of_week is not None

    schedule = Schedule([DAILY], filters=[even])
    assert days(schedule) == ["01-02", "01-04", "01-06", "01-08"]
    with pytest.raises(FlowError, match="even in a schedule cannot be stored"):
        schedule.to_dict()


def test_a_filter_that_keeps_nothing_ends() -> None:
    for text in ("* * * * *", "0 6 * * *"):
        never = Schedule([CronClock(text)], filters=[filters.on_dates([])])
        assert list(never.occurrences(START)) == []


def test_holidays_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "holidays.txt"
    path.write_text("# bank holidays\n2026-01-01  # New Year\n\n2026-01-02\n", encoding="utf-8")
    schedule = Schedule([DAILY], filters=[filters.is_business_day(path)])
    path.unlink()
    assert days(Schedule.from_dict(schedule.to_dict()), 2) == ["01-05", "01-06"]

    path.write_text("2026-01-01\n2026-02-30\n", encoding="utf-8")
    with pytest.raises(FlowError) as raised:
        filters.on_dates(path)
    assert (raised.value.where, raised.value.what) == (f"{path}:2", "'2026-02-30' is no date")
    with pytest.raises(FlowError, match="cannot be read"):
        filters.on_dates(tmp_path / "none.txt")


@pytest.mark.parametrize(
    "make",
    [
        lambda: filters.on_date(2, 30),
        lambda: filters.at_time("25:00"),
        lambda: filters.is_day_of_week(7),
        lambda: filters.is_day_of_week("noday"),
        lambda: filters.on_datetime("tomorrow"),
        lambda: filters.between_datetimes(START, datetime(2026, 1, 1)),
        lambda: filters.filter_from_dict({"filter": "is_blue_moon"}),
        lambda: adjustments.adjustment_from_dict({"adjustment": "never"}),
        lambda: adjustments.add("P1DT1H"),
        lambda: adjustments.add("P2M"),
        lambda: Schedule([]),
        lambda: Schedule(["0 6 * * *"]),  # type: ignore[list-item]
        lambda: Schedule([DAILY], filters=["is_weekday"]),  # type: ignore[list-item]
        lambda: as_schedule("0 6 * * *"),
    ],
)
def test_what_is_refused(make: Any) -> None:
    with pytest.raises(FlowError):
        make()


# -- adjustments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "chosen", "expected"),
    [
        # Saturday's and Sunday's runs become Monday's, which is one.
        (DAILY, adjustments.next_weekday, ["01-01 06:00", "01-02 06:00", "01-05 06:00", "01-06 06:00"]),
        (DAILY, adjustments.next_business_day(["2026-01-02", "2026-01-05"]), ["01-01 06:00", "01-06 06:00", "01-07 06:00", "01-08 06:00"]),
        (CronClock("0 9 L * *"), adjustments.next_weekday, ["02-02 09:00", "03-02 09:00", "03-31 09:00", "04-30 09:00"]),
        (CronClock("0 9 1 * *"), adjustments.add("P1D"), ["01-02 09:00", "02-02 09:00", "03-02 09:00", "04-02 09:00"]),
        (CronClock("0 9 1 * *"), adjustments.add(timedelta(hours=-10)), ["01-31 23:00", "02-28 23:00", "03-31 23:00", "04-30 23:00"]),
    ],
)  # fmt: skip
def test_adjustments(clock: CronClock, chosen: Any, expected: list[str]) -> None:
    schedule = Schedule([clock], adjustments=[chosen])
    stored = Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))
    for one in (schedule, stored, pickle.loads(pickle.dumps(schedule))):
        assert texts(one.occurrences(START)) == expected
        assert one == schedule
        found = list(islice(one.occurrences(START), 4))
        end = found[-1].instant + timedelta(seconds=1)
        assert list(islice(one.before(end), 4))[::-1] == found


def test_days_are_added_by_the_wall_and_hours_as_they_elapse() -> None:
    saturday = DatesClock([datetime(2026, 3, 7, 2, 30)], timezone=NY)
    found = {
        text: next(Schedule([saturday], adjustments=[adjustments.add(text)]).occurrences(START))
        for text in ("P1D", "PT24H", "P2D")
    }
    assert {text: f"{one.local:%d %H:%M}" for text, one in found.items()} == {
        "P1D": "08 03:00", "PT24H": "08 03:30", "P2D": "09 02:30",
    }  # fmt: skip
    assert found["P1D"].nominal == datetime(2026, 3, 8, 2, 30)


def test_an_adjusted_time_before_after_is_not_given() -> None:
    schedule = Schedule([CronClock("0 9 1 * *")], adjustments=[adjustments.add("-P1D")])
    found = schedule.occurrences(datetime(2026, 1, 31, 9, tzinfo=UTC))
    assert texts(found, 2) == ["02-28 09:00", "03-31 09:00"]


def test_a_function_may_be_an_adjustment() -> None:
    schedule = Schedule([DAILY], adjustments=[lambda moment: moment.replace(hour=7)])
    assert texts(schedule.occurrences(START), 1) == ["01-01 07:00"]
    aware = Schedule([DAILY], adjustments=[lambda moment: moment.replace(tzinfo=UTC)])
    assert texts(aware.occurrences(START), 1) == ["01-01 01:00"]
    for far in (lambda moment: moment + timedelta(days=60), lambda moment: None):
        with pytest.raises(FlowError):
            next(Schedule([DAILY], adjustments=[far]).occurrences(START))  # type: ignore[list-item]


def test_filters_and_adjustments_can_be_called() -> None:
    saturday = datetime(2026, 3, 7, 2, 30)
    assert filters.is_weekend(saturday)
    assert adjustments.next_weekday(saturday) == datetime(2026, 3, 9, 2, 30)
    aware = saturday.replace(tzinfo=ZoneInfo(NY))
    assert adjustments.add("P1D")(aware).isoformat() == "2026-03-08T03:00:00-04:00"


# -- being a value ---------------------------------------------------------------------------------


def test_next_gives_local_times_as_prefect_did() -> None:
    schedule = CronSchedule("0 6 * * *", timezone=NY)
    (one,) = schedule.next(1, after=START)
    assert isinstance(one, pendulum.DateTime)
    assert str(one) == "2026-01-01 06:00:00-05:00"
    assert one.timezone_name == NY
    assert schedule.next(1, START, return_events=True)[0].instant == one


def test_a_clock_stands_for_a_schedule() -> None:
    assert as_schedule(DAILY) == Schedule([DAILY]) == Schedule(DAILY)
    schedule = Schedule([DAILY, IntervalClock("PT6H")])
    assert as_schedule(schedule) is schedule
    assert str(schedule) == f"cron 0 6 * * * {NY}, every PT6H UTC"
    assert schedule.timezones == (NY, "UTC")


def test_what_differs_is_not_equal() -> None:
    assert Schedule([DAILY]) != Schedule([DAILY], filters=[filters.is_weekday])
    assert filters.on_date(1, 2) != filters.on_date(1, 3)
    assert CronClock("0 6 * * *") != DAILY
    assert CronClock("0 6 * * *", parameters={"a": 1}) != CronClock("0 6 * * *")
