"""`orchestrator init --update`: what people changed stays, what the template changed comes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
import yaml

from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from orchestrator.service.starting import packaged
from tests.templates.projects import (
    TEMPLATES,
    asked,
    commit,
    content,
    copied,
    git,
    init,
    release_script,
    use,
    write,
)

NIGHTLY = "analytics/flows/nightly.py.jinja"


@pytest.fixture
def templates(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Templates with a history of one version, 0.1.0, which the package carries."""
    folder = copied(place / "package")
    release = release_script()
    release.set_version(folder, "0.1.0")
    release.release(folder, folder / packaged.HISTORY, "0.1.0")
    use(monkeypatch, folder)
    return folder


def next_version(templates: Path, files: dict[str, str]) -> None:
    """Release version 0.2.0 with other files."""
    release = release_script()
    write(templates, files)
    release.set_version(templates, "0.2.0")
    release.release(templates, templates / packaged.HISTORY, "0.2.0")


def changed(path: Path, old: str, new: str) -> str:
    """The text of a file with one place changed."""
    text = path.read_text("utf-8")
    assert old in text
    return text.replace(old, new)


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(changed(path, old, new), encoding="utf-8")


def test_both_sides_changes_are_there(
    place: Path, templates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init("shop", "--data", "timezone=Europe/Berlin", "--data", "warehouse=postgres")
    shop = place / "shop"
    edit(shop / "flows/nightly.py", '    SqlFolder("sql")()\n', '    SqlFolder("sql")()  # mine\n')
    edit(shop / "README.md", "You write SQL", "We write SQL")
    (shop / "seeds/raw_products.csv").unlink()
    write(shop, {"models/ours.sql": "select 1 as n"})
    commit(shop)
    next_version(templates, {
        NIGHTLY: changed(templates / NIGHTLY, "30 4 * * *", "30 5 * * *"),
        "analytics/tests/new.txt.jinja": "for [[ warehouse ]] in [[ timezone ]]\n",
        "analytics/seeds/raw_products.csv": "product_id\n1\n",
    })  # fmt: skip
    capsys.readouterr()

    said = asked(capsys, "shop", "--update")
    assert (said["before"], said["after"], said["conflicts"]) == ("v0.1.0", "v0.2.0", [])
    assert said["changed"] == [
        ".copier-answers.yml", "flows/nightly.py", "requirements.txt", "tests/new.txt"
    ]  # fmt: skip
    flow = (shop / "flows/nightly.py").read_text()
    assert "30 5 * * *" in flow
    assert 'timezone="Europe/Berlin"' in flow
    assert "# mine" in flow
    assert "We write SQL" in (shop / "README.md").read_text()
    assert (shop / "tests/new.txt").read_text() == "for postgres in Europe/Berlin\n"
    assert not (shop / "seeds/raw_products.csv").exists(), "what was taken out stays out"
    assert (shop / "models/ours.sql").is_file()
    assert yaml.safe_load((shop / ".copier-answers.yml").read_text()) == {
        "_commit": "v0.2.0", "_src_path": packaged.ADDRESS, "template": "analytics",
        "project_name": "shop", "timezone": "Europe/Berlin", "warehouse": "postgres",
    }  # fmt: skip
    assert git(shop, "log", "--oneline").count("\n") == 1, "nothing is committed"

    commit(shop, "updated")
    assert asked(capsys, "shop", "--update")["changed"] == []


def test_a_conflict_is_shown_where_it_is(
    place: Path, templates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init("shop")
    edit(place / "shop/flows/nightly.py", "30 4 * * *", "0 6 * * *")
    commit(place / "shop")
    next_version(templates, {NIGHTLY: changed(templates / NIGHTLY, "30 4 * * *", "30 5 * * *")})
    capsys.readouterr()
    assert init("shop", "--update") == 1
    said = capsys.readouterr().out
    assert "both changed  flows/nightly.py" in said
    text = (place / "shop/flows/nightly.py").read_text()
    assert "<<<<<<< before updating" in text
    assert "0 6 * * *" in text
    assert "30 5 * * *" in text
    assert "both modified" in git(place / "shop", "status")


@pytest.mark.slow
def test_an_updated_project_is_green(place: Path, templates: Path) -> None:
    init("one", "--template", "flow")
    commit(place / "one")
    flow = "flow/flows/nightly.py.jinja"
    next_version(templates, {flow: changed(templates / flow, "max_retries=2", "max_retries=4")})
    assert init("one", "--update") == 0
    project = Project.find(place / "one")
    assert run_flow(project, project.flow("nightly"), Request()).state.is_successful()
    assert "max_retries=4" in (place / "one/flows/nightly.py").read_text()


@pytest.mark.slow
def test_an_answer_can_be_changed(place: Path, templates: Path) -> None:
    init("shop")
    commit(place / "shop")
    assert init("shop", "--update", "--data", "timezone=Asia/Tokyo") == 0
    assert "Asia/Tokyo" in (place / "shop/flows/nightly.py").read_text()
    assert 'timezone: "Asia/Tokyo"' in (place / "shop/.copier-answers.yml").read_text()


@pytest.mark.slow
def test_a_project_in_a_folder_of_a_repository(place: Path, templates: Path) -> None:
    repository = place / "repository"
    init(repository / "shop", "--template", "flow")
    commit(write(repository, {"other.txt": "theirs"}))
    write(repository, {"other.txt": "theirs, and not committed"})
    next_version(templates, {"flow/new.txt": "new"})
    assert init(repository / "shop", "--update") == 0
    assert (repository / "shop/new.txt").read_text() == "new"
    assert (repository / "other.txt").read_text() == "theirs, and not committed"


@pytest.mark.slow
def test_an_update_leaves_no_trace_elsewhere(
    place: Path, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    init("one", "--template", "flow")
    commit(place / "one")
    next_version(templates, {"flow/new.txt": "new"})
    before = content(templates)
    assert init("one", "--update") == 0
    assert content(templates) == before
    assert not (place / "home").exists()
    assert not (place / "cache").exists()


@pytest.mark.slow
def test_a_team_keeps_a_template_of_its_own(place: Path) -> None:
    """Made of ours: its versions are the tags of its repository, wherever that is."""
    team = copied(place / "team")
    (team / "release.py").unlink()
    commit(team)
    git(team, "tag", "v1.0.0")
    assert init("shop", "--template", f"git+file://{team}", "--data", "template=flow") == 0
    answers = yaml.safe_load((place / "shop/.copier-answers.yml").read_text())
    assert (answers["_commit"], answers["_src_path"]) == ("v1.0.0", f"git+file://{team}")
    commit(place / "shop")
    commit(write(team, {"flow/ours.txt": "ours"}))
    git(team, "tag", "v1.1.0")
    assert init("shop", "--update") == 0
    assert (place / "shop/ours.txt").read_text() == "ours"


def versions() -> list[str]:
    release = release_script()
    with tempfile.TemporaryDirectory() as folder:
        found: list[str] = release.opened(TEMPLATES / packaged.HISTORY, Path(folder))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("name", ["analytics", "flow", "platform"])
def test_every_version_that_was_released_can_be_updated(
    place: Path, monkeypatch: pytest.MonkeyPatch, version: str, name: str
) -> None:
    old = place / "old"
    old.mkdir()
    release_script().opened(TEMPLATES / packaged.HISTORY, old)
    git(old, "checkout", "--quiet", version)
    shutil.rmtree(old / ".git")
    with monkeypatch.context() as before:
        use(before, old)
        assert init("shop", "--template", name) == 0
    commit(place / "shop")
    assert init("shop", "--update", "--data", "project_name=other") == 0
    init("fresh", "--template", name, "--data", "project_name=other")
    assert content(place / "shop") == content(place / "fresh")
