"""A run's graph is kept when it begins: what was planned, before any task is mapped, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import Flow, task
from orchestrator.model.state import StateType
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow


@task(tags=["raw"])
def load() -> list[int]:
    return [1, 2, 3]


@task
def double(n: int) -> int:
    return 2 * n


@task
def publish(found: list[int]) -> int:
    return sum(found)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\nexecutor = "inline"\n')
    return Project.find(tmp_path)


def nightly() -> Flow:
    with Flow("nightly") as flow:
        publish(double.map(load()))
    return flow


def test_the_graph_is_that_of_the_plan(project: Project) -> None:
    result = run_flow(project, nightly())
    assert result.state.type is StateType.SUCCESS
    with project.store() as store:
        name = store.run(result.run_id).graph
        assert name is not None
        kept = store.graph(name)
        assert len(store.task_runs(result.run_id)) > 3, "elements are no nodes"
    nodes = {node["key"]: node for node in kept["nodes"]}
    assert list(nodes) == ["load", "double", "publish"]
    assert nodes["load"]["tags"] == ["raw"]
    assert [node["mapped"] for node in nodes.values()] == [False, True, False]
    assert {"name", "resource_type", "path", "reads", "writes"} <= set(nodes["load"])
    pairs = {(edge["upstream"], edge["downstream"]): edge for edge in kept["edges"]}
    assert set(pairs) == {("load", "double"), ("double", "publish")}
    [evidence] = pairs["load", "double"]["evidence"]
    assert evidence["text"] == "double takes the result of load"
    assert set(evidence) == {"source", "text", "file", "line", "node"}


def test_runs_of_one_plan_share_a_graph(project: Project) -> None:
    first, second = run_flow(project, nightly()), run_flow(project, nightly())
    part = run_flow(project, nightly(), Request(include=("load",)))
    with project.store() as store:
        graphs = [store.run(result.run_id).graph for result in (first, second, part)]
        assert graphs[0] == graphs[1] != graphs[2]
        assert [node["key"] for node in store.graph(graphs[2] or "")["nodes"]] == ["load"]
