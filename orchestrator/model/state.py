"""States of task runs and flow runs, and the table of allowed moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class StateType(StrEnum):
    """The word a state is stored and shown by."""

    PENDING = "Pending"  #: waits for what it depends on
    SUBMITTED = "Submitted"  #: handed to the executor
    RUNNING = "Running"
    RETRYING = "Retrying"  #: failed, and will be tried again at a set time
    PAUSED = "Paused"  #: waits until somebody lets it go on
    SUCCESS = "Success"
    CACHED = "Cached"  #: not run: an earlier result holds
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"


FINISHED = frozenset(
    {
        StateType.SUCCESS,
        StateType.CACHED,
        StateType.FAILED,
        StateType.TIMED_OUT,
        StateType.SKIPPED,
        StateType.CANCELLED,
    }
)
SUCCEEDED = frozenset({StateType.SUCCESS, StateType.CACHED})
BROKEN = frozenset({StateType.FAILED, StateType.TIMED_OUT})

_BEGUN = frozenset({StateType.SUBMITTED, StateType.RUNNING})
_HALTED = frozenset({StateType.RETRYING, StateType.PAUSED})
#: From each state, where a run may go. Finished states are final.
ALLOWED: dict[StateType, frozenset[StateType]] = {
    StateType.PENDING: _BEGUN | _HALTED | FINISHED,
    StateType.SUBMITTED: _HALTED | {StateType.RUNNING} | FINISHED,
    StateType.RUNNING: _HALTED | FINISHED,
    # An attempt that begins and ends between two words of its worker is told of once, at its end.
    StateType.RETRYING: _BEGUN | _HALTED | FINISHED,
    StateType.PAUSED: _BEGUN | _HALTED | FINISHED,
    **{final: frozenset() for final in FINISHED},
}


@dataclass(frozen=True, slots=True)
class State:
    """One state of a run.

    Args:
        type: The word.
        message: One line for people.
        result: The value of a successful task; for a flow run, ``{task: State}``.
        cause: For a skipped run, the key of the task that caused it.
        status: The tool's own word where there is one (dbt's ``warn``, ``no-op``).
        hindered: For a skipped run, whether something that broke is behind it; it then counts as
            failed for what comes after.
        told: What the task has for tasks that ask for the states of what they wait for; it is
            not stored.

    Example:
        >>> State(StateType.SUCCESS, result=3).is_successful()
        True
    """

    type: StateType
    message: str = ""
    result: Any = field(default=None, repr=False)
    cause: str | None = None
    status: str | None = None
    hindered: bool = False
    told: bytes | None = field(default=None, repr=False, compare=False)

    def is_finished(self) -> bool:
        """Whether nothing follows this state."""
        return self.type in FINISHED

    def is_successful(self) -> bool:
        """Whether the work was done (or an earlier result holds)."""
        return self.type in SUCCEEDED

    def is_failed(self) -> bool:
        """Whether the work was tried and broke."""
        return self.type in BROKEN

    def is_pending(self) -> bool:
        """Whether the work has not begun, or is to begin again."""
        return self.type in (StateType.PENDING, StateType.RETRYING, StateType.PAUSED)

    def is_retrying(self) -> bool:
        """Whether the work broke and will be tried again."""
        return self.type is StateType.RETRYING

    def is_cached(self) -> bool:
        """Whether the work was not done because an earlier result holds."""
        return self.type is StateType.CACHED

    def is_skipped(self) -> bool:
        """Whether the work was left out."""
        return self.type is StateType.SKIPPED

    def is_paused(self) -> bool:
        """Whether the work waits until somebody lets it go on."""
        return self.type is StateType.PAUSED

    def is_running(self) -> bool:
        """Whether the work is under way."""
        return self.type is StateType.RUNNING


def may_move(old: StateType, new: StateType) -> bool:
    """Whether a run may go from ``old`` to ``new``.

    Example:
        >>> may_move(StateType.SUCCESS, StateType.RUNNING)
        False
    """
    return new in ALLOWED[old]
