"""Finding the task or table that a person means."""

from __future__ import annotations

import pytest
import stories

from orchestrator.errors import NotFoundError
from orchestrator.service.catalogue.datasets import DatasetGraph
from orchestrator.service.catalogue.resolving import (
    resolve_dataset,
    resolve_dataset_or_column,
    resolve_task,
)


@pytest.mark.parametrize(
    "name",
    [
        "model.shop.mart_delays",
        "mart_delays",
        "MART_DELAYS",
        "shop.mart_delays",
        "models/mart_delays.sql",
    ],
)
def test_a_task_by_any_of_its_names(name: str) -> None:
    assert resolve_task(stories.shop_plan().facts, name) == "model.shop.mart_delays"


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve_task(stories.shop_plan().facts, "mart_delay")
    assert caught.value.fix == "did you mean mart_delays?"


def test_a_name_of_two_tasks_lists_their_keys() -> None:
    twins = {
        key: stories.facts("twin", "model", key=key) for key in ("model.a.twin", "model.b.twin")
    }
    with pytest.raises(NotFoundError, match="names 2 tasks") as caught:
        resolve_task(twins, "twin")
    assert "model.a.twin, model.b.twin" in (caught.value.fix or "")


@pytest.mark.parametrize("name", ["shop.main.daily", "main.daily", "daily", 'Main."Daily"'])
def test_a_table_by_the_end_of_its_name(name: str) -> None:
    graph = DatasetGraph(stories.shop_plan())
    assert resolve_dataset(graph, name) == stories.table("main.daily")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("main.daily", None),
        ("daily", None),
        ("main.daily.carrier", "carrier"),
        ("daily.carrier", "carrier"),
        ('shop.main.daily."Big Carrier"', '"Big Carrier"'),
        ('daily."a.b"', '"a.b"'),
    ],
)
def test_a_table_or_a_column_of_it(name: str, column: str | None) -> None:
    graph = DatasetGraph(stories.shop_plan())
    assert resolve_dataset_or_column(graph, name) == (stories.table("main.daily"), column)


def test_a_column_of_an_unknown_table() -> None:
    with pytest.raises(NotFoundError, match="no task reads or writes"):
        resolve_dataset_or_column(DatasetGraph(stories.shop_plan()), "main.dayly.carrier")


def test_an_unknown_table_offers_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no task reads or writes") as caught:
        resolve_dataset(DatasetGraph(stories.shop_plan()), "main.mart_dleays")
    assert "main.mart_delays" in (caught.value.fix or "")


def test_each_step_of_a_lineage_is_given_once() -> None:
    graph = DatasetGraph(stories.shop_plan())
    steps = list(graph.reach(stories.table("main.mart_delays"), up=True))
    assert [(str(s.reads), str(s.writes), s.task.name) for s in steps] == [
        ("shop.main.daily", "shop.main.mart_delays", "mart_delays"),
        ("shop.main.stg_flights", "shop.main.mart_delays", "mart_delays"),
        ("shop.main.stg_flights", "shop.main.daily", "daily"),
        ("shop.raw.flights", "shop.main.stg_flights", "stg_flights"),
        ("None", "shop.raw.flights", "load_flights"),
    ]
