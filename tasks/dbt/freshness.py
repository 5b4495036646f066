"""Tells whether a manifest that was kept still says what the project's files say, without asking dbt."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks.dbt.options import DbtOptions

_STAMPS = "dbt_manifests.json"
_COPIES = "manifests"
#: Kept manifests; each target, profile and set of vars has its own.
_MOST = 12
_DEFAULT_PATHS = {
    "model-paths": ["models"],
    "seed-paths": ["seeds"],
    "snapshot-paths": ["snapshots"],
    "test-paths": ["tests"],
    "macro-paths": ["macros"],
    "analysis-paths": ["analyses"],
    "function-paths": ["functions"],
    "docs-paths": [],
    "packages-install-path": "dbt_packages",
}
_PASSED_BY = frozenset({".git", "__pycache__", "node_modules"})
_READ_BY_DBT = (".sql", ".yml", ".yaml", ".md", ".csv", ".py", ".json")
_ENV_VAR = re.compile(r"env_var\(\s*['\"](\w+)['\"]")


def fresh_manifest(options: DbtOptions, state_dir: Path | None) -> str | None:
    """Return the path of a manifest that dbt wrote from exactly these files, options and variables.

    Args:
        options: What would be built; target and vars decide what a manifest says.
        state_dir: Where :func:`stamp` kept the manifest, and what it was written from.
    """
    noted = _read(state_dir).get(_name(options)) if state_dir else None
    if not isinstance(noted, dict) or not os.path.isfile(str(noted.get("path"))):
        return None
    named = noted.get("variables")
    holds = noted == {
        "path": noted["path"],
        "manifest": _file_mark(noted["path"]),
        "files": _digest(options),
        "variables": _values({*(named if isinstance(named, dict) else ()), *_own_variables()}),
    }
    return str(noted["path"]) if holds else None


def stamp(options: DbtOptions, path: str, state_dir: Path | None) -> str:
    """Keep a manifest that dbt has just written, and note what it was written from.

    The copy is ours alone: dbt writes its own anew at the end of each of its commands, and for
    another target or other vars it writes another one to the same place.

    Returns:
        Path of the copy; of the manifest itself where none is kept.
    """
    if state_dir is None:
        return path
    try:
        return _kept(options, path, state_dir)
    except OSError:
        return path  # what cannot be kept is made anew the next time


def as_text(variables: Any) -> str:
    """Return dbt vars as text, from a mapping or from text."""
    if variables is None:
        return "{}"
    return variables if isinstance(variables, str) else json.dumps(variables)


def _kept(options: DbtOptions, path: str, state_dir: Path) -> str:
    name = _name(options)
    copy = _copied(path, state_dir / _COPIES / f"{name}.json")
    stamps = _read(state_dir)
    stamps.pop(name, None)
    stamps[name] = {
        "path": str(copy),
        "manifest": _file_mark(str(copy)),
        "files": _digest(options),
        "variables": _values(_variables(options) | _own_variables()),
    }
    while len(stamps) > _MOST:
        oldest = stamps.pop(next(iter(stamps)))
        Path(str(oldest.get("path"))).unlink(missing_ok=True)
    temporary = state_dir / f"{_STAMPS}.{os.getpid()}"
    temporary.write_text(json.dumps(stamps))
    temporary.replace(state_dir / _STAMPS)
    return str(copy)


def _copied(path: str, copy: Path) -> Path:
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = copy.with_suffix(f".{os.getpid()}")
    shutil.copyfile(path, temporary)
    temporary.replace(copy)
    return copy


def _name(options: DbtOptions) -> str:
    """Whatever changes what a manifest says: two of them must not be taken for one another."""
    parts = (options.project_dir, options.profiles_dir, options.profile, options.target)
    versions = (importlib.metadata.version("dbt-core"), importlib.metadata.version("dbt-adapters"))
    return (_hashed(repr((*parts, options.vars, options.target_path, versions))) or "")[:32]


def _read(state_dir: Path) -> dict[str, Any]:
    try:
        found = json.loads((state_dir / _STAMPS).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file_mark(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_mtime_ns, found.st_size]


def _digest(options: DbtOptions) -> str:
    digest = hashlib.sha256()
    for path in sorted(_files(options)):
        digest.update(f"{path}\0{_file_mark(path)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(options: DbtOptions) -> set[str]:
    """Every file that decides what dbt's parser says."""
    root = options.project_dir
    found = {entry.path for entry in _entries(root) if entry.is_file() and _is_read(entry.name)}
    for folder in _folders(root):
        found.update(_below(os.path.join(root, folder), set()))
    for folder in filter(
        None, (options.profiles_dir, os.environ.get("DBT_PROFILES_DIR"), "~/.dbt")
    ):
        profiles = os.path.join(root, os.path.expanduser(folder), "profiles.yml")
        if os.path.isfile(profiles):
            found.add(profiles)
    return found


def _folders(root: str) -> set[str]:
    """The folders that dbt_project.yml names; dbt says what is wrong with one that cannot be read."""
    try:
        project = yaml.safe_load(Path(root, "dbt_project.yml").read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        project = None
    project = project if isinstance(project, dict) else {}
    found: set[str] = set()
    for key, default in _DEFAULT_PATHS.items():
        named = project.get(key, default)
        found.update(str(path) for path in (named if isinstance(named, list) else [named]))
    return found


def _below(folder: str, seen: set[str]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in seen:
        return  # a link that leads back
    seen.add(real)
    for entry in _entries(folder):
        if entry.is_dir():
            if entry.name not in _PASSED_BY:
                yield from _below(entry.path, seen)
        elif _is_read(entry.name) and entry.is_file():
            yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_read(name: str) -> bool:
    return name.endswith(_READ_BY_DBT)


def _variables(options: DbtOptions) -> set[str]:
    """Environment variables that the project's files ask for."""
    found: set[str] = set()
    for path in _files(options):
        try:
            found.update(_ENV_VAR.findall(Path(path).read_text(errors="replace")))
        except OSError:
            continue
    return found


def _own_variables() -> set[str]:
    """Variables that dbt itself reads, its flags among them."""
    return {name for name in os.environ if name.startswith("DBT_")}


def _values(names: set[str]) -> dict[str, str | None]:
    return {name: _hashed(os.environ.get(name)) for name in sorted(names)}


def _hashed(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode(errors="replace")).hexdigest()
