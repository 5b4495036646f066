"""Earlier results that stand in for a run, why none was found, and entries that cannot be trusted."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import instants, task
from orchestrator.engine.messages import Report
from orchestrator.engine.results.digests import UncacheableError, code_digest, digest
from orchestrator.errors import FlowError
from orchestrator.model.cache import Cache
from orchestrator.model.task import FunctionTask, Task
from tests.engine.attempts import place, tried
from tests.engine.test_attempt_results import FRAMES, JSON, PICKLED

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


class Box:
    """Holds what a function uses and what does not count as its code."""

    def __init__(self, held: Any) -> None:
        self.held = held


def counted(rule: Any, value: Any = None) -> tuple[FunctionTask, list[Any]]:
    """A cached task, and what it was called with."""
    calls, given_back = Box([]), Box(value)

    def work(x: Any = None, y: Any = None) -> Any:
        calls.held.append(x)
        return [x, y] if given_back.held is None else given_back.held

    return task(name="work", cache=rule)(work), calls.held


def of(report: Report) -> tuple[str, str]:
    return report.state.type.value, report.detail["cache"]


def test_a_result_stands_in_and_a_miss_says_why(tmp_path: Path) -> None:
    work, calls = counted("inputs")
    with instants.fixed(NOON):
        assert of(tried(work, tmp_path, x=1, run_id="r1")[0]) == ("Success", "no earlier result")
    with instants.fixed(NOON + timedelta(hours=3)):
        report, value = tried(work, tmp_path, x=1)
    assert of(report) == ("Cached", "result of run r1, 3 h old")
    assert (report.state.message, value) == ("result of run r1, 3 h old", [1, None])
    assert report.result == {"value": [1, None]}
    assert of(tried(work, tmp_path, x=2)[0]) == ("Success", "input x changed")
    assert of(tried(work, tmp_path, x=3, y=4)[0]) == ("Success", "input x changed, input y changed")
    assert of(tried(work, tmp_path, x=1)[0])[0] == "Cached", "an older result counts as well"
    assert calls == [1, 2, 3]


def test_changed_code_is_a_miss(tmp_path: Path) -> None:
    for body, expected in (("x + 1", "no earlier result"), ("x + 2", "code changed")):
        space: dict[str, Any] = {}
        exec(f"def work(x):\n    return {body}", space)
        assert of(tried(task(cache="inputs")(space["work"]), tmp_path, x=1)[0])[1] == expected
    for cls in (1, 2):
        made = type("Load", (Task,), {"run": (lambda self: 1) if cls == 1 else (lambda self: 2)})
        assert of(tried(made(cache="inputs"), tmp_path)[0])[0] == "Success"


@pytest.mark.parametrize(("later", "said"), [(59, "Cached"), (60, "expired 0 s ago"), (210, "expired 2 h ago")])  # fmt: skip
def test_a_result_expires(later: int, said: str, tmp_path: Path) -> None:
    work, calls = counted(timedelta(hours=1))
    with instants.fixed(NOON):
        tried(work, tmp_path, x=1)
    with instants.fixed(NOON + timedelta(minutes=later)):
        assert said in of(tried(work, tmp_path, x=1)[0])
        assert of(tried(work, tmp_path, x=1)[0])[0] == "Cached", "the fresh one stands in again"
    assert len(calls) == (1 if said == "Cached" else 2)
    assert len(list(tmp_path.rglob("*.json"))) == 3, "entry, last, data: the old data is gone"


def test_what_else_a_result_is_kept_by(tmp_path: Path) -> None:
    work, calls = counted(Cache(by=("day", "parameters"), expires=timedelta(days=30)))
    at = {"scheduled_time": NOON, "parameters": {"n": 1}}
    tried(work, tmp_path, x=1, **at)
    assert of(tried(work, tmp_path, x=2, **at)[0])[0] == "Cached", "inputs do not count"
    at["scheduled_time"] = NOON + timedelta(days=1)
    why = of(tried(work, tmp_path, **at)[0])[1]
    assert why == "day is 2026-03-30, was 2026-03-29"
    assert of(tried(work, tmp_path, **at | {"parameters": {"n": 2}})[0])[1] == "parameter n changed"
    assert calls == [1, None, None]


def test_a_key_of_ones_own(tmp_path: Path) -> None:
    work, calls = counted(Cache(key=lambda x: str(x % 2)))
    with instants.fixed(NOON):
        found = [of(tried(work, tmp_path, x=x, run_id=f"r{x}")[0])[0] for x in (1, 3, 2)]
    assert found == ["Success", "Cached", "Success"]
    with instants.fixed(NOON):
        assert of(tried(work, tmp_path, x=4)[0]) == ("Cached", "result of run r2, 0 s old")
    assert calls == [1, 2]


def test_a_key_that_raises_fails_the_task_before_it_runs(tmp_path: Path) -> None:
    work, calls = counted(Cache(key=lambda x: str(x % 2)))
    report, _ = tried(work, tmp_path, x=None)
    assert report.state.is_failed()
    assert (report.state.message.partition(":")[0], calls) == ("TypeError", [])


@pytest.mark.parametrize("rule", ["input", 3600, Cache])
def test_a_rule_that_is_none(rule: Any) -> None:
    with pytest.raises(FlowError, match="is no rule for a cache"):
        counted(rule)
    with pytest.raises(FlowError, match="is no rule for a cache"):
        counted("inputs")[0].copy(cache=rule)
    with pytest.raises(FlowError, match="cannot be kept by 'daily'"):
        Cache(by=("daily",))


@settings(max_examples=40, deadline=None)
@given(value=JSON | PICKLED)
def test_a_cached_value_equals_a_fresh_one(
    value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    work, _ = counted("inputs", [value])
    _, fresh = tried(work, folder, x=value)
    report, cached = tried(work, folder, x=value)
    assert report.state.type == "Cached"
    assert digest(cached) == digest(fresh)


@pytest.mark.parametrize("frame", [frame for frame, _ in FRAMES], ids=range(len(FRAMES)))
def test_a_cached_data_frame_equals_a_fresh_one(frame: pd.DataFrame, tmp_path: Path) -> None:
    work, _ = counted("inputs", frame)
    tried(work, tmp_path, x=frame)
    report, cached = tried(work, tmp_path, x=frame.copy(deep=True))
    assert of(report)[0] == "Cached"
    pd.testing.assert_frame_equal(cached, frame)
    if frame.size:
        changed = pd.concat([frame, frame])
        assert of(tried(work, tmp_path, x=changed)[0])[1] == "input x changed"


# -- entries that cannot be trusted -----------------------------------------------------------


@pytest.mark.parametrize("harm", ["empty", "cut", "text", "other", "data gone", "data changed", "entry gone"])  # fmt: skip
def test_a_broken_entry_is_a_miss(harm: str, tmp_path: Path) -> None:
    work, calls = counted("inputs")
    tried(work, tmp_path, x=1)
    (entry,) = (p for p in tmp_path.rglob("*.json") if len(p.stem) == 32)
    data = Path(json.loads(entry.read_text())["result"]["location"])
    harms = {
        "empty": lambda: entry.write_bytes(b""),
        "cut": lambda: entry.write_bytes(entry.read_bytes()[:-9]),
        "text": lambda: entry.write_bytes(b"\xff\xfe"),
        "other": lambda: entry.write_text('{"parts": {}, "made": "x", "result": []}'),
        "data gone": data.unlink,
        "data changed": lambda: data.write_text("[1, 5]"),
        "entry gone": entry.unlink,
    }
    harms[harm]()
    report, value = tried(work, tmp_path, x=1)
    word = {"data gone": "is gone", "data changed": "was changed"}.get(
        harm, "earlier result is gone"
    )
    assert (report.state.type, value) == ("Success", [1, None])
    assert word in report.detail["cache"]
    assert tried(work, tmp_path, x=1)[0].state.type == "Cached", "it is mended"
    assert len(calls) == 2


def test_a_pickle_that_cannot_be_read_is_a_miss(tmp_path: Path) -> None:
    class Moody:
        def __reduce__(self) -> Any:
            return (_raise, ())

    work, calls = counted("inputs", Moody())
    tried(work, tmp_path, x=1)
    report, _ = tried(work, tmp_path, x=1)
    assert of(report) == ("Success", "its stored result cannot be read: not today")
    assert len(calls) == 2


def _raise() -> None:
    raise ValueError("not today")


def test_what_cannot_be_kept_or_compared_runs_all_the_same(tmp_path: Path) -> None:
    work, calls = counted("inputs", threading.Lock())
    report, _ = tried(work, tmp_path, x=1)
    assert report.state.is_successful()
    assert "no earlier result; not kept: a lock cannot be stored" in report.detail["cache"]
    report, _ = tried(work, tmp_path, x=threading.Lock())
    assert "not cached: a lock cannot be told from another" in report.detail["cache"]
    assert len(calls) == 2


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    @task(cache="inputs")
    def breaks() -> None:
        raise ValueError("broken")

    assert of(tried(breaks, tmp_path)[0]) == ("Failed", "no earlier result")
    assert of(tried(breaks, tmp_path)[0]) == ("Failed", "no earlier result")


# -- many at the same time, and processes -----------------------------------------------------


def test_attempts_with_one_key_at_the_same_time(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    @task(cache=timedelta(0))  # always expired: every attempt writes
    def work(x: int) -> list[int]:
        return [x] * 1000

    def many() -> None:
        barrier.wait()
        for _ in range(10):
            report, value = tried(work, tmp_path, x=5)
            seen.append((report.state.type.value, value))

    seen: list[Any] = []
    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [("Success", [5] * 1000)] * 80
    again = work.copy(cache=timedelta(days=1))
    report, value = tried(again, tmp_path, x=5)
    assert (report.state.type, value) == ("Cached", [5] * 1000)
    assert not list(tmp_path.rglob(".part-*"))


@task(cache="inputs", persist=True)
def doubled(x: int) -> list[int]:
    return [x, x]


@pytest.mark.parametrize("where", ["threads", "dask"])
def test_a_result_of_one_executor_stands_in_on_another(where: str, tmp_path: Path) -> None:
    assert tried(doubled, tmp_path, x=4)[0].state.type == "Success"
    with place(where) as started:
        report = started.tried(doubled, tmp_path, x=4)
    assert report.state.type == "Cached"
    assert report.result is not None
    assert report.result["format"] == "json", "it is stored where the task wants it"


# -- digests ---------------------------------------------------------------------------------

VALUES = [
    None, True, 1, 1.0, "1", b"1", [1], (1,), {1}, frozenset({1}), {"1": 1}, {1: 1}, [[1]], [1, 1],
    date(2026, 1, 1), datetime(2026, 1, 1), NOON, timedelta(1), 0.0, -0.0, "", [], {}, (), float("nan"),
    Path("1"), pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1]}),
    pd.Series([1], name="a"), pd.DataFrame({"a": [1]}, index=[1]), ["a", "b"], ["ab"], [["a"], "b"],
]  # fmt: skip


def test_different_values_have_different_digests() -> None:
    assert len({digest(value) for value in VALUES}) == len(VALUES)


@settings(max_examples=60, deadline=None)
@given(value=st.dictionaries(st.text() | st.integers(), JSON), seed=st.integers())
def test_the_order_of_keys_does_not_count(value: dict[Any, Any], seed: int) -> None:
    items = list(value.items())
    random.Random(seed).shuffle(items)
    assert digest(dict(items)) == digest(value)


def test_what_holds_itself_has_no_digest() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(UncacheableError, match="holds itself"):
        digest(ring)


FACTOR = 3


def helper(x: int) -> int:
    return x * FACTOR


def uses_helper(x: int = 2) -> int:
    return helper(x) + len({1, 2, "a"})


def test_digests_are_the_same_in_every_process() -> None:
    code = (
        "from tests.engine.test_attempt_cache import *\n"
        "print(code_digest(uses_helper), digest({'a': {1, 'x', 2.5}, 'b': NOON}))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": "."},
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in (1, 2)
    }  # fmt: skip
    assert told == {f"{code_digest(uses_helper)} {digest({'a': {1, 'x', 2.5}, 'b': NOON})}\n"}


def test_code_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest(uses_helper)
    monkeypatch.setitem(globals(), "FACTOR", 4)
    assert code_digest(uses_helper) != before, "a value of the module that it uses"
    monkeypatch.setitem(globals(), "FACTOR", 3)
    assert code_digest(uses_helper) == before
    monkeypatch.setitem(globals(), "helper", lambda x: x)
    helper.__module__ = __name__
    assert code_digest(uses_helper) != before, "a function of the module that it calls"
    spaces: list[dict[str, Any]] = [{}, {}]
    exec("def f(x):\n    return x + 1", spaces[0])
    exec("\n\n\ndef f(x):\n    # a comment\n    return x + 1", spaces[1])
    assert code_digest(spaces[0]["f"]) == code_digest(spaces[1]["f"]), "lines do not"
