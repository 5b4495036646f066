"""Launching a run in a container, by the docker command."""

from __future__ import annotations

from orchestrator.errors import ConfigurationError
from orchestrator.process.run import child_environment
from orchestrator.service.agent.orders import Order, environment_of, execute_words, settings_of
from orchestrator.service.project import Project
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import FlowRun


def container_name(run: FlowRun) -> str:
    """The name of a run's container.

    Example:
        >>> container_name(FlowRun("a1", "nightly", fence=2))
        'orchestrator-a1-2'
    """
    return f"orchestrator-{run.id}-{run.fence}"


def docker_order(
    run: FlowRun, deployment: Deployment | None, project: Project, image: str | None = None
) -> Order:
    """The docker command that executes a run in a container, and stays until it has ended.

    Of the deployment's environment, ``image`` names the image, ``project_dir`` the project's
    folder in it (its working folder if left out), ``env`` holds variables, and ``arguments`` holds
    more words of ``docker run``, such as volumes. Values of variables are no words of the command.

    Args:
        run: The claimed run.
        deployment: What it is a run of.
        project: The agent's project.
        image: The image where the deployment names none.

    Raises:
        ConfigurationError: There is no image.
    """
    environment = environment_of(deployment)
    chosen = environment.get("image") or image
    if not chosen:
        raise ConfigurationError(
            f"no image is set for run {run.id}",
            fix='name it in the deployment\'s environment: {"kind": "docker", "image": "…"}',
        )
    inside = environment.get("project_dir")
    given = dict(environment.get("env") or {}) | settings_of(run, project)
    given.pop("ORCHESTRATOR_STATE_DIR", None)  # a folder of this machine
    words = ["docker", "run", "--rm", "--init", "--name", container_name(run)]
    for name in sorted(given):
        words += ["--env", name]
    words += map(str, environment.get("arguments") or ())
    words += [str(chosen), "orchestrator", *execute_words(run)]
    if inside:
        words += ["--project-dir", str(inside)]
    undo = ("docker", "rm", "--force", container_name(run))
    return Order(tuple(words), child_environment(given), project.root, undo)
