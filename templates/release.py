"""Adds the templates as they stand to their history, under the version that the package has.

    python templates/release.py

A version that is there already is replaced: until the package is out, its templates may change.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent
HISTORY = TEMPLATES / "history.bundle"
#: What is no template.
BESIDE = {"history.bundle", "release.py", "__pycache__"}
#: The same files give the same commit, whoever makes it and when.
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "orchestrator"),
        ("EMAIL", "templates@orchestrator.invalid"),
        ("DATE", "2026-01-01T00:00:00Z"),
    )
}


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, whatever the machine's own settings are."""
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=os.environ | WHO | plain, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def package_version() -> str:
    """Return the version in pyproject.toml."""
    text = (TEMPLATES.parent / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def set_version(templates: Path, version: str) -> None:
    """Write a version into ``copier.yml``."""
    path = templates / "copier.yml"
    text = path.read_text(encoding="utf-8")
    new = re.sub(r"(template_version:\n  type: str\n  default: )\S+", rf"\g<1>{version}", text)
    path.write_text(new, encoding="utf-8")


def opened(history: Path, repository: Path) -> list[str]:
    """Make a repository of a bundle; return its versions, the oldest first."""
    git(repository, "init", "--quiet", "--initial-branch=templates")
    if not history.is_file():
        return []
    git(repository, "fetch", "--quiet", str(history), "refs/tags/*:refs/tags/*")
    return git(repository, "tag", "--sort=version:refname").splitlines()


def copied(templates: Path, repository: Path) -> None:
    """Put the templates into a repository's folder, in the place of all that is there."""
    for old in repository.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for path in templates.iterdir():
        if path.is_dir() and path.name not in BESIDE:
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, repository / path.name, ignore=left_out)
        elif path.name not in BESIDE:
            shutil.copy(path, repository / path.name)


def is_as(templates: Path, repository: Path, tag: str) -> bool:
    """Say whether the templates as they stand are those of a version."""
    git(repository, "reset", "--quiet", "--hard", tag)
    copied(templates, repository)
    git(repository, "add", "--all", "--force")
    return not git(repository, "status", "--porcelain")


def release(templates: Path, history: Path, version: str) -> bool:
    """Write the history anew, with the templates as its last version.

    Args:
        templates: Their folder.
        history: The bundle, which need not be there.
        version: As in ``0.1.0``; it must not be older than the last one.

    Returns:
        Whether there was anything to write: the version, with other files than these.
    """
    tag = f"v{version}"
    with tempfile.TemporaryDirectory() as place:
        repository = Path(place)
        versions = opened(history, repository)
        if tag in versions and is_as(templates, repository, tag):
            return False
        before = [known for known in versions if known != tag]
        if before:
            git(repository, "reset", "--quiet", "--hard", before[-1])
        copied(templates, repository)
        git(repository, "add", "--all", "--force")
        git(repository, "commit", "--quiet", "--allow-empty", "--message", f"Templates {version}")
        git(repository, "tag", "--force", tag)
        git(repository, "bundle", "create", "--quiet", str(history), "--tags", "templates")
    return True


if __name__ == "__main__":
    number = package_version()
    set_version(TEMPLATES, number)
    written = release(TEMPLATES, HISTORY, number)
    ends = f"templates/history.bundle ends with v{number}"
    sys.stdout.write(f"{ends}\n" if written else f"{ends} as it stands: nothing to do\n")
