"""A survey as JSON text and back, so that one process makes it and another serves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from orchestrator.engine.plan import Plan
from orchestrator.engine.planned import PlannedTask
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.tracing.graph import ColumnGraph, ColumnStep, How
from orchestrator.lineage.tracing.known import Columns
from orchestrator.model.code import Column
from orchestrator.model.dataset import Access, Dataset, DatasetKind
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.graph import Graph
from orchestrator.model.task import Task
from orchestrator.service.catalogue.describing import ColumnSaid, Said
from orchestrator.service.catalogue.parameters import plain
from orchestrator.service.catalogue.survey import Survey, SurveyedFlow

#: Grows when the shape changes: what an older program kept is then made anew.
VERSION = 1
#: What stands for the tasks of a plan that was read back: they are looked at, never run.
_STAND_IN = Task(name="planned elsewhere")
_FLOW = ("name", "description", "source", "tags", "parameters", "schedules", "error", "whole")


@without_collector
def encoded(found: Survey) -> bytes:
    """Return a survey as JSON text."""
    names = _Names()
    flows = [_flow(flow, names) for flow in found.flows.values()]
    said = [[names.number(dataset), asdict(one)] for dataset, one in found.said.items()]
    return orjson.dumps(
        {
            "version": VERSION, "digest": found.digest, "made": found.made.isoformat(),
            "complete": found.complete, "notes": list(found.notes), "flows": flows, "said": said,
            "datasets": [[d.catalog, d.schema, d.name, d.kind.value] for d in names.known],
        },
        default=plain, option=orjson.OPT_NON_STR_KEYS,
    )  # fmt: skip


@without_collector
def decoded(text: bytes) -> Survey | None:
    """Return the survey that :func:`encoded` wrote; None for what another program wrote."""
    try:
        shape = orjson.loads(text)
        if shape["version"] != VERSION:
            return None
        datasets = [Dataset(c, s, name, DatasetKind(k)) for c, s, name, k in shape["datasets"]]
        flows = (_flow_of(flow, datasets) for flow in shape["flows"])
        return Survey(
            shape["digest"],
            datetime.fromisoformat(shape["made"]),
            {flow.name: flow for flow in flows},
            {datasets[number]: _said_of(one) for number, one in shape["said"]},
            shape["complete"],
            tuple(shape["notes"]),
        )
    except (ValueError, KeyError, TypeError, IndexError):
        return None


class _Names:
    """Datasets by number: each is written once."""

    def __init__(self) -> None:
        self.known: dict[Dataset, int] = {}

    def number(self, dataset: Dataset) -> int:
        return self.known.setdefault(dataset, len(self.known))


def _flow(flow: SurveyedFlow, names: _Names) -> dict[str, Any]:
    shape = {name: getattr(flow, name) for name in _FLOW}
    return shape | {
        "schema": flow.schema,
        "clocks": flow.clocks,
        "checks": sorted(flow.checks),
        "plan": None if flow.plan is None else _plan(flow.plan, names),
        "columns": None if flow.columns is None else _columns(flow.columns, names),
    }


def _flow_of(shape: dict[str, Any], datasets: Sequence[Dataset]) -> SurveyedFlow:
    plan = None if shape["plan"] is None else _plan_of(shape["plan"], datasets)
    columns = None
    if plan is not None and shape["columns"] is not None:
        columns = _columns_of(plan, shape["columns"], datasets)
    return SurveyedFlow(
        shape["name"], shape["description"], shape["source"], tuple(shape["tags"]),
        tuple(shape["parameters"]), shape["schema"], tuple(shape["schedules"]), shape["clocks"],
        shape["error"], plan, columns, frozenset(shape["checks"]), shape["whole"],
    )  # fmt: skip


# -- plans -----------------------------------------------------------------------------------------


def _plan(plan: Plan, names: _Names) -> dict[str, Any]:
    return {
        "flow": plan.flow,
        "parameters": plain(plan.parameters),
        "facts": [_facts(facts, names) for facts in plan.facts.values()],
        "tasks": [
            [key, plan.tasks[key].affinity, plan.tasks[key].mapped, plan.tasks[key].group,
             plan.tasks[key].reason]
            for key in plan.order()
        ],
        "graph": list(plan.graph.edges()),
        "whole": list(plan.whole.edges()),
        "edges": [
            [edge.upstream, edge.downstream, [_evidence(one) for one in edge.evidence],
             None if edge.dataset is None else names.number(edge.dataset)]
            for edge in plan.edges.values()
        ],
    }  # fmt: skip


def _plan_of(shape: dict[str, Any], datasets: Sequence[Dataset]) -> Plan:
    facts = {one["key"]: _facts_of(one, datasets) for one in shape["facts"]}
    tasks = {
        key: PlannedTask(
            key, _STAND_IN, facts[key], affinity, mapped=mapped, group=group, reason=why
        )
        for key, affinity, mapped, group, why in shape["tasks"]
    }
    edges = (
        Edge(up, down, tuple(map(_evidence_of, evidence)), None if n is None else datasets[n])
        for up, down, evidence, n in shape["edges"]
    )
    return Plan(
        shape["flow"], tasks, Graph(tasks, map(_pair, shape["graph"])),
        {(edge.upstream, edge.downstream): edge for edge in edges},
        Graph(facts, map(_pair, shape["whole"])), facts, parameters=shape["parameters"],
    )  # fmt: skip


def _pair(edge: Sequence[str]) -> tuple[str, str]:
    return edge[0], edge[1]


def _facts(facts: TaskFacts, names: _Names) -> dict[str, Any]:
    return {
        "key": facts.key, "name": facts.name, "type": facts.resource_type, "path": facts.path,
        "reads": list(_accesses(facts.reads, names)),
        "writes": list(_accesses(facts.writes, names)),
        "drops": list(_accesses(facts.drops, names)),
        "upstream": [[key, _evidence(one)] for key, one in facts.upstream],
        "tags": sorted(facts.tags), "fqn": list(facts.fqn), "package": facts.package,
        "unknown": facts.lineage_unknown,
    }  # fmt: skip


def _facts_of(shape: dict[str, Any], datasets: Sequence[Dataset]) -> TaskFacts:
    reads, writes, drops = (
        tuple(Access(datasets[number], _evidence_of(one)) for number, one in shape[verb])
        for verb in ("reads", "writes", "drops")
    )
    return TaskFacts(
        shape["key"], shape["name"], shape["type"], reads, writes, drops,
        tuple((key, _evidence_of(one)) for key, one in shape["upstream"]),
        frozenset(shape["tags"]), shape["path"], tuple(shape["fqn"]), shape["package"],
        lineage_unknown=shape["unknown"],
    )  # fmt: skip


def _accesses(found: Iterable[Access], names: _Names) -> Iterator[list[Any]]:
    return ([names.number(access.dataset), _evidence(access.evidence)] for access in found)


def _evidence(one: Evidence) -> list[Any]:
    return [one.source.value, one.text, one.file, one.line, one.node]


def _evidence_of(shape: Sequence[Any]) -> Evidence:
    return Evidence(Source(shape[0]), *shape[1:])


# -- columns ---------------------------------------------------------------------------------------


def _columns(graph: ColumnGraph, names: _Names) -> dict[str, Any]:
    return {
        "notes": list(graph.notes),
        "steps": [
            [step.task.key, _column(step.source, names), _column(step.target, names),
             step.how.value, _evidence(step.evidence), step.note]
            for step in graph
        ],
        "known": [
            [names.number(dataset), list(known.names), known.is_open, known.unknown]
            for dataset, known in graph.columns.items()
        ],
    }  # fmt: skip


def _columns_of(plan: Plan, shape: dict[str, Any], datasets: Sequence[Dataset]) -> ColumnGraph:
    steps = (
        ColumnStep(
            plan.facts[key], _column_of(source, datasets), _column_of(target, datasets), How(how),
            _evidence_of(evidence), note,
        )
        for key, source, target, how, evidence, note in shape["steps"]
    )  # fmt: skip
    known = {
        datasets[number]: Columns(tuple(names), is_open, unknown)
        for number, names, is_open, unknown in shape["known"]
    }
    return ColumnGraph(plan.flow, steps, known, tuple(shape["notes"]))


def _column(column: Column | None, names: _Names) -> list[Any] | None:
    return None if column is None else [names.number(column[0]), column[1]]


def _column_of(shape: Sequence[Any] | None, datasets: Sequence[Dataset]) -> Column | None:
    return None if shape is None else (datasets[shape[0]], shape[1])


def _said_of(shape: dict[str, Any]) -> Said:
    columns = {
        name: ColumnSaid(one["type"], one["description"], tuple(one["tests"]))
        for name, one in shape.pop("columns").items()
    }
    return Said(**shape, columns=columns)
