"""A nightly job has one run a local night: any time of day, many zones, restarts, clocks that step."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from scheduler_worlds import World, shape

from orchestrator.schedule import CronClock, Occurrence
from orchestrator.store.memory import MemoryStore
from orchestrator.store.occurrences import SettledAs

ZONES = (
    "America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "America/Santiago",
    "Africa/Casablanca", "Antarctica/Troll", "America/Nuuk", "Asia/Beirut", "Atlantic/Azores",
    "Africa/Cairo", "Pacific/Chatham", "Asia/Kolkata", "Pacific/Apia", "UTC",
)  # fmt: skip
#: Each is near a change of clocks somewhere: March, April, September, October, November.
DAYS = st.sampled_from(
    [date(2026, 3, 7), date(2026, 3, 28), date(2026, 4, 4), date(2026, 9, 5), date(2026, 10, 24),
     date(2026, 10, 31), date(2026, 3, 21), date(2026, 4, 23), date(2026, 6, 10)]
)  # fmt: skip
NIGHTS = 5
STEP = st.integers(1, 11 * 60)  # minutes to the next step of some scheduler
EVENT = st.sampled_from(["tick", "tick", "tick", "restart", "back", "second", "finish"])


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    first=DAYS,
    script=st.lists(st.tuples(STEP, EVENT, st.integers(1, 300)), min_size=5, max_size=40),
    catch_up=st.sampled_from(["latest", "all", "none"]),
    overlap=st.sampled_from(["skip", "buffer_one", "buffer_all", "allow_all", "cancel_other"]),
)
def test_one_run_or_one_reason_a_local_night(
    zone: str,
    hour: int,
    minute: int,
    first: date,
    script: list[tuple[int, str, int]],
    catch_up: str,
    overlap: str,
) -> None:
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    clock = CronClock(f"{minute} {hour} * * *", timezone=zone)
    world = World(MemoryStore(), begin)
    world.deploy("nightly", shape(clock, catch_up=catch_up, overlap=overlap))
    latest = begin
    for minutes, event, back in script:
        latest += timedelta(minutes=minutes)
        _happen(world, event, latest, timedelta(minutes=back))
    end = max(latest, begin + timedelta(days=NIGHTS)) + timedelta(hours=1)
    world.restart()
    for _ in range(10):  # until nothing waits any more
        for run in world.unfinished():
            world.now = end
            world.finish(run.id)
        end += timedelta(seconds=1)
        world.tick(end)
    _check(world, clock, begin, end)


def _happen(world: World, event: str, now: datetime, back: timedelta) -> None:
    if event == "restart":
        world.restart()
    elif event == "back":  # the clock is set back, and forward again
        world.tick(now)
        assert world.tick(now - back).made == []
    elif event == "second":
        World(world.store, now).tick()
    elif event == "finish":
        world.now = now
        for run in world.unfinished()[:1]:
            world.finish(run.id)
    world.tick(now)


def _check(world: World, clock: CronClock, begin: datetime, end: datetime) -> None:
    rows = world.store.occurrences("shop/nightly/main", limit=10_000)
    due = _until(clock, begin, end)
    # Each occurrence has one row, and each row says a run or a reason.
    assert Counter(row.key for row in rows) == Counter(one.key for one in due)
    assert Counter(row.nominal[:10] for row in rows) == Counter(
        one.nominal.date().isoformat() for one in due
    )
    assert max(Counter(row.nominal[:10] for row in rows).values(), default=1) == 1
    for row in rows:
        assert row.reason or row.outcome is SettledAs.RUN
        assert (row.run_id is not None) == (row.outcome in (SettledAs.RUN, SettledAs.WIDENED))
    # Each run belongs to one night, and data intervals of runs do not overlap.
    ran = [row.run_id for row in rows if row.outcome is SettledAs.RUN]
    assert Counter(ran) == Counter(run.id for run in world.runs())
    spans = sorted((run.interval_start or begin, run.interval_end or end) for run in world.runs())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def _until(clock: CronClock, begin: datetime, end: datetime) -> list[Occurrence]:
    found = []
    for one in clock.occurrences(begin):
        if one.instant > end:
            break
        found.append(one)
    return found
