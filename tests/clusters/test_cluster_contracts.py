"""What presets give to the cluster classes of clouds is what these take, as far as was recorded."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from typing import Any

import pytest

from orchestrator.executors.base import Completed, Kept
from orchestrator.executors.preset import executor_of
from orchestrator.presets import PRESETS
from tests.clusters.stand_ins import CONTRACTS, StandIn, stand_in

REUSED = {
    "fargate": {"scheduler_timeout": "1200 seconds"},
    "coiled": {"name": "big", "shutdown_on_close": False, "idle_timeout": "1200 seconds"},
    "kubernetes": {"name": "big", "shutdown_on_close": False, "idle_timeout": 1200},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "fargate": {"image": "us/etl:1", "worker_cpu": 1024, "worker_mem": 4096},
    "coiled": {"n_workers": 4, "worker_memory": "16 GiB", "region": "eu-central-1"},
    "kubernetes": {"image": "us/etl:1", "namespace": "etl", "n_workers": 2},
}


def run_one(kind: str, made: type[StandIn], **more: Any) -> StandIn:
    table = {"class": kind, "arguments": ARGUMENTS[kind], "check_versions": "off", **more}
    executor = executor_of(PRESETS({"big": table})["big"])
    with executor.start():
        handle = executor.submit(lambda: Kept(6 * 7))
        found = (i for _ in range(600) for i in executor.wait(0.1) if isinstance(i, Completed))
        end = next(found)
        assert (end.handle, end.report) == (handle, 42)
    return made.made[-1]


@pytest.mark.parametrize("kind", REUSED)
def test_a_preset_of_a_cloud_runs_on_its_stand_in(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(kind, monkeypatch)
    once = run_one(kind, made, adapt={"minimum": 1, "maximum": 4})
    assert once.arguments == ARGUMENTS[kind]
    assert once.adapted == {"minimum": 1, "maximum": 4}
    assert once.local.status.name == "closed"


@pytest.mark.parametrize("kind", REUSED)
def test_a_reused_cluster_of_a_cloud_is_left_running(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stand_in(kind, monkeypatch)
    first = run_one(kind, made, reuse=True, idle_timeout="20 minutes")
    try:
        assert first.arguments == ARGUMENTS[kind] | REUSED[kind]
        assert first.local.status.name == "running"
        assert run_one(kind, made, reuse=True, idle_timeout="20 minutes") is first
    finally:
        first.close()


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_the_record_is_that_of_the_installed_distributed(kind: str) -> None:
    contract = CONTRACTS[kind]
    path, _, name = contract["class"].rpartition(".")
    real = inspect.signature(getattr(importlib.import_module(path), name))
    assert set(contract["parameters"]) <= set(real.parameters)
    assert {"scheduler_kwargs" if kind == "local" else "scheduler_options"} <= set(real.parameters)


@pytest.mark.parametrize("kind", sorted(set(CONTRACTS) - {"local", "ssh"}))
def test_the_record_is_that_of_the_real_class_where_it_is_installed(kind: str) -> None:
    contract = CONTRACTS[kind]
    pytest.importorskip(contract["class"].split(".")[0])
    path, _, name = contract["class"].rpartition(".")
    real = getattr(importlib.import_module(path), name)
    if kind == "fargate":
        real = real.__mro__[1]  # it passes everything on to the class of its tasks
    assert set(contract["parameters"]) <= set(inspect.signature(real).parameters), (
        f"looked at {contract['version']}, "
        f"installed is {importlib.metadata.version(contract['package'])}"
    )
