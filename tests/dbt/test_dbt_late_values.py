"""A dict whose values are made when they are asked for is, to whoever uses it, a dict."""

from __future__ import annotations

import copy
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import pytest

from tasks.dbt.late_values import LateValues, fill, made_already, unmade

GIVEN = {"a": 1, "b": 2, "c": 3}
WHOLE = {"a": 10, "b": 20, "c": 30}


class Maker:
    """Makes values, and remembers of what."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self, given: int) -> int:
        self.made.append(given)
        return given * 10


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def late(maker: Maker) -> LateValues:
    return LateValues(GIVEN, maker)


def test_a_value_is_made_once_and_no_other(late: LateValues, maker: Maker) -> None:
    assert (late["b"], late.get("b"), late.setdefault("b", 0)) == (20, 20, 20)
    assert maker.made == [2]
    assert dict(made_already(late)) == {"b": 20}


def test_asking_for_a_key_makes_nothing(late: LateValues, maker: Maker) -> None:
    assert "a" in late
    assert "z" not in late
    assert late.get("z", 7) == 7
    assert bool(late)
    assert not LateValues({}, maker)
    assert maker.made == []


def test_what_is_entered_stands_before_what_would_be_made(late: LateValues, maker: Maker) -> None:
    late["a"] = "own"
    late.update(b="own")
    assert dict(late) == {"a": "own", "b": "own", "c": 30}
    assert maker.made == [3]


def test_what_is_not_there_is_a_key_error(late: LateValues) -> None:
    with pytest.raises(KeyError, match="z"):
        late["z"]
    with pytest.raises(KeyError, match="z"):
        del late["z"]


@pytest.mark.parametrize(
    "whole",
    [
        dict,
        lambda late: {**late},
        lambda late: dict(**late),
        lambda late: {} | late,
        lambda late: late | {},
        lambda late: dict(late.items()),
        lambda late: dict(zip(late.keys(), late.values(), strict=True)),
        lambda late: {key: late[key] for key in late},
        lambda late: {key: late[key] for key in reversed(late)},
        lambda late: dict(ChainMap({}, late)),
        lambda late: late.copy(),
        copy.copy,
        lambda late: eval(repr(late)),
    ],
)
def test_whatever_takes_all_of_it_gets_all_of_it(
    late: LateValues, whole: Callable[[Any], Any]
) -> None:
    assert whole(late) == WHOLE


def test_it_equals_the_dict_that_it_stands_for(maker: Maker) -> None:
    assert LateValues(GIVEN, maker) == WHOLE
    assert LateValues(GIVEN, maker) != {**WHOLE, "a": 0}
    assert len(LateValues(GIVEN, maker)) == 3


def test_what_is_taken_out_stays_out(late: LateValues) -> None:
    del late["a"]
    assert late.pop("b") == 20
    assert late.pop("b", None) is None
    assert "a" not in late
    assert late.get("a") is None
    assert late.popitem() == ("c", 30)
    assert late == {}


def test_clearing_leaves_nothing(late: LateValues) -> None:
    late.clear()
    assert (dict(late), late.get("a"), bool(late)) == ({}, None, False)


def test_it_is_told_later_what_values_are_made_of(maker: Maker) -> None:
    late = LateValues({}, maker)
    late["a"] = 0
    fill(late, GIVEN, maker)
    assert unmade(late) == GIVEN
    assert dict(late) == {"a": 0, "b": 20, "c": 30}


def test_it_has_no_public_attribute_that_a_dict_has_not() -> None:
    assert {n for n in dir(LateValues) if n[0] != "_"} == {n for n in dir(dict) if n[0] != "_"}
