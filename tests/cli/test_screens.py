"""Every screen, character by character, at 80 and 120 columns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import stories
from rich.text import Text

from orchestrator.cli.terminal import errors, lineage, live, plan, runs, why
from orchestrator.cli.terminal.lines import line
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import report
from orchestrator.errors import CycleError
from orchestrator.model.events import RunFinished
from orchestrator.model.state import State, StateType
from orchestrator.service.catalogue.datasets import DatasetGraph
from orchestrator.store.records import LogLine
from tests.cli.conftest import Compare, printed

pytestmark = pytest.mark.parametrize("width", [80, 120])


def test_lines_of_a_run(same_screen: Compare, width: int) -> None:
    progress, lines = Progress(), []
    for event in [*stories.beginning(), *stories.ending()]:
        progress.apply(event)
        lines.append(line(event, progress))
    same_screen("lines", [text for text in lines if text is not None], width)


def test_live_picture(same_screen: Compare, width: int) -> None:
    progress = stories.told(stories.beginning())
    same_screen("live", [live.picture(progress, stories.after(5), width, 24)], width)


def test_live_picture_where_little_room_is_left(same_screen: Compare, width: int) -> None:
    progress = stories.told(stories.beginning())
    shown = live.picture(progress, stories.after(5), width // 2, 4, ascii_only=True)
    same_screen("live-small", [shown], width)


def test_report_of_failures(same_screen: Compare, width: int) -> None:
    progress = stories.told([*stories.beginning(), *stories.ending()])
    same_screen("report", report(progress, width), width)


def test_report_of_many_failures(same_screen: Compare, width: int) -> None:
    broken = stories.ending()[1]
    events = [
        replace(broken, key=f"model.shop.m{n:02}", name=f"m{n:02}", detail={}) for n in range(40)
    ]
    end = RunFinished("a1", State(StateType.FAILED), stories.after(9), 9.0)
    same_screen("report-many", report(stories.told([*events, end]), width), width)


def test_report_of_success(same_screen: Compare, width: int) -> None:
    end = RunFinished("a1", State(StateType.SUCCESS), stories.after(75), 75.0)
    progress = stories.told([*stories.beginning()[:12], end])
    same_screen("report-success", report(progress, width), width)


def test_report_of_a_cancelled_run(same_screen: Compare, width: int) -> None:
    end = RunFinished("a1", State(StateType.CANCELLED, "cancelled"), stories.after(9), 9.0)
    progress = stories.told([*stories.beginning()[:12], end])
    same_screen("report-cancelled", report(progress, width, quiet=True), width)


def test_plan(same_screen: Compare, width: int) -> None:
    same_screen("plan", plan.picture(stories.shop_plan(), width), width)


def test_plan_with_many_tests_counts_them(same_screen: Compare, width: int) -> None:
    found = stories.tested_plan()
    same_screen("plan-tests", plan.picture(found, width), width)
    assert "unique_m0_79" in printed(plan.picture(found, width, whole=True), width)


def test_large_plan_stays_readable(same_screen: Compare, width: int) -> None:
    found = stories.large_plan()
    shown = plan.picture(found, width)
    same_screen("plan-large", shown, width)
    whole = printed(plan.picture(found, width, whole=True), width)
    assert len(shown) < 120
    assert all(f" m{number:05}" in whole for number in range(5000))


def test_why_of_a_task(same_screen: Compare, width: int) -> None:
    same_screen("why", why.of_task(stories.shop_plan(), "model.shop.mart_delays", width), width)


def test_why_of_a_pair_far_apart(same_screen: Compare, width: int) -> None:
    found = stories.shop_plan()
    same_screen("why-path", why.of_pair(found, "load_flights", "daily", width), width)


def test_why_of_an_edge_and_of_none(same_screen: Compare, width: int) -> None:
    found = stories.shop_plan()
    lines: list[Text] = []
    for pair in (
        ("model.shop.stg_flights", "daily"),
        ("daily", "load_flights"),
        ("daily", "notify"),
    ):
        lines += [*why.of_pair(found, *pair, width), Text()]
    same_screen("why-pairs", lines, width)


def test_lineage(same_screen: Compare, width: int) -> None:
    graph = DatasetGraph(stories.shop_plan())
    shown = lineage.picture(graph, stories.table("main.stg_flights"), True, True, width=width)
    same_screen("lineage", shown, width)


def test_runs_list(same_screen: Compare, width: int) -> None:
    earlier = stories.stored_run(id="aaaabbbbccccdddd", state=StateType.SUCCESS)
    now = stories.stored_run(
        id="1111222233334444", state=StateType.RUNNING, finished=None, retry_of=earlier.id
    )
    same_screen("runs", runs.table([now, stories.stored_run(), earlier], width), width)


def test_runs_show(same_screen: Compare, width: int) -> None:
    shown = runs.one(stories.stored_run(), stories.stored_tasks(), width)
    same_screen("run", shown, width)


def test_of_a_run_that_another_finishes_the_other_is_named(width: int) -> None:
    run = stories.stored_run(message="its driver is lost; another run finishes it")
    shown = printed(runs.one(run, stories.stored_tasks(), width, followed_by="b2"), width)
    assert shown.splitlines()[-1] == "next  run b2 finishes it: orchestrator runs show b2"
    assert "retry" not in shown.splitlines()[-1]


def test_runs_logs(same_screen: Compare, width: int) -> None:
    entries = [
        LogLine("fitting 12 rows", "score", at=stories.after(4)),
        LogLine("only 12 rows\nto score", "score", level=30, at=stories.after(4.5)),
        LogLine("the run ends", at=stories.after(5)),
    ]
    lines = runs.log(entries, {"score": "score"}, one_task=False)
    same_screen("logs", lines, width)


def test_error(same_screen: Compare, width: int) -> None:
    error = CycleError(
        "2 tasks wait for one another in a circle",
        where="a → b\n    because  sql/b.sql:1 reads a\nb → a\n    because  sql/a.sql:1 reads b",
        fix="take one step away",
    )
    same_screen("error", errors.picture(error), width)
