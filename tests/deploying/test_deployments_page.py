"""What docs/deployments.md shows can be done: its table is read, its commands are ones there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from orchestrator.settings import load_settings
from tests import command_lines
from tests.docs import pages

PAGE = pages.DOCS / "deployments.md"
SECTIONS = pages.sections(PAGE)
COMMANDS = [
    line.partition("  ")[0]
    for found in SECTIONS.values()
    for block in found
    if not block.file
    for line in block.text.splitlines()
]


def test_the_environments_are_read(tmp_path: Path) -> None:
    [block] = SECTIONS["Environments"]
    (tmp_path / block.file).write_text(block.text)
    found = load_settings(tmp_path, environ={}).environments
    assert sorted(found) == ["dev", "prod"]
    prod = found["prod"]
    assert (prod.target, prod.labels, prod.executor) == ("prod", ("warehouse",), "dask")
    assert prod.parameters == {"days": 30}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_there_is(line: str) -> None:
    command_lines.read(shlex.split(line))


def test_the_words_for_how_things_stand_are_those_of_the_code() -> None:
    from orchestrator.service.deploying.drift import Standing

    drift = PAGE.read_text(encoding="utf-8").partition("## Drift")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z ]+)` \|", drift, re.MULTILINE) == [str(one) for one in Standing]
