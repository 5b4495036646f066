"""Who waits for a check: what reads the data that is checked, without being told, in no circle."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from orchestrator.errors import CycleError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.derivation.derive import Derived, derive, explain_edge
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts


def accesses(verb: str, key: str, tables: str) -> tuple[Access, ...]:
    return tuple(
        Access(Dataset(None, "s", name), Evidence(Source.SQL, f"{verb} {name}", f"{key}.sql", 1))
        for name in tables.split()
    )


def task(key: str, reads: str = "", writes: str = "", after: Iterable[str] = ()) -> TaskFacts:
    order = Evidence(Source.ORDER, "said so")
    return TaskFacts(
        key, key, "sql", accesses("reads", key, reads), accesses("writes", key, writes),
        upstream=tuple((up, order) for up in after),
    )  # fmt: skip


def check(key: str, reads: str, after: Iterable[str] = ()) -> TaskFacts:
    order = Evidence(Source.ORDER, "said so")
    upstream = tuple((up, order) for up in after)
    return TaskFacts(key, key, "test", accesses("checks", key, reads), upstream=upstream)


def waiting(derived: Derived, key: str) -> set[str]:
    return set(derived.graph.downstream(key))


def test_who_reads_checked_data_waits_and_shows_why() -> None:
    derived = derive([check("c", "t"), task("r", "t"), task("w", writes="t")])
    assert set(derived.edges) == {("w", "c"), ("w", "r"), ("c", "r")}
    (edge,) = explain_edge(derived, "c", "r")
    assert [str(e) for e in edge.evidence] == ["r.sql:1 reads t", "c.sql:1 checks t"]


def test_who_reads_other_data_of_the_same_task_does_not_wait() -> None:
    derived = derive([task("w", writes="t u"), check("c", "t"), task("r", "t"), task("o", "u")])
    assert waiting(derived, "c") == {"r"}


def test_data_that_no_task_writes_is_guarded_too() -> None:
    derived = derive([check("c", "raw"), task("r", "raw", "t"), task("far", "t"), task("o", "x")])
    assert waiting(derived, "c") == {"r"}
    assert ("r", "far") in derived.edges


def test_dbt_waits_for_checks_of_its_sources() -> None:
    model = DbtFacts("model.a", "a", "model", accesses("reads", "a", "raw"))
    its_test = DbtFacts(
        "test.a", "a", "test", accesses("reads", "a", "raw"), parents=("source.raw",)
    )
    opening = TaskFacts("open", "open", "operation", accesses("reads", "open", "raw"))
    derived = derive([task("w", writes="raw"), check("c", "raw"), model, its_test, opening])
    assert waiting(derived, "c") == {"model.a"}


def test_checks_do_not_wait_for_one_another() -> None:
    derived = derive([task("w", writes="t"), check("c", "t"), check("d", "t"), task("r", "t")])
    assert waiting(derived, "c") == waiting(derived, "d") == {"r"}


def test_a_check_of_two_tables_guards_what_comes_after_both() -> None:
    tasks = [task("v", writes="t"), task("u", "t", "u"), task("one", "t"), task("two", "u")]
    derived = derive([*tasks, check("c", "t u")])
    assert waiting(derived, "c") == {"two"}


def test_who_changes_checked_data_comes_before_its_check() -> None:
    tasks = [task("w", writes="t"), task("change", "t", "t"), task("r", "t")]
    derived = derive([*tasks, check("c", "t")])
    assert set(derived.graph.upstream("c")) == {"w", "change"}
    assert waiting(derived, "c") == {"r"}


def test_a_check_of_an_increment_does_not_wait_for_itself() -> None:
    derived = derive([task("grow", "raw t", "t"), check("c", "t"), task("r", "t")])
    assert set(derived.edges) == {("grow", "c"), ("grow", "r"), ("c", "r")}


def test_a_reader_between_two_writers_reads_what_is_not_checked_yet() -> None:
    tasks = [
        task("w", writes="t"),
        task("early", "t", "u"),
        task("again", "u", "t"),
        task("r", "t"),
    ]
    tasks[2] = task("again", "u", "t", after=["early", "w"])
    tasks[1] = task("early", "t", "u", after=["w"])
    derived = derive([*tasks, check("c", "t")])
    assert waiting(derived, "c") == {"r"}


def test_data_and_order_given_to_a_check_do_not_take_its_guard_away() -> None:
    parameter = TaskFacts("day", "day", "parameter")
    tasks = [parameter, task("w", writes="t"), task("r", "t"), task("other")]
    derived = derive([*tasks, check("c", "t", after=["day", "other"])])
    assert waiting(derived, "c") == {"r"}


def test_a_check_put_after_one_reader_still_guards_the_others() -> None:
    tasks = [task("w", writes="t"), task("first", "t"), task("r", "t")]
    derived = derive([*tasks, check("c", "t", after=["first"])])
    assert waiting(derived, "c") == {"r"}
    assert "c" not in derived.graph.upstream("first")


def test_a_check_that_a_task_is_put_before_and_after_is_a_circle() -> None:
    tasks = [task("w", writes="t"), task("r", "t", after=["c"])]
    with pytest.raises(CycleError, match="circle") as raised:
        derive([*tasks, check("c", "t", after=["r"])])
    assert "r → c" in str(raised.value)


def test_many_checks_of_many_tables() -> None:
    count = 300
    tasks = [task(f"t{n}", f"s{n - 1}" if n else "", f"s{n}") for n in range(count)]
    checks = [check(f"c{n}", f"s{n}") for n in range(count)]
    derived = derive([*checks, *tasks])
    assert all(waiting(derived, f"c{n}") == {f"t{n + 1}"} for n in range(count - 1))
    assert len(list(derived.graph.order())) == 2 * count
