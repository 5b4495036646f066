"""Texts that tasks leave behind: kept once, and gone with the last run that has them."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from orchestrator import instants
from orchestrator.errors import NotFoundError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, FlowRun
from orchestrator.store.sql import SqlStore
from orchestrator.store.texts import LIMIT, text_of

ONE, TWO = text_of("select 1"), text_of("select 'é 漢'\n")


def make(store: RunStore, *run_ids: str) -> None:
    for run_id in run_ids:
        store.create_run(FlowRun(run_id, "nightly"))


def test_texts_come_back_by_their_hashes(store: RunStore) -> None:
    make(store, "r1", "r2")
    assert store.texts([]) == {}
    store.keep_texts("r1", [])
    store.keep_texts("r1", [ONE, TWO, ONE])
    store.keep_texts("r2", [ONE])
    wanted = {ONE.hash: "select 1", TWO.hash: "select 'é 漢'\n"}
    assert store.texts([ONE.hash, TWO.hash, "0" * 32]) == wanted


def test_a_text_belongs_to_a_run(store: RunStore) -> None:
    with pytest.raises(NotFoundError):
        store.keep_texts("nobody", [ONE])
    assert store.texts([ONE.hash]) == {}


def test_more_texts_than_a_statement_takes(store: RunStore) -> None:
    make(store, "r1")
    many = [text_of(f"select {number}") for number in range(6000)]
    for _ in range(2):
        store.keep_texts("r1", many)
    assert store.texts([each.hash for each in many]) == {each.hash: each.body for each in many}


def test_a_text_goes_with_the_last_run_that_has_it(store: RunStore) -> None:
    make(store, "r1", "r2")
    store.keep_texts("r1", [ONE, TWO])
    store.keep_texts("r2", [ONE])
    later = instants.now() + timedelta(days=1)
    store.transition("r1", [Change(None, S.SUCCESS)])
    assert store.prune(later) == 1
    assert store.texts([ONE.hash, TWO.hash]) == {ONE.hash: "select 1"}
    store.transition("r2", [Change(None, S.SUCCESS)])
    assert store.prune(later) == 1
    assert store.texts([ONE.hash]) == {}


def test_a_long_text_is_cut_and_says_so(store: RunStore) -> None:
    make(store, "r1")
    long = "é" * LIMIT
    kept, other = text_of(long), text_of(long + " ")
    assert kept.hash != other.hash, "they are told apart also behind the cut"
    store.keep_texts("r1", [kept])
    body = store.texts([kept.hash])[kept.hash]
    assert body.startswith("é" * (LIMIT // 2) + "\n-- cut here: the whole is 2,000,000 bytes long")
    assert len(body.encode()) < LIMIT + 100
    assert text_of("x" * LIMIT).body == "x" * LIMIT


def test_a_text_that_a_database_would_refuse_is_kept(store: RunStore) -> None:
    make(store, "r1")
    odd = text_of("a\x00b\ud800")
    store.keep_texts("r1", [odd])
    assert store.texts([odd.hash]) == {odd.hash: "a\ufffdb?"}


def test_what_is_kept_already_does_not_travel(tmp_path: Path) -> None:
    with open_store(tmp_path / "runs.db") as store:
        assert isinstance(store, SqlStore)
        make(store, "r1", "r2")
        store.keep_texts("r1", [ONE, TWO])
        said: list[str] = []
        event.listen(
            store._engine, "before_cursor_execute", lambda *told: said.append(str(told[2]))
        )
        store.keep_texts("r2", [ONE, TWO])
    assert any("INTO text_uses" in statement for statement in said)
    assert not any("INTO texts" in statement for statement in said)


def test_what_a_run_has_is_there_however_often_others_are_pruned(store: RunStore) -> None:
    """Each night has the text of the night before, which is forgotten at that very moment."""
    later = instants.now() + timedelta(days=1)
    ended = threading.Event()

    def prune() -> None:
        while not ended.is_set():
            store.prune(later)

    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        for night in range(60):
            run_id = f"r{night}"
            make(store, run_id)
            store.keep_texts(run_id, [ONE, TWO])
            assert set(store.texts([ONE.hash, TWO.hash])) == {ONE.hash, TWO.hash}
            store.transition(run_id, [Change(None, S.SUCCESS)])
    finally:
        ended.set()
        pruning.join()
