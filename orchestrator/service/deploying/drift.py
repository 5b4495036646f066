"""Drift: what the repository has beside what is in service, flow by flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.environments import Environment
from orchestrator.errors import OrchestratorError
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import Parameter
from orchestrator.process.git import Repository
from orchestrator.service.deploying.comparing import FileChange, ValueChange, differing_files, says
from orchestrator.service.deploying.content import code_files, version_of
from orchestrator.service.deploying.deploy import schedules_of
from orchestrator.service.deploying.environments import name_of, ref_of
from orchestrator.service.deploying.listing import in_service
from orchestrator.service.deploying.rescheduling import BY_HAND
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment


class Standing(StrEnum):
    """How a flow of the repository and its deployment stand to one another."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_DEPLOYED = "not deployed"
    GONE = "gone"  #: deployed, and not in the repository any more
    UNREADABLE = "unreadable"  #: deployed, and a module of the repository cannot be read


@dataclass(frozen=True, slots=True)
class FlowDrift:
    """One flow.

    Args:
        flow: Its name.
        standing: How the two stand.
        deployment: The current deployment; None if there is none.
        behind: Commits that the repository has and the deployment has not; None if git cannot tell.
        ahead: Commits that the deployment has and the repository has not.
        files: Files that differ, from the deployment to the folder; None if that cannot be seen.
        schedules: Schedules that differ, as text: ``a`` deployed, ``b`` in the repository.
        terms: Target, labels, parameters and executor of the environment that differ, alike; and
            parameters that are deployed and that the flow has not.
        by_hand: Who gave the deployment its schedules by hand; empty if nobody did.
        in_place: Whether runs use the folder itself, so that code cannot differ.
    """

    flow: str
    standing: Standing
    deployment: Deployment | None = None
    behind: int | None = None
    ahead: int | None = None
    files: tuple[FileChange, ...] | None = ()
    schedules: tuple[ValueChange, ...] = ()
    terms: tuple[ValueChange, ...] = ()
    by_hand: str = ""
    in_place: bool = False

    @property
    def environment(self) -> str | None:
        """The environment it is in service in."""
        return name_of(self.deployment) if self.deployment else None

    @property
    def ref(self) -> str:
        """The git ref it was deployed from."""
        return ref_of(self.deployment) if self.deployment else ""


@dataclass(frozen=True, slots=True)
class Drift:
    """The repository beside the service.

    Args:
        project: The project.
        version: Of the folder's code, as a deployment of it would have it.
        commit: The working tree's; None without git.
        branch: The working tree's; None without git, or if none is checked out.
        dirty: Whether the folder has changes that are in no commit.
        flows: By name.
        errors: Modules that cannot be read, and why.
    """

    project: str
    version: str
    commit: str | None
    branch: str | None
    dirty: bool
    flows: tuple[FlowDrift, ...]
    errors: Mapping[str, str]

    @property
    def is_any(self) -> bool:
        """Whether anything is not the same."""
        return bool(self.errors) or any(one.standing is not Standing.SAME for one in self.flows)


def drift(project: Project, store: RunStore | None = None) -> Drift:
    """Compare a project's folder with what is in service of it.

    Args:
        project: The project, as it lies there: the working tree.
        store: Its run store; opened and closed if left out.

    Raises:
        StoreError: The store cannot be read.
        ProjectError: The code is too large, or cannot be read.
    """
    if store is None:
        with project.store() as opened:
            return drift(project, opened)
    found, errors = project.readable_flows()
    if not found and not errors and project.whole is not None:
        found = {project.whole.name: project.whole}
    deployed = {one.flow.flow: one.current for one in in_service(store, project.name)}
    here = _Here(project)
    return Drift(
        project.name, here.version, here.commit, here.branch, here.dirty,
        tuple(
            here.beside(name, found.get(name), deployed.get(name), unreadable=bool(errors))
            for name in sorted({*found, *deployed})
        ),
        {_seen(path, project.root): str(error.what) for path, error in errors.items()},
    )  # fmt: skip


class _Here:
    """The folder as it lies there."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.code = code_files(project.root, without=project.settings.state_dir)
        self.version = version_of(self.code)
        self.repository = _repository(project.root)
        git = self.repository
        self.commit, self.branch = (git.head(), git.branch()) if git else (None, None)
        self.dirty = git.is_dirty() if git else False
        self._files: dict[str, tuple[FileChange, ...] | None] = {}
        self._distances: dict[str, tuple[int, int] | None] = {}

    def beside(
        self, name: str, flow: Flow | None, deployment: Deployment | None, *, unreadable: bool
    ) -> FlowDrift:
        if deployment is None:
            return FlowDrift(name, Standing.NOT_DEPLOYED)
        ahead, behind = self._distance(deployment) or (None, None)
        in_place = Path(deployment.source) == self.project.root
        same_code = in_place or deployment.version == self.version
        files = () if same_code else self._differing(deployment)
        if flow is None:
            standing = Standing.UNREADABLE if unreadable else Standing.GONE
            return FlowDrift(name, standing, deployment, behind, ahead, files, in_place=in_place)
        schedules, terms = _schedules(flow, deployment), tuple(self._terms(flow, deployment))
        same = same_code and not schedules and not terms
        return FlowDrift(
            name, Standing.SAME if same else Standing.DIFFERS, deployment, behind, ahead, files,
            schedules, terms, _by_hand(deployment), in_place,
        )  # fmt: skip

    def _distance(self, deployment: Deployment) -> tuple[int, int] | None:
        commit = (deployment.commit or "").removesuffix("-dirty")
        if not commit or self.repository is None or self.commit is None:
            return None
        if commit not in self._distances:
            self._distances[commit] = self.repository.distance(commit)
        return self._distances[commit]

    def _differing(self, deployment: Deployment) -> tuple[FileChange, ...] | None:
        if deployment.version not in self._files:
            self._files[deployment.version] = self._compared(Path(deployment.source))
        return self._files[deployment.version]

    def _compared(self, source: Path) -> tuple[FileChange, ...] | None:
        if not source.is_dir():
            return None
        try:
            return tuple(differing_files(code_files(source), self.code))
        except OrchestratorError:
            return None

    def _terms(self, flow: Flow, deployment: Deployment) -> Iterator[ValueChange]:
        known = {task.name for task in flow if isinstance(task, Parameter)}
        name = name_of(deployment)
        place = self.project.settings.environments.get(name) if name else None
        for parameter, value in deployment.parameters.items():
            if parameter not in known:
                yield ValueChange(f"parameter {parameter}", value, None)
        if name and place is None:
            yield ValueChange("environment", name, None)
        if place is not None:
            yield from _of_environment(place, deployment, known)


def _of_environment(
    place: Environment, deployment: Deployment, known: set[str]
) -> Iterator[ValueChange]:
    """What the table says now and the deployment did not get; flags may have added to it."""
    target = deployment.environment.get("target")
    if target != place.target:
        yield ValueChange("target", target, place.target)
    if not set(place.labels) <= set(deployment.labels):
        yield ValueChange("labels", list(deployment.labels), list(place.labels))
    if place.executor and deployment.executor != place.executor:
        yield ValueChange("executor", deployment.executor, place.executor)
    for name, value in place.parameters.items():
        if name in known and deployment.parameters.get(name) != value:
            yield ValueChange(f"parameter {name}", deployment.parameters.get(name), value)


def _schedules(flow: Flow, deployment: Deployment) -> tuple[ValueChange, ...]:
    """What stands in the flow's code is compared, without what a deployment says besides."""
    try:
        now = {str(one.get("name")): says(one) for one in schedules_of(flow, {})}
    except OrchestratorError as error:
        now = {"main": error.what}
    then = {str(one.get("name")): says(one) for one in deployment.schedules}
    return tuple(
        ValueChange(name, then.get(name), now.get(name))
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    )


def _by_hand(deployment: Deployment) -> str:
    given = (one.get(BY_HAND) for one in deployment.schedules)
    return next((str(name) for name in given if name), "")


def _repository(root: Path) -> Repository | None:
    try:
        return Repository.around(root)
    except OrchestratorError:
        return None


def _seen(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
