"""The short pages: every command that they name exists, and each page is on its list."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests import command_lines
from tests.docs import pages

HOW_TO = sorted((pages.DOCS / "how-to").glob("*.md"))
OURS = [
    *HOW_TO,
    *sorted((pages.DOCS / "explanations").glob("*.md")),
    *(pages.DOCS / name for name in ("tutorial.md", "from-cron-dbt.md", "from-airflow-cosmos.md")),
]
SHELLS = ("sh", "shell", "bash")


def commands(page: Path) -> Iterator[str]:
    """Every command of ours that a page names, in its blocks and in its prose."""
    text = page.read_text(encoding="utf-8")
    for block in pages.blocks(text):
        if block.language in SHELLS:
            yield from (
                line for line in block.text.splitlines() if line.startswith("orchestrator ")
            )
    for said in re.findall(r"`(orchestrator\s[^`]+)`", pages.prose(text)):
        yield " ".join(said.split())


@pytest.mark.parametrize("page", OURS, ids=lambda page: str(page.relative_to(pages.DOCS)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line.partition("…")[0], comments=True)
        try:
            command_lines.read(words)
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
            continue  # in passing, a command may be named without all it takes
        except click.UsageError as error:
            pytest.fail(f"{page.name}: {line}: {error.format_message()}")


def test_a_wrong_command_would_be_seen() -> None:
    with pytest.raises(click.UsageError):
        command_lines.read(["orchestrator", "runs", "reply", "latest"])
    with pytest.raises(click.UsageError):
        command_lines.read(["orchestrator", "run", "nightly", "--selekt", "a"])


def test_every_page_is_on_the_list() -> None:
    for folder in ("how-to", "explanations"):
        listed = set(pages.links((pages.DOCS / folder / "README.md").read_text()))
        there = {path.name for path in (pages.DOCS / folder).glob("*.md")} - {"README.md"}
        assert there <= listed
