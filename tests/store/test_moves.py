"""Which moves are refused, as a table: where a task stands, what is asked, what is answered."""

from __future__ import annotations

import pytest

from orchestrator.model.state import StateType as S
from orchestrator.store.moves import Standing, refusal
from orchestrator.store.records import Change

MOVED = None
OVER = "is over"
OTHER = "under another token"
UNKNOWN = "no live attempt under this token"


@pytest.mark.parametrize(
    ("standing", "change", "answer"),
    [
        # the table of moves, and what the caller expects
        (Standing(S.PENDING), Change("a", S.RUNNING), MOVED),
        (Standing(S.PENDING), Change("a", S.PENDING), "cannot become Pending"),
        (Standing(S.RUNNING, 1), Change("a", S.SUBMITTED), "cannot become Submitted"),
        (Standing(S.RUNNING, 1), Change("a", S.RUNNING), "cannot become Running"),
        (Standing(S.CANCELLED, 1), Change("a", S.SUCCESS), "is final"),
        (Standing(S.RUNNING, 1), Change("a", S.FAILED, {S.PENDING}), "not Pending"),
        (Standing(S.RUNNING, 1), Change("a", S.FAILED, {S.PENDING, S.RUNNING}), MOVED),
        # tokens: of a live attempt, the same; of a new one, another
        (Standing(S.SUBMITTED, 0, "t1"), Change("a", S.RUNNING, token="t1"), MOVED),
        (Standing(S.SUBMITTED, 0, "t1"), Change("a", S.RUNNING), MOVED),
        (Standing(S.SUBMITTED, 0, "t1"), Change("a", S.RUNNING, token="t2"), OTHER),
        (Standing(S.SUBMITTED, 0), Change("a", S.RUNNING, token="t1"), MOVED),
        (Standing(S.RUNNING, 1, "t1"), Change("a", S.SUCCESS, token="t1"), MOVED),
        (Standing(S.RUNNING, 1, "t1"), Change("a", S.CANCELLED), MOVED),
        (Standing(S.RUNNING, 1, "t1"), Change("a", S.SUCCESS, token="t2"), OTHER),
        (Standing(S.RUNNING, 1), Change("a", S.SUCCESS, token="t1"), OTHER),
        (Standing(S.RETRYING, 1, "t1"), Change("a", S.RUNNING, token="t2"), MOVED),
        (Standing(S.RETRYING, 1, "t1"), Change("a", S.SUBMITTED, token="t1"), OVER),
        (Standing(S.RETRYING, 1, "t1"), Change("a", S.SUCCESS, token="t1"), OVER),
        (Standing(S.RUNNING, 1, "t1"), Change("a", S.PAUSED, token="t1"), MOVED),
        (Standing(S.PAUSED, 1, "t1"), Change("a", S.RUNNING, token="t2"), MOVED),
        (Standing(S.PAUSED, 1, "t1"), Change("a", S.SUCCESS, token="t1"), OVER),
        (Standing(S.PAUSED, 1, "t1"), Change("a", S.SUCCESS, attempt=1), MOVED),
        (Standing(S.PENDING), Change("a", S.SUCCESS, token="t1"), UNKNOWN),
        (Standing(S.PENDING), Change("a", S.SUCCESS, token="t1", attempt=1), MOVED),
        # numbers: a new attempt is one beyond the last, what ends is not before it
        (Standing(S.RETRYING, 1), Change("a", S.RUNNING, attempt=2), MOVED),
        (Standing(S.RETRYING, 1), Change("a", S.RUNNING, attempt=1), OVER),
        (Standing(S.RUNNING, 2), Change("a", S.SUCCESS, attempt=2), MOVED),
        (Standing(S.RUNNING, 2), Change("a", S.SUCCESS, attempt=1), OVER),
        (Standing(S.RUNNING, 2), Change("a", S.SUCCESS, attempt=3), "has not begun"),
        (Standing(S.SUBMITTED, 1, "t2"), Change("a", S.FAILED, attempt=2, token="t2"), MOVED),
        (Standing(S.SUBMITTED, 1, "t2"), Change("a", S.FAILED, attempt=1), MOVED),
        # no such task; the run itself knows no attempts
        (None, Change("a", S.RUNNING), "no task 'a'"),
        (Standing(S.RUNNING), Change(None, S.SUCCESS, token="x", attempt=9), MOVED),
    ],
)
def test_moves(standing: Standing | None, change: Change, answer: str | None) -> None:
    reason = refusal(standing, change, S.RUNNING)
    assert reason is None if answer is MOVED else answer in str(reason)


@pytest.mark.parametrize("to", list(S))
def test_a_finished_run_starts_nothing(to: S) -> None:
    reason = refusal(Standing(S.RETRYING, 1), Change("a", to), S.FAILED)
    stays = to in {S.PENDING, S.SUBMITTED, S.RUNNING, S.RETRYING, S.PAUSED}
    assert (reason is not None) is stays
