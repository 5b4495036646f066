"""The reference of tasks is complete and up to date: a row for each, a description for each argument."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

import tasks
from tests.docs import pages

writer = pages.script("write_task_reference")


def text_of(name: str) -> str:
    return (pages.DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(tasks._HOMES))
def test_every_task_is_told_in_full(name: str) -> None:
    missing = writer.lacks(writer.entry(name))
    assert missing == [], f"{tasks._HOMES[name]}.{name}"


@pytest.mark.parametrize("name", sorted(tasks._HOMES))
def test_every_task_has_a_row_and_a_section(name: str) -> None:
    text = text_of("tasks.md")
    stale = f"{name} is not in docs/tasks.md: run python docs/write_task_reference.py"
    assert f"| [{name}](#{name.lower()}) |" in text, stale
    assert f"\n## {name}\n" in text, stale


def test_every_task_class_of_every_module_has_a_row() -> None:
    text = text_of("tasks.md")
    for name, home, what in writer.inside():
        assert what, f"{home}.{name} has no docstring"
        assert f"| `{name}` | `{home}` |" in text, f"{home}.{name}: write docs/tasks.md again"


def test_names_say_where_they_live() -> None:
    assert set(tasks.__all__) == set(tasks._HOMES)
    for name, home in tasks._HOMES.items():
        assert hasattr(importlib.import_module(home), name)


def test_the_page_is_what_the_docstrings_say() -> None:
    stale = "docs/tasks.md is stale: run python docs/write_task_reference.py"
    assert text_of("tasks.md") == writer.page(), stale


def test_a_task_that_lacks_something_is_found() -> None:
    class Bare(tasks.ShellTask):
        """Does it.

        Args:
            known: This one.

                With a second line.
            first, second: Two at once.
        """

        def __init__(self, known: int, first: str, second: str, unknown: int = 3) -> None: ...

    told = writer.told(inspect.getdoc(Bare))
    rows = writer.arguments(Bare.__init__, told.args)
    found = writer.Entry("Bare", "here", told, rows, "", (), True)
    assert writer.lacks(found) == [
        "argument unknown has no description",
        "no Raises: which errors does it end with?",
        "no Example",
    ]
    assert told.args["known"] == "This one. With a second line."
    assert told.args["first"] == told.args["second"] == "Two at once."
    row = next(line for line in writer.section(found).splitlines() if "`unknown`" in line)
    assert row == "| `unknown` | `int` | `3` |  |"


def test_the_table_of_a_task_is_readable() -> None:
    section = pages.DOCS.joinpath("tasks.md").read_text().split("\n## ShellTask\n")[1]
    section = section.split("\n## ")[0]
    assert "| `env` | `Mapping[str, Any] \\| None` | `None` | Variables to add" in section
    assert "| `CommandFailed` | It cannot be started" in section
    assert ">>> ShellTask('echo \"Hello $NAME\"'" in section
    assert not re.search(r":\w+:`|``", section.replace("```", ""))
