"""The word and colour each state is shown by."""

from __future__ import annotations

from orchestrator.model.state import State, StateType

_WORDS: dict[StateType, tuple[str, str]] = {
    StateType.PENDING: ("waits", "dim"),
    StateType.SUBMITTED: ("queued", "dim"),
    StateType.RUNNING: ("runs", "cyan"),
    StateType.RETRYING: ("retry", "yellow"),
    StateType.PAUSED: ("paused", "yellow"),
    StateType.SUCCESS: ("ok", "green"),
    StateType.CACHED: ("cached", "green"),
    StateType.FAILED: ("FAILED", "bold red"),
    StateType.TIMED_OUT: ("TIMEOUT", "bold red"),
    StateType.SKIPPED: ("skipped", "dim"),
    StateType.CANCELLED: ("stopped", "yellow"),
}
WARN = ("warn", "yellow")
#: Columns that the longest word takes.
WIDTH = max(len(word) for word, _ in _WORDS.values())


def word(state: State) -> tuple[str, str]:
    """Return the word for a state, and its style.

    Example:
        >>> word(State(StateType.SUCCESS, status="warn"))
        ('warn', 'yellow')
    """
    return WARN if warns(state) else _WORDS[state.type]


def warns(state: State) -> bool:
    """Whether the work was done, but its tool warns."""
    return state.is_successful() and state.status == "warn"
