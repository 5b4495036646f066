"""Which of the occurrences that are due get a run, as a table with the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import FlowError
from orchestrator.schedule import CronClock, Occurrence
from orchestrator.service.scheduler.catch_up import catch_up
from orchestrator.service.scheduler.policies import CatchUp, Policies
from orchestrator.service.scheduler.verdicts import span

HOUR = 3600
NIGHTLY = CronClock("30 2 * * *", timezone="UTC")


def nights(number: int) -> list[Occurrence]:
    """02:30 of the 1st, the 2nd, … of March 2026, in UTC."""
    found = NIGHTLY.occurrences(datetime(2026, 3, 1, tzinfo=UTC))
    return [next(found) for _ in range(number)]


@pytest.mark.parametrize(
    ("policies", "due", "late", "expected"),
    [
        # One, on time: whatever the policy, it runs.
        (Policies(CatchUp.LATEST), 1, 0, "R"),
        (Policies(CatchUp.ALL), 1, 0, "R"),
        (Policies(CatchUp.NONE), 1, 0, "R"),
        # 60 s is not late yet; 61 s is.
        (Policies(CatchUp.NONE), 1, 60, "R"),
        (Policies(CatchUp.NONE), 1, 61, "M"),
        # Three nights, the last 5 h ago, so 5, 29 and 53 h late.
        (Policies(CatchUp.LATEST), 3, 5 * HOUR, "WWR"),
        (Policies(CatchUp.NONE), 3, 5 * HOUR, "MMM"),
        # The window of 24 h lets in only the one of 5 h.
        (Policies(CatchUp.ALL), 3, 5 * HOUR, "MMR"),
        # 29 h is within 29 h, and not within 29 h less a second.
        (Policies(CatchUp.ALL, window=29 * HOUR), 3, 5 * HOUR, "MRR"),
        (Policies(CatchUp.ALL, window=29 * HOUR - 1), 3, 5 * HOUR, "MMR"),
        # 53 h lets in all three; the cap of two leaves out the oldest.
        (Policies(CatchUp.ALL, window=53 * HOUR), 3, 5 * HOUR, "RRR"),
        (Policies(CatchUp.ALL, window=53 * HOUR, most=2), 3, 5 * HOUR, "MRR"),
        # The cap is on missed ones: the one that is on time (0 h) runs besides the one of 24 h.
        (Policies(CatchUp.ALL, window=53 * HOUR, most=1), 3, 0, "MRR"),
        (Policies(CatchUp.ALL, window=53 * HOUR, most=0), 3, 0, "MMR"),
        (Policies(CatchUp.NONE), 3, 0, "MMR"),
        # The last is 25 h late: no run at all, and nothing is called covered.
        (Policies(CatchUp.LATEST), 3, 25 * HOUR, "MMM"),
        (Policies(CatchUp.LATEST), 3, 24 * HOUR, "WWR"),
    ],
)
def test_verdicts(policies: Policies, due: int, late: int, expected: str) -> None:
    occurrences = nights(due)
    found = catch_up(occurrences, occurrences[-1].epoch + late, policies)
    assert "".join(one.outcome.value[0].upper() for one in found) == expected
    assert [one.occurrence.key for one in found] == [one.key for one in occurrences]
    assert all(one.reason for one in found if one.outcome.value != "run")


def test_latest_widens_the_data_interval_over_the_missed_nights() -> None:
    due = nights(3)
    last = catch_up(due, due[-1].epoch + 5 * HOUR, Policies())[-1]
    # The first night's interval begins at 02:30 of the day before it.
    assert str(last.occurrence.interval_start) == "2026-02-28 02:30:00+00:00"
    assert str(last.occurrence.interval_end) == "2026-03-03 02:30:00+00:00"
    assert last.reason == "caught up 5 h late"


def test_all_leaves_each_its_own_data_interval() -> None:
    due = nights(3)
    found = catch_up(due, due[-1].epoch, Policies(CatchUp.ALL, window=72 * HOUR))
    ends = [one.occurrence.interval_end for one in found]
    assert [one.occurrence.interval_start for one in found][1:] == ends[:-1]


def test_what_a_run_was_in_the_way_of_is_late_from_then_on_only() -> None:
    (one,) = nights(1)
    now = one.epoch + 30 * HOUR  # 30 h late: beyond the window of 24 h …
    assert catch_up([one], now, Policies())[0].outcome == "missed"
    free = {one.epoch: one.epoch + 20 * HOUR}  # … but only 10 h since it could begin
    assert catch_up([one], now, Policies(), free)[0].outcome == "run"


def test_nothing_due_is_nothing_to_decide() -> None:
    assert catch_up([], 0, Policies()) == []


def test_reasons_say_how_late_and_why() -> None:
    due = nights(3)
    now = due[-1].epoch + 5 * HOUR
    capped = Policies(CatchUp.ALL, window=200 * HOUR, most=1)
    assert catch_up(due, now, capped)[0].reason == (
        "nobody was there until 2 days 5 h later: more than max_catch_up=1 were missed"
    )
    assert catch_up(due, now, Policies())[0].reason == (
        "covered by the run of 2026-03-03 02:30: catch_up is latest"
    )


def test_policies_are_read_from_a_schedules_shape() -> None:
    shape = {"catch_up": "all", "catch_up_window": "PT6H", "max_catch_up": 3, "overlap": "skip"}
    read = Policies.from_dict(shape | {"clocks": []})
    assert (read.catch_up, read.window, read.most, read.overlap) == ("all", 6 * HOUR, 3, "skip")
    assert Policies.from_dict({"catch_up_window": 90}).window == 90
    assert Policies.from_dict({}) == Policies()


@pytest.mark.parametrize(
    "shape",
    [
        {"catch_up": "some"},
        {"overlap": "first"},
        {"max_catch_up": -1},
        {"max_catch_up": True},
        {"catch_up_window": "soon"},
        {"on_lost": "cry"},
    ],
)
def test_a_policy_that_is_none_is_refused(shape: dict[str, object]) -> None:
    with pytest.raises(FlowError):
        Policies.from_dict(shape)


def test_spans_are_in_words_of_people() -> None:
    day = timedelta(days=1).total_seconds()
    assert [span(119), span(120), span(day), span(day + 60)] == [
        "119 s", "2 min", "1 day", "1 day 1 min",
    ]  # fmt: skip
