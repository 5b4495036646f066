"""The state of a whole from the states of its parts: a run's, and a mapped task's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from orchestrator.model.state import State, StateType


def of_run(
    states: Mapping[str, State], reference: Collection[str] | None, *, cancelled: bool
) -> State:
    """Judge a run: it failed if a task that decides failed, or was left out because one failed.

    Args:
        states: Final state of each task, by key.
        reference: Keys that decide; all, if None.
        cancelled: Whether somebody stopped the run.

    Example:
        >>> of_run({"a": State(StateType.FAILED)}, None, cancelled=False).message
        '1 failed'
    """
    if cancelled:
        return State(StateType.CANCELLED, "cancelled", result=states)
    deciding = states.keys() if reference is None else reference
    decided = [states[key] for key in deciding if key in states]
    failed = sum(state.is_failed() for state in decided)
    if failed or any(state.hindered for state in decided):
        return State(StateType.FAILED, f"{failed or 'upstream'} failed", result=states)
    return State(
        StateType.SUCCESS, f"{len(states)} task{'' if len(states) == 1 else 's'}", result=states
    )


def of_elements(states: Sequence[State]) -> State:
    """Judge a mapped task by its elements.

    Example:
        >>> good, bad = State(StateType.SUCCESS), State(StateType.FAILED, "no file")
        >>> of_elements([good, bad]).message
        '1 of 2 failed: no file'
    """
    counts = Counter(state.type for state in states)
    total = len(states)
    broken = [state for state in states if state.is_failed()]
    if broken:
        return State(StateType.FAILED, f"{len(broken)} of {total} failed: {broken[0].message}")
    if counts[StateType.CANCELLED]:
        return State(StateType.CANCELLED, f"{counts[StateType.CANCELLED]} of {total} cancelled")
    hindered = [state for state in states if state.hindered]
    if hindered:
        message = f"{len(hindered)} of {total} skipped: {hindered[0].message}"
        return replace(hindered[0], message=message)
    if total and counts[StateType.SKIPPED] == total:
        return State(StateType.SKIPPED, "every element was skipped", cause=states[0].cause)
    return State(StateType.SUCCESS, f"{total} elements")
