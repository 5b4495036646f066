"""What a run's events add up to."""

from __future__ import annotations

import stories
from hypothesis import given
from hypothesis import strategies as st
from stories import NOON, after, changed

from orchestrator.cli.terminal import live
from orchestrator.cli.terminal.progress import Progress
from orchestrator.model.events import RunStarted, TasksAdded
from orchestrator.model.state import ALLOWED, FINISHED, StateType


def started(*keys: str, slots: int = 1, **expected: float) -> Progress:
    tasks = tuple((key, key, "model") for key in keys)
    return stories.told([RunStarted("r", "f", tasks, expected, NOON, "threads", slots)])


def test_seconds_left_are_shared_among_slots() -> None:
    # 10 s wait, 4 s of "b" are left: (10 + 4) / 2 slots = 7 s
    progress = started("a", "b", slots=2, a=10.0, b=5.0)
    progress.apply(changed("b", StateType.RUNNING, 0))
    assert progress.seconds_left(after(1)) == 7.0


def test_seconds_left_are_at_least_those_of_the_longest_that_runs() -> None:
    progress = started("a", slots=8, a=10.0)
    progress.apply(changed("a", StateType.RUNNING, 0))
    assert progress.seconds_left(after(4)) == 6.0


def test_nothing_is_foretold_where_most_tasks_are_new() -> None:
    assert started("a", "b", "c", a=10.0).seconds_left(NOON) is None
    assert started().seconds_left(NOON) is None


def test_a_task_that_is_tried_again_waits_again() -> None:
    progress = started("a", a=10.0)
    for kind in (StateType.RUNNING, StateType.RETRYING):
        progress.apply(changed("a", kind, 0))
    assert progress.seconds_left(NOON) == 10.0


def test_a_final_state_is_final() -> None:
    progress = started("a")
    progress.apply(changed("a", StateType.FAILED, 1))
    progress.apply(changed("a", StateType.SUCCESS, 2))
    assert [event.state.type for event in progress.failed()] == [StateType.FAILED]
    assert progress.finished == 1


def test_tasks_that_nobody_announced_count() -> None:
    progress = started("a")
    progress.apply(changed("b", StateType.SUCCESS, 1))
    progress.apply(TasksAdded((("a", "a", "model"), ("c", "c", "model")), NOON))
    assert (progress.finished, progress.total) == (1, 3)


def test_tasks_that_are_called_alike_are_told_apart_by_their_keys() -> None:
    python = [(key, key.partition("-")[0], "python") for key in ("add-2", "load", "add")]
    # The elements of the second are known first.
    elements = [(f"{key}[0]", "add[0]", "python") for key in ("add-2", "add")]
    others = [(f"test.{of}.unique", "unique", "test") for of in ("shop", "base")]
    begun = RunStarted("r", "f", (*python, ("view", "add", "model"), *others), {}, NOON)
    added = [TasksAdded((element,), NOON) for element in elements]
    live, later = stories.told([begun, *added]), stories.told([begun])
    later.apply(TasksAdded(tuple(elements), NOON))
    for progress in (live, later):
        assert {key: str(title) for key, title in progress.titles.items()} == {
            "add": "python add", "add-2": "python add-2", "load": "python load",
            "add[0]": "python add[0]", "add-2[0]": "python add-2[0]", "view": "model add",
            "test.shop.unique": "test test.shop.unique",
            "test.base.unique": "test test.base.unique",
        }  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(StateType)))))
def test_counts_agree_with_the_states_themselves(moves: list[tuple[str, StateType]]) -> None:
    progress = started(*"abcd", a=1.0, b=2.0, c=4.0)
    states = dict.fromkeys("abcd", StateType.PENDING)
    for key, kind in moves:
        if kind in ALLOWED[states[key]]:
            states[key] = kind
            progress.apply(changed(key, kind, 0))
    assert set(progress.running) == {k for k, s in states.items() if s is StateType.RUNNING}
    assert set(progress.done) == {k for k, s in states.items() if s in FINISHED}
    waiting = set(states) - set(progress.running) - set(progress.done)
    rest = sum(
        {"a": 1.0, "b": 2.0, "c": 4.0}.get(key, 7 / 3) for key in waiting | set(progress.running)
    )
    left = progress.seconds_left(NOON)
    if left is not None and "d" not in progress.running:
        assert abs(left - rest) < 1e-9


def test_the_live_picture_shows_only_what_runs_and_fits_the_window() -> None:
    keys = [f"m{number}" for number in range(2000)]
    progress = started(*keys)
    for number, key in enumerate(keys):
        progress.apply(changed(key, StateType.RUNNING, 0))
        if number >= 50:
            progress.apply(changed(key, StateType.SUCCESS, 1))
    shown = live.picture(progress, after(2), 80, 24).plain.splitlines()
    assert len(shown) <= 24
    assert "1,950 of 2,000" in shown[1]
    assert shown[-1].strip() == "… 30 more run"
