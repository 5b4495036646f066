"""Presets of clusters: the ``[clusters.NAME]`` tables of ``orchestrator.toml``, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.kinds import LENGTH, SWITCH, TEXT, Key, Kind, Shape, choice, tables_of
from orchestrator.nearest import hint, nearest

#: Words for the classes that need no dotted path.
CLASSES = ("local", "ssh", "fargate", "coiled", "kubernetes")
#: Dask's own classes, which may be named without their package.
_OWN = ("LocalCluster", "SSHCluster")
VERSION_CHECKS = ("error", "warn", "off")
#: How an executor's name says that it is a cluster.
PREFIX = "cluster:"


@dataclass(frozen=True)
class Preset:
    """A cluster that a project knows by name.

    Args:
        name: As in ``[clusters.NAME]``.
        cluster_class: Dotted path of a class, or one of :data:`CLASSES`; None with an address.
        address: Of the scheduler of a cluster that runs already.
        arguments: Of the class, as written, secret references unresolved.
        adapt: Arguments of its ``adapt()``: ``minimum`` and ``maximum``; empty for a fixed size.
        reuse: Whether it goes on when a run has ended, and later runs use it again.
        idle_timeout: How long it goes on with nothing to do, in Dask's words: ``1200 seconds``.
        check_versions: What to do where its software differs from here: one of
            :data:`VERSION_CHECKS`.

    Example:
        >>> PRESETS({"big": {"class": "local", "adapt": {"maximum": 4}}})["big"].adapt
        {'maximum': 4}
    """

    name: str
    cluster_class: str | None = None
    address: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    adapt: Mapping[str, Any] = field(default_factory=dict)
    reuse: bool = False
    idle_timeout: str | None = None
    check_versions: str = "error"


def cluster_named(executor: str | None) -> str | None:
    """The name of the cluster, if an executor's name says one.

    Example:
        >>> cluster_named("cluster:big"), cluster_named("threads")
        ('big', None)
    """
    return executor.removeprefix(PREFIX) if executor and executor.startswith(PREFIX) else None


def written_at(name: str | None) -> str | None:
    """Where a preset is written, for messages; None for a cluster that is none.

    Example:
        >>> written_at("big")
        '[clusters.big]'
    """
    return f"[clusters.{name}]" if name else None


def _preset(name: str, **said: Any) -> Preset:
    if ("class" in said) == ("address" in said):
        raise ValueError(f"[clusters.{name}] needs a class or an address, one of the two")
    useless = [key for key in ("arguments", "adapt", "reuse", "idle_timeout") if said.get(key)]
    if "address" in said and useless:
        raise ValueError(
            f"[clusters.{name}] has an address, a cluster that runs already: {useless[0]} "
            "belongs to a class"
        )
    idle = said.pop("idle_timeout", None)
    timeout = None if idle is None else f"{idle:.15g} seconds"
    return Preset(name, cluster_class=said.pop("class", None), idle_timeout=timeout, **said)


def _class(value: object) -> str:
    path = TEXT(value)
    if path in _OWN:
        return f"distributed.{path}"
    if path not in CLASSES and "." not in path:
        raise ValueError(
            f"expected a dotted path or one of {', '.join(CLASSES)}, got {path!r}; "
            + nearest(path, CLASSES)
        )
    return str(path)


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a table, got {value!r}")
    return dict(value)


def _adapt(value: object) -> dict[str, Any]:
    table = _table(value)
    if "maximum" not in table:
        near = next((hint(key, ["maximum"]) for key in table if key != "minimum"), "")
        raise ValueError(f"expected a maximum, as in {{minimum = 1, maximum = 10}}{near}")
    least, most = table.get("minimum", 0), table["maximum"]
    for number in (least, most):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(
                f"expected whole numbers as {{minimum = 1, maximum = 10}}, got {value!r}"
            )
    if not least <= most or not most:
        raise ValueError(f"maximum is to be at least 1, and no less than minimum, got {value!r}")
    return table


_ADAPT: Shape = {
    "type": "object",
    "properties": {
        "minimum": {"type": "integer", "minimum": 0, "description": "workers that always run"},
        "maximum": {"type": "integer", "minimum": 1, "description": "workers at most"},
    },
    "required": ["maximum"],
}
_CLASS: Shape = {"type": "string", "pattern": rf"^({'|'.join((*CLASSES, *_OWN))})$|\."}

#: Every key of a ``[clusters.NAME]`` table.
PRESET_KEYS: dict[str, Key] = {
    "class": Key(
        Kind(_class, _CLASS),
        "class of the cluster: `local`, `ssh`, `fargate`, `coiled`, `kubernetes`, or a dotted path",
    ),
    "address": Key(TEXT, "scheduler of a cluster that runs already, in the place of a class"),
    "arguments": Key(
        Kind(_table, {"type": "object"}),
        "arguments of the class, as they are; `secret:NAME` and `env:NAME` are filled in",
        "none",
    ),
    "adapt": Key(
        Kind(_adapt, _ADAPT), "`minimum` and `maximum` number of workers", "a fixed number"
    ),
    "reuse": Key(SWITCH, "whether it goes on after a run, for later runs", "`false`"),
    "idle_timeout": Key(
        LENGTH,
        "how long it goes on with nothing to do, as `20 minutes`",
        "as the class has it",
    ),
    "check_versions": Key(
        choice(VERSION_CHECKS),
        "what to do where its software differs from the driver's: `error`, `warn`, `off`",
        "`error`",
    ),
}

#: The ``[clusters.NAME]`` tables as a kind of value.
PRESETS = tables_of("clusters", PRESET_KEYS, _preset)
