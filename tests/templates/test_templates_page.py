"""docs/templates.md says what is there: the templates, the lines of the workflows, our commands."""

from __future__ import annotations

import re
import shlex

import yaml

from orchestrator.service.starting import packaged
from tests import command_lines
from tests.docs import pages
from tests.templates.projects import TEMPLATES

SECTIONS = pages.sections(pages.DOCS / "templates.md")
PAGE = (pages.DOCS / "templates.md").read_text("utf-8")


def test_each_template_has_its_row() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(packaged.names())


def test_the_lines_of_ci_are_those_of_the_workflow() -> None:
    (block,) = SECTIONS["What its workflows do"]
    workflow = yaml.safe_load((TEMPLATES / "analytics/.github/workflows/ci.yml").read_text("utf-8"))
    lines = [step["run"] for step in workflow["jobs"]["build"]["steps"] if "run" in step]
    said = [line.replace("${GITHUB_BASE_REF:-main}", "main") for line in lines[1:]]
    assert block.text.splitlines() == said
    release = (TEMPLATES / "analytics/.github/workflows/release.yml.jinja").read_text("utf-8")
    (deploys,) = re.findall(r"`(orchestrator deploy [^`]+)`", PAGE)
    assert f"run: {deploys}\n" in release


def test_its_commands_are_ours() -> None:
    lines = [line for found in SECTIONS.values() for b in found for line in b.text.splitlines()]
    ours = [line for line in lines if line.startswith("orchestrator ")]
    assert len(ours) == 9
    for line in ours:
        command_lines.read(shlex.split(line))
    assert set(lines) - set(ours) == {
        "cd demo", 'cat summary.md >> "$GITHUB_STEP_SUMMARY"', "python templates/release.py",
    }  # fmt: skip
