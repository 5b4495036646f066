"""Zones: their transitions against the standard library's, and what the wall shows."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
import schedule_oracle as oracle

from orchestrator.errors import FlowError
from orchestrator.schedule import Zone, transitions, zone_named
from orchestrator.schedule.wall_time import DAY
from orchestrator.schedule.zone_data import zone_data_version, zone_names

HOUR = 3600


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def compared(names: list[str], first: int, last: int) -> None:
    """Compare the transitions of two years with those found hour by hour, then minute by minute."""
    since, until = epoch(f"{first}-01-01"), epoch(f"{last + 1}-01-01")
    for name in names:
        found = zone_named(name).transitions(since, until)
        assert [change.at for change in found] == list(oracle.changes(name, first, last)), name
        for change in found:
            before, after = oracle.offset(name, change.at - 1), oracle.offset(name, change.at)
            assert (change.before, change.after) == (before, after), name


def test_transitions_of_a_sample() -> None:
    compared(random.Random(7).sample(oracle.zone_names(), 40), 2026, 2027)
    compared(["Africa/Casablanca", "Pacific/Apia", "Asia/Gaza"], 2010, 2012)


def test_transitions_a_week_apart() -> None:
    compared(["America/Recife", "America/Noronha"], 2000, 2000)
    compared(["Asia/Gaza"], 2040, 2040)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_transitions_of_all_zones(part: int) -> None:
    compared(list(oracle.zone_names()[part::8]), 1990, 2045)


def test_transitions_lie_far_enough_apart_to_be_found_by_looking_every_three_days() -> None:
    for name in ("Africa/Casablanca", "Asia/Gaza", "America/Recife", "Antarctica/Casey"):
        found = zone_named(name).transitions(epoch("1970-01-01"), epoch("2060-01-01"))
        assert found
        assert all(later.at - earlier.at > 6 * DAY for earlier, later in pairwise(found))


def test_a_transition_in_words() -> None:
    (forward, back) = zone_named("America/New_York").transitions(
        epoch("2026-01-01"), epoch("2027-01-01")
    )
    assert forward.forward
    assert (forward.old_wall, forward.new_wall) == (
        datetime(2026, 3, 8, 2),
        datetime(2026, 3, 8, 3),
    )
    assert not back.forward
    assert (back.old_wall, back.new_wall) == (datetime(2026, 11, 1, 2), datetime(2026, 11, 1, 1))
    assert back.instant == datetime(2026, 11, 1, 6, tzinfo=UTC)


def test_transitions_between_two_instants() -> None:
    start, end = (datetime(year, 11, 1, 6, tzinfo=UTC) for year in (2026, 2027))
    found = transitions("America/New_York", start, end)
    assert [f"{change.instant:%Y-%m-%d %H}" for change in found] == [
        "2026-11-01 06",
        "2027-03-14 07",
    ]
    assert transitions("Asia/Tokyo", start, end) == []


def test_offsets_and_walls() -> None:
    new_york = zone_named("America/New_York")
    first, second = epoch("2026-11-01 05:30"), epoch("2026-11-01 06:30")
    assert [new_york.at(t)[1:] for t in (first, second)] == [
        (first - 4 * HOUR, 0),
        (first - 4 * HOUR, 1),
    ]
    assert new_york.shown(range(first - HOUR, second + HOUR + 1, HOUR)) == [
        new_york.at(t) for t in range(first - HOUR, second + HOUR + 1, HOUR)
    ]
    assert new_york.shown(range(0)) == []
    assert str(new_york.local(second)) == "2026-11-01 01:30:00-05:00"


def test_it_does_not_matter_in_which_order_a_zone_is_asked() -> None:
    spans = [
        (epoch(f"{year}-01-01"), epoch(f"{year + 1}-01-01")) for year in (2026, 1995, 2031, 1900)
    ]
    fresh, other = Zone("Europe/London"), Zone("Europe/London")
    forwards = [fresh.transitions(*span) for span in spans]
    assert forwards == [other.transitions(*span) for span in reversed(spans)][::-1]
    assert [len(found) for found in forwards] == [2, 2, 2, 0]


def test_threads_may_ask_one_zone_at_once() -> None:
    shared, found = Zone("Europe/Paris"), list[int]()
    spans = [(epoch(f"{year}-01-01"), epoch(f"{year + 1}-01-01")) for year in range(1990, 2030)]
    threads = [
        Thread(target=lambda s=span: found.append(len(shared.transitions(*s)))) for span in spans
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * len(spans)
    compared(["Europe/Paris"], 2025, 2026)


def test_zones_come_from_the_package_whatever_the_machine_has() -> None:
    """A machine whose zone files are missing, or old, gives the same times."""
    ZoneInfo.clear_cache()
    import zoneinfo

    zoneinfo.reset_tzpath(to=[])
    try:
        assert Zone("Africa/Casablanca").offset(epoch("2026-02-20")) == 0
    finally:
        zoneinfo.reset_tzpath()
    assert zone_data_version() >= "2026"
    assert {"UTC", "America/New_York", "US/Eastern"} <= zone_names()


def test_a_zone_is_named_exactly() -> None:
    for name in ("Mars/Olympus", "", "/etc/localtime", "Europe"):
        with pytest.raises(FlowError, match="there is no time zone") as raised:
            Zone(name)
        assert raised.value.fix
