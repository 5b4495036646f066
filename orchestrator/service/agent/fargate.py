"""The agent that launches runs as tasks of AWS Fargate, or of any ECS cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError, InfrastructureError
from orchestrator.service.agent.base import Agent, Exit
from orchestrator.service.agent.orders import environment_of, execute_words, settings_of

if TYPE_CHECKING:
    from orchestrator.store.records import FlowRun

_NEEDED = ("cluster", "task_definition", "container")


class FargateAgent(Agent[str]):
    """Launches each run as an ECS task; needs the extra ``fargate`` (boto3).

    A deployment's environment says where: ``{"kind": "fargate", "cluster": …, "task_definition":
    …, "container": …, "subnets": […], "security_groups": […], "project_dir": …, "env": {…}}``.
    What it leaves out is taken from ``settings``. The task definition names the image, and gives
    the container the run store's address (``ORCHESTRATOR_STORE``) as one of its secrets: whoever
    may describe a task could read it in the task itself, so it is not put there.

    Args:
        settings: Defaults for the deployment's environment.
        client: boto3's ECS client; made from the environment if left out.
        rest: As for :class:`~orchestrator.service.agent.base.Agent`.
    """

    def __init__(
        self,
        *arguments: Any,
        settings: Mapping[str, Any] | None = None,
        client: Any = None,
        **rest: Any,
    ) -> None:
        super().__init__(*arguments, **rest)
        self._settings = dict(settings or {})
        self._ecs = client or _client()
        self._clusters: dict[str, str] = {}

    def launch(self, run: FlowRun) -> str:
        """Start a task; the handle is its ARN.

        Raises:
            ConfigurationError: It is not said where.
            InfrastructureError: AWS has no room for it.
        """
        where = self._settings | dict(environment_of(self.deployment(run)))
        missing = [name for name in _NEEDED if not where.get(name)]
        if missing:
            raise ConfigurationError(
                f"the environment of run {run.id} lacks {', '.join(missing)}",
                fix="name it in the deployment's environment, or in the agent's settings",
            )
        answer = self._ecs.run_task(**self._request(run, where))
        if not answer["tasks"]:
            reasons = "; ".join(one.get("reason", "?") for one in answer.get("failures", ()))
            raise InfrastructureError(
                f"ECS did not start a task: {reasons}", where=str(where["cluster"])
            )
        arn = str(answer["tasks"][0]["taskArn"])
        self._clusters[arn] = str(where["cluster"])
        self.say(run, f"launched as {arn}")
        return arn

    def poll(self, handle: str) -> Exit | None:
        """Return how the task ended, or None."""
        found = self._ecs.describe_tasks(cluster=self._clusters[handle], tasks=[handle])["tasks"]
        if not found:
            return Exit(None, "ECS does not know the task any more")
        task = found[0]
        if task["lastStatus"] != "STOPPED":
            return None
        codes = [c["exitCode"] for c in task.get("containers", ()) if "exitCode" in c]
        return Exit(codes[0] if codes else None, task.get("stoppedReason", ""))

    def kill(self, handle: str) -> None:
        """Ask ECS to stop the task: SIGTERM, and after its time to stop, SIGKILL."""
        self._ecs.stop_task(
            cluster=self._clusters[handle], task=handle, reason="stopped by its agent"
        )

    def _request(self, run: FlowRun, where: Mapping[str, Any]) -> dict[str, Any]:
        given = dict(where.get("env") or {})
        if self.project is not None:
            given |= settings_of(run, self.project)
        for name in ("ORCHESTRATOR_STORE", "ORCHESTRATOR_STATE_DIR"):
            given.pop(name, None)
        words = ["orchestrator", *execute_words(run)]
        if where.get("project_dir"):
            words += ["--project-dir", str(where["project_dir"])]
        override = {
            "name": str(where["container"]),
            "command": words,
            "environment": [{"name": k, "value": str(v)} for k, v in sorted(given.items())],
        }
        request: dict[str, Any] = {
            "cluster": str(where["cluster"]),
            "taskDefinition": str(where["task_definition"]),
            "launchType": str(where.get("launch_type", "FARGATE")),
            "overrides": {"containerOverrides": [override]},
            "clientToken": f"{run.id}-{run.fence}",  # asked twice, started once
            "startedBy": f"orchestrator {run.id}"[:36],
        }
        if where.get("subnets"):
            request["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    "subnets": list(where["subnets"]),
                    "securityGroups": list(where.get("security_groups") or ()),
                    "assignPublicIp": str(where.get("public_ip", "DISABLED")),
                }
            }
        return request


def _client() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise ConfigurationError(
            "the Fargate agent needs boto3",
            fix="install analytics-orchestrator[fargate]",
        ) from error
    return boto3.client("ecs")
