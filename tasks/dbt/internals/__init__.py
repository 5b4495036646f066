"""The one place that touches dbt's internals: a dbt build whose order is decided from outside.

None of it is dbt's public API. ``tests/dbt/test_dbt_contract.py`` names each internal relied on; run
it against each minor version of dbt-core that is to be supported.
"""

from __future__ import annotations

from tasks.dbt.internals.command import parse_unwritten, serve
from tasks.dbt.internals.events import SessionEvents, own_events, own_statements
from tasks.dbt.internals.relations import doubt, doubted, reread
from tasks.dbt.internals.running import (
    build_node,
    cancel_queries,
    close_batches,
    counted,
    drop_result,
    end_batches,
    inside,
    names,
    renew,
    reset,
    selection,
    skip_node,
    write_results,
)
from tasks.dbt.internals.travel import (
    invocation,
    lost_result,
    pack,
    pack_parsed,
    take_over,
    unpack,
)

__all__ = [
    "SessionEvents",
    "build_node",
    "cancel_queries",
    "close_batches",
    "counted",
    "doubt",
    "doubted",
    "drop_result",
    "end_batches",
    "inside",
    "invocation",
    "lost_result",
    "names",
    "own_events",
    "own_statements",
    "pack",
    "pack_parsed",
    "parse_unwritten",
    "renew",
    "reread",
    "reset",
    "selection",
    "serve",
    "skip_node",
    "take_over",
    "unpack",
    "write_results",
]
