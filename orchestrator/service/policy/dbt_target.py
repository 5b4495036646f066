"""Which target dbt would use, as far as its files say so in plain words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml


def target_name(folder: Path, said: str | None, profiles_dir: str | None) -> str | None:
    """The name of the target; None where only dbt can tell.

    Args:
        folder: The dbt project.
        said: The target that the run or the settings say.
        profiles_dir: Folder of profiles.yml, as they say it.
    """
    found = said or os.environ.get("DBT_TARGET")
    if found:
        return found
    profile = os.environ.get("DBT_PROFILE") or mapping(folder / "dbt_project.yml").get("profile")
    for place in _places(folder, profiles_dir or os.environ.get("DBT_PROFILES_DIR")):
        outputs = mapping(place / "profiles.yml").get(str(profile))
        if isinstance(outputs, Mapping):
            target = outputs.get("target", "default")
            return target if isinstance(target, str) and "{" not in target else None
    return None


def mapping(file: Path) -> dict[str, Any]:
    """What a YAML file holds; empty where it holds something else: dbt itself says what is wrong."""
    try:
        return as_mapping(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def as_mapping(text: str) -> dict[str, Any]:
    """A YAML mapping; empty for anything else."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _places(folder: Path, given: str | None) -> Iterator[Path]:
    if given:
        yield folder / Path(given).expanduser()
    else:
        yield from (folder, Path.home() / ".dbt")
