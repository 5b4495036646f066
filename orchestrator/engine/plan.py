"""The plan of a run: which tasks will run, with what, after what, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.engine.planned import PlannedTask, Ref
from orchestrator.engine.results import stored
from orchestrator.engine.together import joined
from orchestrator.errors import FlowError
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.derivation.derive import derive
from orchestrator.model.binding import fill
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.flow import Flow
from orchestrator.model.graph import Graph
from orchestrator.model.group import Member, TaskGroup
from orchestrator.model.parameter import Parameter, bind_parameters
from orchestrator.model.planning import Planning
from orchestrator.model.policy import AfterAll, vouches
from orchestrator.model.standing import stand_ins, with_stand_ins
from orchestrator.model.task import Task


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Args:
        flow: The flow's name.
        tasks: What runs, by key.
        graph: Order between exactly these tasks.
        edges: Evidence of every derived edge, also of tasks left out.
        whole: Order between all tasks of the flow.
        facts: Of all tasks of the flow, by key.
        left_out: Why each other task does not run.
        parameters: Values of the flow's parameters.
        given: Results of tasks that need not run again, by key.
        reference: Keys that decide the flow's state; None where all do.
    """

    flow: str
    tasks: Mapping[str, PlannedTask]
    graph: Graph
    edges: Mapping[tuple[str, str], Edge]
    whole: Graph
    facts: Mapping[str, TaskFacts]
    left_out: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    reference: frozenset[str] | None = None

    def order(self) -> list[str]:
        """Keys, each after all that it waits for."""
        return list(self.graph.order())

    def levels(self) -> list[list[str]]:
        """Keys by how many steps come before them."""
        depth: dict[str, int] = {}
        for key in self.graph.order():
            depth[key] = 1 + max((depth[up] for up in self.graph.upstream(key)), default=-1)
        found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for key, level in depth.items():
            found[level].append(key)
        return found


@without_collector
def make_plan(
    flow: Flow,
    planning: Planning,
    *,
    parameters: Mapping[str, Any] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    prepared: Mapping[str, Any] | None = None,
    done: Mapping[str, Any] | None = None,
    again: Collection[str] = (),
) -> Plan:
    """Plan a run of a flow; nothing is run or written.

    Args:
        flow: The flow.
        planning: Project root, warehouses, options.
        parameters: Values by name, as Python values or text.
        include: dbt-style selection; everything, if empty.
        exclude: dbt-style exclusion.
        prepared: By key of each group, what its preparation returned.
        done: Tasks that succeeded in the run that goes on here, each with its result as the run
            store keeps it (a value, or where it is stored), else None.
        again: Keys of tasks, or of elements, that must run again, with all that depends on them.

    Raises:
        ParameterError: A parameter is missing or does not fit.
        GraphError: The derived graph contradicts itself.
        SelectionError: A selector names nothing.
    """
    values = bind_parameters(flow.parameters(), parameters or {}, flow=flow.name)
    expanded = _Expanded(flow, planning, prepared or {}, values)
    derived = derive([node.facts for node in expanded.nodes.values()])
    facts = {key: node.facts for key, node in expanded.nodes.items()}
    kept = _without(done or {}, derived.graph, again)
    chosen, why = _chosen(expanded, derived.graph, include, exclude)
    if kept:
        chosen, why = chosen - set(kept), "did not succeed in the run that goes on"
    reasons, given = _completed(chosen, expanded.nodes, why, kept)
    graph = _contracted(derived.graph, reasons)
    tasks = _settled(expanded, reasons, graph)
    return Plan(
        flow=flow.name,
        tasks=tasks,
        graph=graph,
        edges=derived.edges,
        whole=derived.graph,
        facts=facts,
        left_out={
            key: "succeeded before" if key in kept else "not selected"
            for key in facts
            if key not in tasks
        },
        parameters=values,
        given=given,
        reference=_deciding(expanded.reference(), tasks, graph),
    )


def _deciding(
    reference: Collection[str] | None, tasks: Mapping[str, PlannedTask], graph: Graph
) -> frozenset[str] | None:
    """The reference tasks, and what those of them that run after a failure waited for."""
    if reference is None:
        return None
    found: set[str] = set()
    left = list(reference)
    while left:
        key = left.pop()
        if key in found:
            continue
        found.add(key)
        if key in tasks and not vouches(tasks[key].task.trigger):
            left += graph.upstream(key)
    return frozenset(found)


def _chosen(
    expanded: _Expanded, graph: Graph, include: Sequence[str], exclude: Sequence[str]
) -> tuple[set[str], str]:
    """The keys of what people want to run, and why these."""
    facts = [node.facts for node in expanded.nodes.values()]
    if not include and not exclude:
        return {fact.key for fact in facts}, "the whole flow runs"
    from orchestrator.lineage.selection.select import select

    chosen = select(
        facts, graph, list(include), list(exclude), landmarks=expanded.landmarks,
        changes=expanded.planning.changes, flow_files=expanded.files(),
        indirect=expanded.planning.options.indirect_selection or "eager",
    )  # fmt: skip
    return set(chosen), "selected"


class _Expanded:
    """The flow's tasks with every group expanded and every order said outright noted as fact."""

    def __init__(
        self, flow: Flow, planning: Planning, prepared: Mapping[str, Any], values: Mapping[str, Any]
    ) -> None:
        self.flow, self.planning, self.values = flow, planning, values
        self.members: dict[str, list[Member]] = {}
        self.landmarks: list[TaskFacts] = []
        self.nodes: dict[str, PlannedTask] = {}
        self.groups = {flow.key(task): task for task in flow if isinstance(task, TaskGroup)}
        # What the texts of some name is known when the others have been made out.
        for key in sorted(self.groups, key=lambda key: not self.groups[key].is_referred_to):
            found = self.groups[key].expand(key, planning, prepared.get(key))
            self.members[key] = [member for member in found if member.task is not None]
            self.landmarks += [member.facts for member in found if member.task is None]
        self.together: list[frozenset[str]] = []
        self.behind: dict[Dataset, Access] = {}
        for task in flow:
            self._add(task, flow.key(task))
        self._settle_connections()

    def _settle_connections(self) -> None:
        """Bring together what tasks of several affinities need, and look behind datasets."""
        of_groups = {group.affinity(self.planning) for group in self.groups.values()}
        names = joined(self.together, {key for key in of_groups if key is not None})
        for key, node in self.nodes.items() if names or self.behind else ():
            facts = with_stand_ins(node.facts, self.behind)
            affinity = names.get(node.affinity or "", node.affinity)
            self.nodes[key] = replace(node, facts=facts, affinity=affinity)

    def _add(self, task: Task, key: str) -> None:
        if isinstance(task, Parameter):
            return
        said = tuple(self._said(task))
        if isinstance(task, TaskGroup):
            firsts = set(self.firsts(key))
            for member in self.members[key]:
                own = member.facts.key
                facts = _after(member.facts, said) if own in firsts else member.facts
                assert member.task is not None
                self._refuse_twice(own, key)
                self.nodes[own] = PlannedTask(
                    own, member.task, facts, member.affinity, group=key,
                    cluster=member.task.cluster or task.cluster,
                )  # fmt: skip
            return
        binding = self.flow.binding(task)
        if isinstance(task.trigger, AfterAll):
            needed = tuple(self.flow.key(other) for other in task.trigger.needed)
            task = task.copy(trigger=AfterAll(needed))
        arguments = {
            name: replace(argument, value=fill(argument.value, self._ref))
            for name, argument in binding.arguments.items()
        }
        facts = _after(task.facts(key, self.planning), said)
        affinity = task.affinity(self.planning)
        self.together.append(task.affinities(self.planning))
        self.behind |= stand_ins(task.connections(self.planning))
        self.nodes[key] = PlannedTask(
            key, task, facts, affinity, arguments, binding.mapped, cluster=task.cluster
        )

    def _refuse_twice(self, own: str, key: str) -> None:
        if own in self.nodes:
            raise FlowError(
                f"{own} is part of both {self.nodes[own].group or own} and {key}",
                where=f"flow {self.flow.name}",
                fix="select it in one of them, and exclude it from the other",
            )

    def _said(self, task: Task) -> Iterator[tuple[str, Evidence]]:
        """The order that the flow's author wrote down."""
        binding = self.flow.binding(task)
        file, line = task.defined_at or (None, None)
        file = self.planning.relative(file)
        for kind, text, tasks in (
            (Source.DATA, "takes the result of", binding.tasks(passed=True)),
            (Source.ORDER, "is told to wait for", binding.tasks(passed=False)),
            (Source.ORDER, "is told to wait for", binding.upstream),
        ):
            for upstream in tasks:
                for key in self.lasts(upstream):
                    yield key, Evidence(kind, f"{task.name} {text} {upstream.name}", file, line)

    def _ref(self, task: Task) -> Any:
        if isinstance(task, Parameter):
            return self.values[task.name]
        lasts = self.lasts(task)
        return Ref(lasts[0]) if len(lasts) == 1 else [Ref(key) for key in lasts]

    def firsts(self, key: str) -> list[str]:
        """Members of a group that wait for no other member."""
        own = {member.facts.key for member in self.members[key]}
        return [
            member.facts.key
            for member in self.members[key]
            if not any(up in own for up, _ in member.facts.upstream)
        ]

    def lasts(self, task: Task) -> list[str]:
        """Keys that are done last when ``task`` is done."""
        if isinstance(task, Parameter):
            return []
        key = self.flow.key(task)
        if key not in self.members:
            return [key]
        waited_for = {up for member in self.members[key] for up, _ in member.facts.upstream}
        return [m.facts.key for m in self.members[key] if m.facts.key not in waited_for]

    def files(self) -> frozenset[str]:
        """Where the flow and its tasks are put together."""
        places = (self.flow.defined_at, *(task.defined_at for task in self.flow))
        seen = (self.planning.relative(place[0]) for place in places if place)
        return frozenset(file for file in seen if file)

    def reference(self) -> frozenset[str] | None:
        """Keys of the flow's reference tasks."""
        tasks = self.flow.reference_tasks()
        if tasks is None:
            return None
        return frozenset(
            key
            for task in tasks
            for key in (
                [m.facts.key for m in self.members[self.flow.key(task)]]
                if isinstance(task, TaskGroup)
                else [self.flow.key(task)]
            )
        )


def _after(facts: TaskFacts, said: tuple[tuple[str, Evidence], ...]) -> TaskFacts:
    return replace(facts, upstream=(*facts.upstream, *said)) if said else facts


def _without(done: Mapping[str, Any], graph: Graph, again: Collection[str]) -> Mapping[str, Any]:
    """What counts as done where some tasks must run again."""
    if not again:
        return done
    stale = {key for key in (_planned(key, graph) for key in again) if key in graph}
    stale |= graph.descendants(*stale)
    # Of a mapped task that is named by one element, the other elements stay done.
    whole = stale - {_planned(key, graph) for key in again if key not in graph}
    return {
        key: value
        for key, value in done.items()
        if key not in stale and key not in again and _planned(key, graph) not in whole
    }


def _planned(key: str, graph: Graph) -> str:
    """The key of the task that a key, perhaps of an element, belongs to."""
    return key if key in graph or "[" not in key else key[: key.rindex("[")]


def _completed(
    chosen: set[str], nodes: Mapping[str, PlannedTask], why: str, done: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Add what the chosen tasks cannot do without, and say why; take what is there already."""
    reasons = dict.fromkeys((key for key in nodes if key in chosen), why)
    given: dict[str, Any] = {}
    queue = list(reasons)
    while queue:
        key = queue.pop()
        for needed in nodes[key].needs():
            if needed in reasons or needed in given:
                continue
            kept = done.get(needed)
            lost = stored.unusable(kept) if kept is not None else ""
            if kept is not None and not lost:
                given[needed] = stored.given(kept)
            else:
                reasons[needed] = f"its result is needed by {key}" + (f"; {lost}" if lost else "")
                queue.append(needed)
    running = {nodes[key].group for key in reasons} - {None}
    for key, node in nodes.items():
        if node.facts.resource_type == "operation" and node.group in running:
            reasons.setdefault(key, "frames the nodes that run")
        trigger = node.task.trigger
        if isinstance(trigger, AfterAll) and not reasons.keys().isdisjoint(trigger.needed):
            reasons.setdefault(key, "closes what is opened")
    return reasons, given


def _settled(
    expanded: _Expanded, reasons: Mapping[str, str], graph: Graph
) -> dict[str, PlannedTask]:
    """The chosen tasks, each group's members told which of them were chosen."""
    tasks = {
        key: node.because(_with_cache(node.task, reasons[key]))
        for key, node in expanded.nodes.items()
        if key in reasons
    }
    for group_key, group in expanded.groups.items():
        chosen = [m for m in expanded.members[group_key] if m.facts.key in tasks]
        for member in group.settle(
            chosen, lambda key: [tasks[up].facts for up in graph.upstream(key)]
        ):
            assert member.task is not None
            key = member.facts.key
            if member.task is not tasks[key].task:
                tasks[key] = replace(tasks[key], task=member.task)
    return tasks


def _with_cache(task: Task, reason: str) -> str:
    return reason if task.cache is None else f"{reason}; an earlier result may stand in for it"


def _contracted(graph: Graph, kept: Iterable[str]) -> Graph:
    """The order between the kept keys, also where it leads through keys that were left out."""
    keys = set(kept)
    if len(keys) == len(graph):
        return graph
    contracted = Graph(key for key in graph if key in keys)
    through: dict[str, set[str]] = {}
    for key in graph.order():
        before: set[str] = set()
        for up in graph.upstream(key):
            before |= {up} if up in keys else through[up]
        through[key] = before
        if key in keys:
            for up in before:
                contracted.add_edge(up, key)
    return contracted
