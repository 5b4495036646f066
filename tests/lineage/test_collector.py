"""The pause of the cycle collector ends as it began, however the function ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from orchestrator.lineage.collector import with_collector, without_collector


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


@without_collector
def outer(inner: object = None) -> list[bool]:
    seen = [gc.isenabled()]
    if callable(inner):
        seen += inner()
    return [*seen, gc.isenabled()]


@with_collector
def garbage() -> list[bool]:
    return [gc.isenabled()]


def test_the_pause_lasts_for_the_function() -> None:
    assert outer() == [False, False]
    assert gc.isenabled()


def test_a_pause_within_a_pause_does_not_end_it() -> None:
    assert outer(outer) == [False, False, False, False]
    assert gc.isenabled()


def test_what_leaves_garbage_is_collected_within_a_pause() -> None:
    assert outer(garbage) == [False, True, False]
    assert garbage() == [True]
    assert gc.isenabled()


def test_who_paused_it_before_finds_it_paused() -> None:
    gc.disable()
    assert outer(garbage) == [False, True, False]
    assert garbage() == [True]
    assert not gc.isenabled()


@pytest.mark.parametrize("paused", [without_collector, with_collector])
@pytest.mark.parametrize("before", [True, False])
def test_an_error_ends_it_too(paused: object, before: bool) -> None:
    def fails() -> None:
        raise KeyError("x")

    if not before:
        gc.disable()
    with pytest.raises(KeyError):
        paused(fails)()  # type: ignore[operator]
    assert gc.isenabled() is before
