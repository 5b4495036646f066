"""The state of a project's files, told cheaply: by names, sizes and times, not by content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.service.deploying.content import code_files
from orchestrator.service.project import Project

#: What flows, dbt and SQL are written in. What tasks write, such as reports, is no code.
_CODE = (".py", ".sql", ".yml", ".yaml", ".toml", ".md")
#: Artifacts of dbt that describe what was built.
_ARTIFACTS = ("target/catalog.json", "target/sources.json")


def digest_of(project: Project) -> str:
    """Return what changes when a file changes that the catalogue is made from.

    Example:
        >>> import tempfile
        >>> project = Project.find(Path(tempfile.mkdtemp()))
        >>> before = digest_of(project)
        >>> _ = (project.root / "a.sql").write_text("select 1")
        >>> digest_of(project) == before
        False
    """
    digest = hashlib.sha256(str(project.root).encode("utf-8", "surrogateescape"))
    try:
        files = code_files(project.root, without=project.settings.state_dir)
    except OrchestratorError as error:  # it is told when somebody deploys
        return hashlib.sha256(error.what.encode()).hexdigest()[:16]
    for file in files:
        if file.name.endswith(_CODE) or _is_seed(file.name):
            _add(digest, file.path, file.name)
    for name in _ARTIFACTS:
        _add(digest, project.root / name, name)
    return digest.hexdigest()[:16]


def _is_seed(name: str) -> bool:
    """Whether it is a table that dbt loads: its header names columns."""
    return name.endswith(".csv") and "seeds/" in name


def _add(digest: hashlib._Hash, path: Path, name: str) -> None:
    try:
        found = path.stat()
    except OSError:
        return
    digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "replace"))
