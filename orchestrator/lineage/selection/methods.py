"""What each selector method compares: one small predicate on a task's facts each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.derivation.written import glob_pattern
from orchestrator.lineage.selection.grammar import Criterion
from orchestrator.model.facts import TaskFacts

_Predicate = Callable[[TaskFacts], bool]
_TEST_KINDS = {
    "generic": ("generic",),
    "schema": ("generic",),
    "data": ("generic", "singular"),
    "singular": ("singular",),
    "unit": ("unit",),
}
_VERSIONS = ("latest", "prerelease", "old", "none")
#: Kinds of dbt node whose config dbt does not search.
_UNCONFIGURED = frozenset(
    {"unit_test", "function", "exposure", "metric", "semantic_model", "saved_query"}
)


def predicate(criterion: Criterion) -> _Predicate:
    """The test that tells whether a task fits a selector, leaving aside ``+`` and ``@``.

    Args:
        criterion: From :func:`~orchestrator.lineage.selection.grammar.parse`.

    Raises:
        SelectionError: The value is none that the method knows.
    """
    return _MAKERS[criterion.method](criterion)


def source_name(fact: TaskFacts) -> str:
    """The source part of a source node's ``source.table``."""
    full = next(iter(fact.sources), "")
    return full.removesuffix(f".{fact.name}")


def config_value(config: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Follow dotted keys into a config; None where they lead nowhere."""
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _fqn(criterion: Criterion) -> _Predicate:
    value = criterion.value

    def fits(fact: TaskFacts) -> bool:
        if fact.resource_type == "source":
            return False
        fqn = fact.fqn or (fact.name,)
        versioned = isinstance(fact, DbtFacts) and fact.version is not None and len(fqn) > 1
        versioned = versioned and fact.resource_type == "model"
        if fact.key == value or _names(fqn, value, versioned):
            return True
        return len(fqn) > 1 and _names(fqn[1:], value, versioned and len(fqn) > 2)

    return fits


def _names(fqn: tuple[str, ...], value: str, versioned: bool) -> bool:
    """Whether ``value`` is the last name, or leads the dotted names from the first one on."""
    wanted = value.split(".")
    leaf = fqn[-2] if versioned else fqn[-1]
    if leaf == value or (versioned and "_".join(fqn[-2:]) == "_".join(wanted[-2:])):
        return True
    flat = ".".join(fqn).split(".")
    if len(flat) < len(wanted):
        return False
    for index, part in enumerate(wanted):
        if any(sign in part for sign in "*?[]"):
            rest = fnmatchcase(".".join(flat[index:]), ".".join(wanted[index:]))
            return rest or (len(wanted) == 1 and fnmatchcase(leaf, value))
        if flat[index] != part:
            return False
    return True


def _path(criterion: Criterion) -> _Predicate:
    text = str(PurePosixPath(criterion.value))
    pattern = glob_pattern(text)

    def fits(fact: TaskFacts) -> bool:
        if isinstance(fact, DbtFacts) and fact.patch_path and pattern.fullmatch(fact.patch_path):
            return True
        if not fact.path:
            return False
        path = PurePosixPath(fact.path.replace("\\", "/"))
        return any(pattern.fullmatch(str(place)) for place in (path, *path.parents))

    return fits


def _file(criterion: Criterion) -> _Predicate:
    def fits(fact: TaskFacts) -> bool:
        path = PurePosixPath((fact.path or "").replace("\\", "/"))
        return any(fnmatchcase(part, criterion.value) for part in (path.name, path.stem) if part)

    return fits


def _tag(criterion: Criterion) -> _Predicate:
    return lambda fact: any(fnmatchcase(tag, criterion.value) for tag in fact.tags)


def _config(criterion: Criterion) -> _Predicate:
    keys = criterion.arguments
    wanted = criterion.value
    flags = {"true": True, "false": False}

    def fits(fact: TaskFacts) -> bool:
        if isinstance(fact, DbtFacts) and fact.resource_type in _UNCONFIGURED:
            return False
        value = config_value(fact.config, keys)
        if keys == ("severity",) and isinstance(value, str):
            return value.upper() == wanted.upper()
        values = value if isinstance(value, list) else [value]
        flag = flags.get(wanted.lower())
        return wanted in values or (flag is not None and any(item is flag for item in values))

    return fits


def _package(criterion: Criterion) -> _Predicate:
    if criterion.value == "this":
        return lambda fact: isinstance(fact, DbtFacts) and fact.in_root
    return lambda fact: fact.package is not None and fnmatchcase(fact.package, criterion.value)


def _source(criterion: Criterion) -> _Predicate:
    parts = criterion.value.split(".")
    if len(parts) > 3:
        raise SelectionError(
            f"{criterion.raw!r} has too many parts for a source",
            fix="write source:NAME, source:NAME.TABLE or source:PACKAGE.NAME.TABLE",
        )
    package, name, table = {1: ["*", *parts, "*"], 2: ["*", *parts], 3: parts}[len(parts)]
    return lambda fact: (
        fact.resource_type == "source"
        and fnmatchcase(fact.package or "", package)
        and fnmatchcase(source_name(fact), name)
        and fnmatchcase(fact.name, table)
    )


def _resource_type(criterion: Criterion) -> _Predicate:
    return lambda fact: fact.resource_type == criterion.value


def _test_type(criterion: Criterion) -> _Predicate:
    kinds = _choice(criterion, _TEST_KINDS)
    return lambda fact: isinstance(fact, DbtFacts) and fact.test_kind in _TEST_KINDS[kinds]


def _test_name(criterion: Criterion) -> _Predicate:
    return lambda fact: (
        isinstance(fact, DbtFacts)
        and fact.test_name is not None
        and fnmatchcase(fact.test_name, criterion.value)
    )


def _group(criterion: Criterion) -> _Predicate:
    def fits(fact: TaskFacts) -> bool:
        group = fact.config.get("group")
        return isinstance(group, str) and fnmatchcase(group, criterion.value)

    return fits


def _access(criterion: Criterion) -> _Predicate:
    return lambda fact: isinstance(fact, DbtFacts) and fact.access == criterion.value


def _version(criterion: Criterion) -> _Predicate:
    wanted = _choice(criterion, _VERSIONS)

    def fits(fact: TaskFacts) -> bool:
        if not isinstance(fact, DbtFacts) or fact.resource_type != "model":
            return False
        if fact.version is None or fact.latest_version is None:
            return wanted == "none" and fact.version is None
        mine, latest = _comparable(fact.version), _comparable(fact.latest_version)
        return {"latest": mine == latest, "prerelease": mine > latest, "old": mine < latest}.get(
            wanted, False
        )

    return fits


def _comparable(version: str | float) -> tuple[float, str]:
    """Numbers as numbers, and before words."""
    try:
        return (float(version), "")
    except ValueError:
        return (float("inf"), str(version))


def _of_kind(kind: str) -> Callable[[Criterion], _Predicate]:
    """A method that names nodes of one kind: ``name`` or ``package.name``."""

    def make(criterion: Criterion) -> _Predicate:
        package, _, name = criterion.value.rpartition(".")
        return lambda fact: (
            fact.resource_type == kind
            and fnmatchcase(fact.package or "", package or "*")
            and fnmatchcase(fact.name, name)
        )

    return make


def _choice(criterion: Criterion, known: Iterable[str]) -> str:
    if criterion.value not in known:
        raise SelectionError(
            f"{criterion.raw!r}: {criterion.value!r} is no {criterion.method}",
            fix="use one of " + ", ".join(known),
        )
    return criterion.value


_MAKERS: dict[str, Callable[[Criterion], _Predicate]] = {
    "fqn": _fqn,
    "path": _path,
    "file": _file,
    "tag": _tag,
    "config": _config,
    "package": _package,
    "source": _source,
    "resource_type": _resource_type,
    "test_type": _test_type,
    "test_name": _test_name,
    "group": _group,
    "access": _access,
    "version": _version,
    **{
        kind: _of_kind(kind)
        for kind in ("exposure", "metric", "semantic_model", "saved_query", "unit_test")
    },
}
