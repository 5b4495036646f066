"""Pieces of a run's log, and all of it as a file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.server.runs import log_ranges
from orchestrator.server.runs.log_ranges import Filter
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import FlowRun, LogLine
from tests.server.runs.conftest import Api


@pytest.fixture(autouse=True)
def _lines(store: RunStore) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"))
    store.append_logs(
        "a1",
        [
            LogLine(f"line {n} {'Error' if n % 5 == 0 else 'fine'}", "load" if n % 2 else None,
                    attempt=1 if n < 10 else 2, level=40 if n % 5 == 0 else 20)
            for n in range(1, 21)
        ],
    )  # fmt: skip


def numbers(found: dict[str, Any]) -> list[int]:
    return [line["seq"] for line in found["lines"]]


def test_pieces_of_the_log(api: Api) -> None:
    found = api.get("/runs/a1/logs", limit=3)
    assert (numbers(found), found["first"], found["last"], found["total"]) == ([1, 2, 3], 1, 3, 20)
    assert numbers(api.get("/runs/a1/logs", after=18)) == [19, 20]
    assert numbers(api.get("/runs/a1/logs", before=5, limit=2)) == [3, 4]
    assert numbers(api.get("/runs/a1/logs", tail=2)) == [19, 20]
    assert numbers(api.get("/runs/a1/logs", before=1)) == []
    line = api.get("/runs/a1/logs", limit=1, after=4)["lines"][0]
    assert (line["text"], line["level"], line["key"], line["attempt"]) == (
        "line 5 Error", "ERROR", "load", 1,
    )  # fmt: skip


def test_lines_are_filtered(api: Api) -> None:
    assert numbers(api.get("/runs/a1/logs", level="WARNING")) == [5, 10, 15, 20]
    assert numbers(api.get("/runs/a1/logs", search="eRRor", tail=2)) == [15, 20]
    assert numbers(api.get("/runs/a1/logs", key="load", attempt=2)) == [11, 13, 15, 17, 19]
    assert numbers(api.get("/runs/a1/logs", key="load", attempt=1, before=8, limit=2)) == [5, 7]
    empty = api.get("/runs/a1/logs", key="nope")
    assert (empty["lines"], empty["first"], empty["last"], empty["total"]) == ([], None, None, 20)


def test_the_whole_log_as_a_file(api: Api) -> None:
    answer = api.http.get("/api/v1/runs/a1/logs/download")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="a1.log"'
    lines = answer.text.splitlines()
    assert len(lines) == 20
    assert lines[4].endswith("ERROR    load line 5 Error")
    few = api.http.get("/api/v1/runs/a1/logs/download", params={"level": "ERROR"}).text
    assert len(few.splitlines()) == 4


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 5001}, {"after": -1}, {"level": "LOUD"}, {"search": ""},
     {"after": 10**30}, {"tail": 0}, {"attempt": -1}],
)  # fmt: skip
def test_ranges_that_do_not_fit(api: Api, query: dict[str, Any]) -> None:
    api.get("/runs/a1/logs", 422, **query)


def test_one_range_at_a_time(api: Api) -> None:
    assert "exclude" in api.get("/runs/a1/logs", 400, after=3, tail=2)["error"]["what"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    attempts=st.lists(st.integers(0, 2), max_size=30),
    wanted=st.none() | st.integers(0, 2),
    seq=st.integers(0, 32),
    limit=st.integers(1, 8),
)
def test_pieces_are_those_of_the_whole(
    attempts: list[int], wanted: int | None, seq: int, limit: int
) -> None:
    with MemoryStore() as kept:
        kept.create_run(FlowRun("b1", "nightly"))
        kept.append_logs(
            "b1", [LogLine(str(n), attempt=number) for n, number in enumerate(attempts)]
        )
        every = [line for line in kept.logs("b1") if wanted in (None, line.attempt)]
        chosen = Filter(attempt=wanted)
        behind = [line for line in every if line.seq > seq]
        ahead = [line for line in every if line.seq < seq]
        assert log_ranges.after(kept, "b1", chosen, seq, limit) == behind[:limit]
        assert log_ranges.before(kept, "b1", chosen, seq, limit) == ahead[-limit:]
