"""Where tasks run: in this thread, in threads of this process, or on a Dask cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.late_names import late_names

if TYPE_CHECKING:
    from orchestrator.executors.dask import DaskExecutor
    from orchestrator.executors.inline import InlineExecutor
    from orchestrator.executors.local_dask import LocalDaskExecutor, LocalExecutor
    from orchestrator.executors.threads import ThreadsExecutor

#: Imported when first used, so that a flow that runs on threads never imports Dask.
_HOMES = {
    "DaskExecutor": "orchestrator.executors.dask",
    "InlineExecutor": "orchestrator.executors.inline",
    "LocalDaskExecutor": "orchestrator.executors.local_dask",
    "LocalExecutor": "orchestrator.executors.local_dask",
    "ThreadsExecutor": "orchestrator.executors.threads",
}
__all__ = [
    "DaskExecutor",
    "InlineExecutor",
    "LocalDaskExecutor",
    "LocalExecutor",
    "ThreadsExecutor",
]

__getattr__ = late_names(__name__, _HOMES)
