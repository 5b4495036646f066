"""What people ask of a run while it is driven: read from the store now and then, and done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence

from orchestrator.engine.driving.inputs import lengths
from orchestrator.engine.driving.lanes import Lanes
from orchestrator.engine.units import Known, Unit
from orchestrator.errors import StoreError
from orchestrator.model.state import State, StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action, Ask

#: The states that a task can be given by hand, by the words that people use.
MARKS = {
    "success": StateType.SUCCESS,
    "failed": StateType.FAILED,
    "skipped": StateType.SKIPPED,
}


class Requests:
    """The requests to a run that were not read yet.

    Args:
        store: Where they are kept.
        run_id: The whole id.
    """

    def __init__(self, store: RunStore, run_id: str) -> None:
        self._store, self._run_id, self._after = store, run_id, 0

    def __call__(self) -> Sequence[Ask]:
        """Return what is new; nothing while the store does not answer, which others report."""
        try:
            found = self._store.asked(self._run_id, after=self._after)
        except StoreError:
            return ()
        self._after = max((asked.id for asked in found), default=self._after)
        return found


def marked(asked: Ask) -> State:
    """Return the state that a request gives a task.

    Example:
        >>> marked(Ask(Action.MARK, "load", {"state": "success", "reason": "by hand"}, "ada")).message
        'marked by ada: by hand'
    """
    reason = asked.data.get("reason")
    message = f"marked by {asked.by or 'somebody'}" + (f": {reason}" if reason else "")
    return State(MARKS[asked.data["state"]], message, cause=asked.key)


class Desk:
    """Does what is asked, as far as it can be done while the run is under way.

    A mark of a task that runs or has ended changes nothing now: finished states are final. It
    counts when the run is retried.

    Args:
        requests: Gives what is new.
        units: By key of the plan.
        paused: The units that wait for somebody's word, by key.
        lanes: What is ready.
        stop: Stops the run.
        go_on: Lets a unit run that waited for somebody.
        finish: Gives a unit its final state.
        say: Told a line for people, with the task's key.
        fixed: Keys of mapped tasks whose elements others take one by one.
    """

    def __init__(
        self,
        requests: Callable[[], Sequence[Ask]],
        units: Mapping[str, Unit],
        paused: MutableMapping[str, Unit],
        lanes: Lanes,
        *,
        stop: Callable[[], None],
        go_on: Callable[[Unit], None],
        finish: Callable[[Unit, State], None],
        say: Callable[[str | None, str], None],
        fixed: Mapping[str, object],
    ) -> None:
        self._requests, self._units, self._paused, self._lanes = requests, units, paused, lanes
        self._stop, self._go_on, self._finish, self._say = stop, go_on, finish, say
        self._fixed = fixed

    def look(self) -> None:
        """Read what is new and do it."""
        for asked in self._requests():
            if asked.action is Action.CANCEL:
                self._stop()
                continue
            unit = self._unit(asked.key or "")
            if unit is None or unit.state.is_finished():
                continue
            if asked.action is Action.MARK:
                self._mark(unit, asked)
            elif self._paused.pop(unit.key, None) is not None:
                self._say(unit.key, f"goes on: {asked.action} by {asked.by or 'somebody'}")
                self._go_on(unit)

    def _mark(self, unit: Unit, asked: Ask) -> None:
        state = marked(asked)
        away = unit.flight is not None or unit.elements is not None
        if away or (state.is_successful() and unit.key in self._fixed):
            self._say(unit.key, f"{state.message}; it is under way, so this counts for a retry")
            return
        self._paused.pop(unit.key, None)
        self._lanes.drop(unit)
        if state.is_successful():
            value = asked.data.get("result")
            unit.handle = Known(value)
            unit.length, unit.lengths = lengths(value)
        self._finish(unit, state)

    def _unit(self, key: str) -> Unit | None:
        found = self._units.get(key)
        if found is not None or not key.endswith("]"):
            return found
        parent = self._units.get(key[: key.rindex("[")]) if "[" in key else None
        elements = parent.elements if parent is not None else None
        return next((unit for unit in elements or () if unit.key == key), None)
