"""SqlFolder: a task for each file, named, tagged and tried again as the files say."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import FlowError, ProjectError
from orchestrator.lineage import EffectsCache
from orchestrator.model.group import Member
from orchestrator.model.planning import Planning
from tasks.sql.folder import SqlFolder

Planned = Callable[..., Planning]
Write = Callable[[str, str], Path]


def expanded(planning: Planning, path: str = "sql", **arguments: Any) -> list[Member]:
    return list(SqlFolder(path, **arguments).expand("sql", planning, None))


def test_one_task_a_file(planning: Planned, write: Write, warehouse: Any, query: Any) -> None:
    write("sql/b.sql", "create table b as select * from a")
    write("sql/deep/a.sql", "create table a as select 1 as n")
    write("sql/notes.md", "no SQL")
    write("sql/.hidden/c.sql", "select 1")
    members = expanded(planning(), tags=["core"])
    assert [m.facts.key for m in members] == ["sql/b.sql", "sql/deep/a.sql"]
    assert [m.facts.name for m in members] == ["b", "a"]
    assert {m.affinity for m in members} == {warehouse.affinity}
    assert all(m.facts.tags == {"core"} and m.facts.resource_type == "sql" for m in members)
    assert str(members[0].facts.reads[0].evidence) == "sql/b.sql:1 reads shop.main.a"
    for member in reversed(members):
        member.task.run()
    assert query("from b") == [(1,)]


def test_files_of_one_stem_are_told_apart_by_their_folders(planning: Planned, write: Write) -> None:
    for file in ("sql/daily.sql", "sql/eu/daily.sql", "sql/eu/other.sql"):
        write(file, "select 1")
    assert [m.facts.name for m in expanded(planning())] == ["daily", "eu.daily", "other"]


def test_a_file_says_how_it_runs(planning: Planned, write: Write) -> None:
    write(
        "sql/x.sql",
        "-- Daily totals.\n-- orchestrator: name=daily, tags=core nightly, retries=2\n"
        "-- orchestrator: retry_delay=30, timeout=60.5, reads=raw.late\nselect 1",
    )
    (member,) = expanded(planning(), tags=["all"])
    assert member.facts.name == member.task.name == "daily"
    assert member.facts.tags == {"all", "core", "nightly"}
    assert member.task.retry.max_retries == 2
    assert member.task.retry.delay == timedelta(seconds=30)
    assert member.task.timeout == 60.5
    assert [str(access.dataset) for access in member.facts.reads] == ["shop.raw.late"]


@pytest.mark.parametrize(
    ("front", "what", "fix"),
    [
        ("tagz=core", "cannot set 'tagz'", "did you mean 'tags'?"),
        ("core", "cannot set 'core'", "it can set name, tags"),
        ("retries=two", "whole number", "key=value"),
        ("retries=-1", "whole number", "key=value"),
        ("timeout=soon", "number of seconds", "key=value"),
        ("name=", "expected a value", "key=value"),
        ("transaction=maybe", "on or off", "key=value"),
        ("retries=1, retries=2", "retries is said twice", "keep one"),
    ],
)
def test_wrong_front_matter_is_an_error_with_its_line(
    planning: Planned, write: Write, front: str, what: str, fix: str
) -> None:
    write("sql/x.sql", f"-- Daily totals.\n-- orchestrator: {front}\nselect 1")
    with pytest.raises(FlowError, match=what) as raised:
        expanded(planning())
    assert raised.value.where == "sql/x.sql:2"
    assert fix in (raised.value.fix or "")


def test_two_files_of_one_name_are_an_error(planning: Planned, write: Write) -> None:
    write("sql/a.sql", "select 1")
    write("sql/b.sql", "-- orchestrator: name=a\nselect 1")
    with pytest.raises(FlowError, match="both called 'a'") as raised:
        expanded(planning())
    assert raised.value.where == "sql/a.sql and sql/b.sql"


def test_folders_that_are_not_there_or_empty(planning: Planned, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no folder 'sql'"):
        expanded(planning())
    (tmp_path / "sql").mkdir()
    assert expanded(planning()) == []


def test_the_pattern_chooses_files(planning: Planned, write: Write) -> None:
    for file in ("sql/a.sql", "sql/deep/b.sql"):
        write(file, "select 1")
    assert [m.facts.key for m in expanded(planning(), pattern="*.sql")] == ["sql/a.sql"]


def test_the_project_folder_itself_can_be_one(planning: Planned, write: Write) -> None:
    write("a.sql", "select 1")
    assert [m.facts.key for m in expanded(planning(), path=".")] == ["a.sql"]


def test_a_thousand_files_that_were_read_before(
    planning: Planned, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1000):
        write(f"sql/d{number % 20}/q{number}.sql", f"create table t{number} as\nselect * from raw.r{number}")  # fmt: skip
    cache = EffectsCache(tmp_path / "effects.json")
    asked = planning(analyze=cache.analyze)
    expanded(asked)
    assert cache.misses == 1000
    began = time.perf_counter()
    assert len(expanded(asked)) == 1000
    with capsys.disabled():
        print(f"\n1,000 SQL files expanded in {time.perf_counter() - began:.2f} s")
    assert cache.misses == 1000


def test_what_one_file_says_is_said_of_it_alone(planning: Planned, write: Write) -> None:
    write("sql/a.sql", "-- orchestrator: tags=own, retries=3, reads=raw.late, timeout=5\nselect 1")
    write("sql/b.sql", "select 2")
    first, second = expanded(planning(), tags=["core"], max_retries=1)
    assert (first.task.tags, second.task.tags) == ({"core", "own"}, {"core"})
    assert (first.task.retry.max_retries, second.task.retry.max_retries) == (3, 1)
    assert (first.task.reads, second.task.reads) == (("raw.late",), ())
    assert (first.task.timeout, second.task.timeout) == (5.0, None)
    assert [m.task.path for m in (first, second)] == ["sql/a.sql", "sql/b.sql"]
