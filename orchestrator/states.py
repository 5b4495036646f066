"""States by the names Prefect 1 gave them: to ask what a state is, to make one, to choose some."""

from __future__ import annotations

from typing import Any

from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, State, StateType

__all__ = [
    "Cached", "Cancelled", "Failed", "Finished", "Paused", "Pending", "Retrying", "Running",
    "Scheduled", "Skipped", "State", "Submitted", "Success", "TimedOut",
]  # fmt: skip

_NOT_BEGUN = frozenset({StateType.PENDING, StateType.RETRYING, StateType.PAUSED})


class _Kind(type):
    """Makes a class stand for some states: what is one is told by the state's type."""

    covers: frozenset[StateType]
    makes: StateType

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, State) and value.type in cls.covers

    def __call__(cls, message: str = "", result: Any = None) -> Any:
        return State(cls.makes, message, result=result)


def _kind(name: str, covers: frozenset[StateType], makes: StateType) -> Any:
    return _Kind(name, (), {"covers": covers, "makes": makes, "__module__": __name__})


def _one(state: StateType) -> Any:
    return _kind(state.value, frozenset({state}), state)


Pending = _kind("Pending", _NOT_BEGUN, StateType.PENDING)
Scheduled = _kind("Scheduled", _NOT_BEGUN, StateType.PENDING)
Submitted = _one(StateType.SUBMITTED)
Running = _one(StateType.RUNNING)
Retrying = _one(StateType.RETRYING)
Paused = _one(StateType.PAUSED)
Finished = _kind("Finished", FINISHED, StateType.SUCCESS)
Success = _kind("Success", SUCCEEDED, StateType.SUCCESS)
Cached = _one(StateType.CACHED)
Failed = _kind("Failed", BROKEN, StateType.FAILED)
TimedOut = _one(StateType.TIMED_OUT)
Skipped = _one(StateType.SKIPPED)
Cancelled = _one(StateType.CANCELLED)
