"""The JSON that other people's programs read: every key, and values JSON has no word for."""

from __future__ import annotations

import json
from datetime import date

import pytest
import stories

from orchestrator.model.state import StateType
from orchestrator.service.catalogue.datasets import DatasetGraph
from orchestrator.shapes import plans, runs, values
from orchestrator.store.records import Action, Ask, LogLine


def again(value: object) -> object:
    return json.loads(values.dumps(value))


def test_a_run_line_by_line() -> None:
    events = [again(values.event(e)) for e in [*stories.beginning(), *stories.ending()]]
    by_kind = {event["event"]: sorted(event) for event in events}  # type: ignore[index,call-overload]
    assert by_kind == {
        "run_started": sorted(
            ["event", "at", "run_id", "flow", "executor", "slots", "tasks", "expected"]
        ),
        "tasks_added": ["at", "event", "tasks"],
        "task": sorted(
            [
                "event",
                "at",
                "key",
                "name",
                "state",
                "message",
                "cause",
                "status",
                "attempt",
                "seconds",
                "rows",
                "failures",
                "detail",
            ]
        ),
        "log": ["at", "event", "key", "level", "text"],
        "run_finished": sorted(["event", "at", "run_id", "state", "message", "seconds", "counts"]),
    }
    assert events[-1] == {
        "event": "run_finished", "at": "2026-01-05T12:00:05.200000Z", "run_id": "3f2ab1c4d5e6f708",
        "state": "Failed", "message": "2 failed", "seconds": 5.2,
        "counts": {"Success": 4, "Failed": 2, "Skipped": 3},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (float("inf"), None),
        ({StateType.FAILED: {1}}, {"Failed": [1]}),
        ((date(2026, 1, 5), stories.NOON), ["2026-01-05", "2026-01-05T12:00:00Z"]),
        (stories.table("raw.flights"), "shop.raw.flights"),
        ("\ud800", "\ud800"),
        (True, True),
    ],
)
def test_values(value: object, shape: object) -> None:
    assert again(value) == shape


def test_a_value_json_does_not_know_becomes_text() -> None:
    assert again({1: {"x": object}}) == {"1": {"x": "<class 'object'>"}}


def test_plan() -> None:
    shape = again(plans.plan(stories.shop_plan()))
    assert sorted(shape) == ["edges", "flow", "left_out", "parameters", "tasks"]  # type: ignore[call-overload]
    mart = next(t for t in shape["tasks"] if t["name"] == "mart_delays")  # type: ignore[index,call-overload]
    assert mart == {
        "key": "model.shop.mart_delays", "name": "mart_delays", "resource_type": "model",
        "path": "models/mart_delays.sql", "tags": [], "drops": [], "lineage_unknown": None,
        "reads": ["shop.main.daily", "shop.main.stg_flights"], "writes": ["shop.main.mart_delays"],
        "wave": 4, "mapped": False, "affinity": None, "reason": "the whole flow runs",
        "upstream": ["model.shop.stg_flights", "daily"],
    }  # fmt: skip
    assert {"key": "gone", "reason": "succeeded before"} in shape["left_out"]  # type: ignore[index,call-overload]


def test_why() -> None:
    plan = stories.shop_plan()
    shape = again(plans.task(plan, "daily"))
    assert sorted(shape) == ["downstream", "flow", "task", "upstream"]  # type: ignore[call-overload]
    assert shape["upstream"] == [  # type: ignore[index,call-overload]
        {
            "upstream": "model.shop.stg_flights", "downstream": "daily",
            "dataset": "shop.main.stg_flights",
            "evidence": [
                {"source": "sql", "text": "reads main.stg_flights", "file": "sql/daily.sql",
                 "line": 7, "node": None},
                {"source": "sql", "text": "writes main.stg_flights",
                 "file": "models/stg_flights.sql", "line": 2, "node": None},
            ],
        }
    ]  # fmt: skip
    path = plans.connection(plan, "load_flights", "daily")
    assert (path["connected"], path["direct"], len(path["path"])) == (True, False, 2)
    none = plans.connection(plan, "daily", "notify")
    assert (none["connected"], none["direct"], none["path"]) == (False, False, [])


def test_lineage() -> None:
    graph = DatasetGraph(stories.shop_plan())
    shape = again(graph.shape(stories.table("main.stg_flights"), True, False))
    assert shape == {
        "flow": "nightly",
        "dataset": "shop.main.stg_flights",
        "up": [
            {
                "reads": "shop.raw.flights", "writes": "shop.main.stg_flights",
                "task": "model.shop.stg_flights",
                "evidence": {"source": "sql", "text": "reads raw.flights",
                             "file": "models/stg_flights.sql", "line": 7, "node": None},
            },
            {
                "reads": None, "writes": "shop.raw.flights", "task": "load_flights",
                "evidence": {"source": "sql", "text": "writes raw.flights",
                             "file": "flows/nightly.py", "line": 2, "node": None},
            },
        ],
    }  # fmt: skip


def test_records_of_the_store() -> None:
    shape = again(runs.whole(stories.stored_run(), stories.stored_tasks()))
    assert sorted(shape) == sorted(  # type: ignore[call-overload]
        [
            "run_id",
            "flow",
            "project",
            "state",
            "message",
            "created",
            "started",
            "finished",
            "parameters",
            "options",
            "retry_of",
            "pid",
            "host",
            "tasks",
            "requests",
            "agent",
            "deployment_id",
            "due",
            "interval_end",
            "interval_start",
            "schedule_id",
            "scheduled",
            "version",
            "waits_for",
            "waiting",
        ]
    )
    asked = Ask(Action.MARK, "score", {"state": "failed"}, "ada", stories.NOON)
    shown = again(runs.whole(stories.stored_run(), [], [asked]))["requests"]  # type: ignore[index,call-overload]
    assert shown == [
        {"action": "mark", "key": "score", "by": "ada", "at": "2026-01-05T12:00:00Z",
         "data": {"state": "failed"}}
    ]  # fmt: skip
    assert again(runs.line(LogLine("hello", "score", 1, 30, stories.NOON, 4))) == {
        "seq": 4, "at": "2026-01-05T12:00:00Z", "key": "score", "attempt": 1, "level": "WARNING",
        "text": "hello",
    }  # fmt: skip
