"""Snapshots: the code of a project as it was deployed, which its runs use ever after."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orchestrator.errors import ProjectError
from orchestrator.service.deploying.content import code_files, version_of
from orchestrator.service.project import private_folder

#: Under the project's state.
FOLDER = "deployments"


def keep_snapshot(root: Path, state_dir: Path) -> tuple[str, Path]:
    """Copy a project's code into the folder of its version, unless it is there.

    The copy appears whole or not at all, and its files cannot be written to.

    Args:
        root: The project's folder.
        state_dir: Where the project keeps its state.

    Returns:
        The version, and the folder that holds its code.

    Raises:
        ProjectError: The code cannot be read or copied, or the copy of this version was changed.
    """
    files = code_files(root, without=state_dir)
    target = state_dir / FOLDER
    try:
        version = version_of(files)
        kept = target / version
        if not kept.is_dir():
            private_folder(state_dir)
            target.mkdir(mode=0o700, exist_ok=True)
            copy = Path(tempfile.mkdtemp(prefix=".new-", dir=target))
            try:
                for file in files:
                    _copy(file.path, copy / file.name)
                _appear(copy, kept)
            finally:
                shutil.rmtree(copy, ignore_errors=True)
        # Files may change while they are copied, and a snapshot may be tampered with.
        found = version_of(code_files(kept))
    except OSError as error:
        raise ProjectError(
            f"the project's code cannot be kept: {error.strerror}",
            where=error.filename or str(target),
            fix="make it readable, and the folder of the project's state writable",
        ) from error
    if found != version:
        raise ProjectError(
            f"the code kept as version {version} is another by now",
            where=str(kept),
            fix="take the folder away and deploy again, while no file of the project changes",
        )
    return version, kept


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o555 if os.access(source, os.X_OK) else 0o444)


def _appear(copy: Path, kept: Path) -> None:
    try:
        copy.rename(kept)
    except OSError:
        # Somebody else deploys the same at the same time.
        if not kept.is_dir():
            raise


def git_commit(root: Path) -> str | None:
    """Return the commit a folder is at, with ``-dirty`` if it has changes; None without git."""
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return None
    return head + ("-dirty" if _git(root, "status", "--porcelain", "--", ".") else "")


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
