"""Draws the columns of a project's flow: its code gathered, its warehouses asked, all of it kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.engine.plan import Plan
from orchestrator.errors import OrchestratorError
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.tracing.cache import ContentCache
from orchestrator.lineage.tracing.graph import ColumnGraph
from orchestrator.lineage.tracing.reading import ColumnReader, reader_version
from orchestrator.lineage.tracing.trace import trace
from orchestrator.model.code import Code
from orchestrator.model.dataset import Dataset
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.model.planning import Planning
from orchestrator.service.planning import Request
from orchestrator.service.project import Project


@without_collector
def column_graph(
    project: Project, flow: Flow, plan: Plan, request: Request | None = None
) -> ColumnGraph:
    """Draw the columns of a flow.

    Nothing is run or written but the caches in the project's state folder; dbt compiles what it
    has not compiled before. What the warehouses have is looked up where that is free to read.

    Args:
        project: The project.
        flow: The flow.
        plan: Its plan, without a selection.
        request: What the plan was made with.

    Raises:
        UsageError: A column is declared wrongly.
    """
    planning = project.planning((request or Request()).options_in(project))
    cache = ContentCache(
        project.settings.state_dir / "cache" / "columns.json", version=reader_version()
    )
    notes: list[str] = []
    with project.secrets():
        codes = gathered(flow, plan, planning)
        reader = ColumnReader(_analyze(planning), cache)
        tasks = ((plan.tasks[key].facts, codes.get(key)) for key in plan.order())
        graph = trace(flow.name, tasks, reader, lambda: _catalog(plan, planning, notes), notes)
    planning.save_cache()
    cache.save()
    return graph


def gathered(flow: Flow, plan: Plan, planning: Planning) -> dict[str, Code]:
    """The code of every task of a plan that has some, by key; a group gives that of all its tasks."""
    found: dict[str, Code] = {}
    members: dict[str, dict[str, Any]] = {}
    for key, node in plan.tasks.items():
        if node.group is not None:
            members.setdefault(node.group, {})[key] = node.task
        elif (code := node.task.code(planning)) is not None:
            found[key] = code
    for task in flow:
        group = flow.key(task)
        if isinstance(task, TaskGroup) and group in members:
            found |= task.codes(members[group], planning)
    return found


def _catalog(plan: Plan, planning: Planning, notes: list[str]) -> dict[Dataset, tuple[str, ...]]:
    """The columns that the plan's warehouses have, each asked once; who cannot be asked is noted."""
    found: dict[Dataset, tuple[str, ...]] = {}
    for warehouse in _warehouses(plan, planning):
        ask = getattr(warehouse, "columns", None)
        if ask is None:
            notes.append(f"warehouse {warehouse.name} does not say its columns")
            continue
        try:
            found |= ask()
        except OrchestratorError as error:
            where = f" ({error.where})" if error.where else ""
            notes.append(f"warehouse {warehouse.name} was not asked: {error.what}{where}")
    return found


def _warehouses(plan: Plan, planning: Planning) -> Iterable[Any]:
    """The connections that tasks work on, one for each database."""
    found: dict[str, Any] = {}
    for node in plan.tasks.values():
        for held in node.task.connections(planning):
            found.setdefault(held.affinity or held.name, held)
    return found.values()


def _analyze(planning: Planning) -> Any:
    if planning.analyze is not None:
        return planning.analyze
    from orchestrator.lineage import analyze_sql

    return analyze_sql
