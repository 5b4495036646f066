"""Selection held against `dbt ls` on a project with one of everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dbt_oracle import Shop
from shop_project import SELECTIONS

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.manifest import facts, landmarks
from orchestrator.lineage.derivation.derive import derive
from orchestrator.lineage.selection.select import select


def _arguments(text: str) -> tuple[list[str], list[str], str]:
    """Include, exclude and mode of a `dbt ls` command line."""
    given: dict[str, list[str]] = {"--select": [], "--exclude": [], "--indirect-selection": []}
    words: list[str] = []
    for word in text.split():
        if word in given:
            words = given[word]
        else:
            words.append(word)
    mode = (given["--indirect-selection"] or ["eager"])[0]
    return given["--select"], given["--exclude"], mode


@pytest.mark.parametrize("text", SELECTIONS)
def test_chooses_what_dbt_ls_chooses(shop: Shop, text: str) -> None:
    # dbt does not know which seed writes the table of a source: here nobody does.
    found = [replace(fact, writes=()) for fact in facts(shop.manifest)]
    marks = landmarks(shop.manifest)
    include, exclude, mode = _arguments(text)
    expected = shop.chosen[text] & {fact.key for fact in found}
    graph = derive(found).graph
    if expected:
        chosen = select(found, graph, include, exclude, landmarks=marks, indirect=mode)
        assert set(chosen) == expected
    else:
        with pytest.raises(SelectionError, match="names only what does not run"):
            select(found, graph, include, exclude, landmarks=marks, indirect=mode)


def test_the_walk_goes_over_the_writers_of_sources(shop: Shop) -> None:
    found = facts(shop.manifest)
    graph = derive(found).graph
    marks = landmarks(shop.manifest)
    for given in ((), marks):
        keys = select(found, graph, ["+stg_customers"], landmarks=given)
        assert "seed.shop.raw_customers" in keys
        keys = select(found, graph, ["raw_customers+1"], landmarks=marks)
        assert "model.shop.stg_customers" not in keys  # the source is a step of its own
        keys = select(found, graph, ["raw_customers+2"], landmarks=marks)
        assert "model.shop.stg_customers" in keys


def test_a_selection_of_every_writer_of_a_source(shop: Shop) -> None:
    found = facts(shop.manifest)
    graph = derive(found).graph
    keys = select(found, graph, ["+source:raw.raw_orders"], landmarks=landmarks(shop.manifest))
    assert "seed.shop.raw_orders" in keys
    assert "model.shop.stg_orders" not in keys


def test_what_does_not_run_needs_a_plus(shop: Shop) -> None:
    found = facts(shop.manifest)
    graph = derive(found).graph
    marks = landmarks(shop.manifest)
    with pytest.raises(SelectionError, match=r"exposure.*\n.*\+exposure:board"):
        select(found, graph, ["exposure:board"], landmarks=marks)
    with pytest.raises(SelectionError, match=r"1 source\n.*source:crm.unused\+"):
        select(found, graph, ["source:crm.unused"], landmarks=marks)


def test_nearest_names_come_from_what_the_method_searches(shop: Shop) -> None:
    found = facts(shop.manifest)
    graph = derive(found).graph
    for text, near in {
        "ordes": "orders",
        "tag:nihgtly": "nightly",
        "source:rw.raw_orders": "raw.raw_orders",
        "path:models/stagin": "models/staging",
        "config.materialized:tabel": "table",
        "test_name:not_nul": "not_null",
        "exposure:bord": "board",
        "resource_type:modle": "model",
        "package:utils": "util",
    }.items():
        with pytest.raises(SelectionError) as caught:
            select(found, graph, [text], landmarks=landmarks(shop.manifest))
        assert f"did you mean {near}" in str(caught.value), text
        assert "where: looked at the " in str(caught.value)
