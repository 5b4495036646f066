"""What `orchestrator init` refuses: it says what is in the way, and writes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.templates.projects import (
    THEIRS,
    asked,
    commit,
    content,
    init,
    without_git,
    write,
)


def refused(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """What is said when it is refused."""
    assert init(*words) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.err


# -- folders ---------------------------------------------------------------------------------------


def test_nothing_is_written_over(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(write(place / "shop", {"README.md": "mine", "flows/nightly.py": "mine"}))
    said = refused(capsys, "shop")
    assert "2 files would be written over: README.md, flows/nightly.py" in said
    assert "move them away" in said
    assert "--force" not in said
    assert content(place / "shop") == before


def test_a_folder_with_other_files_is_fine(place: Path) -> None:
    write(place / "shop", {"notes.txt": "mine"})
    assert init("shop", "--template", "flow") == 0
    assert (place / "shop/notes.txt").read_text() == "mine"


def test_beginning_twice_changes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init("shop", "--template", "flow")
    before = content(place / "shop")
    capsys.readouterr()
    assert asked(capsys, "shop", "--template", "flow")["written"] == []
    assert content(place / "shop") == before


def test_a_link_is_not_written_through(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, {"elsewhere.md": "mine"})
    (place / "shop").mkdir()
    (place / "shop/README.md").symlink_to(place / "elsewhere.md")
    assert "README.md" in refused(capsys, "shop")
    assert (place / "elsewhere.md").read_text() == "mine"


def test_a_file_is_no_folder(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, {"shop": "mine"})
    assert "shop is a file" in refused(capsys, "shop")
    assert "shop is a file" in refused(capsys, "shop/inner/most")
    assert (place / "shop").read_text() == "mine"


def test_a_file_where_a_folder_is_needed_leaves_nothing_behind(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(write(place / "shop", {"flows": "mine"}))
    assert "cannot be written" in refused(capsys, "shop", "--template", "flow")
    assert content(place / "shop") == before


def test_a_folder_that_may_not_be_written_to(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o555)
    if os.access(closed, os.W_OK):  # the superuser may write anywhere but there
        closed = Path("/sys")
    said = refused(capsys, closed / "shop")
    assert "the project cannot be written" in said
    assert "a folder that you may write to" in said
    assert not (closed / "shop").exists()


def test_beside_no_dbt_project(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "shop", "--template", "dbt-existing")
    assert "there is none" in said
    assert not (place / "shop").exists()


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shop", "--template", "analytic"], "did you mean 'analytics'?"),
        (["shop", "--template", "zzz"], "there are: analytics, flow, dbt-existing, platform"),
        (["shop", "--data", "timezon=UTC"], "did you mean 'timezone'?"),
        (["shop", "--template", "flow", "--data", "warehouse=postgres"], "does not ask for 'warehouse'"),
        (["shop", "--data", "timezone=Europe/Berlim"], "did you mean 'Europe/Berlin'"),
        (["shop", "--data", "timezone=half past"], "there is no time zone 'half past'"),
        (["shop", "--data", "warehouse=oracle"], "does not fit: Invalid choice for 'warehouse'"),
        (["shop", "--data", "project_name=Mine!"], "Small letters, digits"),
        (["shop", "--data", "timezone"], "is not NAME=VALUE"),
        (["--defaults"], "orchestrator init demo"),
        (["", "--defaults"], "orchestrator init demo"),  # as of an empty variable; not the folder here
        (["shop", "--update", "--template", "flow"], "the project's own template"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_word_that_does_not_fit(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert said in refused(capsys, *words)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "typed"),
    [(["my shop"], "'my shop'"), (["--", "-shop"], "./-shop"), (["a/b's"], "'a/b'\"'\"'s'")],
    ids=lambda value: " ".join(value),
)
def test_an_odd_name_is_shown_as_it_is_typed(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], typed: str
) -> None:
    assert init("--template", "flow", *words) == 0
    assert f"next: cd {typed} && orchestrator run" in capsys.readouterr().out


# -- templates from elsewhere ----------------------------------------------------------------------


def test_any_template_of_copiers_can_be_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team = {
        "copier.yml": "team: {type: str}\ncolour: red\n",
        "note.txt.jinja": "{{ team }} likes {{ colour }} in {{ _folder_name }}\n",
    }
    write(place / "team", team)
    said = asked(capsys, "shop", "--template", "./team", "--data", "team=tea")
    assert said["answers"] == {"team": "tea", "colour": "red"}
    assert (place / "shop/note.txt").read_text() == "tea likes red in shop\n"
    assert "team" in refused(capsys, "other", "--template", "./team")
    assert "did you mean 'team'?" in refused(
        capsys, "other", "--template", "./team", "--data", "team=tea", "--data", "tem=x"
    )
    assert not (place / "other").exists()


def test_a_template_may_not_run_commands(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "team", {"copier.yml": "_tasks: ['touch ran']\n", "a.txt": "a"})
    assert "run commands of its own" in refused(capsys, "shop", "--template", "./team")
    assert not (place / "shop").exists()


def test_a_template_that_is_nowhere(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "shop", "--template", "./nowhere")
    assert "there is no folder ./nowhere" in said
    said = refused(capsys, "shop", "--template", f"git+file://{place}/nowhere.git", code=3)
    assert "git could not do its part" in said


# -- updates ---------------------------------------------------------------------------------------


def test_an_update_needs_a_project(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "was not made by orchestrator init" in refused(capsys, "--update")
    write(place, {".copier-answers.yml": "template: flow\n"})
    assert "which version" in refused(capsys, "--update")
    write(place, {".copier-answers.yml": "a: [\n"})
    assert "cannot be read" in refused(capsys, "--update")


def older(folder: Path) -> Path:
    """A project that says it was made from an older version."""
    write(
        folder,
        {".copier-answers.yml": "_commit: v0.0.1\n_src_path: git+orchestrator://templates\n"},
    )
    return folder


def test_an_update_needs_git(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older(place / "shop")
    monkeypatch.setenv("PATH", without_git(place))
    assert "git is not installed here" in refused(capsys, "shop", "--update")


def test_an_update_needs_a_repository(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "in no git repository" in refused(capsys, older(place / "shop"), "--update")


def test_an_update_needs_all_to_be_committed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(write(older(place / "shop"), THEIRS))
    write(place / "shop", {"models/one.sql": "select 2 as n", "new.sql": "select 1"})
    said = refused(capsys, "shop", "--update")
    assert "not committed: models/one.sql, new.sql" in said


def test_an_update_with_a_word_that_does_not_fit(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init("one", "--template", "flow")
    before = content(commit(place / "one"))
    said = refused(capsys, "one", "--update", "--data", "timezon=UTC")
    assert "did you mean 'timezone'?" in said
    said = refused(capsys, "one", "--update", "--data", "timezone=Europe/Berlim")
    assert "did you mean 'Europe/Berlin'" in said
    assert content(place / "one") == before


def test_a_project_of_a_newer_template(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        place,
        {".copier-answers.yml": "_commit: v99.0.0\n_src_path: git+orchestrator://templates\n"},
    )
    said = refused(capsys, "--update")
    assert "made from v99.0.0" in said
    assert "install the newer" in said
