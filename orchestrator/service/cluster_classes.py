"""Whether the class of a preset can make a cluster: it is there, with what it needs, and takes its arguments."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from orchestrator.errors import ConfigurationError
from orchestrator.executors.dask_cluster import refused_arguments
from orchestrator.executors.preset import cluster_class
from orchestrator.nearest import nearest
from orchestrator.presets import Preset, written_at

#: What a class imports only when its cluster is opened, by the class's own module.
_NEEDED = {"distributed.deploy.ssh": "asyncssh"}


def refuse_unusable(preset: Preset) -> str:
    """Look at the class of a preset; no cluster is opened.

    Args:
        preset: As ``orchestrator.toml`` has it.

    Returns:
        What a cluster is made by: the dotted path of the class, or the scheduler's address.

    Raises:
        ConfigurationError: The class cannot be imported, is none, lacks a package, or has no such
            argument.

    Example:
        >>> refuse_unusable(Preset("big", "local", arguments={"n_workers": 2}))
        'distributed.deploy.local.LocalCluster'
    """
    if preset.cluster_class is None:
        return str(preset.address)
    _refuse_other_names(preset)
    kind = cluster_class(preset)
    path = f"{kind.__module__}.{kind.__qualname__}" if callable(kind) else repr(kind)
    if not callable(kind):
        raise _wrong(
            preset, f"{preset.cluster_class} is no class", "name a class, as Dask has them"
        )
    needed = _NEEDED.get(kind.__module__)
    if needed is not None and find_spec(needed) is None:
        where = "where the run is driven, and where its service runs"
        raise _wrong(preset, f"{path} needs {needed}", f"pip install {needed} ({where})")
    if (found := refused_arguments(kind, preset.arguments)) is not None:
        raise _wrong(preset, *found)
    return path


def _refuse_other_names(preset: Preset) -> None:
    """Refuse a module that is there, and has no class of that name."""
    name, _, last = str(preset.cluster_class).rpartition(".")
    try:
        module = importlib.import_module(name) if name else None
    except ImportError:
        return  # which says itself what to install
    if module is not None and not hasattr(module, last):
        known = [each for each in dir(module) if each[:1].isupper()]
        raise _wrong(preset, f"{name} has no {last}", nearest(last, known, f"{name} has: "))


def _wrong(preset: Preset, what: str, fix: str) -> ConfigurationError:
    return ConfigurationError(
        f"cluster {preset.name!r}: {what}", where=written_at(preset.name), fix=fix
    )
