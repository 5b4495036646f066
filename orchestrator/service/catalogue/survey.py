"""A survey of a project: its flows as they are planned, their columns, what is said of datasets."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.engine.plan import Plan
from orchestrator.errors import OrchestratorError
from orchestrator.lineage.tracing.graph import ColumnGraph
from orchestrator.model.dataset import Dataset
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.schedule import as_schedule
from orchestrator.secrets import masker
from orchestrator.service.catalogue.describing import Said, described, together
from orchestrator.service.catalogue.parameters import parameter_schema, parameter_shapes, stand_in
from orchestrator.service.columns import column_graph
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project

#: Classes of the task library whose tasks guard what they read, besides dbt's tests.
_CHECKS = frozenset({"SqlCheck"})


@dataclass(frozen=True)
class SurveyedFlow:
    """A flow as it lies in the project.

    Args:
        name: Its name; that of the file, where it cannot be read.
        description: Opening words of its module.
        source: File and line, from the project's folder.
        tags: Of any of its tasks.
        parameters: What :func:`~orchestrator.service.catalogue.parameters.parameter_shapes` says.
        schema: Their JSON Schema.
        schedules: Its clocks, as text.
        clocks: JSON object of its schedule; None where it has none.
        error: Why it cannot be read or planned.
        plan: What a run would do.
        columns: Its columns; None while they are not read.
        checks: Keys of the tasks that guard what they read.
        whole: Whether it is the project's folder itself, as it stands.
    """

    name: str
    description: str = ""
    source: str | None = None
    tags: tuple[str, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)
    schedules: tuple[str, ...] = ()
    clocks: Mapping[str, Any] | None = None
    error: str | None = None
    plan: Plan | None = None
    columns: ColumnGraph | None = None
    checks: frozenset[str] = frozenset()
    whole: bool = False


@dataclass(frozen=True)
class Survey:
    """A project at one state of its files.

    Args:
        digest: The state.
        made: When.
        flows: Its flows, by name.
        said: What is said of datasets.
        complete: Whether columns have been read.
        notes: What could not be found out.
    """

    digest: str = ""
    made: datetime = field(default_factory=lambda: instants.now())
    flows: Mapping[str, SurveyedFlow] = field(default_factory=dict)
    said: Mapping[Dataset, Said] = field(default_factory=dict)
    complete: bool = False
    notes: tuple[str, ...] = ()


def survey(project: Project, digest: str, told: Callable[[Survey], None]) -> Survey:
    """Read and plan a project's flows, and then the columns of each.

    Args:
        project: The project, in a process that has not loaded its modules before.
        digest: The state of its files.
        told: Gets the survey once all is planned, and again when it is complete.
    """
    found, errors = project.readable_flows()
    flows = {name: _planned(project, flow) for name, flow in found.items()}
    for path, error in errors.items():
        name = path.stem if path.stem not in flows else path.name
        flows[name] = SurveyedFlow(name, source=_relative(path, project), error=_text(error))
    if project.whole is not None and project.whole.name not in flows:
        found[project.whole.name] = project.whole
        flows[project.whole.name] = replace(_planned(project, project.whole), whole=True)
    said = together(_of_sql_files(flows.values()), _said(project, found))
    planned = Survey(digest, instants.now(), flows, said)
    told(planned)
    notes: dict[str, None] = {}
    columns = {name: _with_columns(project, found.get(name), flows[name], notes) for name in flows}
    complete = replace(planned, flows=columns, complete=True, notes=tuple(notes))
    told(complete)
    return complete


def request_for(flow: Flow) -> Request:
    """What a flow is planned with where nobody gives parameters: stand-ins for those it needs."""
    return Request({p.name: stand_in(p) for p in flow.parameters() if p.required})


def _planned(project: Project, flow: Flow) -> SurveyedFlow:
    found = SurveyedFlow(
        flow.name,
        _description(flow),
        _place(flow, project),
        tuple(sorted({tag for task in flow for tag in task.tags})),
        tuple(parameter_shapes(flow.parameters())),
        parameter_schema(flow.parameters()),
    )
    try:
        if flow.schedule is not None:
            schedule = as_schedule(flow.schedule)
            says = tuple(str(clock) for clock in schedule.clocks)
            found = replace(found, schedules=says, clocks=schedule.to_dict())
        plan = plan_flow(project, flow, request_for(flow))
    except Exception as error:  # a task of somebody's own may raise anything here
        return replace(found, error=_text(error))
    checks = (key for key, node in plan.tasks.items() if _is_check(node.task))
    return replace(found, plan=plan, checks=frozenset(checks))


def _is_check(task: object) -> bool:
    return any(kind.__name__ in _CHECKS for kind in type(task).__mro__)


def _with_columns(
    project: Project, flow: Flow | None, found: SurveyedFlow, notes: dict[str, None]
) -> SurveyedFlow:
    if flow is None or found.plan is None:
        return found
    try:
        graph = column_graph(project, flow, found.plan, request_for(flow))
    except Exception as error:  # the datasets can be told without it
        notes[f"the columns of {found.name} cannot be read: {_text(error)}"] = None
        return found
    notes |= dict.fromkeys(graph.notes)
    return replace(found, columns=graph)


def _said(project: Project, flows: Mapping[str, Flow]) -> dict[Dataset, Said]:
    """What dbt says of datasets, in the projects that any of the flows builds."""
    found: dict[Dataset, Said] = {}
    planning = project.planning(Request().options_in(project))
    with project.secrets():
        for flow in flows.values():
            for group in flow:
                if isinstance(group, TaskGroup):
                    try:
                        found = described(group.artifacts(planning)) | found
                    except Exception:
                        continue
    return found


def _of_sql_files(flows: Iterable[SurveyedFlow]) -> dict[Dataset, Said]:
    """What the front matter of SQL files says of the tables they write."""
    found: dict[Dataset, Said] = {}
    for flow in flows:
        for facts in flow.plan.facts.values() if flow.plan else ():
            text = facts.config.get("description")
            if facts.resource_type == "sql" and isinstance(text, str) and facts.path:
                layer = str(Path(facts.path).parent)
                for access in facts.writes:
                    found.setdefault(access.dataset, Said("sql", layer, "", text))
    return found


def _description(flow: Flow) -> str:
    """The opening words of the module that a flow is written in."""
    file = flow.defined_at[0] if flow.defined_at else None
    for module in list(sys.modules.values()):
        if file and getattr(module, "__file__", None) == file and module.__doc__:
            return inspect.cleandoc(module.__doc__).split("\n\n")[0].replace("\n", " ")
    return ""


def _place(flow: Flow, project: Project) -> str | None:
    if flow.defined_at is None:
        return None
    place = _relative(Path(flow.defined_at[0]), project)
    return f"{place}:{flow.defined_at[1]}" if place else None


def _relative(path: Path, project: Project) -> str | None:
    return str(path.relative_to(project.root)) if path.is_relative_to(project.root) else None


def _text(error: BaseException) -> str:
    """An error as people read it, without secrets."""
    if isinstance(error, OrchestratorError):
        return masker().mask(str(error))
    return masker().mask(f"{type(error).__name__}: {error}")
