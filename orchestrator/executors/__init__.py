"""Where tasks run: in this thread, in threads of this process, or on a Dask cluster."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.executors.dask import DaskExecutor
    from orchestrator.executors.inline import InlineExecutor
    from orchestrator.executors.local_dask import LocalDaskExecutor, LocalExecutor
    from orchestrator.executors.threads import ThreadsExecutor

#: Imported when first used, so that a flow that runs on threads never imports Dask.
_HOMES = {
    "DaskExecutor": "dask",
    "InlineExecutor": "inline",
    "LocalDaskExecutor": "local_dask",
    "LocalExecutor": "local_dask",
    "ThreadsExecutor": "threads",
}
__all__ = [
    "DaskExecutor",
    "InlineExecutor",
    "LocalDaskExecutor",
    "LocalExecutor",
    "ThreadsExecutor",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
