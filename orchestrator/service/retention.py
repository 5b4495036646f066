"""What of the past is kept, by age and by count, and what goes: runs, files of theirs, old code."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from orchestrator import instants
from orchestrator.engine.results import files
from orchestrator.errors import NotFoundError
from orchestrator.service.deploying.snapshot import FOLDER
from orchestrator.settings import Settings
from orchestrator.store.base import RunStore

LOGS = "logs"  #: folder of ``state_dir`` for logs of failures
_RESULTS = ("results", "cache/results")
#: A folder written to so recently may be part of something that is not written down yet.
_YOUNG = timedelta(hours=1)
_AT_ONCE = 50  #: folders of logs looked at each time, the oldest first


def keep_house(settings: Settings, store: RunStore) -> int:
    """Delete what the settings do not want kept; called after each run.

    Runs go with their tasks, logs, events, messages and occurrences. Unfinished runs stay. Of code,
    only folders go that no deployment names.

    Args:
        settings: ``history_days``, ``history_runs`` and ``state_dir`` of a project.
        store: Its run store.

    Returns:
        How many runs were deleted.
    """
    now = instants.now()
    before = now - timedelta(days=settings.history_days) if settings.history_days else None
    deleted = store.prune(before, most=settings.history_runs)
    if before is not None:
        for name in _RESULTS:
            files.sweep(settings.state_dir / name, before)
    for folder in _oldest(settings.state_dir / LOGS, now):
        if _gone(store, folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in unused_code(store, settings.state_dir / FOLDER, now):
        shutil.rmtree(folder, ignore_errors=True)
    return deleted


def unused_code(store: RunStore, folder: Path, now: datetime) -> Iterator[Path]:
    """Yield the folders of code below ``folder`` that no deployment names and no run may need."""
    found = [path for path in _folders(folder) if not _young(path, now)]
    if not found:
        return
    used = {Path(each.source).resolve() for each in store.deployments()}
    for path in found:
        own = path.resolve()
        if not any(own == each or own in each.parents for each in used):
            yield path


def _oldest(folder: Path, now: datetime) -> list[Path]:
    found = [path for path in _folders(folder) if not _young(path, now)]
    return sorted(found, key=_written)[:_AT_ONCE]


def _gone(store: RunStore, run_id: str) -> bool:
    try:
        return store.run(run_id).id != run_id
    except NotFoundError:
        return True


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]


def _young(path: Path, now: datetime) -> bool:
    return _written(path) > (now - _YOUNG).timestamp()


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # somebody else was quicker
