"""Tests of flows: run one on sample data with tasks stubbed, compare tables, stop the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.late_names import late_names

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

__getattr__ = late_names(__name__, _HOMES)
