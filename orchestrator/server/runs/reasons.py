"""Why a task ran, was left out, or was not needed, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.records import Action, Ask, FlowRun, TaskRun


def why(
    task: TaskRun, run: FlowRun, asked: Iterable[Ask] = (), names: Mapping[str, str] = {}
) -> str:
    """Say why a task stands as it does.

    Args:
        task: The task.
        run: Its run.
        asked: What people asked of the run.
        names: What people call tasks, by key.

    Example:
        >>> why(TaskRun("a1", "load", "load", state=StateType.SUCCESS), FlowRun("a1", "nightly"))
        'It ran because the whole flow ran.'
    """
    parts = [_standing(task, run, names), *_cache(task), *_by_hand(task, asked)]
    return " ".join(part for part in parts if part)


def _standing(task: TaskRun, run: FlowRun, names: Mapping[str, str]) -> str:
    cause = names.get(task.cause, task.cause) if task.cause and task.cause != task.key else None
    if task.state is StateType.SKIPPED:
        because = f" because of {cause}" if cause else ""
        return _sentence(f"It was skipped{because}", task.message)
    if task.state is StateType.CACHED:
        return _sentence("It did not run: an earlier result holds", task.message)
    if task.state is StateType.PAUSED:
        return _sentence("It waits until somebody lets it go on", task.message)
    if task.attempt == 0 and task.state is StateType.CANCELLED:
        return _sentence("It never began: the run was cancelled", "")
    if task.attempt == 0 and task.state not in FINISHED:
        if run.state in FINISHED:
            return _sentence("It never began: the run ended before", run.message)
        return _sentence("It waits for what it depends on, or for a free place", task.message)
    verb = "ran" if task.state in FINISHED else "runs"
    return f"It {verb} because {_chosen(run)}."


def _chosen(run: FlowRun) -> str:
    include, exclude = run.options.get("include") or (), run.options.get("exclude") or ()
    said = " ".join(map(str, include))
    left = f", without {' '.join(map(str, exclude))}" if exclude else ""
    what = f"it was selected by {said}{left}" if said else f"the whole flow ran{left}"
    if run.retry_of is None:
        return what
    return f"it was left to do in run {run.retry_of}, which this run finishes"


def _cache(task: TaskRun) -> Iterable[str]:
    said = task.detail.get("cache")
    if isinstance(said, str) and said and task.state is not StateType.CACHED:
        yield _sentence("No earlier result could be used", said)


def _by_hand(task: TaskRun, asked: Iterable[Ask]) -> Iterable[str]:
    for one in asked:
        if one.key == task.key and one.action is Action.MARK:
            by = one.by or "somebody"
            yield _sentence(f"{by} marked it {one.data.get('state')}", str(one.data.get("reason")))


def _sentence(said: str, more: str) -> str:
    more = more.strip().rstrip(".")
    return f"{said}: {more}." if more else f"{said}."
