"""The small tasks that operators, unpacking and nested arguments add to a flow."""

from __future__ import annotations

from typing import Any

from orchestrator.model.binding import Promise, fill
from orchestrator.model.operators import OPERATIONS
from orchestrator.model.task import Task

_NO_SECOND = object()


class Operation(Task):
    """Applies one of the operators to results.

    Args:
        operation: Its name in ``OPERATIONS``.

    Example:
        >>> Operation("add").run(1, 2)
        3
    """

    def __init__(self, operation: str) -> None:
        super().__init__(name=operation)
        self.operation = operation

    def run(self, x: Any, y: Any = _NO_SECOND) -> Any:
        """Calculate."""
        operands = (x,) if y is _NO_SECOND else (x, y)
        return OPERATIONS[self.operation](*operands)


class _Part(Promise):
    """Stands in a structure for one of the parts it is made of."""

    def __init__(self, name: str) -> None:
        self.name = name


class Assembled(Task):
    """Puts results into the places they have in a nested structure.

    Args:
        value: The structure, with tasks in it.

    Example:
        >>> made = Assembled([1, Operation("true")])
        >>> made.run(**dict.fromkeys(made.parts, True))
        [1, True]
    """

    def __init__(self, value: Any) -> None:
        super().__init__(name=type(value).__name__)
        self.parts: dict[str, Task] = {}
        self.structure = fill(value, self._part)

    def _part(self, task: Task) -> _Part:
        name = f"part_{len(self.parts)}"
        self.parts[name] = task
        return _Part(name)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "parts": {}}  # other tasks do not travel with this one

    def run(self, **parts: Any) -> Any:
        """Fill the structure."""
        return fill(self.structure, lambda part: parts[part.name])
