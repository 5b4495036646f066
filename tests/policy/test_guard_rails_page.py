"""The page about guard rails: its example runs, its screen is what is shown, its keys are all there."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.kinds import Key
from orchestrator.schemas.policy import defaults
from orchestrator.service.policy.keys import TABLES, Form, Table
from tests.docs import pages

PAGE = pages.DOCS / "guard-rails.md"
EXAMPLE = pages.sections(PAGE)["A complete example"]


def write(folder: Path) -> None:
    for block in EXAMPLE:
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def test_the_example_is_refused_as_the_page_shows(
    in_tmp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(in_tmp)
    assert execute(["check"]) == 2
    [screen] = [block.text for block in EXAMPLE if block.language == "text"]
    assert capsys.readouterr().out.startswith(screen)


def test_the_example_passes_when_it_is_mended(
    in_tmp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(in_tmp)
    file = in_tmp / "sql" / "marketing" / "leads.sql"
    file.write_text(file.read_text().replace("{{ clean('raw.leads') }}\n", ""))
    assert execute(["check"]) == 0
    assert "everything keeps to policy.toml: 1 flow, 3 tasks" in capsys.readouterr().out


def test_commands_of_the_page_are_those_there_are() -> None:
    lines = [
        line.split("  ")[0].split()
        for block in EXAMPLE
        if block.language == ""
        for line in block.text.splitlines()
    ]
    assert [line[:2] for line in lines] == [["orchestrator", "check"]] * 4
    for line in lines:
        assert execute([*line[1:], "--help"]) == 0


def test_every_key_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        assert _heading(name, table) in text
        for key, said in table.keys.items():
            row = _row(key, said, defaults(table).get(key))
            assert row in text, f"{name}: {row}"


def _heading(name: str, table: Table) -> str:
    written = {Form.ONE: f"[{name}]", Form.NAMED: f"[{name}.NAME]", Form.LIST: f"[[{name}]]"}
    return f"`{written[table.form]}`: {table.says}"


def _row(name: str, key: Key, default: object) -> str:
    value = default if isinstance(default, str) else str(default).lower()
    shown = f" | `{value}` |" if default not in (None, [], {}) else " | |"
    words = key.kind.shape.get("items", key.kind.shape).get("enum", ())
    choices = f" ({', '.join(f'`{word}`' for word in words)})" if words else ""
    choices = " (as `forbidden`)" if name == "only_in_own_schemas" else choices
    return f"| `{name}` | {key.says}{choices}{shown}"
