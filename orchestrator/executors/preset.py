"""The executor of a preset: which class it stands for, and how that class takes what presets say."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError
from orchestrator.presets import Preset, written_at
from orchestrator.secrets import resolve

if TYPE_CHECKING:
    from orchestrator.executors.dask import DaskExecutor


@dataclass(frozen=True, slots=True)
class _Class:
    """A cluster class that is known by a word.

    Args:
        path: Dotted path.
        install: What installs it.
        idle: Where its arguments take the idle timeout: keys, one within the other.
        seconds: Whether it takes it as a whole number of seconds, not as text.
        by_name: Whether a name finds a cluster that another process left running.
        elsewhere: Whether its workers are on machines of their own, which have none of our files.
    """

    path: str
    install: str
    idle: tuple[str, ...]
    seconds: bool = False
    by_name: bool = False
    elsewhere: bool = True


_KNOWN = {
    "local": _Class(
        "distributed.LocalCluster", "pip install distributed", ("scheduler_kwargs", "idle_timeout"),
        elsewhere=False,
    ),
    "ssh": _Class(
        "distributed.SSHCluster", "pip install distributed asyncssh",
        ("scheduler_options", "idle_timeout"), elsewhere=False,
    ),
    "fargate": _Class(
        "dask_cloudprovider.aws.FargateCluster", "pip install 'dask-cloudprovider[aws]'",
        ("scheduler_timeout",),
    ),
    "coiled": _Class("coiled.Cluster", "pip install coiled", ("idle_timeout",), by_name=True),
    "kubernetes": _Class(
        "dask_kubernetes.operator.KubeCluster", "pip install dask-kubernetes", ("idle_timeout",),
        seconds=True, by_name=True,
    ),
}  # fmt: skip
_BY_PATH = {known.path: known for known in _KNOWN.values()}
#: Where else the same classes are found.
_ALSO = {
    "dask.distributed.LocalCluster": "distributed.LocalCluster",
    "dask.distributed.SSHCluster": "distributed.SSHCluster",
    "distributed.deploy.ssh.SSHCluster": "distributed.SSHCluster",
    "dask_cloudprovider.aws.ecs.FargateCluster": "dask_cloudprovider.aws.FargateCluster",
    "dask_kubernetes.KubeCluster": "dask_kubernetes.operator.KubeCluster",
}


def executor_of(preset: Preset, threads: int | None = None) -> DaskExecutor:
    """Make the executor of a preset; the cluster is made when it is started.

    Args:
        preset: As ``orchestrator.toml`` has it.
        threads: Of each worker, for a local cluster that does not say.

    Raises:
        ConfigurationError: Its class is not installed, takes no idle timeout, or a secret is
            not set.
    """
    from orchestrator.executors.dask import DaskExecutor

    said: dict[str, Any] = {"check_versions": preset.check_versions, "preset": preset.name}
    if preset.cluster_class is None:
        made = DaskExecutor(resolve(preset.address), **said)
    else:
        kind = cluster_class(preset)
        arguments = _arguments(preset, kind)
        if threads and _known(preset) is _KNOWN["local"]:
            arguments.setdefault("threads_per_worker", threads)
        made = DaskExecutor(
            None, kind, arguments, preset.adapt,
            name=preset.name if preset.reuse else None, shutdown_on_close=not preset.reuse, **said,
        )  # fmt: skip
    made.name = f"cluster {preset.name}"
    return made


def is_elsewhere(preset: Preset) -> bool:
    """Whether its workers surely have none of this machine's files."""
    known = _known(preset)
    return known is not None and known.elsewhere


def cluster_class(preset: Preset) -> Callable[..., Any]:
    """Import the class of a preset.

    Raises:
        ConfigurationError: It cannot be imported; says what to install.
    """
    known = _known(preset)
    path = known.path if known else str(preset.cluster_class)
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        install = known.install if known else f"pip install {path.split('.')[0].replace('_', '-')}"
        raise ConfigurationError(
            f"the class of cluster {preset.name!r}, {path}, cannot be imported: {error}",
            where=written_at(preset.name),
            fix=f"{install} (where the run is driven, and where its service runs)",
        ) from error
    return found


def _known(preset: Preset) -> _Class | None:
    said = preset.cluster_class or ""
    return _KNOWN.get(said) or _BY_PATH.get(_ALSO.get(said, said))


def _arguments(preset: Preset, kind: Callable[..., Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = resolve(preset.arguments)
    if preset.idle_timeout is not None:
        keys, value = _idle(preset, kind)
        arguments = _with(arguments, keys, value)
    return arguments


def _idle(preset: Preset, kind: Callable[..., Any]) -> tuple[tuple[str, ...], Any]:
    """Where the class takes the idle timeout, and in what form."""
    from dask.utils import parse_timedelta

    from orchestrator.executors.arguments import parameters

    known = _known(preset)
    if known is not None:
        seconds = int(parse_timedelta(preset.idle_timeout) or 0)
        return known.idle, seconds if known.seconds else preset.idle_timeout
    if "idle_timeout" in parameters(kind):
        return ("idle_timeout",), preset.idle_timeout
    raise ConfigurationError(
        f"cluster {preset.name!r} has an idle_timeout, which {preset.cluster_class} does not take",
        where=written_at(preset.name),
        fix="say it in `arguments`, as that class takes it",
    )


def _with(arguments: Mapping[str, Any], keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Set what is not said already, at the end of a path of keys."""
    first, *rest = keys
    if not rest:
        return {first: value, **arguments}
    return {**arguments, first: _with(arguments.get(first) or {}, tuple(rest), value)}
