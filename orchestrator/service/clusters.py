"""Where the tasks of a run run: the executor that run, flow or settings name, and the clusters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from orchestrator.engine.plan import Plan
from orchestrator.engine.planned import PlannedTask
from orchestrator.errors import FlowError, UsageError
from orchestrator.executors.base import Executor
from orchestrator.executors.preset import executor_of, is_elsewhere
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.model.planning import Planning
from orchestrator.presets import PREFIX, cluster_named
from orchestrator.service.project import Project

#: How the key of a database file begins that only one process may open.
_FILE = "duckdb:"


def executor_for(
    project: Project, flow: Flow, asked: str | None, threads: int | None, planning: Planning
) -> Executor:
    """Make the executor of a run, and of the clusters that its tasks name.

    An executor that is asked for at the run itself takes the whole run, also tasks that name a
    cluster; a cluster that is asked for takes the tasks that name none.

    Args:
        project: The flow's project.
        flow: The flow.
        asked: The executor that the run was asked for with.
        threads: Tasks at the same time in one process, where the run says.
        planning: Tells groups how many they want.

    Raises:
        ConfigurationError: A cluster is not known, or its class is not installed.
    """
    threads = threads or project.settings.threads
    if threads is None:
        said = (task.slots(planning) for task in flow if isinstance(task, TaskGroup))
        threads = max((slots for slots in said if slots), default=None)
    name = _name(project, flow, asked)
    with project.secrets():
        default = flow.executor if name is None else _made(project, name, threads)
        apart = sorted(clusters_apart(project, flow, asked))
        clusters = {other: _made(project, PREFIX + other, threads) for other in apart}
    if not clusters:
        return default  # type: ignore[no-any-return]
    from orchestrator.executors.routing import RoutingExecutor

    return RoutingExecutor(default, clusters)


def make_executor(name: str, threads: int | None = None) -> Executor:
    """Make an executor by its name.

    Args:
        name: ``threads``, ``inline`` or ``dask``.
        threads: Tasks at the same time in one process.
    """
    if name == "inline":
        from orchestrator.executors.inline import InlineExecutor

        return InlineExecutor()
    if name == "threads":
        from orchestrator.executors.threads import ThreadsExecutor

        return ThreadsExecutor(threads)
    if name == "dask":
        from orchestrator.executors.dask import DaskExecutor

        return DaskExecutor(cluster_kwargs={"threads_per_worker": threads} if threads else None)
    raise UsageError(
        f"there is no executor {name!r}", fix=f"use threads, inline, dask or {PREFIX}NAME"
    )


def clusters_apart(project: Project, flow: Flow, asked: str | None) -> frozenset[str]:
    """Names of the clusters of a run beside its executor.

    Raises:
        ConfigurationError: One of them, or the run's own, is not known.
    """
    own = cluster_of(project, flow, asked)
    if asked is not None and own is None:
        return frozenset()
    named = {task.cluster for task in flow if task.cluster is not None}
    for name in sorted(named):
        project.settings.cluster(name)
    return frozenset(named - {own})


def cluster_of(project: Project, flow: Flow, asked: str | None) -> str | None:
    """The cluster that a run's tasks run on if they name none; None where that is no cluster.

    Raises:
        ConfigurationError: It is not known.
    """
    own = cluster_named(_name(project, flow, asked))
    return None if own is None else project.settings.cluster(own).name


def on_clusters(project: Project, plan: Plan, apart: Collection[str], own: str | None) -> Plan:
    """Return the plan with each task's cluster as the run has it.

    Args:
        project: The flow's project.
        plan: With the clusters that tasks ask for.
        apart: Those that are apart from the run's executor; other tasks run there.
        own: The cluster that the run's executor stands for, if it does.

    Raises:
        FlowError: Tasks of several clusters work on one database file, or a task works on one
            where there are none of this machine's files.
    """
    here = {
        key: replace(planned, cluster=None)
        for key, planned in plan.tasks.items()
        if planned.cluster is not None and planned.cluster not in apart
    }
    placed = {**plan.tasks, **here}  # in the order of the plan
    owners: dict[str, PlannedTask] = {}
    for planned in placed.values():
        if planned.affinity is not None:
            _refuse_two_owners(owners.setdefault(planned.affinity, planned), planned, own)
            _refuse_elsewhere(project, planned, planned.cluster or own)
    return replace(plan, tasks=placed) if here else plan


def looked_at(project: Project, name: str) -> str:
    """Look whether a cluster of ``orchestrator.toml`` could be opened, without opening it.

    Returns:
        What it is made by.

    Raises:
        ConfigurationError: Its class is not installed or does not take its arguments, or a secret
            is not set.
    """
    from orchestrator.service.cluster_classes import refuse_unusable

    preset = project.settings.cluster(name)
    found = refuse_unusable(preset)
    with project.secrets():
        executor_of(preset)
    if preset.address is not None:
        return f"{preset.address}, which is asked when a run begins"
    return f"{found}, opened when a run needs it"


def _name(project: Project, flow: Flow, asked: str | None) -> str | None:
    """The name of the executor of tasks that name no cluster; None where the flow brings its own."""
    if asked is not None:
        return asked
    if isinstance(flow.executor, Executor):
        return None
    return PREFIX + flow.cluster if flow.cluster else project.settings.executor


def _made(project: Project, name: str, threads: int | None) -> Executor:
    cluster = cluster_named(name)
    if cluster is None:
        return make_executor(name, threads)
    from orchestrator.service.cluster_classes import refuse_unusable

    preset = project.settings.cluster(cluster)
    refuse_unusable(preset)
    return executor_of(preset, threads)


def _refuse_two_owners(first: PlannedTask, second: PlannedTask, own: str | None) -> None:
    if first.cluster == second.cluster:
        return
    assert second.affinity is not None
    raise FlowError(
        f"{first.key} runs on {_said(first.cluster or own)} and {second.key} on "
        f"{_said(second.cluster or own)}, but {_thing(second.affinity)} is for one process alone",
        where=second.facts.path,
        fix="give them the same cluster=, or none; or let one of them pass the other its rows",
    )


def _refuse_elsewhere(project: Project, planned: PlannedTask, cluster: str | None) -> None:
    if cluster is None or not is_elsewhere(project.settings.cluster(cluster)):
        return
    if planned.affinity is not None and planned.affinity.startswith(_FILE):
        raise FlowError(
            f"{planned.key} works on {_thing(planned.affinity)}, which machines of cluster "
            f"{cluster!r} do not have",
            where=planned.facts.path,
            fix="leave out its cluster=, or use a warehouse that is reached over the network",
        )


def _said(cluster: str | None) -> str:
    return f"cluster {cluster!r}" if cluster else "the run's executor"


def _thing(affinity: str) -> str:
    kind, _, name = affinity.partition(":")
    return f"the DuckDB file {name}" if affinity.startswith(_FILE) else f"the {kind} project {name}"
