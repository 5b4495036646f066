"""The dbt nodes that a task reported which runs dbt as a command, as if each were a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from orchestrator.model.state import StateType
from orchestrator.store.records import TaskRun

_STATES = {
    "success": StateType.SUCCESS, "pass": StateType.SUCCESS, "warn": StateType.SUCCESS,
    "no-op": StateType.SUCCESS, "skipped": StateType.SKIPPED,
}  # fmt: skip


def reported_by(task: TaskRun) -> Iterator[TaskRun]:
    """Yield the nodes that a task reported, in its order.

    Example:
        >>> nodes = [{"unique_id": "model.shop.orders", "status": "success"}]
        >>> task = TaskRun("a1", "build", "build", detail={"nodes": nodes})
        >>> [(node.resource_type, node.name, node.state.value) for node in reported_by(task)]
        [('model', 'orders', 'Success')]
    """
    reported = task.detail.get("nodes")
    for node in reported if isinstance(reported, list) else ():
        if not isinstance(node, Mapping):
            continue
        key = str(node.get("unique_id", ""))
        kind, _, name = key.partition(".")
        yield TaskRun(
            task.run_id, key, name.rpartition(".")[2] or key, kind,
            state=_state(str(node.get("status", ""))), attempt=task.attempt,
            started=_instant(node.get("started")), finished=_instant(node.get("finished")),
            status=str(node.get("status", "")), message=str(node.get("error") or ""), detail=node,
        )  # fmt: skip


def _instant(text: object) -> datetime | None:
    """An instant as dbt writes it: in UTC, whether it says so or not."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _state(status: str) -> StateType:
    """The state that a word of dbt's means; what is none of its good ones is a failure."""
    return _STATES.get(status, StateType.FAILED)
