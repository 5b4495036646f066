"""Answers say what the command line prints, letter for letter."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from orchestrator.model.state import StateType
from orchestrator.server.runs.answering import answered
from orchestrator.shapes import values

NIGHT = datetime(2026, 3, 1, 1, 30, 0, 5, UTC)


@pytest.mark.parametrize(
    "value",
    [
        {"state": StateType.TIMED_OUT, "counts": {StateType.SUCCESS: 3}},
        {"at": NIGHT, "local": NIGHT.astimezone(timezone(timedelta(hours=2))), "day": date.min},
        {"numbers": [1, 2.5, float("nan"), float("inf")], "none": None, "yes": True},
        {"tuple": (1, (2,)), "set": {"b", "a"}, "text": "ü\ud800<script>\x00"},
    ],
)
def test_answers_are_those_of_the_command_line(value: Any) -> None:
    assert json.loads(bytes(answered(value).body)) == json.loads(values.dumps(value))
