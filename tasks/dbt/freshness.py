"""Tells whether a manifest.json still says what the project's files say, without asking dbt."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.dbt.options import DbtOptions

_STAMPS = "dbt_manifests.json"
_LEFT_OUT = frozenset(
    {"target", "logs", ".git", "__pycache__", ".orchestrator", ".venv", "node_modules"}
)
_READ_BY_DBT = (".sql", ".yml", ".yaml", ".md", ".csv", ".py", ".json")
_ENV_VAR = re.compile(r"env_var\(\s*['\"](\w+)['\"]")


def fresh_manifest(options: DbtOptions, state_dir: Path | None) -> str | None:
    """Return the manifest's path if dbt wrote it from exactly these files, options and variables.

    Args:
        options: What would be built; target and vars decide what a manifest says.
        state_dir: Where :func:`stamp` noted what the manifest was written from.
    """
    noted = _read(state_dir).get(_name(options)) if state_dir else None
    path = noted["path"] if noted else None
    if not noted or not path or not os.path.isfile(path):
        return None
    holds = noted == {
        "path": path,
        "manifest": _file_mark(path),
        "files": _digest(options.project_dir, options.profiles_dir),
        "variables": {name: _hashed(os.environ.get(name)) for name in noted["variables"]},
    }
    return path if holds else None


def stamp(options: DbtOptions, path: str, state_dir: Path | None) -> None:
    """Note what a manifest that dbt has just written was written from."""
    if state_dir is None:
        return
    stamps = _read(state_dir)
    stamps[_name(options)] = {
        "path": path,
        "manifest": _file_mark(path),
        "files": _digest(options.project_dir, options.profiles_dir),
        "variables": {name: _hashed(os.environ.get(name)) for name in _variables(options)},
    }
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = state_dir / f"{_STAMPS}.{os.getpid()}"
    temporary.write_text(json.dumps(stamps))
    temporary.replace(state_dir / _STAMPS)


def as_text(variables: Any) -> str:
    """Return dbt vars as text, from a mapping or from text."""
    if variables is None:
        return "{}"
    return variables if isinstance(variables, str) else json.dumps(variables)


def _name(options: DbtOptions) -> str:
    """Whatever changes what a manifest says: two of them must not be taken for one another."""
    parts = (options.project_dir, options.profiles_dir, options.profile, options.target)
    return _hashed(repr((*parts, options.vars, options.target_path))) or ""


def _read(state_dir: Path) -> dict[str, Any]:
    try:
        found = json.loads((state_dir / _STAMPS).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file_mark(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_mtime_ns, found.st_size]


def _digest(project_dir: str, profiles_dir: str | None) -> str:
    digest = hashlib.sha256()
    for entry in sorted(_files(project_dir), key=lambda entry: entry.path):
        found = entry.stat()
        digest.update(f"{entry.path}\0{found.st_mtime_ns}\0{found.st_size}\n".encode())
    for folder in filter(None, (profiles_dir, os.environ.get("DBT_PROFILES_DIR"), "~/.dbt")):
        profiles = os.path.join(os.path.expanduser(folder), "profiles.yml")
        if os.path.isfile(profiles):
            digest.update(f"{profiles}{_file_mark(profiles)}".encode())
    return digest.hexdigest()


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=True):
                if entry.name not in _LEFT_OUT:
                    yield from _files(entry.path)
            elif entry.name.endswith(_READ_BY_DBT):
                yield entry


def _variables(options: DbtOptions) -> set[str]:
    """Environment variables that the project's files ask for."""
    found: set[str] = set()
    for entry in _files(options.project_dir):
        try:
            found.update(_ENV_VAR.findall(Path(entry.path).read_text(errors="replace")))
        except OSError:
            continue
    return found


def _hashed(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
