"""What of the documentation is made from the code is what the code says today, and is complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from orchestrator import errors as core
from orchestrator import notifications
from orchestrator.errors import OrchestratorError
from orchestrator.settings import KEYS
from tests.docs import pages
from tests.test_layers import LEVELS

WRITERS = pages.script("write_reference").WRITERS
PAGES = {
    "write_settings": "settings.md",
    "write_python_reference": "reference-python.md",
    "write_api_reference": "reference-api.md",
    "write_error_reference": "errors.md",
}


def text_of(name: str) -> str:
    return (pages.DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    stale = f"docs/{PAGES[name]} is stale: run make reference"
    assert text_of(PAGES[name]) == pages.script(name).page(), stale


def test_the_levels_are_drawn_as_they_are() -> None:
    drawing = pages.script("draw_layers")
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.picture(), "run make reference"
    drawn = [place for places in drawing.levels().values() for place in places]
    assert sorted(drawn) == sorted(place.removeprefix("orchestrator.") for place in LEVELS)


def test_every_writer_is_run_by_make_reference() -> None:
    found = {path.stem for path in pages.DOCS.glob("write_*.py")} - {"write_reference"}
    assert found | {"draw_layers"} == set(WRITERS)
    assert all(callable(pages.script(name).main) for name in WRITERS)


def test_a_stale_page_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = pages.script("reference_page")
    page = tmp_path / "page.md"
    assert keeping.keep(page, "new") == 0
    monkeypatch.setattr("sys.argv", ["write", "--check"])
    assert keeping.keep(page, "new") == 0
    assert keeping.keep(page, "newer") == 1
    assert page.read_text() == "new"


def test_a_part_of_a_page_is_written() -> None:
    keeping = pages.script("reference_page")
    text = "By hand.\n\n<!-- table: written by x -->\n\nold\n\n<!-- end -->\n\nMore.\n"
    assert keeping.with_part(text, "table", r"n\1w") == text.replace("old", r"n\1w")
    with pytest.raises(ValueError, match="no place for other"):
        keeping.with_part(text, "other", "")


def test_every_setting_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text_of("settings.md"), re.MULTILINE)
    assert rows == list(KEYS)


def test_every_public_name_has_a_section() -> None:
    titles = re.findall(r"^### (\w+)", text_of("reference-python.md"), re.MULTILINE)
    assert set(orchestrator.__all__) | set(notifications.__all__) <= set(titles)


def subclasses(kind: type) -> list[type]:
    return [kind, *(below for each in kind.__subclasses__() for below in subclasses(each))]


def test_every_error_has_a_section_with_its_exit_code() -> None:
    sections = pages.sections(pages.DOCS / "errors.md")
    for kind in subclasses(OrchestratorError):
        shown = kind.__module__.startswith(("orchestrator.", "tasks."))
        if kind is OrchestratorError or kind.__name__[0] == "_" or not shown:
            continue
        assert kind.__name__ in sections, f"{kind.__name__} has no section"
        section = text_of("errors.md").split(f"\n## {kind.__name__}\n")[1].split("\n## ")[0]
        exit_code: Any = kind.exit_code  # type: ignore[attr-defined]
        assert f"Exit code {exit_code}." in section
        assert f"In `{kind.__module__}`" in section


def test_errors_of_usage_show_what_they_say() -> None:
    """Those that a person meets by a mistake of their own; the rest needs a broken world."""
    examples = pages.script("error_examples").EXAMPLES
    usage = {
        kind.__name__
        for kind in vars(core).values()
        if isinstance(kind, type) and issubclass(kind, core.UsageError)
    }
    # Raised only as one of those below them, or needing a service that runs.
    assert usage - examples.keys() == {"UsageError", "GraphError", "ConflictError"}
    for name, example in examples.items():
        assert "fix:" in example.text() or name == "CommandFailed", name


def test_every_operation_of_the_api_has_a_section_with_its_role() -> None:
    text = text_of("reference-api.md")
    assert "`POST /api/v1/runs`, for the role `run`." in text
    assert "`POST /api/v1/login`, for everybody." in text
    assert "`PUT /api/v1/limits`, for the role `admin`." in text
    for anchor in set(re.findall(r"\]\(#([\w-]+)\)", text)):
        assert anchor in pages.anchors(text)
