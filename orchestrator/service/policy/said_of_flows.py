"""What flows must say of themselves, and how long and how wide they may run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.model.group import TaskGroup
from orchestrator.presets import Preset, cluster_named
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.rules import Policy
from orchestrator.service.policy.seen import Seen

#: How classes of clusters call the number of their workers.
_WORKERS = ("n_workers", "workers", "n_worker")
_THREADS = ("threads_per_worker", "worker_nthreads", "nthreads")
_HOW = {
    "owner": 'name one: Flow(…, owner="you@example.com")',
    "description": "write it as the opening docstring of the flow's file",
}


def breaches(policy: Policy, seen: Seen) -> Iterator[Breach]:
    """What a flow does not say, or has too much of."""
    yield from _unsaid(policy, seen)
    yield from _runtime(policy, seen)
    yield from _threads(policy, seen)
    yield from _workers(policy, seen)
    yield from _concurrency(policy, seen)


def _unsaid(policy: Policy, seen: Seen) -> Iterator[Breach]:
    rule = policy.required
    said = {"owner": seen.flow.owner, "description": seen.flow_description}
    for word in rule.flows if seen.written else ():
        if not said[word]:
            yield Breach(
                rule.said.rule("flows"), rule.said.at("flows"),
                f"flow {seen.flow.name} has no {word}", seen.place, _HOW[word],
                (f"{seen.place} defines {seen.flow.name}",),
                seen.flow.name, _subjects(seen), rule.breach,
            )  # fmt: skip


def _runtime(policy: Policy, seen: Seen) -> Iterator[Breach]:
    most, timeout = policy.limits.max_runtime, seen.flow.timeout
    if most is None or (timeout is not None and timeout <= most):
        return
    has = "no timeout" if timeout is None else f"a timeout of {_lasting(timeout)}"
    fix = f"give it one: Flow(…, timeout={most:g})"
    if not seen.written:
        fix = f"write it as a flow: flows/{seen.flow.name}.py with Flow(…, timeout={most:g})"
    yield _limit(
        policy, seen, "max_runtime",
        f"flow {seen.flow.name} has {has}, and may run for {_lasting(most)} at most", fix,
    )  # fmt: skip


def _threads(policy: Policy, seen: Seen) -> Iterator[Breach]:
    most = policy.limits.max_threads
    for number, where in _all_threads(seen):
        if most is not None and number > most:
            yield _limit(
                policy, seen, "max_threads",
                f"flow {seen.flow.name} runs {number} tasks at the same time in one process, "
                f"and {most} are allowed",
                f"say {most} or fewer there", where, str(number),
            )  # fmt: skip


def _all_threads(seen: Seen) -> Iterator[tuple[int, str]]:
    """Each number of threads that holds for a flow, and where it is said."""
    settings = seen.project.settings
    if settings.threads is not None:
        yield settings.threads, f"{settings.origin('threads')} (threads)"
    else:
        for task in seen.flow:
            if isinstance(task, TaskGroup):
                try:
                    slots = task.slots(seen.planning)
                except OrchestratorError:
                    slots = None
                if slots:
                    yield slots, f"profiles.yml (threads, of {task.name})"
    executor: Any = seen.flow.executor
    own = getattr(executor, "threads", None)
    if isinstance(own, int):
        yield own, f"{seen.place} (executor)"
    yield from _numbers(seen, _THREADS)


def _workers(policy: Policy, seen: Seen) -> Iterator[Breach]:
    most = policy.limits.max_workers
    for number, where in _numbers(seen, _WORKERS, "maximum"):
        if most is not None and number > most:
            yield _limit(
                policy, seen, "max_workers",
                f"flow {seen.flow.name} may have {number} workers, and {most} are allowed",
                f"say {most} or fewer there", where, str(number),
            )  # fmt: skip


def _numbers(seen: Seen, names: tuple[str, ...], adapted: str = "") -> Iterator[tuple[int, str]]:
    """Numbers among the arguments of the clusters that a flow runs on, and where each is said."""
    executor: Any = seen.flow.executor
    given = [
        (getattr(executor, "cluster_kwargs", None), getattr(executor, "adapt_kwargs", None),
         f"{seen.place} (executor)"),
        *((preset.arguments, preset.adapt, _preset_at(seen, preset)) for preset in _presets(seen)),
    ]  # fmt: skip
    for arguments, adapt, where in given:
        for name, value in {**(arguments or {})}.items():
            if name in names and isinstance(value, int):
                yield value, where
        most = (adapt or {}).get(adapted)
        if isinstance(most, int):
            yield most, where


def _presets(seen: Seen) -> Iterator[Preset]:
    """The clusters that a flow, its tasks or the project's settings ask for by name."""
    settings = seen.project.settings
    asked = [seen.flow.cluster, *(node.cluster for node in seen.plan.tasks.values())]
    if seen.flow.cluster is None and seen.flow.executor is None:
        asked.append(cluster_named(settings.executor))
    for name in dict.fromkeys(filter(None, asked)):
        if name in settings.clusters:
            yield settings.clusters[name]


def _preset_at(seen: Seen, preset: Preset) -> str:
    return f"{seen.project.settings.origin(f'clusters.{preset.name}')} ([clusters.{preset.name}])"


def _concurrency(policy: Policy, seen: Seen) -> Iterator[Breach]:
    settings = seen.project.settings
    for name, most in policy.limits.concurrency.items():
        slots = settings.limits.get(name)
        if slots is None or slots > most:
            has = "sets no limit" if slots is None else f"lets {slots} run"
            yield _limit(
                policy, seen, "concurrency",
                f"{name} may run {most} at the same time, and orchestrator.toml {has}",
                f'write "{name}" = {most} below [limits] in orchestrator.toml',
                settings.origin("limits") if slots is not None else "orchestrator.toml", name,
            )  # fmt: skip


def _limit(
    policy: Policy, seen: Seen, key: str, what: str, fix: str, where: str = "", more: str = ""
) -> Breach:
    said = policy.limits.said
    place = where or seen.place
    told = f"{place} says {more}" if more and where else f"{seen.place} defines {seen.flow.name}"
    return Breach(
        said.rule(key), said.at(key), what, place, fix, (told,), seen.flow.name,
        (*_subjects(seen), *([more] if ":" in more else [])), policy.limits.breach,
    )  # fmt: skip


def _subjects(seen: Seen) -> tuple[str, ...]:
    file = seen.place.rpartition(":")[0]
    return tuple(filter(None, (seen.flow.name, file)))


def _lasting(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return " ".join(parts) or f"{seconds:g} s"
