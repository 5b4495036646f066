"""The example of docs/lineage.md prints what the page shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from tests.docs import pages


def test_the_page_shows_what_is_printed(
    in_tmp: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "120")
    shown = ""
    for block in pages.sections(pages.DOCS / "lineage.md")["An example"]:
        if block.file:
            path = in_tmp / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "console":
            shown = block.text
    command, _, wanted = shown.partition("\n")
    assert execute(command.split()[2:]) == 0
    printed = capsys.readouterr().out
    assert printed.split("\n\nwarehouse")[0].strip() == wanted.strip()
