"""What every command of one call shares: output format, console, the project found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from orchestrator.errors import OrchestratorError
    from orchestrator.service.project import Project

#: Columns of output that goes to no terminal.
_PIPE_WIDTH = 120


@dataclass
class Session:
    """One call of the command line.

    Args:
        format: ``text`` or ``json``.
        project_dir: Folder to look for the project from.
        state_dir: Where the project keeps its state, once it is found.
    """

    format: str = "text"
    project_dir: Path = field(default_factory=Path)
    state_dir: Path | None = None

    @property
    def json(self) -> bool:
        """Whether programs read the output."""
        return self.format == "json"

    def project(self, flags: Mapping[str, object] | None = None) -> Project:
        """Find the project.

        Args:
            flags: Settings given on the command line; None values count as not given.

        Raises:
            ProjectError: There is none here.
        """
        from orchestrator.service.project import Project

        found = Project.find(self.project_dir, flags or {})
        self.state_dir = found.settings.state_dir
        found.on_left_out = self._left_out
        return found

    def _left_out(self, error: OrchestratorError) -> None:
        said = [f"note   {error.what}; its flows are left out", f"where  {error.where}"]
        print("\n".join(said), file=sys.stderr)

    def console(self, *, stderr: bool = False) -> Console:
        """A console that prints foreign text as it is."""
        return console(stderr=stderr)

    def show(self, shape: Callable[[], Any], picture: Callable[[int], list[Text]]) -> None:
        """Print an answer: the shape as JSON, or the picture at the console's width."""
        if self.json:
            from orchestrator.shapes.values import dumps

            print(dumps(shape(), indent=2))
            return
        from orchestrator.cli.terminal.printing import write

        target = self.console()
        write(target, picture(target.width))


def console(*, stderr: bool = False) -> Console:
    """Return a console; where output goes to no terminal it is wide and plain."""
    import os

    from orchestrator.cli.terminal.printing import PlainConsole

    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or os.environ.get("COLUMNS") else _PIPE_WIDTH
    return PlainConsole(file=stream, stderr=stderr, width=wide)
