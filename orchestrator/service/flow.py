"""The flow that users write: one that can plan, run and draw itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine.plan import Plan
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.executors.base import Executor
from orchestrator.model import flow as model
from orchestrator.model.state import State
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.service.run_states import RunStates
from orchestrator.service.running import run_flow

if TYPE_CHECKING:
    from orchestrator.drawing.picture import Picture
    from orchestrator.service.picturing import Shown


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
        executor: Executor | str | None = None,
        *,
        project: str | Path | None = None,
        **asked: Any,
    ) -> State:
        """Run the flow here and now.

        Args:
            parameters: Values by name.
            executor: What it runs on, or its name: ``threads``, ``inline``, ``dask``,
                ``cluster:NAME``.
            project: Folder of the project; found from the flow's file upwards if left out.
            asked: ``include``, ``exclude``, ``options`` of the request.

        Returns:
            The run's state; ``state.result`` maps each task, or its key, to its state, whose
            ``result`` is the task's, where the run keeps it.
        """
        found = self._project(project)
        name, made = (executor, None) if isinstance(executor, str) else (None, executor)
        done = run_flow(found, self, Request(parameters, executor=name, **asked), executor=made)
        states = RunStates(done.state.result or {}, self, found, done.run_id)
        return replace(done.state, result=states)

    def visualize(
        self,
        path: str | Path | None = None,
        state: Shown = None,
        *,
        project: str | Path | None = None,
        **asked: Any,
    ) -> Picture:
        """Draw the flow's graph, without a server; nothing is run.

        Args:
            path: Of a file to save it in, too: ``.svg``, or ``.html`` for a page.
            state: Colours it by a run: what :meth:`run` returned, a run's id, or ``latest``, the
                flow's last run.
            project: Folder of the project; found from the flow's file upwards if left out.
            asked: ``parameters``, ``include``, ``exclude``, ``options`` of the request; and
                ``filename`` and ``flow_state``, Prefect 1's words for ``path`` and ``state``.

        Returns:
            The picture, which a notebook shows; ``.svg`` is its text, ``.save(path)`` writes it.

        Raises:
            UsageError: The flow cannot be planned, the run is another flow's, or the file cannot
                be written.
            NotFoundError: There is no such run.

        Example:
            >>> import tempfile
            >>> flow = Flow("sample")
            >>> flow.visualize(project=tempfile.mkdtemp()).svg.startswith("<svg")
            True
        """
        from orchestrator.service.picturing import picture

        path, state = asked.pop("filename", path), asked.pop("flow_state", state)
        if isinstance(path, State):  # where Prefect 1 has it
            path, state = None, path
        found = self._project(project)
        drawn = picture(found, plan_flow(found, self, Request(**asked)), state)
        if path is not None:
            drawn.save(path)
        return drawn

    def _repr_html_(self) -> str:
        """What a notebook shows of the flow: its graph, or why it cannot be drawn."""
        from orchestrator.drawing.picture import excuse

        try:
            return self.visualize()._repr_html_()
        except OrchestratorError as error:
            return excuse(self.name, error)

    def register(
        self,
        project_name: str | None = None,
        *,
        labels: Collection[str] | None = None,
        set_schedule_active: bool = True,
        project: str | Path | None = None,
        **terms: Any,
    ) -> str:
        """Deploy the flow at the version of its project's code, as ``orchestrator deploy`` does.

        Args:
            project_name: Name of the project, if it is to be checked.
            labels: Which agents may take its runs.
            set_schedule_active: Whether its schedule makes runs; if not, the flow is paused.
            project: Folder of the project; found from the flow's file upwards if left out.
            terms: ``parameters``, ``executor``, ``environment``, ``policies`` and ``in_place`` of
                :class:`orchestrator.service.deploying.deploy.Terms`.

        Returns:
            The id of the flow's current deployment.

        Raises:
            NotFoundError: The project has no such flow.
            UsageError: The project is another, or a term is none of those possible.
        """
        from orchestrator.service.deploying.deploy import Terms, deploy

        found = self._project(project)
        if project_name not in (None, found.name):
            raise UsageError(
                f"the project is {found.name!r}, not {project_name!r}",
                where=str(found.root),
                fix=f'leave project_name out, or set name = "{project_name}" in orchestrator.toml',
            )
        [done] = deploy(found, [self.name], Terms(labels=labels or (), **terms))
        if not set_schedule_active:
            with found.store() as store:
                store.pause(found.name, self.name)
        return done.deployment.id

    def _project(self, folder: str | Path | None) -> Project:
        if folder is None:
            file = self.defined_at[0] if self.defined_at else ""
            folder = Path(file).parent if Path(file).is_file() else Path.cwd()
        return Project.find(Path(folder))
