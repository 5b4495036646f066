"""Asks the store for the slots that tasks need before they are handed over, and gives them back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from orchestrator import instants
from orchestrator.engine.plan import Plan
from orchestrator.engine.telling.recorder import LEASE
from orchestrator.engine.units import Unit
from orchestrator.model.planning import Planning
from orchestrator.store.base import RunStore
from orchestrator.store.records import Limit

#: Seconds between two questions for the same slots: the first wait, and the longest.
_SOON, _LATER = 0.02, 0.5
#: Seconds after which limits that somebody changed meanwhile are noticed.
_REREAD = 2.0
_SHOWN = 3


def limit_names(plan: Plan, planning: Planning) -> dict[str, tuple[str, ...]]:
    """Return the names of the limits that may concern each task of a plan.

    Args:
        plan: What will run.
        planning: Knows the tasks' warehouses.
    """
    found: dict[str, tuple[str, ...]] = {}
    for key, planned in plan.tasks.items():
        names = [f"tag:{tag}" for tag in sorted(planned.facts.tags)]
        names += [f"warehouse:{w.name}" for w in planned.task.connections(planning)]
        found[key] = tuple(names)
    return found


class Limiter:
    """Knows which tasks need slots, and holds the slots of a run.

    What the store says is asked for in the driver's thread, seldom and only for tasks that a limit
    concerns. The leases live on with the heartbeat of the run.

    Args:
        store: Where limits and leases are kept; None for a run that knows no limits.
        run_id: The run, which is in the store.
        names: By key of each planned task, the limits that may concern it.
        say: Told a line for people when something has to wait, with the task's key.
    """

    def __init__(
        self,
        store: RunStore | None = None,
        run_id: str = "",
        names: Mapping[str, tuple[str, ...]] | None = None,
        say: Callable[[str | None, str], None] = lambda key, text: None,
    ) -> None:
        self._store, self._run_id, self.say = store, run_id, say
        self._may_concern = {key: found for key, found in (names or {}).items() if found}
        self._concerning: dict[str, tuple[str, ...]] = {}
        self._slots: dict[str, int] = {}
        self._read_again = 0.0
        self._held: dict[str, tuple[str, ...]] = {}
        self._mine: Counter[str] = Counter()
        self._pauses: dict[tuple[str, ...], tuple[float, float]] = {}
        self._told: dict[str, str] = {}

    def names(self, unit: Unit) -> tuple[str, ...]:
        """The limits that hold for a unit now."""
        if self._store is None or unit.planned.key not in self._may_concern:
            return ()
        if time.monotonic() >= self._read_again:
            self._read()
        return self._concerning.get(unit.planned.key, ())

    def take(self, unit: Unit) -> bool:
        """Take the slots a unit needs, all or none; False if it has to wait."""
        names = self.names(unit)
        return not names or unit.key in self._held or self._take(names, unit.key)

    def ended(self, unit: Unit) -> None:
        """Give back what a unit holds, if it holds anything."""
        self._release(unit.key)

    def limits_flow(self, flow: str) -> bool:
        """Whether there is a limit on a flow."""
        if self._store is not None and time.monotonic() >= self._read_again:
            self._read()
        return f"flow:{flow}" in self._slots

    def take_flow(self, flow: str) -> bool:
        """Take the slot that a run of the flow needs; False if it has to wait."""
        return not self.limits_flow(flow) or self._take((f"flow:{flow}",), None)

    def patience(self) -> float:
        """Seconds until something that waits should be asked for again."""
        now = time.monotonic()
        # What is due already waits for room, and whatever ends wakes the driver for that.
        return min((due - now for due, _ in self._pauses.values() if due > now), default=_LATER)

    def close(self) -> None:
        """Give back everything."""
        if self._store is not None and (self._held or self._told):
            self._store.leave(self._run_id)
        self._held.clear()

    # -- slots ---------------------------------------------------------------------------------

    def _take(self, names: tuple[str, ...], key: str | None) -> bool:
        assert self._store is not None
        due, pause = self._pauses.get(names, (0.0, _SOON))
        if time.monotonic() < due:
            return False
        # A run whose own tasks have all the slots need not ask anybody.
        own = [name for name in names if self._mine[name] >= self._slots.get(name, 1)]
        until = instants.now() + LEASE
        full = own or self._store.acquire(names, self._holder(key), self._run_id, until)
        if full:
            self._pauses[names] = (time.monotonic() + pause, min(2 * pause, _LATER))
            if not own or full[0] not in self._told:
                self._tell(key, full[0])
            return False
        self._pauses.pop(names, None)
        self._held[key or ""] = names
        self._mine.update(names)
        return True

    def _release(self, key: str) -> None:
        names = self._held.pop(key, None)
        if names is None:
            return
        assert self._store is not None
        self._mine.subtract(names)
        self._store.release(self._holder(key))
        # What was given back may be just what another task of this run waits for.
        self._pauses.clear()

    def _holder(self, key: str | None) -> str:
        return self._run_id if key is None else f"{self._run_id}:{key}"

    # -- what is limited -------------------------------------------------------------------------

    def _read(self) -> None:
        assert self._store is not None
        self._read_again = time.monotonic() + _REREAD
        slots = {limit.name: limit.slots for limit in self._store.limits()}
        if slots.keys() != self._slots.keys():
            found = (
                (key, tuple(name for name in names if name in slots))
                for key, names in self._may_concern.items()
            )
            self._concerning = {key: names for key, names in found if names}
        self._slots = slots

    def _tell(self, key: str | None, name: str) -> None:
        """Say who is waited for, once as long as it stays so."""
        assert self._store is not None
        limit = next((limit for limit in self._store.limits() if limit.name == name), None)
        if limit is None:
            return
        behind = "; who asked earlier goes first" if len(limit.taken) < limit.slots else ""
        text = f"waits for limit {name} ({taken(limit, self._run_id)}{behind})"
        if self._told.get(name) != text:
            self._told[name] = text
            self.say(key, text)


def taken(limit: Limit, own: str | None = None) -> str:
    """Say how many slots of a limit are taken, and by which runs.

    Args:
        limit: The limit.
        own: The run that is told.

    Example:
        >>> from orchestrator.store.records import Lease
        >>> lease = Lease("tag:heavy", "h", "3f2a", instants.now())
        >>> taken(Limit("tag:heavy", 2, (lease, lease)))
        '2 of 2 taken by run 3f2a'
    """
    said = f"{len(limit.taken)} of {limit.slots} taken"
    runs = list(dict.fromkeys(lease.run_id for lease in limit.taken))
    if not runs:
        return said
    words = ["this run" if run == own else f"run {run}" for run in runs[:_SHOWN]]
    words += [f"{len(runs) - _SHOWN} more"] if len(runs) > _SHOWN else []
    return f"{said} by {', '.join(words)}"
