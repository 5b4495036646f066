"""The datasets of a project, each with what is said of it, who touches it and what guards it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from orchestrator.lineage.tracing.graph import ColumnGraph
from orchestrator.lineage.tracing.known import merged
from orchestrator.model.dataset import Dataset, DatasetKind
from orchestrator.model.evidence import Evidence
from orchestrator.model.facts import TaskFacts
from orchestrator.service.catalogue.datasets import DatasetGraph
from orchestrator.service.catalogue.describing import ColumnSaid, Said
from orchestrator.service.catalogue.survey import Survey, SurveyedFlow

_TESTS = frozenset({"test", "unit_test"})
_LAYERS = {"test": "tests", "operation": "hooks"}
_KINDS = {DatasetKind.FILE: "file", DatasetKind.STAGE: "stage"}


@dataclass(slots=True)
class Use:
    """A task that touches a dataset: in which flow, and where that is said."""

    flow: str
    task: TaskFacts
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """One dataset.

    Args:
        dataset: Which.
        said: What is said of it, if anything is.
        columns: By name, in order.
        readers: Tasks that read it.
        writers: Tasks that write it.
        guards: Tests and checks that read it.
        unknown: Why its columns are not known, or not all.
    """

    dataset: Dataset
    said: Said | None = None
    columns: Mapping[str, ColumnSaid] = field(default_factory=dict)
    readers: list[Use] = field(default_factory=list)
    writers: list[Use] = field(default_factory=list)
    guards: list[Use] = field(default_factory=list)
    unknown: str | None = None

    @property
    def name(self) -> str:
        """Its whole name."""
        return str(self.dataset)

    @property
    def kind(self) -> str:
        """dbt's resource type, or ``table``, ``file``, ``stage``.

        What dbt takes as a source, and a task here writes, is a source to dbt alone.
        """
        kind = self.said.kind if self.said is not None else "sql"
        if kind != "sql" and not (kind == "source" and self.writers):
            return kind
        return _KINDS.get(self.dataset.kind, "table")

    @property
    def layer(self) -> str:
        """Where in the project it comes from: dbt's folder, that of the SQL file, or ``python``."""
        if self.said is not None:
            return self.said.layer
        for use in self.writers:
            if use.task.resource_type == "sql" and use.task.path:
                return str(PurePath(use.task.path).parent)
        if self.writers:
            kind = self.writers[0].task.resource_type
            return _LAYERS.get(kind, kind)
        return "files" if self.dataset.kind is DatasetKind.FILE else "external"


class Catalogue:
    """All that a survey knows of datasets, made ready to be asked.

    Args:
        survey: The survey.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.graph = DatasetGraph()
        self.columns: list[ColumnGraph] = []
        self.entries: dict[Dataset, Entry] = {}
        seen: set[str] = set()
        for flow in survey.flows.values():
            # The dbt project as it stands says nothing new of what a flow builds with it.
            self._add(flow, seen if flow.whole else ())
            seen |= set(flow.plan.facts) if flow.plan else set()
        for entry in self.entries.values():
            entry.said = survey.said.get(entry.dataset)
            entry.columns, entry.unknown = self._columns_of(entry)
        for dataset, said in survey.said.items():  # what dbt describes, though no task touches it
            if dataset not in self.entries:
                self.entries[dataset] = Entry(dataset, said, said.columns)

    @property
    def datasets(self) -> list[Dataset]:
        """All datasets, by name."""
        return sorted(self.entries, key=str)

    def _add(self, flow: SurveyedFlow, without: Collection[str]) -> None:
        if flow.plan is None:
            return
        graph = DatasetGraph()
        graph.add(flow.plan, without)
        self.graph.add(flow.plan, without)
        if flow.columns is not None:
            self.columns.append(flow.columns)
        for facts in flow.plan.facts.values():
            if facts.key not in without:
                for access in facts.writes:
                    self._use(access.dataset, "writers", flow.name, facts, access.evidence)
        for dataset, steps in graph.down.items():
            for step in steps:
                is_guard = step.task.resource_type in _TESTS or step.task.key in flow.checks
                verb = "guards" if is_guard else "readers"
                self._use(dataset, verb, flow.name, step.task, step.evidence)

    def _use(
        self, dataset: Dataset, verb: str, flow: str, task: TaskFacts, evidence: Evidence | None
    ) -> None:
        entry = self.entries.setdefault(dataset, Entry(dataset))
        uses: list[Use] = getattr(entry, verb)
        # A task's steps come one after the other.
        if not uses or (uses[-1].flow, uses[-1].task.key) != (flow, task.key):
            uses.append(Use(flow, task))
        if evidence is not None and evidence not in uses[-1].evidence:
            uses[-1].evidence.append(evidence)

    def _columns_of(self, entry: Entry) -> tuple[Mapping[str, ColumnSaid], str | None]:
        """The columns that lineage found, and those that are described."""
        said = dict(entry.said.columns) if entry.said else {}
        traced = [g.columns[entry.dataset] for g in self.columns if entry.dataset in g.columns]
        names = merged((name for one in traced for name in one.names), said)
        described = {name.casefold(): column for name, column in said.items()}
        unknown = next((one.unknown for one in traced if one.unknown), None)
        return {n: described.get(n.casefold(), ColumnSaid()) for n in names}, unknown
