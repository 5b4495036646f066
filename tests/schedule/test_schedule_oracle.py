"""Every zone, around every change of its clocks: the same instants as counted minute by minute."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime

import pytest
import schedule_oracle as oracle
from schedule_oracle import DAY, JOBS, Nights

from orchestrator.schedule import CronClock

#: Zones that others got wrong: half hours, midnights, negative daylight saving, dates left out.
ODD = (
    "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Europe/Dublin",
    "Africa/Casablanca", "Antarctica/Troll", "Atlantic/Azores", "Asia/Beirut", "Africa/Cairo",
    "America/Santiago", "America/Nuuk", "Pacific/Apia", "Asia/Tehran", "Asia/Gaza",
)  # fmt: skip


def wrong(name: str, change: int) -> list[str]:
    """What differs around one change, and which nights are missing or double."""
    nights = Nights(name, change - 3 * DAY // 2, change + 3 * DAY // 2)
    found = []
    for job in JOBS:
        clock = CronClock(job.text, timezone=name, rule="wildcard" if job.wildcard else "fixed")
        due = []
        for occurrence in clock.occurrences(datetime.fromtimestamp(nights.first - 1, UTC)):
            if occurrence.epoch >= nights.last:
                break
            due.append(occurrence)
        if [one.epoch for one in due] != nights.instants(job):
            found.append(f"{name} {job.text} {datetime.fromtimestamp(change, UTC)}")
        if job.nightly:
            runs = Counter(one.nominal.date() for one in due)
            odd = {night: runs[night] for night in nights.nights() if runs[night] != 1}
            found += [f"{name} {job.text}: {n} runs on {night}" for night, n in odd.items()]
    return found


def compared(changes: list[tuple[str, int]]) -> None:
    """Compare around all of these changes."""
    assert changes
    found = [text for name, change in changes for text in wrong(name, change)]
    assert not found, f"{len(found)} of {len(changes)} changes: " + "\n".join(found[:20])


def test_a_sample_of_all_zones() -> None:
    chosen = random.Random(20261101)
    names = [*chosen.sample(oracle.zone_names(), 60), *ODD]
    found = {
        (name, change) for name in names for change in list(oracle.changes(name, 2026, 2027))[:4]
    }
    compared(sorted(found))


def test_a_date_that_never_was_has_no_night() -> None:
    compared([("Pacific/Apia", change) for change in oracle.changes("Pacific/Apia", 2011, 2012)])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_all_zones_from_2000_to_2037(part: int) -> None:
    names = oracle.zone_names()[part::8]
    compared([(name, change) for name in names for change in oracle.changes(name, 2000, 2037)])
