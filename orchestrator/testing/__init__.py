"""Tests of flows: run one on sample data with tasks stubbed, compare tables, stop the clock."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.testing.clock import freeze_time
    from orchestrator.testing.comparing import assert_table
    from orchestrator.testing.result import FlowResult
    from orchestrator.testing.running import run_flow
    from orchestrator.testing.warehouse import SampleWarehouse

#: Where each name lives; imported when first used, so that pytest loads the plugin at once.
_HOMES = {
    "FlowResult": "orchestrator.testing.result",
    "SampleWarehouse": "orchestrator.testing.warehouse",
    "assert_table": "orchestrator.testing.comparing",
    "freeze_time": "orchestrator.testing.clock",
    "run_flow": "orchestrator.testing.running",
}
__all__ = ["FlowResult", "SampleWarehouse", "assert_table", "freeze_time", "run_flow"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
