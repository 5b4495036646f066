"""Renders a template into a folder beside nobody's work, from where it is put into place."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ProjectError
from orchestrator.service.starting import packaged
from orchestrator.service.starting.answers import (
    check_time_zone,
    refuse_unknown_answers,
    template_address,
    time_zone_problem,
)
from orchestrator.service.starting.translating import translated

if TYPE_CHECKING:
    from copier._main import Worker

#: A name that dbt's own project has.
_TAKEN = "dbt"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rendered template that has not been put into place.

    Args:
        folder: Where it lies until then.
        target: Where it belongs.
        template: The template's name, or its address where it is no packaged one.
        version: Its version, as in ``v0.1.0``; None where it has none.
        answers: What its questions were answered with.
    """

    folder: Path
    target: Path
    template: str
    version: str | None
    answers: Mapping[str, Any]

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, relative to the folder, by name."""
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or path.is_file())
        return tuple(sorted(path.relative_to(self.folder) for path in found))


@contextmanager
def drafted(
    target: Path, template: str | None, data: Mapping[str, str], *, ask: bool
) -> Iterator[Draft]:
    """Render a template for a folder; nothing is written there yet.

    Args:
        target: The project's folder, which need not exist.
        template: A packaged template's name, or any address that copier knows; None asks for it,
            or takes the one that fits the folder.
        data: Answers that are not asked for.
        ask: Whether the other questions are asked at the terminal; else their defaults are taken.

    Raises:
        ProjectError: The target is no folder, or the template is for another kind of folder.
        NotFoundError: There is no such template, question or time zone.
        UsageError: An answer does not fit, or the template wants to run commands.
        InfrastructureError: The template cannot be fetched.
    """
    target = target.expanduser().resolve()
    file = next((p for p in (target, *target.parents) if p.exists() and not p.is_dir()), None)
    if file is not None:
        raise ProjectError(
            f"{file.name} is a file, and a project is a folder",
            where=str(file),
            fix="give another name",
        )
    address = template_address(template)
    if address is None:
        check_time_zone(data)
    with tempfile.TemporaryDirectory(prefix="orchestrator-init-") as place:
        # Templates may use the folder's name.
        folder = Path(place, target.name or "project")
        known = dict(data)
        if template is not None and address is None:
            known["template"] = template
        worker = _rendered(address, folder, target, known, ask)
        answers = _answered(worker)
        refuse_unknown_answers(data, answers)
        if address is None:
            _refuse_misplaced(answers, target)
        name = address or str(answers["template"])
        version = worker.template.commit if address else packaged.version()
        yield Draft(folder, target, name, version, answers)


def _rendered(
    address: str | None, folder: Path, target: Path, data: dict[str, str], ask: bool
) -> Worker:
    from copier import Settings, run_copy

    fitting = {"project_name": project_name(target)}
    if (target / "dbt_project.yml").is_file():
        fitting["template"] = "dbt-existing"
    with translated(address or "the packaged templates"):
        if address is not None:
            return run_copy(
                address, folder, data, user_defaults=fitting, defaults=not ask, quiet=True
            )
        # Nobody is asked for what the command line says already; nor by what a machine is set to.
        named = {"project_name": fitting.pop("project_name"), **data}
        asked = {**named, "time_zone_problem": time_zone_problem}  # the question itself refuses
        return run_copy(
            str(packaged.folder()), folder, asked, user_defaults=fitting, defaults=not ask,
            quiet=True, settings=Settings(),
        )  # fmt: skip


def _answered(worker: Worker) -> dict[str, Any]:
    """What the template's questions were answered with; not those it did not ask, nor secrets."""
    asked = worker.template.questions_data.keys() - worker.answers.hidden
    asked -= worker.template.secret_questions
    return {name: value for name, value in worker.answers.combined.items() if name in asked}


def _refuse_misplaced(answers: Mapping[str, Any], target: Path) -> None:
    if answers["template"] == "dbt-existing" and not (target / "dbt_project.yml").is_file():
        raise ProjectError(
            "the template dbt-existing goes beside a dbt_project.yml, and there is none",
            where=str(target),
            fix="name the folder of a dbt project, or begin one with --template analytics",
        )


def project_name(target: Path) -> str:
    """Return the name of a project in a folder: that of its dbt project, else the folder's.

    Example:
        >>> project_name(Path("Coffee-Shop"))
        'coffee_shop'
    """
    name = target.name
    if (target / "dbt_project.yml").is_file():
        name = _name_in(target / "dbt_project.yml") or name
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "project"
    return f"project_{plain}" if plain[0].isdigit() or plain == _TAKEN else plain


def _name_in(path: Path) -> str | None:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return str(found["name"]) if isinstance(found, dict) and found.get("name") else None
