"""What a bundle's attempts get: results of other tasks as slots, and the inputs the slots stand for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from orchestrator.engine.messages import CONSTANTS, OWN, Flattened, Gathered, Slot
from orchestrator.engine.outcome import inner_lengths
from orchestrator.engine.planned import PlannedTask, Ref
from orchestrator.engine.results.stored import Stored
from orchestrator.engine.units import LOST, Known, Lost, Unit
from orchestrator.errors import FlowError, WorkerLostError
from orchestrator.executors.base import Handle
from orchestrator.model.binding import Argument, Promise, fill

#: Text of fewer characters is small.
_SMALL = 200


def flattened(planned: PlannedTask) -> Iterator[str]:
    """Keys of the tasks whose results a task takes as lists of lists."""
    for argument in planned.arguments.values():
        if argument.flattened:
            yield from (ref.key for ref in argument.tasks())


def lengths(value: Any) -> tuple[int | None, tuple[int, ...] | None]:
    """The length of a list, and of the lists in it if it holds nothing else."""
    if isinstance(value, Stored):
        return value.length, value.lengths
    return (len(value), inner_lengths(value)) if isinstance(value, (list, tuple)) else (None, None)


def _inner_length(unit: Unit) -> int | None:
    """The length of a list among others; what was left out holds nothing."""
    return unit.length if unit.state.is_successful() else 0


def small(result: Mapping[str, Any] | None) -> Known | None:
    """A result that is no burden to the driver's memory."""
    if result is None or "value" not in result:
        return None
    value = result["value"]
    plain = value is None or isinstance(value, (bool, int, float))
    return Known(value) if plain or (isinstance(value, str) and len(value) < _SMALL) else None


class Values:
    """Where the result of each task is: a constant, a handle, or the handles of its elements.

    Args:
        units: All units, by key of the plan.
        given: Results that need no unit, by key.
    """

    def __init__(self, units: Mapping[str, Unit], given: Mapping[str, Any]) -> None:
        self._units, self._given = units, given
        self._constant: dict[tuple[str, str], bool] = {}

    # -- lengths ---------------------------------------------------------------------------

    def count(self, parent: Unit) -> int:
        """How many elements a mapped task has; notes where flattened lists begin.

        Raises:
            FlowError: An argument is no list, or lists differ in length.
        """
        lengths: dict[str, int] = {}
        for name, argument in parent.planned.arguments.items():
            if not argument.mapped:
                continue
            length = self._length(parent, name, argument)
            if length is None:
                kind = "list of lists to flatten" if argument.flattened else "list to map over"
                raise FlowError(f"argument {name!r} of {parent.key} is no {kind}")
            lengths[name] = length
        if len(set(lengths.values())) > 1:
            raise FlowError(f"{parent.key} is mapped over lists of different lengths: {lengths}")
        return next(iter(lengths.values()))

    def _length(self, parent: Unit, name: str, argument: Argument) -> int | None:
        if not argument.flattened:
            return self._outer(argument.value)
        inner = self._inner(argument.value)
        if inner is None or None in inner:
            return None
        offsets = [0, *accumulate(length or 0 for length in inner)]
        parent.offsets = {**(parent.offsets or {}), name: offsets}
        return offsets[-1]

    def _outer(self, value: Any) -> int | None:
        if isinstance(value, Ref):
            if value.key not in self._given:
                unit = self._units[value.key]
                return unit.length if unit.elements is None else len(unit.elements)
            value = self._given[value.key]
        return lengths(value)[0]

    def _inner(self, value: Any) -> Sequence[int | None] | None:
        """The length of each inner list."""
        if isinstance(value, Ref) and value.key not in self._given:
            unit = self._units[value.key]
            return (
                unit.lengths if unit.elements is None else list(map(_inner_length, unit.elements))
            )
        if isinstance(value, Ref):
            value = self._given[value.key]
        if isinstance(value, Stored):
            return value.lengths
        return [self._listed(item) for item in value] if isinstance(value, (list, tuple)) else None

    def _listed(self, item: Any) -> int | None:
        if item is None:
            return 0
        if isinstance(item, Ref) and item.key not in self._given:
            unit = self._units[item.key]
            if unit.elements is None:
                return _inner_length(unit)
        return self._outer(item)

    # -- arguments -------------------------------------------------------------------------

    def arguments(self, unit: Unit, inputs: Inputs) -> dict[str, Any]:
        """The arguments of a unit's attempt, with slots for what lies in the inputs."""
        made: dict[str, Any] = {}
        for name, argument in unit.planned.arguments.items():
            if not argument.passed:
                continue
            if argument.mapped and unit.element is not None:
                made[name] = self._element(unit, name, argument, inputs)
            elif self._is_constant(unit.planned, name, argument.value):
                value = argument.value
                made[name] = Flattened(value) if argument.flattened else value
            else:
                value = fill(argument.value, partial(self._whole, inputs=inputs))
                made[name] = Flattened(value) if argument.flattened else value
        return made

    def _element(self, unit: Unit, name: str, argument: Argument, inputs: Inputs) -> Any:
        assert unit.element is not None
        path: tuple[int, ...] = (unit.element,)
        if argument.flattened:
            assert unit.parent is not None
            assert unit.parent.offsets is not None
            offsets = unit.parent.offsets[name]
            outer = bisect_right(offsets, unit.element) - 1
            path = (outer, unit.element - offsets[outer])
        value = argument.value
        if not isinstance(value, Ref):
            value, path = value[path[0]], path[1:]
        return self._at(value, path, inputs)

    def _at(self, value: Any, path: tuple[int, ...], inputs: Inputs) -> Any:
        if isinstance(value, Ref) and value.key not in self._given:
            unit = self._units[value.key]
            if unit.elements is not None and path:
                unit, path = unit.elements[path[0]], path[1:]
            return inputs.slot(unit, path) if unit.elements is None else self._whole(value, inputs)
        if isinstance(value, Ref):
            value = self._given[value.key]
        for number in path:
            value = value[number]
        if isinstance(value, Stored):
            return value
        return fill(value, partial(self._whole, inputs=inputs))

    def _whole(self, ref: Ref, inputs: Inputs) -> Any:
        if ref.key in self._given:
            return self._given[ref.key]
        unit = self._units[ref.key]
        return inputs.slot(unit) if unit.elements is None else inputs.gather(unit.elements)

    def _is_constant(self, planned: PlannedTask, name: str, value: Any) -> bool:
        """Whether nothing is to be filled in, so that every element can share the one value."""
        place = (planned.key, name)
        if place not in self._constant:
            found: list[Promise] = []
            fill(value, found.append)
            self._constant[place] = not found
        return self._constant[place]


class Inputs:
    """The inputs of one bundle: the handles it takes values from, each once, and constants.

    Args:
        own: The bundle's units; what they make is taken from the bundle itself.
    """

    def __init__(self, own: Sequence[Unit]) -> None:
        self.handles: list[Handle] = []
        self.constants: list[Any] = []
        self._made_by: list[list[Unit]] = []
        self._own = {unit: place for place, unit in enumerate(own)}
        self._numbers: dict[Handle, int] = {}

    def slot(self, unit: Unit, path: tuple[int, ...] = ()) -> Slot:
        """A slot for a unit's result, or for what lies at ``path`` in it.

        A result that is known here is sent along: to fetch it from another worker takes longer.
        """
        if unit.spare is not None and unit not in self._own:
            number, place = self._constant(unit.spare.value)
        else:
            number, place = self._where(unit)
        return Slot(number, (place, *path))

    def gather(self, units: Sequence[Unit]) -> Gathered:
        """A slot for the list of the results of many units."""
        places = [self._where(unit) for unit in units]
        return Gathered(tuple(n for n, _ in places), tuple(place for _, place in places))

    def lose(self, is_lost: Callable[[Handle], bool]) -> bool:
        """See whether values died with their workers; small ones are known here all the same.

        Returns:
            Whether there are such values; then the inputs are to be made anew.
        """
        found = False
        for number, handle in enumerate(self.handles):
            if is_lost(handle):
                found = True
                for unit in self._made_by[number]:
                    unit.handle = unit.spare or LOST
        return found

    def _where(self, unit: Unit) -> tuple[int, int]:
        if unit in self._own:
            return OWN, self._own[unit]
        handle = unit.handle
        if isinstance(handle, Handle):
            number = self._numbers.get(handle)
            if number is None:
                number = self._numbers[handle] = len(self.handles)
                self.handles.append(handle)
                self._made_by.append([])
            self._made_by[number].append(unit)
            return number, unit.place
        if isinstance(handle, Lost):
            raise WorkerLostError(
                f"the result of {unit.key} was lost with the worker that kept it",
                fix="`orchestrator runs retry` makes it again; persist=True stores it",
            )
        return self._constant(handle.value if isinstance(handle, Known) else None)

    def _constant(self, value: Any) -> tuple[int, int]:
        self.constants.append(value)
        return CONSTANTS, len(self.constants) - 1
