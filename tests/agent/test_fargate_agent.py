"""Runs launched as Fargate tasks: against moto, which plays AWS in this process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.model.state import StateType
from orchestrator.service.agent.fargate import FargateAgent
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Action, Ask, FlowRun

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An ECS cluster with a task definition; gives the agent's settings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    from moto.moto_api import state_manager

    # A task runs until it is stopped; by itself moto ends one that is looked at.
    held = {"progression": "manual", "times": 1000}
    monkeypatch.setitem(state_manager._transitions, "ecs::task", held)
    with moto.mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ec2 = boto3.resource("ec2")
        subnet = next(iter(ec2.subnets.all()))  # of the default network
        ecs = boto3.client("ecs")
        ecs.create_cluster(clusterName="runs")
        ecs.register_task_definition(
            family="shop", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256",
            memory="512",
            containerDefinitions=[{"name": "main", "image": "shop:7", "memory": 400}],
        )  # fmt: skip
        yield {
            "cluster": "runs", "task_definition": "shop", "container": "main",
            "subnets": [subnet.id], "env": {"COLOUR": "red"}, "project_dir": "/srv/shop",
        }  # fmt: skip


def test_a_run_is_a_task_and_ends_with_it(aws: dict[str, Any]) -> None:
    store = MemoryStore()
    store.create_run(FlowRun("a1", "nightly", "shop"))
    agent = FargateAgent(store, project=None, settings=aws)
    agent.step()
    agent.step()
    assert store.run("a1").message == ""
    (arn,) = boto3.client("ecs").list_tasks(cluster="runs")["taskArns"]
    task = boto3.client("ecs").describe_tasks(cluster="runs", tasks=[arn])["tasks"][0]
    (override,) = task["overrides"]["containerOverrides"]
    assert override["command"] == [
        "orchestrator", "execute", "a1", "--fence", "2", "--quiet", "--project-dir", "/srv/shop",
    ]  # fmt: skip
    assert override["environment"] == [{"name": "COLOUR", "value": "red"}]
    assert store.run("a1").state is StateType.PENDING
    store.ask("a1", Ask(Action.CANCEL, by="ada"))
    for _ in range(3):
        agent.step()
    assert store.run("a1").state is StateType.CANCELLED
    assert "stopped by its agent" in store.run("a1").message
    assert any(arn in line.text for line in store.logs("a1"))


def test_what_is_not_said_is_named(aws: dict[str, Any]) -> None:
    store = MemoryStore()
    store.create_run(FlowRun("a1", "nightly", "shop"))
    FargateAgent(store, project=None, settings={"cluster": "runs"}).step()
    assert store.run("a1").state is StateType.FAILED
    assert "lacks task_definition, container" in store.run("a1").message


def test_a_task_that_aws_refuses_fails_the_run(aws: dict[str, Any]) -> None:
    store = MemoryStore()
    store.create_run(FlowRun("a1", "nightly", "shop"))
    FargateAgent(store, project=None, settings=aws | {"cluster": "elsewhere"}).step()
    assert store.run("a1").state is StateType.FAILED
    assert "could not be launched" in store.run("a1").message
