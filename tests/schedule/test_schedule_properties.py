"""What holds of every clock: order, after-ness, one run a local time, and being stored."""

from __future__ import annotations

import json
import pickle
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.schedule import (
    Clock,
    CronClock,
    DatesClock,
    IntervalClock,
    Occurrence,
    RRuleClock,
    Schedule,
    adjustments,
    clock_from_dict,
    filters,
)

ZONES = (
    "UTC", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Casablanca",
    "Antarctica/Troll", "America/Santiago", "America/Nuuk", "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip
#: Close to changes of clocks, and among them the instants themselves.
NEAR = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2011-12-30 10:00", "2026-03-08 07:00", "2026-11-01 06:00", "2026-03-29 01:00",
        "2026-10-25 01:00", "2026-10-03 15:30", "2026-04-04 15:00", "2026-09-06 04:00",
        "2026-02-15 02:00", "2026-03-22 02:00",
    )
)  # fmt: skip

instants = st.builds(
    lambda near, minutes, more: near + timedelta(minutes=minutes, microseconds=more),
    st.sampled_from(NEAR),
    st.integers(-3000, 3000) | st.sampled_from([0, -60, 60]),
    st.sampled_from([0, 0, 1, 999_999]),
)
policies = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(ZONES),
        "gap": st.sampled_from(["end", "shift", "skip"]),
        "overlap": st.sampled_from(["first", "second", "both"]),
    }
)
fields = st.tuples(
    st.sampled_from(["0", "30", "*/15", "5,35", "10-50/20", "59"]),
    st.sampled_from(["*", "*/2", "0", "1,2,3", "2", "23", "0,12"]),
    st.sampled_from(["*", "1-7", "L", "*/2"]),
    st.sampled_from(["*", "3,11", "1-6"]),
    st.sampled_from(["*", "0", "1-5", "0L"]),
)
crons = st.builds(
    lambda text, more, rule: CronClock(" ".join(text), rule=rule, **more),
    fields,
    policies,
    st.sampled_from(["fixed", "wildcard"]),
)
anchors = st.builds(
    lambda near, minutes: (near + timedelta(minutes=minutes)).replace(tzinfo=None),
    st.sampled_from(NEAR),
    st.integers(-3000, 3000),
)
intervals = st.builds(
    lambda length, anchor, more: IntervalClock(length, anchor, **more),
    st.sampled_from(["P1D", "P1W", "P1M", "PT1H", "PT6H", "PT24H", "PT45M"]),
    anchors.filter(lambda anchor: anchor.year > 2011),
    policies,
)
rules = st.builds(
    lambda text, more: RRuleClock(text, datetime(2025, 11, 1, 2, 30), **more),
    st.sampled_from(["FREQ=DAILY", "FREQ=HOURLY;INTERVAL=5", "FREQ=MONTHLY;BYDAY=-1SU"]),
    policies,
)
dates = st.builds(
    lambda found, more: DatesClock(found, **more), st.lists(anchors, min_size=1), policies
)
clocks = crons | intervals | rules | dates
schedules = st.builds(
    lambda found, kept, moved: Schedule(found, filters=kept, adjustments=moved),
    st.lists(crons | intervals, min_size=1, max_size=3),
    st.sampled_from([[], [filters.is_weekday], [filters.between_times("22:00", "03:00")]]),
    st.sampled_from([[], [adjustments.next_weekday], [adjustments.add("PT90M")]]),
)
whole = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def taken(clock: Clock | Schedule, after: datetime, number: int = 40) -> list[Occurrence]:
    return list(islice(clock.occurrences(after), number))


@whole
@given(clocks | schedules, instants)
def test_instants_increase_and_lie_after(clock: Clock | Schedule, after: datetime) -> None:
    found = taken(clock, after)
    assert all(after < one.instant for one in found)
    assert all(earlier.instant < later.instant for earlier, later in pairwise(found))


@whole
@given(clocks | schedules, instants, st.data())
def test_the_next_is_the_first_after(
    clock: Clock | Schedule, after: datetime, data: st.DataObject
) -> None:
    """From wherever one looks, the same occurrences come, to the last attribute."""
    found = taken(clock, after)
    if not found:
        return
    moments = [one.instant for one in found]
    edges = [edge + timedelta(microseconds=n) for edge in moments[:-1] for n in (-1, 0, 1)]
    now = data.draw(st.sampled_from([after, *edges]))
    start = bisect_right(moments, now)
    assert taken(clock, now, 3)[: len(found) - start] == found[start : start + 3]


@whole
@given(clocks | schedules, instants)
def test_backwards_is_forwards_turned_round(clock: Clock | Schedule, after: datetime) -> None:
    found = taken(clock, after)
    if found:
        end = found[-1].instant + timedelta(microseconds=1)
        assert list(islice(clock.before(end), len(found)))[::-1] == found


@whole
@given(clocks, instants)
def test_a_local_time_has_one_run_and_its_pass_another(clock: Clock, after: datetime) -> None:
    found = taken(clock, after, 60)
    assert len({one.key for one in found}) == len(found)
    once = isinstance(clock, CronClock) and clock.is_fixed and clock.policy.overlap != "both"
    if once:
        assert len({one.nominal for one in found}) == len(found)


@whole
@given(clocks | schedules, instants)
def test_data_intervals_follow_on_one_another(clock: Clock | Schedule, after: datetime) -> None:
    found = taken(clock, after)
    for earlier, later in pairwise(found):
        assert later.interval_start == earlier.interval_end
    if found and found[0].interval_start is not None:
        assert found[0].interval_start < found[0].interval_end


@whole
@given(clocks, instants)
def test_clocks_are_stored_and_sent(clock: Clock, after: datetime) -> None:
    stored = clock_from_dict(json.loads(json.dumps(clock.to_dict())))
    found = taken(clock, after, 10)
    for one in (stored, pickle.loads(pickle.dumps(clock))):
        assert one == clock
        assert one.to_dict() == clock.to_dict()
        assert taken(one, after, 10) == found
    for one in found:
        assert Occurrence.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@whole
@given(schedules, instants)
def test_schedules_are_stored_and_sent(schedule: Schedule, after: datetime) -> None:
    stored = Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))
    for one in (stored, pickle.loads(pickle.dumps(schedule))):
        assert one == schedule
        assert taken(one, after, 10) == taken(schedule, after, 10)
