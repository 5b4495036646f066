"""The log of each failed task as a file, for people who open files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.model.state import BROKEN
from orchestrator.store.base import RunStore
from orchestrator.store.records import LogLine, TaskRun

_UNSAFE = re.compile(r"[^\w.\-\[\]]+")
_PAGE = 1000


def failure_log(state_dir: Path, run_id: str, key: str) -> Path:
    """Return where the log of a failed task is written when its run has ended.

    Args:
        state_dir: The project's folder for what is kept between runs.
        run_id: The run.
        key: The task.

    Example:
        >>> failure_log(Path("/srv/.orchestrator"), "a1", "sql/daily.sql").name
        'sql_daily.sql.log'
    """
    return state_dir / "logs" / run_id / f"{_UNSAFE.sub('_', key)[:150]}.log"


def write_failure_logs(store: RunStore, run_id: str, state_dir: Path) -> None:
    """Write one file for each failed task: what it said, what it raised, the SQL it ran.

    Args:
        store: Where the run is kept.
        run_id: The run.
        state_dir: The project's folder for what is kept between runs.
    """
    if BROKEN.isdisjoint(store.counts([run_id]).get(run_id, ())):
        return  # without reading each task of a large run
    for row in store.task_runs(run_id):
        if row.state in BROKEN:
            path = failure_log(state_dir, run_id, row.key)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text("\n".join(_lines(store, row)) + "\n", encoding="utf-8")


def _lines(store: RunStore, row: TaskRun) -> Iterator[str]:
    yield f"{row.resource_type} {row.name} ({row.key}), attempt {row.attempt}: {row.state}"
    yield row.message
    for line in _said(store, row):
        yield f"{line.at:%H:%M:%S} {line.text}"
    for title in ("traceback", "error", "compiled_code", "sql"):
        text = row.detail.get(title)
        if text:
            yield f"\n--- {title}"
            yield str(text)
            if title == "traceback":
                return  # it ends with the error


def _said(store: RunStore, row: TaskRun) -> Iterator[LogLine]:
    after = 0
    while page := store.logs(row.run_id, row.key, after_seq=after, limit=_PAGE):
        yield from page
        after = page[-1].seq
