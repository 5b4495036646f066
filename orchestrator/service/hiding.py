"""Refuses modules of a project's own that hide the packages ``orchestrator`` and ``tasks``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from orchestrator.errors import ProjectError

_PACKAGES = ("orchestrator", "tasks")
#: Where this project's packages are: next to one another, installed or in a checkout.
_HOME = Path(__file__).resolve().parents[2]


def refuse_other_packages() -> None:
    """Make sure that ``import tasks`` finds ours.

    ``python -m`` puts the current folder first, and ``PYTHONPATH`` what it names.

    Raises:
        ProjectError: Another module of that name comes first.
    """
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if found is not None and found != _HOME / name / "__init__.py":
            raise _hidden(name, found)


def refuse_hiding(root: Path) -> None:
    """Make sure that a folder from which flows import holds no module named as a package of ours.

    Raises:
        ProjectError: There is one.
    """
    if root.resolve() == _HOME:
        return
    for name in _PACKAGES:
        for path in (root / f"{name}.py", root / name / "__init__.py"):
            if path.is_file():
                raise _hidden(name, path)


def _hidden(name: str, path: Path) -> ProjectError:
    whole = path.parent if path.name == "__init__.py" else path
    other = whole.with_name("my_" + whole.name)
    return ProjectError(
        f"{whole.name} has the name of the package {name!r}, which it hides from flows",
        where=str(whole),
        fix=f"rename it, for example to {other.name}, and import it by that name",
    )
