"""Steps of the scheduler against every store: what runs, what does not, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from scheduler_worlds import World, shape, utc

from orchestrator.errors import StoreError
from orchestrator.model.state import StateType
from orchestrator.schedule import CronClock, DatesClock, Schedule
from orchestrator.store.base import RunStore
from orchestrator.store.occurrences import Settling
from orchestrator.store.records import Action, Change

NEW_YORK = CronClock("30 2 * * *", timezone="America/New_York")
HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: RunStore) -> World:
    """On the 1st of March 2026, 12:00 UTC."""
    return World(store, utc(3, 1, 12))


def test_a_night_has_one_run_that_knows_what_it_is_for(world: World) -> None:
    deployed = world.deploy(
        "nightly", shape(NEW_YORK), parameters={"full": False}, labels=("big",), executor="inline"
    )
    # 02:30 in New York, five hours behind UTC in March before the 8th: 07:30 UTC.
    assert world.tick(utc(3, 2, 7, 29)).made == []
    step = world.tick(utc(3, 2, 7, 30))
    (run,) = world.runs()
    assert step.made == [run.id]
    assert (run.state, run.lease_expires, run.flow, run.project) == (
        StateType.PENDING, None, "nightly", "shop",
    )  # fmt: skip
    assert (run.deployment_id, run.version) == (deployed.id, "aa")
    assert (run.scheduled, run.interval_start) == (utc(3, 2, 7, 30), utc(3, 1, 7, 30))
    assert (run.interval_end, run.due) == (utc(3, 2, 7, 30), utc(3, 2, 7, 30))
    assert (run.parameters, run.labels) == ({"full": False}, ("big",))
    assert run.options == {"executor": "inline"}
    assert world.tick().made == []
    assert world.rows() == [("03-02T02:30", "run")]


@pytest.mark.parametrize(
    ("night", "before", "at", "after", "interval"),
    [
        # 2026-03-08 02:30 does not exist: 07:00 UTC, where 01:59:59 EST is followed by 03:00 EDT.
        # The night before was at 07:30 UTC, so the interval has 23.5 h.
        ("03-08T02:30", utc(3, 8, 6, 59), utc(3, 8, 7), utc(3, 9, 6, 29), 23.5),
        # 2026-11-01 02:30 EST is 07:30 UTC; the night before, 02:30 EDT, was 06:30 UTC: 25 h.
        ("11-01T02:30", utc(11, 1, 7, 29), utc(11, 1, 7, 30), utc(11, 2, 7, 29), 25),
    ],
)
def test_nights_on_which_clocks_change(
    world: World, night: str, before: Any, at: Any, after: Any, interval: float
) -> None:
    world.now = before - timedelta(hours=20)
    world.deploy("nightly", shape(NEW_YORK))
    assert world.tick(before).made == []
    assert len(world.tick(at).made) == 1
    world.finish(world.runs()[0].id)
    world.until(after, HOUR)
    (run,) = world.runs()
    assert world.rows() == [(night, "run")]
    assert run.scheduled == at
    assert run.interval_start is not None
    assert run.scheduled - run.interval_start == timedelta(hours=interval)


def test_a_restart_between_the_first_and_the_second_0130_makes_no_second_run(world: World) -> None:
    world.now = utc(10, 31, 12)
    world.deploy("nightly", shape(CronClock("30 1 * * *", timezone="America/New_York")))
    assert len(world.tick(utc(11, 1, 5, 30)).made) == 1  # the first 01:30, EDT: 05:30 UTC
    world.finish(world.runs()[0].id)
    world.restart()
    assert world.tick(utc(11, 1, 6, 30)).made == []  # the second, EST: 06:30 UTC
    assert world.tick(utc(11, 1, 5, 29)).made == []  # the clock goes back over the first
    assert world.tick(utc(11, 1, 5, 31)).made == []
    assert world.tick(utc(11, 2, 6, 30)).made != []  # the next night, EST: 06:30 UTC


def test_a_night_whose_instant_moves_is_still_one_night(world: World) -> None:
    """As when a new version of the time zone data moves an instant: here the policy does it."""
    world.now = utc(10, 31, 12)
    late = CronClock("30 1 * * *", timezone="America/New_York", overlap="second")
    world.deploy("nightly", shape(CronClock("30 1 * * *", timezone="America/New_York")))
    assert len(world.tick(utc(11, 1, 5, 30)).made) == 1
    (run,) = world.runs()
    world.finish(run.id)
    row = world.store.occurrences("shop/nightly/main")[0]
    second = next(late.occurrences(utc(11, 1)))
    # 05:30 UTC and 06:30 UTC; the local time is the same, and the pass another: only the pass
    # tells the two 01:30 apart, so a moved instant of one pass has the key of its night.
    assert (second.instant, second.key) == (utc(11, 1, 6, 30), row.key[:-1] + "1")
    moved = [row.__class__(**{**_fields(row), "instant": utc(11, 1, 6), "run_id": "other"})]
    assert world.store.occur(row.schedule_id, moved, [run], utc(11, 1, 6)) == ()


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def test_after_four_nights_without_a_scheduler_one_run_covers_all(world: World) -> None:
    world.deploy("nightly", shape(NEW_YORK))
    world.tick(utc(3, 5, 12))
    assert [outcome for _, outcome in world.rows()] == ["widened"] * 3 + ["run"]
    (run,) = world.runs()
    assert (run.interval_start, run.interval_end) == (utc(3, 1, 7, 30), utc(3, 5, 7, 30))
    rows = world.store.occurrences("shop/nightly/main")
    assert {row.run_id for row in rows} == {run.id}
    assert rows[0].reason == "caught up 4 h 30 min late"


def test_all_runs_one_after_the_other(world: World) -> None:
    world.deploy("nightly", shape(NEW_YORK, catch_up="all", catch_up_window="P7D"))
    made = world.tick(utc(3, 5, 12)).made
    runs = [world.store.run(run_id) for run_id in made]
    assert [run.waits_for for run in runs] == [None, *made[:-1]]
    assert world.claim() == made[0]
    assert world.claim() is None
    world.finish(made[0])
    assert world.claim() == made[1]


def test_missed_nights_say_so(world: World) -> None:
    world.deploy("nightly", shape(NEW_YORK, catch_up="none"))
    assert world.tick(utc(3, 3, 12)).settled == 2
    assert world.runs() == ()
    assert world.rows() == [("03-02T02:30", "missed"), ("03-03T02:30", "missed")]
    assert "catch_up is none" in world.store.occurrences("shop/nightly/main")[0].reason


# -- runs that meet --------------------------------------------------------------------------

HOURLY = CronClock("0 * * * *", timezone="UTC")


def hourly(world: World, overlap: str) -> str:
    """Deploy, and let the run of 13:00 begin."""
    world.deploy("nightly", shape(HOURLY, overlap=overlap))
    (first,) = world.tick(utc(3, 1, 13)).made
    assert world.claim() == first
    assert world.store.transition(first, [Change(None, StateType.RUNNING, at=world.now)]) == ()
    return first


def test_buffer_one_makes_one_run_of_all_that_came_meanwhile(world: World) -> None:
    first = hourly(world, "buffer_one")
    for hour in (14, 15):
        step = world.tick(utc(3, 1, hour))
        assert (step.made, step.held) == ([], {"shop/nightly/main": first})
    world.restart()
    world.now = utc(3, 1, 15, 20)
    world.finish(first)
    (second,) = world.tick(utc(3, 1, 15, 21)).made
    assert world.rows()[1:] == [("03-01T14:00", "widened"), ("03-01T15:00", "run")]
    run = world.store.run(second)
    assert (run.interval_start, run.interval_end) == (utc(3, 1, 13), utc(3, 1, 15))


def test_buffer_all_makes_a_run_of_each(world: World) -> None:
    first = hourly(world, "buffer_all")
    (second,) = world.tick(utc(3, 1, 14)).made
    (third,) = world.tick(utc(3, 1, 15)).made
    assert world.store.run(second).waits_for == first
    assert world.store.run(third).waits_for == second


def test_skip_leaves_a_row_that_names_the_run(world: World) -> None:
    first = hourly(world, "skip")
    assert world.tick(utc(3, 1, 14)).made == []
    row = world.store.occurrences("shop/nightly/main")[0]
    assert (row.outcome, row.reason) == ("skipped", f"run {first} was under way, overlap is skip")
    world.finish(first)
    assert len(world.tick(utc(3, 1, 15)).made) == 1


def test_cancel_other_asks_once_and_waits(world: World) -> None:
    first = hourly(world, "cancel_other")
    (second,) = world.tick(utc(3, 1, 14)).made
    (asked,) = world.store.asked(first)
    assert (asked.action, asked.by) == (Action.CANCEL, "scheduler")
    assert world.store.run(second).waits_for == first
    # 15:00 comes: the one that still waits never begins, and the first is not asked again.
    (third,) = world.tick(utc(3, 1, 15)).made
    assert world.store.run(second).state is StateType.CANCELLED
    assert len(world.store.asked(first)) == 1
    world.finish(first, StateType.CANCELLED)
    assert world.claim() == third


def test_terminate_other_ends_it_and_refuses_its_driver(world: World) -> None:
    first = hourly(world, "terminate_other")
    fence = world.store.run(first).fence
    (second,) = world.tick(utc(3, 1, 14)).made
    ended = world.store.run(first)
    assert ended.state is StateType.CANCELLED
    assert ended.message == "the run of 2026-03-01 14:00 came, overlap is terminate_other"
    assert not world.store.heartbeat(first, fence, utc(3, 2))
    assert world.store.run(second).waits_for is None


def test_allow_all_lets_both_run(world: World) -> None:
    hourly(world, "allow_all")
    (second,) = world.tick(utc(3, 1, 14)).made
    assert world.store.run(second).waits_for is None


# -- pausing, deploying, going wrong ---------------------------------------------------------


def test_a_paused_flow_leaves_rows_and_no_runs(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    world.store.pause("shop", "nightly")
    assert world.tick(utc(3, 1, 13)).made == []
    world.store.resume("shop", "nightly")
    world.store.pause("shop", "nightly", schedule="main")
    assert world.tick(utc(3, 1, 14)).made == []
    world.store.resume("shop", "nightly", schedule="main")
    assert len(world.tick(utc(3, 1, 15)).made) == 1
    reasons = [row.reason for row in world.store.occurrences("shop/nightly/main")]
    assert reasons == ["", "the schedule is paused", "the flow is paused"]


def test_a_deleted_flow_has_no_runs(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    world.store.delete("shop", "nightly")
    step = world.tick(utc(3, 1, 14))
    assert (step.made, step.errors) == ([], {})


def test_a_new_version_goes_on_where_the_old_one_stood(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    world.tick(utc(3, 1, 13))
    world.finish(world.runs()[0].id)
    world.now = utc(3, 1, 14, 30)  # nobody was there at 14:00
    newer = world.deploy("nightly", shape(HOURLY), version="bb")
    (run_id,) = world.tick(utc(3, 1, 14, 31)).made
    assert world.store.run(run_id).scheduled == utc(3, 1, 14)
    assert world.store.run(run_id).deployment_id == newer.id


def test_new_times_do_not_count_before_they_were_deployed(world: World) -> None:
    monthly = CronClock("0 0 1 * *", timezone="UTC")
    world.deploy("nightly", shape(monthly, catch_up="all"))
    world.now = utc(3, 20, 12, 30)
    world.deploy("nightly", shape(HOURLY, catch_up="all"), version="bb")
    assert world.tick(utc(3, 20, 12, 31)).made == []
    assert len(world.tick(utc(3, 20, 13)).made) == 1
    assert world.rows() == [("03-20T13:00", "run")]


def test_old_times_are_not_lost_when_new_ones_are_deployed(world: World) -> None:
    world.deploy("nightly", shape(DatesClock([utc(3, 1, 14)])))
    world.now = utc(3, 1, 14, 30)  # nobody was there at 14:00
    world.deploy("nightly", shape(NEW_YORK), version="bb")
    world.tick(utc(3, 1, 14, 31))
    assert world.rows() == []  # the new clock names nothing yet …
    world.tick(utc(3, 2, 7, 30))
    # … and with its first night what the old one named is settled, too.
    assert world.rows() == [("03-01T14:00", "widened"), ("03-02T02:30", "run")]


def test_one_bad_deployment_stops_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.deploy("broken", {"name": "main", "clocks": [{"clock": "sundial"}]})
    world.deploy("nightly", shape(HOURLY))
    world.deploy("odd", shape(HOURLY, overlap="sometimes"))
    step = world.tick(utc(3, 1, 13))
    assert len(step.made) == 1
    assert step.errors.keys() == {"shop/broken/main", "shop/odd/main"}
    assert "overlap='sometimes'" in step.errors["shop/odd/main"]
    assert world.tick().errors.keys() == step.errors.keys()
    assert sum("shop/odd/main" in record.message for record in caplog.records) == 1
    world.deploy("odd", shape(HOURLY), version="bb")
    assert world.tick().errors.keys() == {"shop/broken/main"}


def test_a_sound_version_after_one_that_cannot_be_read(world: World) -> None:
    world.deploy("nightly", {"name": "main", "clocks": [{"clock": "sundial"}]})
    world.deploy("nightly", shape(HOURLY), version="bb")
    assert len(world.tick(utc(3, 1, 13)).made) == 1
    assert world.tick().errors == {}


def test_what_cannot_be_written_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        world.deploy(f"flow{number}", shape(HOURLY))
    together = world.store.occur_all

    def refusing(wanted: Sequence[Settling]) -> object:
        if any(one.schedule_id == "shop/flow3/main" for one in wanted):
            raise StoreError("the third cannot be written")
        return together(wanted)

    monkeypatch.setattr(world.store, "occur_all", refusing)
    step = world.tick(utc(3, 1, 13))
    assert len(step.made) == 4
    assert step.errors == {"shop/flow3/main": "the third cannot be written"}
    monkeypatch.undo()
    assert len(world.tick().made) == 1, "the next step catches up"


def test_many_are_written_so_many_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.service.scheduler.serving.AT_ONCE", 3)
    zones = ("UTC", "Europe/Berlin")
    for number in range(8):
        world.deploy(f"flow{number}", shape(CronClock("0 * * * *", timezone=zones[number % 2])))
    together, sizes = world.store.occur_all, []

    def counting(wanted: Sequence[Settling]) -> object:
        sizes.append(sum(len(one.settled) for one in wanted))
        return together(wanted)

    monkeypatch.setattr(world.store, "occur_all", counting)
    assert len(world.tick(utc(3, 1, 13)).made) == 8
    assert sizes == [3, 3, 2]
    runs = world.runs()
    assert {run.flow for run in runs} == {f"flow{number}" for number in range(8)}
    assert {run.scheduled for run in runs} == {utc(3, 1, 13)}
    assert world.tick().made == []


def test_two_clocks_of_one_night_are_two_runs_if_their_zones_or_parameters_differ(
    world: World,
) -> None:
    clocks = [
        CronClock("0 13 * * *", timezone=zone, parameters=given)
        for zone, given in [
            ("UTC", None),
            ("Africa/Abidjan", {"shop": "south"}),
            ("UTC", {"shop": "north"}),
        ]
    ]
    world.deploy("nightly", shape(Schedule(clocks)))
    assert len(world.tick(utc(3, 1, 13)).made) == 3
    assert world.tick().made == []


def test_the_next_step_is_known(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    world.deploy("other", shape(CronClock("20 * * * *", timezone="UTC")))
    assert world.tick().next == utc(3, 1, 12, 20)
    assert world.tick(utc(3, 1, 12, 20)).next == utc(3, 1, 13)


def test_a_year_without_a_scheduler_is_one_run_and_a_bounded_number_of_rows(
    memory: RunStore,
) -> None:
    world = World(memory, utc(3, 1, 12))
    world.deploy("nightly", shape(CronClock("* * * * *", timezone="UTC")))
    step = world.tick(world.now + timedelta(days=365))
    assert len(step.made) == 1
    assert step.settled == 10_000
    assert world.runs()[0].interval_start == utc(3, 1, 12)


def test_a_schedule_that_is_gone_from_the_deployment_is_forgotten(world: World) -> None:
    world.deploy("nightly", shape(HOURLY), shape(HOURLY, "second"))
    assert len(world.tick(utc(3, 1, 13)).made) == 2
    world.deploy("nightly", shape(HOURLY), version="bb")
    for run in world.unfinished():
        world.finish(run.id)
    assert len(world.tick(utc(3, 1, 14)).made) == 1
