"""What a run of a task is called, made of its arguments and surroundings where it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.model.context import RunContext


class _Names(dict[str, Any]):
    """Arguments by name, and else what the context has."""

    def __init__(self, arguments: Mapping[str, Any], running: RunContext) -> None:
        super().__init__(arguments)
        self._running = running

    def __missing__(self, name: str) -> Any:
        found = self._running.get(name)
        if found is None:
            raise KeyError(name)
        return found


def made_name(
    said: str | Callable[..., str] | None, arguments: Mapping[str, Any], running: RunContext
) -> str | None:
    """Make the name; one that cannot be made is left out with a warning.

    Args:
        said: A text with ``{argument}`` in it, or a function that takes the arguments by name.
        arguments: Of the run, by name.
        running: The surroundings.

    Example:
        >>> from orchestrator.model.context import RunContext
        >>> made_name("load {month} ({map_index})", {"month": 3}, RunContext("a1", "f", "load[2]"))
        'load 3 (2)'
    """
    try:
        if callable(said):
            return str(said(**arguments))
        return said.format_map(_Names(arguments, running)) if said is not None else None
    except Exception as error:  # a name is not worth a failure
        running.logger.warning("task_run_name cannot be made: %s: %s", type(error).__name__, error)
        return None
