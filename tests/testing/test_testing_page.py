"""The project of docs/testing.md passes its own tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import pages
from tests.testing.projects import write

PAGE = pages.DOCS / "testing.md"


@pytest.mark.slow
def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    blocks = pages.blocks(PAGE.read_text(encoding="utf-8"))
    write(tmp_path, {block.file: block.text for block in blocks if block.file})
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "test", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert done.returncode == 0, said
    names = [(test["kind"], test["name"]) for test in said["tests"]]
    assert ("sql", "adds_amounts_exactly") in names
    assert len(names) == 7
    assert {block.language for block in blocks if not block.file} == {"console"}
