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


@click.command("flows")
@options.shared
def command(session: Session) -> None:
    """List the project's flows, where each is defined, and its parameters."""
    project = session.project()
    shapes = [_shape(project.flow(name), project.root) for name in project.flow_names()]
    session.show(lambda: {"project": project.name, "flows": shapes}, lambda width: _rows(shapes))


def _shape(flow: Flow, root: Path) -> dict[str, Any]:
    """``name``, ``defined_at``, ``parameters`` (``name``, ``required``, ``default``), ``schedule``."""
    return {
        "name": flow.name,
        "defined_at": _place(flow, root),
        "parameters": [
            {
                "name": parameter.name,
                "required": parameter.required,
                "default": None if parameter.required else parameter.default,
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
    return rows


def _parameter(shape: dict[str, Any]) -> str:
    return shape["name"] if shape["required"] else f"{shape['name']}={shape['default']!r}"
