"""The templates that come with the package: where they lie, what they ask, at which version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from orchestrator.errors import InfrastructureError

#: What a project made from them records as their address; it names no machine.
ADDRESS = "git+orchestrator://templates"
#: The same without copier's mark: what git is asked for, and told to read the history for instead.
GIT_ADDRESS = ADDRESS.removeprefix("git+")
#: A git bundle with one commit and tag for each version there was.
HISTORY = "history.bundle"


def folder() -> Path:
    """Return the folder of the templates: in the installed package, or of the checkout.

    Raises:
        InfrastructureError: They are not where they belong.
    """
    here = Path(__file__).resolve().parent
    for found in (here / "templates", here.parents[2] / "templates"):
        if (found / "copier.yml").is_file():
            return found
    raise InfrastructureError(
        "the templates are not where the package keeps them",
        where=str(here / "templates"),
        fix="install analytics-orchestrator again",
    )


def questions() -> dict[str, Any]:
    """Return what the templates ask, by name, as ``copier.yml`` says it."""
    import yaml

    asked = yaml.safe_load((folder() / "copier.yml").read_text(encoding="utf-8"))
    return {name: one for name, one in asked.items() if not name.startswith("_")}


def names() -> tuple[str, ...]:
    """Return the templates' names.

    Example:
        >>> "analytics" in names()
        True
    """
    return tuple(questions()["template"]["choices"].values())


def version() -> str:
    """Return the version of the templates, as in ``v0.1.0``: the tag it has in their history."""
    return f"v{questions()['template_version']['default']}"


def is_newer(one: str, other: str) -> bool:
    """Say whether one version comes after another.

    Example:
        >>> is_newer("v0.10.0", "v0.9.1")
        True
    """
    return _numbers(one) > _numbers(other)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
