"""The history of the templates: its last version is what stands in ``templates/``."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from orchestrator.service.starting import packaged
from tests.templates.projects import ROOT, TEMPLATES, content, copied, git, release_script, write

STALE = "templates/ and its history differ: run python templates/release.py"


def checked_out(history: Path, tag: str, folder: Path) -> dict[str, bytes]:
    """The files of one version."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "fetch", "--quiet", str(history), "refs/tags/*:refs/tags/*")
    git(folder, "checkout", "--quiet", tag)
    return content(folder)


def as_it_stands(templates: Path) -> dict[str, bytes]:
    beside = ("history.bundle", "release.py", "__pycache__/")
    return {n: data for n, data in content(templates).items() if not n.startswith(beside)}


def tags(history: Path) -> list[str]:
    done = subprocess.run(
        ["git", "ls-remote", "--tags", history], capture_output=True, text=True, check=True
    )
    return sorted(line.rpartition("refs/tags/")[2] for line in done.stdout.splitlines())


def test_the_last_version_is_what_stands_there(place: Path) -> None:
    version = packaged.version()
    kept = checked_out(TEMPLATES / packaged.HISTORY, version, place / "kept")
    standing = as_it_stands(TEMPLATES)
    assert kept.keys() == standing.keys(), STALE
    assert [name for name in kept if kept[name] != standing[name]] == [], STALE


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert packaged.version() == f"v{project['version']}", STALE
    newest = max(tags(TEMPLATES / packaged.HISTORY), key=packaged._numbers)
    assert newest == packaged.version(), STALE


def test_a_release_adds_a_version_and_keeps_those_before(place: Path) -> None:
    release = release_script()
    templates, history = copied(place / "templates"), place / "history.bundle"
    release.release(templates, history, "0.1.0")
    write(templates, {"flow/new.txt": "new"})
    release.release(templates, history, "0.2.0")
    assert tags(history) == ["v0.1.0", "v0.2.0"]
    assert "flow/new.txt" not in checked_out(history, "v0.1.0", place / "one")
    assert checked_out(history, "v0.2.0", place / "two") == as_it_stands(templates)
    log = git(place / "two", "log", "--format=%s", "v0.2.0").split("\n")
    assert log[:2] == ["Templates 0.2.0", "Templates 0.1.0"]


def test_a_version_that_is_not_out_is_replaced(place: Path) -> None:
    release = release_script()
    templates, history = copied(place / "templates"), place / "history.bundle"
    for version, text in (("0.1.0", "a"), ("0.2.0", "b"), ("0.2.0", "c")):
        write(templates, {"flow/new.txt": text})
        release.release(templates, history, version)
    assert tags(history) == ["v0.1.0", "v0.2.0"]
    assert checked_out(history, "v0.2.0", place / "two")["flow/new.txt"] == b"c"
    assert git(place / "two", "rev-list", "--count", "v0.2.0").strip() == "2"


def test_templates_that_are_as_they_were_write_nothing(place: Path) -> None:
    release = release_script()
    templates, history = copied(place / "templates"), place / "history.bundle"
    assert release.release(templates, history, "0.1.0")
    before = history.read_bytes(), history.stat().st_mtime_ns
    assert not release.release(templates, history, "0.1.0")
    assert (history.read_bytes(), history.stat().st_mtime_ns) == before
    (templates / "flow" / "README.md.jinja").unlink()
    assert release.release(templates, history, "0.1.0")


def test_the_same_files_give_the_same_history(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = release_script()
    templates = copied(place / "templates")
    release.release(templates, place / "a.bundle", "0.1.0")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
    release.release(templates, place / "b.bundle", "0.1.0")
    heads = [git(place, "ls-remote", str(place / f"{name}.bundle")) for name in "ab"]
    assert heads[0] == heads[1]


def test_the_version_is_written_into_the_questions(place: Path) -> None:
    templates = copied(place / "templates")
    release_script().set_version(templates, "7.8.9")
    assert "template_version:\n  type: str\n  default: 7.8.9\n" in (
        templates / "copier.yml"
    ).read_text("utf-8")
