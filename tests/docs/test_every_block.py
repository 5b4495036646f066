"""Every fenced block of every page is run, or checked as far as can be without running it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import blocks, pages
from tests.docs.pages import Block

#: Pages made from code; of their blocks, ``pycon`` runs where it stands, in the docstring.
WRITTEN = {"cli.md", "tasks.md", "reference-python.md", "errors.md"}
#: Python blocks that belong to no file and cannot be run as they stand, each with the reason.
NOT_RUN = {
    ("celery.md", "Before"): "what it was in another tool, which is not installed",
    ("generous_riders.md", ""): "quoted word for word from the script, which is run",
    ("taxi_tips.md", ""): "quoted word for word from the script, which is run",
    ("dbt.md", "In a flow"): "all arguments there are, compared with the signature",
    ("dbt.md", "dbt as a command"): "needs a dbt of another version",
    ("warehouses.md", "What is alike"): "two lines from within a task",
}
PAGES = [page for page in pages.pages() if "```" in page.read_text(encoding="utf-8")]
TESTS = [
    path
    for path in (pages.ROOT / "tests").rglob("*.py")
    if path.name not in ("test_every_block.py", "test_reference.py", "test_site.py")
]


def name_of(page: Path) -> str:
    return str(page.relative_to(pages.ROOT))


def found_in(page: Path) -> Iterator[tuple[str, Block]]:
    for title, found in pages.sections(page).items():
        yield from ((title, block) for block in found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_block_is_what_it_says(page: Path) -> None:
    for title, block in found_in(page):
        try:
            blocks.check(block)
        except Exception as error:
            pytest.fail(f"{name_of(page)}, {title}: {error}\n{block.text}", pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_that_are_files_are_run_by_a_test_of_the_page(page: Path) -> None:
    if not any(pages.is_file(block) and block.language == "python" for _, block in found_in(page)):
        return
    # By its name, or by its folder: the pages of such a folder are run one after another.
    asked = [f'"{page.name}"'] + [f'"{page.parent.name}"'] * (page.parent != pages.DOCS)
    assert any(word in path.read_text(encoding="utf-8") for path in TESTS for word in asked), (
        f"no test names {asked}: write one that puts the page's files into a project and runs it"
    )


LOOSE = [
    page
    for page in PAGES
    if page.name not in WRITTEN
    and any(b.language == "python" and not b.file for _, b in found_in(page))
]


@pytest.mark.parametrize("page", LOOSE, ids=name_of)
def test_python_that_belongs_to_no_file_runs(
    page: Path, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_tmp / "orchestrator.toml").write_text("")
    names: dict[str, object] = {"__name__": "page"}
    for title, block in found_in(page):
        if block.language == "python" and not block.file and reason(page, title) is None:
            exec(compile(block.text, f"{page.name}, {title}", "exec"), names)


def reason(page: Path, title: str) -> str | None:
    return NOT_RUN.get((page.name, title))


def test_reasons_are_still_needed() -> None:
    there = {
        (page.name, title)
        for page in LOOSE
        for title, block in found_in(page)
        if block.language == "python" and not block.file
    }
    assert NOT_RUN.keys() <= there


# -- the checks themselves -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("shell", "orchestrator rnu nightly", "No such command"),
        ("shell", "orchestrator run nightly --fast", "No such option"),
        ("shell", "cd shop && orchestrator runs lst", "No such command"),
        ("shell", "X=1 orchestrator run --executor dusk > log.txt", "dusk"),
        ("shell", "make niightly", "no target"),
        ("shell", "frobnicate now", "ELSEWHERE"),
        ("text", "$ orchestrator whi a b\na waits for b", "No such command"),
        ("toml", "threds = 4", "threds"),
        ("toml", "threads = ", "Invalid value"),
        ("yaml", "a: [1", "expected"),
        ("json", "{,}", "property name"),
        ("sql", "-- orchestrator: tag=a\nselect 1", "cannot set 'tag'"),
        ("sql", "select from where", "line 1"),
        ("python", "def f(:", "invalid syntax"),
        ("csv", "a,b\n1\n", "different lengths"),
        ("", "anything", "name the language"),
        ("", "orchestrator run          all of it\norchestrator rnu   some", "No such command"),
        ("yml", "a: 1", "known are"),
    ],
)
def test_a_wrong_block_is_found(language: str, text: str, told: str) -> None:
    with pytest.raises(Exception, match=re.escape(told)):
        blocks.check(Block(language, "", text))


def test_commands_are_found_in_shell_lines() -> None:
    text = 'A=1 orchestrator run \\\n  x  # why\necho "a\nb" | cat > out.txt 2>&1\ncat <<EOF\nno\nEOF\nls'
    assert list(blocks.commands(Block("shell", "", text))) == [
        ["orchestrator", "run", "x"],
        ["echo", "a\nb"],
        ["cat"],
        ["cat"],
        ["ls"],
    ]


def test_a_policy_is_checked_as_one() -> None:
    wrong = Block("toml", "policy.toml", "[tests]\nrequird = []")
    with pytest.raises(blocks.WrongError, match="requird"):
        blocks.check(wrong)
    blocks.check(Block("toml", "policy.toml", json.loads('"[tests]\\nrequired = []"')))
