"""``orchestrator flows``: the flows of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

    from orchestrator.model.flow import Flow
    from orchestrator.service.project import Project


@click.command("flows")
@options.shared
def command(session: Session) -> None:
    """List the project's flows, where each is defined, and its parameters."""
    project = session.project()
    shapes = [_shape(project.flow(name), project.root) for name in project.flow_names()]
    shape = {"project": project.name, "flows": shapes, "errors": _errors(project)}
    session.show(lambda: shape, lambda width: _rows(shapes))


def _errors(project: Project) -> list[dict[str, Any]]:
    """``file``, ``what``, ``where`` of each module that cannot be read."""
    return [
        {"file": str(path), "what": error.what, "where": error.where}
        for path, error in project.modules.broken.items()
    ]


def _shape(flow: Flow, root: Path) -> dict[str, Any]:
    """``name``, ``defined_at``, ``parameters``, ``schedule``.

    A parameter has ``name``, ``required``, ``default`` and ``description``.
    """
    return {
        "name": flow.name,
        "defined_at": _place(flow, root),
        "parameters": [
            {
                "name": parameter.name,
                "required": parameter.required,
                "default": None if parameter.required else parameter.default,
                "description": parameter.description,
            }
            for parameter in flow.parameters()
        ],
        "schedule": None if flow.schedule is None else str(flow.schedule),
    }


def _place(flow: Flow, root: Path) -> str | None:
    """File and line inside the project; None for a folder that is a flow as it stands."""
    from pathlib import Path

    if flow.defined_at is None:
        return None
    file, line = Path(flow.defined_at[0]), flow.defined_at[1]
    return f"{file.relative_to(root)}:{line}" if file.is_relative_to(root) else None


def _rows(shapes: list[dict[str, Any]]) -> list[Text]:
    from rich.text import Text

    from orchestrator.cli.terminal.text import one_line, padded

    column = max((len(one_line(shape["name"])) for shape in shapes), default=0)
    rows = []
    for shape in shapes:
        row = f"{padded(one_line(shape['name']), column)}  {shape['defined_at'] or 'the dbt project here'}"
        parameters = ", ".join(map(_parameter, shape["parameters"]))
        row += f"  takes {one_line(parameters)}" if parameters else ""
        row += f"  {one_line(shape['schedule'])}" if shape["schedule"] else ""
        rows.append(Text(row))
        rows += [
            Text(f"{'':{column}}  {one_line(each['name'])}: {one_line(each['description'])}")
            for each in shape["parameters"]
            if each["description"]
        ]
    return rows


def _parameter(shape: dict[str, Any]) -> str:
    return shape["name"] if shape["required"] else f"{shape['name']}={shape['default']!r}"
