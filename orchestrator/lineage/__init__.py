"""Lineage: which datasets SQL texts and dbt manifests read and write, with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.late_names import late_names

if TYPE_CHECKING:
    from orchestrator.lineage.sql.analyze import analyze_sql as analyze_sql
    from orchestrator.lineage.sql.cache import EffectsCache as EffectsCache
    from orchestrator.lineage.sql.effects import SqlLineage as SqlLineage
    from orchestrator.lineage.sql.effects import SqlProblem as SqlProblem
    from orchestrator.lineage.sql.effects import StatementEffect as StatementEffect

#: Public names and the modules they live in; imported when first asked for.
_HOMES = {
    "EffectsCache": "orchestrator.lineage.sql.cache",
    "SqlLineage": "orchestrator.lineage.sql.effects",
    "SqlProblem": "orchestrator.lineage.sql.effects",
    "StatementEffect": "orchestrator.lineage.sql.effects",
    "analyze_sql": "orchestrator.lineage.sql.analyze",
}
__all__ = ["EffectsCache", "SqlLineage", "SqlProblem", "StatementEffect", "analyze_sql"]

__getattr__ = late_names(__name__, _HOMES)
