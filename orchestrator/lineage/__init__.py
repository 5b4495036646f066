"""Lineage: which datasets SQL texts and dbt manifests read and write, with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.lineage.sql.analyze import analyze_sql as analyze_sql
    from orchestrator.lineage.sql.cache import EffectsCache as EffectsCache
    from orchestrator.lineage.sql.effects import SqlLineage as SqlLineage
    from orchestrator.lineage.sql.effects import SqlProblem as SqlProblem
    from orchestrator.lineage.sql.effects import StatementEffect as StatementEffect

#: Public names and the modules they live in; imported when first asked for.
_HOMES = {
    "EffectsCache": "sql.cache",
    "SqlLineage": "sql.effects",
    "SqlProblem": "sql.effects",
    "StatementEffect": "sql.effects",
    "analyze_sql": "sql.analyze",
}
__all__ = ["EffectsCache", "SqlLineage", "SqlProblem", "StatementEffect", "analyze_sql"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
