"""The tables that ``ref`` and ``source`` stand for, so that SQL tests may call a table either way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.lineage.dbt.file import Manifest, read_manifest
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.dataset import Dataset
from orchestrator.model.flow import Flow
from orchestrator.model.planning import RunOptions
from orchestrator.service.project import Project
from orchestrator.testing.sandbox import SampleProject
from tasks.dbt.build import DbtBuild


class DbtNames:
    """What a project's dbt calls its tables; dbt is not started before somebody asks.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def mean(self, call: tuple[str, ...], table: Dataset) -> bool:
        """Whether a call, ``("ref", model)`` or ``("source", name, table)``, means a table."""
        known = self._tables.get(call)
        return known is not None and _same(known, table)

    @cached_property
    def _tables(self) -> Mapping[tuple[str, ...], Dataset]:
        found: dict[tuple[str, ...], Dataset] = {}
        for manifest in self._manifests():
            nodes = {**manifest.nodes, **manifest.sources}.values()
            for node in nodes:
                table = relation(node, manifest.dialect)
                source = node.get("resource_type") == "source"
                call = ("source", node.get("source_name", "")) if source else ("ref",)
                if table is not None:
                    found.setdefault((*call, str(node["name"])), table)
        return found

    def _manifests(self) -> Iterator[Manifest]:
        """That of each dbt project that a flow builds, as far as dbt can read it."""
        met: set[str] = set()
        for flow in self._project.readable_flows()[0].values():
            folders = {task.project_dir for task in flow if isinstance(task, DbtBuild)}
            if folders and not folders <= met:
                met |= folders
                try:
                    yield from self._parsed(flow)
                except OrchestratorError:  # the test that asks says which table it lacks
                    continue

    def _parsed(self, flow: Flow) -> Iterator[Manifest]:
        with tempfile.TemporaryDirectory(prefix="orchestrator-test-") as folder:
            sample = SampleProject(self._project, Path(folder), flow)
            with sample.surroundings():
                sample.prepare()
                path = sample.databases.options(RunOptions()).manifest
                if path is not None:
                    yield read_manifest(path)


def _same(one: Dataset, other: Dataset) -> bool:
    """Whether two names are of one table, though dialects fold them differently."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return all(mine == theirs or not (mine and theirs) for mine, theirs in pairs)


def _parts(table: Dataset) -> tuple[str, ...]:
    return tuple((p or "").casefold() for p in (table.catalog, table.schema, table.name))
