"""Nothing that people can use is undocumented: commands, settings, tasks, levels, front matter."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import click
import pytest

import orchestrator
import tasks
from orchestrator.model.signals import Result
from orchestrator.model.state import StateType
from orchestrator.settings import Settings
from tasks.dbt.build import DbtBuild
from tasks.sql import front_matter
from tests.docs import pages
from tests.test_layers import LEVELS


def text_of(name: str) -> str:
    return (pages.DOCS / name).read_text(encoding="utf-8")


def test_the_commands_page_is_what_the_commands_say() -> None:
    writer = pages.script("write_cli_reference")
    stale = "docs/cli.md is stale: run python docs/write_cli_reference.py"
    assert text_of("cli.md") == writer.page(), stale


def test_every_command_has_a_section() -> None:
    writer = pages.script("write_cli_reference")
    found = [" ".join(words) for words, _ in writer.commands(writer.root, ("orchestrator",))]
    assert {"orchestrator run", "orchestrator runs retry"} <= set(found)
    sections = pages.sections(pages.DOCS / "cli.md")
    assert [title for title in sections if title] == found
    for title in found:
        assert sections[title][0].text.startswith(f"Usage: {title} ")


def test_every_command_speaks_json_as_the_page_says() -> None:
    writer = pages.script("write_cli_reference")
    for words, command in writer.commands(writer.root, ("orchestrator",)):
        if not isinstance(command, click.Group):
            names = {parameter.name for parameter in command.params}
            # What makes a project looks for none.
            needed = {"format"} if words[-1] == "init" else {"format", "project_dir"}
            assert needed <= names, " ".join(words)


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text_of("settings.md"), re.MULTILINE))
    fields = {f.name: f for f in dataclasses.fields(Settings) if f.name not in ("root", "origins")}
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        if field.default not in (dataclasses.MISSING, None):
            written = str(field.default).lower() if field.type == "bool" else str(field.default)
            assert rows[name].strip('`"').removesuffix(".0") == written.removesuffix(".0")


def test_settings_in_examples_are_ones_that_there_are() -> None:
    keys = {f.name for f in dataclasses.fields(Settings)}
    text = text_of("settings.md") + text_of("writing-flows.md")
    named = {name.lower() for name in re.findall(r"ORCHESTRATOR_([A-Z_]+)", text)}
    assert {name for name in named if not name.startswith("secret")} - keys == set()


@pytest.mark.parametrize("name", sorted({*orchestrator.__all__, *tasks.__all__}))
def test_every_public_name_is_documented(name: str) -> None:
    written = "".join(
        text_of(page) for page in ("writing-flows.md", "dbt.md", "glossary.md", "tasks.md")
    )
    assert re.search(rf"\b{name}\b", written), f"{name} stands on no page"


@pytest.mark.parametrize("name", sorted({*orchestrator.__all__, *tasks.__all__} - {"context"}))
def test_every_public_name_explains_itself(name: str) -> None:
    home = tasks if name in tasks.__all__ else orchestrator
    docstring = inspect.getdoc(getattr(home, name)) or ""
    assert len(docstring) > 30, f"{name} has no docstring"


def test_the_arguments_of_dbt_build_are_documented() -> None:
    arguments = set(inspect.signature(DbtBuild.__init__).parameters) - {"self", "task_args"}
    section = pages.sections(pages.DOCS / "dbt.md")["In a flow"][0].text
    assert arguments | {"max_retries"} == set(re.findall(r"^    (\w+)=", section, re.MULTILINE))


def test_every_key_of_front_matter_is_documented() -> None:
    text = text_of("writing-flows.md") + text_of("sql.md")
    for key in front_matter.KEYS:
        assert f"`{key}" in text, f"the key {key} of a SQL file stands on no page"


def test_every_state_is_in_the_glossary() -> None:
    text = text_of("glossary.md")
    for state in StateType:
        assert f"`{state}`" in text


def test_what_a_result_may_say_is_what_the_page_says() -> None:
    assert {"message", "rows"} <= {f.name for f in dataclasses.fields(Result)}


def test_the_levels_are_those_that_are_kept() -> None:
    rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \|", text_of("architecture.md"), re.MULTILINE)
    assert {place: int(level) for level, place in rows} == LEVELS


def test_dependencies_and_their_bounds_are_those_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text())["project"]
    text = text_of("dependencies.md")
    rows = re.findall(r"^\| ([\w, \[\]-]+?) \| `([^`]+)` \| (\S+) \|", text, re.MULTILINE)
    documented = {f"{name}{bounds}" for names, bounds, _ in rows for name in names.split(", ")}
    assert documented == set(project["dependencies"])
    for extra in project["optional-dependencies"]:
        assert f"| `{extra}` |" in text
    pinned = dict(
        line.lower().split("==")
        for line in (pages.ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    for names, _, tested in rows:
        for name in names.split(", "):
            assert pinned[name.split("[")[0]] == tested, f"{name} was tested with another version"


def test_the_picture_shows_every_file_of_the_demo() -> None:
    demo = pages.ROOT / "dbt_project"
    files = [*demo.glob("models/**/*.sql"), *demo.glob("models/**/*.py"), *demo.glob("sql/*.sql")]
    files += [*demo.glob("seeds/*.csv")]
    ephemeral = {path for path in files if "materialized='ephemeral'" in path.read_text()}
    picture = (pages.DOCS / "images" / "nightly.svg").read_text()
    for path in files:
        shown = f">{path.stem}<" in picture
        assert shown is (path not in ephemeral), f"{path.name}: draw the picture again"
    flow = (demo / "flows" / "nightly.py").read_text()
    for name in re.findall(r"^@task.*?^def (\w+)", flow, re.MULTILINE | re.DOTALL):
        assert f">{name}<" in picture, f"{name}: draw the picture again"


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_pages_speak_of_the_project_alone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(root|home|work|tmp)/", text), "a path of somebody's machine"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


def test_the_targets_of_make_that_pages_name_are_there() -> None:
    made = re.findall(r"^([a-z-]+):", (pages.ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text_of("../README.md"), re.MULTILINE))
    assert {"nightly", "test", "check"} <= named <= set(made)
