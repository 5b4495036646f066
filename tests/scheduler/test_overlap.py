"""What becomes of occurrences that come while a run is under way, as a table with the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.schedule import CronClock, Occurrence, Schedule
from orchestrator.service.scheduler.deciding import Decision, decide, paused
from orchestrator.service.scheduler.overlap import Busy, Meeting, meeting
from orchestrator.service.scheduler.policies import CatchUp, Policies, RunOverlap

HOUR = 3600
HOURLY = CronClock("0 * * * *", timezone="UTC")
MIDNIGHT = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())


def hours(first: int, number: int) -> list[Occurrence]:
    """So many full hours of the 1st of March 2026 from the first on, in UTC."""
    found = HOURLY.occurrences(datetime.fromtimestamp(MIDNIGHT + first * HOUR - 1, UTC))
    return [next(found) for _ in range(number)]


def at(hour: float) -> int:
    return MIDNIGHT + int(hour * HOUR)


def letters(decision: Decision) -> str:
    return "".join(one.outcome.value[0].upper() for one in decision.verdicts)


RUNS = [Busy("r1", at(0))]  # made at 00:00, still under way


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (RunOverlap.ALLOW_ALL, Meeting()),
        (RunOverlap.SKIP, Meeting(after="r1")),
        (RunOverlap.BUFFER_ONE, Meeting(hold=True)),
        (RunOverlap.BUFFER_ALL, Meeting(after="r1")),
        (RunOverlap.CANCEL_OTHER, Meeting(after="r1", stop=("r1",))),
        (RunOverlap.TERMINATE_OTHER, Meeting(end=("r1",))),
    ],
)
def test_runs_under_way(policy: RunOverlap, expected: Meeting) -> None:
    assert meeting(policy, RUNS, pressed=True) == expected
    assert meeting(policy, [], pressed=False) == Meeting()


@pytest.mark.parametrize("policy", [RunOverlap.CANCEL_OTHER, RunOverlap.TERMINATE_OTHER])
def test_what_was_there_before_a_run_does_not_stop_it(policy: RunOverlap) -> None:
    assert meeting(policy, RUNS, pressed=False) == Meeting(after="r1")


@pytest.mark.parametrize(
    ("policy", "under_way", "afterwards"),
    [
        # r1 was made at 00:00; 01:00 and 02:00 come. Under way at 02:00; finished at 02:30.
        (RunOverlap.SKIP, "SS", "SS"),
        (RunOverlap.BUFFER_ONE, "", "WR"),
        (RunOverlap.BUFFER_ALL, "RR", "RR"),
        (RunOverlap.CANCEL_OTHER, "WR", "WR"),
        (RunOverlap.TERMINATE_OTHER, "WR", "WR"),
        (RunOverlap.ALLOW_ALL, "RR", "RR"),
    ],
)
def test_two_that_came_meanwhile(policy: RunOverlap, under_way: str, afterwards: str) -> None:
    policies = Policies(CatchUp.ALL, overlap=policy)
    due = hours(1, 2)
    assert letters(decide(due, at(2), policies, RUNS)) == under_way
    ended = [Busy("r1", at(0), at(2.5))]
    found = decide(due, at(2.5), policies, ended)
    assert letters(found) == afterwards
    assert found.meeting == Meeting()


def test_one_that_waited_covers_the_data_of_all() -> None:
    found = decide(hours(1, 3), at(3.5), Policies(), [Busy("r1", at(0), at(3.5))])
    last = found.verdicts[-1].occurrence
    # 01:00, 02:00 and 03:00 came: from 00:00, where the first interval begins, to 03:00.
    assert (last.since, last.epoch) == (at(0), at(3))
    assert {one.into for one in found.verdicts[:-1]} == {last.key}


def test_one_that_came_before_the_run_was_made_is_not_merged_into_those_after() -> None:
    # A run for 00:00 was made late, at 01:30, with 01:00 still to catch up; 02:00 came meanwhile.
    policies = Policies(CatchUp.ALL, overlap=RunOverlap.SKIP)
    found = decide(hours(1, 2), at(2.5), policies, [Busy("r1", at(1.5), at(2.2))])
    assert letters(found) == "RS"


def test_one_that_comes_at_the_instant_a_run_ends_came_while_it_was_under_way() -> None:
    policies = Policies(CatchUp.ALL, overlap=RunOverlap.SKIP)
    assert letters(decide(hours(1, 1), at(1), policies, [Busy("r1", at(0), at(1))])) == "S"
    assert letters(decide(hours(1, 1), at(1), policies, [Busy("r1", at(0), at(1) - 1)])) == "R"


def test_what_waited_longer_than_the_window_after_the_run_was_missed() -> None:
    # The run ended at 02:30, and nobody was there for 24 h and a minute after it.
    now = at(2.5) + 24 * HOUR + 60
    found = decide(hours(1, 2), now, Policies(), [Busy("r1", at(0), at(2.5))])
    assert letters(found) == "MM"
    assert decide(hours(1, 2), now - 60, Policies(), [Busy("r1", at(0), at(2.5))]).verdicts[-1]
    assert letters(decide(hours(1, 2), now - 60, Policies(), [Busy("r1", at(0), at(2.5))])) == "WR"


def test_clocks_with_parameters_of_their_own_do_not_stand_for_one_another() -> None:
    shops = Schedule(
        [CronClock("0 * * * *", parameters={"shop": shop}) for shop in ("north", "south")]
    )
    after = datetime.fromtimestamp(at(1) - 1, UTC)
    found = shops.occurrences(after)
    due = [next(found) for _ in range(4)]  # 01:00 and 02:00 of each
    decision = decide(due, at(2.5), Policies())
    runs = [one.occurrence for one in decision.verdicts if one.outcome == "run"]
    assert sorted(str(one.parameters) for one in runs) == ["{'shop': 'north'}", "{'shop': 'south'}"]
    assert letters(decision)[2:] == "RR"


def test_paused_ones_are_skipped_and_say_so() -> None:
    found = paused(hours(1, 2), "flow")
    assert letters(found) == "SS"
    assert found.verdicts[0].reason == "the flow is paused"
