"""Plans: what runs, why, in which order, and what a selection cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine.plan import Plan, make_plan
from orchestrator.errors import CycleError, SelectionError, UnorderedWritersError
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.flow import Flow
from orchestrator.model.group import Member, TaskGroup
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.task import Task, task


@task(writes=["raw.orders"])
def load() -> list[int]:
    return [1]


@task(reads=["raw.orders"], writes=["main.daily"])
def daily(extra: Any = None) -> None: ...


@task(reads=["main.daily"], tags=["late"])
def mail(extra: Any = None) -> None: ...


@task
def aside() -> None: ...


def plan(flow: Flow, tmp_path: Path, **asked: Any) -> Plan:
    return make_plan(flow, Planning(tmp_path), **asked)


def test_reads_and_writes_give_the_order_and_say_where(tmp_path: Path) -> None:
    with Flow("f") as flow:
        mail()
        daily()
        load()
    made = plan(flow, tmp_path)
    assert made.order() == ["load", "daily", "mail"]
    assert made.levels() == [["load"], ["daily"], ["mail"]]
    evidence = made.edges["load", "daily"].evidence
    assert [e.text for e in evidence] == ["reads raw.orders (daily)", "writes raw.orders (load)"]
    assert all(e.file and e.file.endswith("test_plan.py") and e.line for e in evidence)


def test_data_and_explicit_order_say_which_line_of_the_flow_it_was(tmp_path: Path) -> None:
    with Flow("f") as flow:
        loaded = load()
        aside(upstream_tasks=[loaded])
        daily(loaded)
    made = plan(flow, tmp_path)
    assert made.edges["load", "aside"].evidence[0].text == "aside is told to wait for load"
    texts = [e.text for e in made.edges["load", "daily"].evidence]
    assert "daily takes the result of load" in texts


def test_a_selection_keeps_the_order_through_what_it_leaves_out(tmp_path: Path) -> None:
    with Flow("f") as flow:
        load(), daily(), mail()
    made = plan(flow, tmp_path, include=["load", "tag:late"])
    assert made.order() == ["load", "mail"]
    assert list(made.graph.edges()) == [("load", "mail")]
    assert made.left_out == {"daily": "not selected"}


def test_a_selection_brings_along_the_results_it_needs(tmp_path: Path) -> None:
    with Flow("f") as flow:
        loaded = load()
        daily(loaded)
        mail()
    made = plan(flow, tmp_path, include=["daily"])
    assert {k: t.reason for k, t in made.tasks.items()} == {
        "load": "its result is needed by daily",
        "daily": "selected",
    }


def test_what_succeeded_before_is_left_out_and_its_result_given(tmp_path: Path) -> None:
    with Flow("f") as flow:
        loaded = load()
        daily(loaded)
        mail(aside())
    made = plan(flow, tmp_path, done={"load": {"value": [7]}, "aside": None})
    assert made.given == {"load": [7]}
    assert made.left_out == {"load": "succeeded before"}
    assert made.tasks["aside"].reason == "its result is needed by mail"


class Pair(TaskGroup):
    """Two members framed by nothing; the second waits for the first."""

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        first = TaskFacts(f"{key}.a", "a", "sql")
        second = TaskFacts(f"{key}.b", "b", "operation", upstream=((f"{key}.a", EVIDENCE),))
        named = TaskFacts(f"{key}.c", "c", "source")
        return [Member(aside.copy(), first), Member(aside.copy(), second), Member(None, named)]


EVIDENCE = Evidence(Source.ENGINE, "after a")


class OfTwo(TaskGroup):
    """Two models, and a data test of both."""

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        both = (("m.a", EVIDENCE), ("m.b", EVIDENCE))
        facts = (
            TaskFacts("m.a", "a", "model"),
            TaskFacts("m.b", "b", "model"),
            TaskFacts("t.ab", "ab", "test", upstream=both),
        )
        return [Member(aside.copy(), fact) for fact in facts]


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        ({}, {"m.a", "t.ab"}),
        ({"indirect_selection": "buildable"}, {"m.a"}),
        ({"indirect_selection": "empty"}, {"m.a"}),
    ],
)
def test_tests_that_need_more_than_is_selected_may_be_left_out(
    tmp_path: Path, chosen: dict[str, str], keys: set[str]
) -> None:
    with Flow("f") as flow:
        OfTwo(name="dbt")()
    made = make_plan(flow, Planning(tmp_path, options=RunOptions(**chosen)), include=["a"])  # type: ignore[arg-type]
    assert set(made.tasks) == keys


class Naming(Pair):
    """Members whose texts name what the group they refer to makes."""

    def __init__(self, told: list[str], **given: Any) -> None:
        super().__init__(**given)
        self.told = told

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        self.told.append(key)
        return super().expand(key, planning, prepared)


class Named(Naming):
    is_referred_to = True


def test_what_others_refer_to_is_expanded_first_and_stays_in_its_place(tmp_path: Path) -> None:
    told: list[str] = []
    with Flow("f") as flow:
        Naming(told, name="files")()
        Named(told, name="dbt")()
        Naming(told, name="more")()
    made = plan(flow, tmp_path)
    assert told == ["dbt", "files", "more"]
    assert [key for key in made.tasks if key.endswith(".a")] == ["files.a", "dbt.a", "more.a"]


def test_a_group_is_ordered_as_a_whole(tmp_path: Path) -> None:
    with Flow("f") as flow:
        before = aside()
        pair = Pair(name="pair")(upstream_tasks=[before])
        mail(upstream_tasks=[pair])
    made = plan(flow, tmp_path)
    assert made.order() == ["aside", "pair.a", "pair.b", "mail"]


def test_operations_of_a_group_run_when_one_of_its_members_does(tmp_path: Path) -> None:
    with Flow("f") as flow:
        Pair(name="pair")()
        aside()
    assert plan(flow, tmp_path, include=["a"]).order() == ["pair.a", "pair.b"]
    assert plan(flow, tmp_path, include=["aside"]).order() == ["aside"]


def test_contradictions_are_refused(tmp_path: Path) -> None:
    with Flow("two") as flow:
        load(), load()
    with pytest.raises(UnorderedWritersError, match=r"raw\.orders"):
        plan(flow, tmp_path)
    with Flow("circle") as flow:
        Task(name="x", reads=["main.a"], writes=["main.b"])()
        Task(name="y", reads=["main.b"], writes=["main.a"])()
    with pytest.raises(CycleError) as caught:
        plan(flow, tmp_path)
    assert "x" in str(caught.value)
    assert "y" in str(caught.value)


def test_an_unknown_name_is_refused_with_near_ones(tmp_path: Path) -> None:
    with Flow("f") as flow:
        load(), daily()
    with pytest.raises(SelectionError) as caught:
        plan(flow, tmp_path, include=["dayly"])
    assert "daily" in str(caught.value)
