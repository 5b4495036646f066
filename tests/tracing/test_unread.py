"""Statements whose columns cannot be followed are said where they would have stood."""

from __future__ import annotations

from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.graph import How
from orchestrator.lineage.tracing.trace import trace
from tests.tracing.flows import column_of, drawn, reader, sql, table

LOST = "has columns that cannot be followed"


def test_a_statement_that_cannot_be_followed_is_said_with_its_line() -> None:
    graph = drawn(sql("z", "create table ok as select 1 as k;\ncreate table z as summarize a"))
    (step,) = graph.steps(column_of("z.max"), up=True)
    assert (step.how, step.note) == (How.UNKNOWN, f"line 2 {LOST}")
    assert graph.columns[table("z")].unknown == f"line 2 {LOST}"
    assert graph.notes == ()


def test_it_is_followed_to_the_name_that_the_table_has_in_the_end() -> None:
    text = "create table made as summarize a;\nalter table made rename to z"
    (step,) = drawn(sql("z", text)).steps(column_of("z.max"), up=True)
    assert step.note == f"line 1 {LOST}"


def test_a_statement_that_cannot_be_read_at_all_is_a_note() -> None:
    graph = drawn(sql("z", "create table ok as select 1 as k;\nselect (from"))
    assert len(graph.notes) == 1
    assert graph.notes[0].startswith("sql/z.sql: line 2 cannot be read: ")


def test_it_is_kept_in_the_cache() -> None:
    cache = ContentCache(None, version="1")
    tasks = [sql("z", "create table z as summarize a")]
    first, again = (trace("f", tasks, reader(cache)) for _ in range(2))
    assert cache.hits == 1
    steps = [g.steps(column_of("z.max"), up=True)[0] for g in (first, again)]
    assert [step.note for step in steps] == 2 * [f"line 1 {LOST}"]
