"""Operators on results: what ``x + 1``, ``x[0]`` or ``x > y`` mean while a flow is defined."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.model.binding import Promise

if TYPE_CHECKING:
    from orchestrator.model.task import Task


#: What each operation does with the values, by its name.
OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor-divide": operator.floordiv,
    "modulo": operator.mod,
    "power": operator.pow,
    "less": operator.lt,
    "less-or-equal": operator.le,
    "greater": operator.gt,
    "greater-or-equal": operator.ge,
    "equal": operator.eq,
    "not-equal": operator.ne,
    "and": lambda x, y: x and y,
    "or": lambda x, y: x or y,
    "not": operator.not_,
    "true": bool,
    "item": operator.getitem,
}


class Operators(Promise):
    """A result that may be calculated with: each operator adds a small task to the flow.

    ``==`` and ``!=`` compare tasks, not results: for those there are :meth:`is_equal` and
    :meth:`is_not_equal`.
    """

    def __add__(self, other: Any) -> Task:
        return _operation("add", self, other)

    def __radd__(self, other: Any) -> Task:
        return _operation("add", other, self)

    def __sub__(self, other: Any) -> Task:
        return _operation("subtract", self, other)

    def __rsub__(self, other: Any) -> Task:
        return _operation("subtract", other, self)

    def __mul__(self, other: Any) -> Task:
        return _operation("multiply", self, other)

    def __rmul__(self, other: Any) -> Task:
        return _operation("multiply", other, self)

    def __truediv__(self, other: Any) -> Task:
        return _operation("divide", self, other)

    def __rtruediv__(self, other: Any) -> Task:
        return _operation("divide", other, self)

    def __floordiv__(self, other: Any) -> Task:
        return _operation("floor-divide", self, other)

    def __rfloordiv__(self, other: Any) -> Task:
        return _operation("floor-divide", other, self)

    def __mod__(self, other: Any) -> Task:
        return _operation("modulo", self, other)

    def __rmod__(self, other: Any) -> Task:
        return _operation("modulo", other, self)

    def __pow__(self, other: Any) -> Task:
        return _operation("power", self, other)

    def __rpow__(self, other: Any) -> Task:
        return _operation("power", other, self)

    def __lt__(self, other: Any) -> Task:
        return _operation("less", self, other)

    def __le__(self, other: Any) -> Task:
        return _operation("less-or-equal", self, other)

    def __gt__(self, other: Any) -> Task:
        return _operation("greater", self, other)

    def __ge__(self, other: Any) -> Task:
        return _operation("greater-or-equal", self, other)

    def __and__(self, other: Any) -> Task:
        return _operation("and", self, other)

    def __rand__(self, other: Any) -> Task:
        return _operation("and", other, self)

    def __or__(self, other: Any) -> Task:
        return _operation("or", self, other)

    def __ror__(self, other: Any) -> Task:
        return _operation("or", other, self)

    def __getitem__(self, key: Any) -> Task:
        return _operation("item", self, key)

    def is_equal(self, other: Any) -> Task:
        """Whether the result equals ``other``."""
        return _operation("equal", self, other)

    def is_not_equal(self, other: Any) -> Task:
        """Whether the result differs from ``other``."""
        return _operation("not-equal", self, other)

    def not_(self) -> Task:
        """Whether the result counts as false."""
        return _operation("not", self)

    def and_(self, other: Any) -> Task:
        """The result if it counts as false, else ``other``."""
        return _operation("and", self, other)

    def or_(self, other: Any) -> Task:
        """The result if it counts as true, else ``other``."""
        return _operation("or", self, other)


def _operation(name: str, *operands: Any) -> Task:
    from orchestrator.model.operation import Operation

    return Operation(name)(*operands)
