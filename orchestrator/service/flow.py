"""The flow that users write: one that can plan, run and draw itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.engine.plan import Plan
from orchestrator.executors.base import Executor
from orchestrator.model import flow as model
from orchestrator.model.state import State
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow


class Flow(model.Flow):
    """A named set of tasks that can be planned and run.

    Args:
        name: What people run it by.
        schedule: When it runs by itself.
        executor: What its tasks run on; the project's default if left out.
        rest: ``tasks``, ``reference_tasks``, ``state_handlers``, ``on_failure``,
            ``terminal_state_handler`` and ``timeout``, as :class:`orchestrator.model.flow.Flow` says.

    Example:
        >>> import tempfile
        >>> from orchestrator import Parameter, task
        >>> @task
        ... def double(x):
        ...     return 2 * x
        >>> with Flow("sample") as flow:
        ...     twice = double(Parameter("x", default=4))
        >>> flow.run(project=tempfile.mkdtemp()).result["double"].is_successful()
        True
    """

    def plan(self, *, parameters: Mapping[str, Any] | None = None, **asked: Any) -> Plan:
        """Plan a run; nothing is run.

        Args:
            parameters: Values by name.
            asked: ``include``, ``exclude``, ``options`` of the request; ``project`` (a folder).
        """
        project = self._project(asked.pop("project", None))
        return plan_flow(project, self, Request(parameters, **asked))

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        executor: Executor | None = None,
        *,
        project: str | Path | None = None,
        **asked: Any,
    ) -> State:
        """Run the flow here and now.

        Args:
            parameters: Values by name.
            executor: What it runs on.
            project: Folder of the project; found from the flow's file upwards if left out.
            asked: ``include``, ``exclude``, ``options`` of the request.

        Returns:
            The run's state; ``state.result`` maps each task's key to its state.
        """
        found = self._project(project)
        return run_flow(found, self, Request(parameters, **asked), executor=executor).state

    def _project(self, folder: str | Path | None) -> Project:
        if folder is None:
            file = self.defined_at[0] if self.defined_at else ""
            folder = Path(file).parent if Path(file).is_file() else Path.cwd()
        return Project.find(Path(folder))
