"""What the rules look at: a flow as it is planned, the SQL of its tasks and hooks, what dbt says."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from orchestrator.engine.plan import Plan, PlannedTask
from orchestrator.errors import OrchestratorError
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.dbt.file import read_manifest
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.service.catalogue.survey import request_for
from orchestrator.service.planning import plan_flow
from orchestrator.service.policy.dbt_said import DbtSaid
from orchestrator.service.policy.hooks import hook_texts
from orchestrator.service.policy.texts import Act, Text, Write
from orchestrator.service.project import Project


@dataclass
class Seen:
    """One flow, as the rules see it.

    Args:
        project: The project.
        flow: The flow.
        plan: What a run of it would do.
        planning: What its tasks may ask.
    """

    project: Project
    flow: Flow
    plan: Plan
    planning: Planning
    written: bool = True  #: whether it is written in a module, not a folder as it stands

    @property
    def facts(self) -> Iterable[TaskFacts]:
        """Every task of the flow."""
        return self.plan.facts.values()

    def task(self, facts: TaskFacts) -> PlannedTask:
        """The task behind facts."""
        return self.plan.tasks[facts.key]

    @property
    def place(self) -> str:
        """Where the flow is written."""
        if self.flow.defined_at is None or not self.written:
            return f"flow {self.flow.name}"
        file, line = self.flow.defined_at
        return f"{self.planning.relative(file)}:{line}"

    # -- dbt -------------------------------------------------------------------------------

    @cached_property
    def dbt(self) -> Mapping[str, DbtSaid]:
        """What dbt says, by the key of each group that builds a dbt project."""
        found: dict[str, DbtSaid] = {}
        with self.project.secrets():
            for task in self.flow:
                if isinstance(task, TaskGroup) and (paths := task.artifacts(self.planning)):
                    folder = str(getattr(task, "project_dir", "."))
                    shown = self.planning.relative(self.planning.root / folder) or "."
                    said = DbtSaid(read_manifest(paths[0]), "" if shown == "." else shown)
                    found[self.flow.key(task)] = said
        return found

    def said(self, facts: TaskFacts) -> DbtSaid | None:
        """What dbt says of the project that a task is part of."""
        return self.dbt.get(self.task(facts).group or "") if facts.key in self.plan.tasks else None

    def owner(self, facts: TaskFacts) -> str:
        """Who owns a task: what it says itself; for what has no place to say it, the flow's owner."""
        said = self.said(facts)
        if said is not None and isinstance(facts, DbtFacts):
            return said.owner(facts.key)
        own = facts.config.get("owner")
        if facts.resource_type == "sql" and facts.path and facts.path.endswith(".sql"):
            return str(own or "")
        return str(own or self.flow.owner or "")

    def description(self, facts: TaskFacts) -> str:
        """What is said of the table that a task makes."""
        said = self.said(facts)
        if said is not None and isinstance(facts, DbtFacts):
            return str(said.node(facts.key).get("description") or "").strip()
        function = getattr(self.task(facts).task, "fn", None)
        told = facts.config.get("description") or getattr(function, "__doc__", None)
        return str(told or "").strip()

    def reads(self, facts: TaskFacts) -> Iterator[Access]:
        """The tables that a task reads, what other nodes of its dbt project make among them."""
        yield from facts.reads
        said = self.said(facts)
        known, places = {access.dataset for access in facts.reads}, dict(facts.upstream)
        for key, dataset in said.reads(facts.key) if said is not None else ():
            if dataset not in known:
                told = f"reads {dataset}"
                made = Evidence(Source.MANIFEST, told, facts.path, None, facts.key)
                yield Access(dataset, places.get(key, made))

    @cached_property
    def flow_description(self) -> str:
        """The opening words of the module that the flow is written in."""
        try:
            text = Path(self.flow.defined_at[0]).read_text("utf-8") if self.flow.defined_at else ""
            return (ast.get_docstring(ast.parse(text)) or "").strip()
        except (OSError, SyntaxError, UnicodeDecodeError):
            return ""

    # -- SQL -------------------------------------------------------------------------------

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """The SQL that its tasks run, and that of dbt's hooks."""
        with self.project.secrets():
            return (*self._own_texts(), *hook_texts(self))

    def _own_texts(self) -> Iterator[Text]:
        for node in self.plan.tasks.values():
            if isinstance(node.facts, DbtFacts):
                continue
            code = node.task.code(self.planning)
            if code is not None and code.text.strip():
                yield Text(node.facts, code.text, code.namespace, code.file, code.lines)

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """Every statement of those texts."""
        from orchestrator.service.policy.statements import stated

        return tuple(
            Act(text, one) for text in self.texts for one in stated(text.sql, text.namespace)
        )

    @cached_property
    def writes(self) -> tuple[Write, ...]:
        """Every table that a task writes or drops, by what is derived, then by each statement."""
        found: dict[tuple[str, Dataset], Write] = {}
        for node in self.plan.tasks.values():
            facts = node.facts
            for verb, accesses in (("writes", facts.writes), ("drops", facts.drops)):
                for access in accesses:
                    write = Write(facts, access, verb, facts.name)
                    found.setdefault((facts.key, access.dataset), write)
        for act in self.acts:
            for verb, dataset, line in act.stated.writes:
                text = act.text
                told = Evidence(Source.SQL, f"{verb} {dataset}", text.file, text.line(line))
                write = Write(act.task, Access(dataset, told), verb, text.by)
                found.setdefault((act.task.key, dataset), write)
        return tuple(found.values())

    def connections(self, facts: TaskFacts) -> Mapping[str, Namespace]:
        """The connections that a task works on, by name: those of its group where it names none."""
        node = self.plan.tasks[facts.key]
        return self._connections_of(node) or self._of_group.get(node.group or "", {})

    def _connections_of(self, node: PlannedTask) -> dict[str, Namespace]:
        return {w.name: w.namespace for w in node.task.connections(self.planning)}

    @cached_property
    def _of_group(self) -> Mapping[str, dict[str, Namespace]]:
        found: dict[str, dict[str, Namespace]] = {}
        for node in self.plan.tasks.values():
            if node.group is not None:
                found.setdefault(node.group, {}).update(self._connections_of(node))
        return found

    @cached_property
    def databases(self) -> Mapping[str, tuple[str, ...]]:
        """By database, folded: the connections of ``orchestrator.toml`` whose default it is."""
        return self._databases(self.planning)

    @cached_property
    def databases_of_environments(self) -> tuple[str, ...]:
        """The databases that the connections lead to in environments, with the target of each."""
        environments = self.project.settings.environments.values()
        found: dict[str, None] = {}
        for target in dict.fromkeys(one.target for one in environments if one.target):
            options = replace(self.planning.options, target=target)
            found |= dict.fromkeys(self._databases(self.project.planning(options)))
        return tuple(found)

    def _databases(self, planning: Planning) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name in self.project.settings.warehouses:
            try:
                warehouse = planning.find_warehouse(name)
            except OrchestratorError:
                continue
            catalog = warehouse.namespace.catalog if warehouse is not None else None
            if catalog:
                found[catalog] = (*found.get(catalog, ()), name)
        return found


@without_collector
def seen(project: Project, flow: Flow, target: str | None = None) -> Seen:
    """Plan a flow and put together what rules look at; nothing is run.

    Args:
        project: The project.
        flow: One of its flows.
        target: dbt's target of the runs; None leaves it to the settings.

    Raises:
        UsageError: The flow cannot be planned.
    """
    request = replace(request_for(flow), options=RunOptions(target=target))
    plan = plan_flow(project, flow, request)
    planning = project.planning(request.options_in(project))
    return Seen(project, flow, plan, planning, written=flow is not project.whole)
