"""What is launched for a run: the words of a command, its environment, its folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ProjectError
from orchestrator.process.run import child_environment
from orchestrator.service.project import Project
from orchestrator.store.deployments import PROCESS, Deployment
from orchestrator.store.records import FlowRun


@dataclass(frozen=True, slots=True)
class Order:
    """A command that executes one run.

    Args:
        words: The command.
        environment: All of its environment; with the run store's address, which may hold a
            password, and is therefore no word of the command.
        folder: Where it runs: the folder with the code of the run's version.
        undo: A command that takes away what is left when it had to be stopped.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    undo: tuple[str, ...] = ()


def environment_of(deployment: Deployment | None) -> Mapping[str, Any]:
    """How a run of a deployment is to be launched; as a process where nothing is said."""
    return deployment.environment if deployment is not None else PROCESS


def execute_words(run: FlowRun) -> tuple[str, ...]:
    """The words after ``orchestrator`` that execute a claimed run.

    Example:
        >>> execute_words(FlowRun("a1", "nightly", fence=2))
        ('execute', 'a1', '--fence', '2', '--quiet')
    """
    return ("execute", run.id, "--fence", str(run.fence), "--quiet")


def settings_of(run: FlowRun, project: Project) -> dict[str, str]:
    """The settings that a run's process gets by its environment, whatever its code says."""
    given = {"ORCHESTRATOR_STORE": project.settings.store, "ORCHESTRATOR_NAME": run.project}
    if run.project == project.name:
        given["ORCHESTRATOR_STATE_DIR"] = str(project.settings.state_dir)
    return given


def process_order(run: FlowRun, deployment: Deployment | None, project: Project) -> Order:
    """A process on this machine, in the folder of the run's version.

    Of the deployment's environment, ``python`` names another interpreter and ``env`` holds
    variables.

    Raises:
        ProjectError: The code is not on this machine.
    """
    environment = environment_of(deployment)
    folder = Path(deployment.source) if deployment is not None else project.root
    if deployment is None and run.project != project.name:
        raise ProjectError(
            f"run {run.id} is of project {run.project!r} and of no deployment",
            where=str(project.root),
            fix="deploy its flow, or start an agent in its project",
        )
    if not folder.is_dir():
        raise ProjectError(
            f"the code of version {run.version} is not on this machine",
            where=str(folder),
            fix="deploy to a folder that every agent sees, or give the deployment a label that "
            "only agents with the code have",
        )
    # -P: a module of the user's folder is not to be taken for one of the orchestrator's.
    words = (str(environment.get("python") or sys.executable), "-P", "-m", "orchestrator")
    extra = dict(environment.get("env") or {}) | settings_of(run, project)
    return Order((*words, *execute_words(run)), child_environment(extra), folder)
