"""Errors of a selection: what was searched, and the nearest names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.selection.grammar import METHODS, Criterion
from orchestrator.lineage.selection.methods import config_value, source_name
from orchestrator.model.facts import TaskFacts

_NEAREST = 3


def nothing_matches(
    group: Sequence[tuple[Criterion, set[str]]], nodes: Iterable[TaskFacts]
) -> SelectionError:
    """The error for a selector, or an intersection of several, that matches nothing."""
    nodes = list(nodes)
    empty = next((criterion for criterion, keys in group if not keys), None)
    if empty is None:
        parts = ", ".join(f"{c.raw} matches {len(keys)}" for c, keys in group)
        return SelectionError(
            f"nothing is in all parts of {','.join(c.raw for c, _ in group)!r}: {parts}",
            fix="a comma narrows; write a space between selectors to join them",
        )
    words = dict.fromkeys(_vocabulary(empty, nodes))
    near = _near(empty.value, list(words))
    shown = ", ".join(near)
    return SelectionError(
        f"{empty.raw!r} matches no task",
        where=f"looked at the {METHODS[empty.method]} of {_counted(nodes)}",
        fix=f"did you mean {shown}?" if near else _no_suggestion(list(words)),
    )


def nothing_runs(include: Sequence[str], nodes: Sequence[TaskFacts]) -> SelectionError:
    """The error for a selection of sources, ephemeral models and the like only."""
    word = " ".join(include).split()[-1].strip("+")
    after = any(node.resource_type in ("source", "model") for node in nodes)
    hint = (
        f"after it with a + behind: {word}+" if after else f"before it with a + in front: +{word}"
    )
    return SelectionError(
        f"{' '.join(include)!r} names only what does not run: {_counted(nodes)}",
        fix=f"select what comes {hint}",
    )


def _near(value: str, words: list[str]) -> list[str]:
    """Words spelt alike; failing that, words that hold the value."""
    near = get_close_matches(value, words, n=_NEAREST, cutoff=0.6)
    return near or [word for word in words if value.lower() in word.lower()][:_NEAREST]


def _no_suggestion(words: list[str]) -> str:
    if not words:
        return "nothing here has one"
    some = ", ".join(sorted(words)[:8])
    return f"there are {some}" + (", …" if len(words) > 8 else "")


def _counted(nodes: Iterable[TaskFacts]) -> str:
    kinds = Counter(_kind(node) for node in nodes)
    return ", ".join(f"{n} {kind if n == 1 else _plural(kind)}" for kind, n in kinds.most_common())


def _plural(kind: str) -> str:
    return {"analysis": "analyses", "saved query": "saved queries"}.get(kind, kind + "s")


def _kind(node: TaskFacts) -> str:
    if node.resource_type == "model" and node.config.get("materialized") == "ephemeral":
        return "ephemeral model"
    words = {"sql": "SQL file", "python": "Python task"}
    return words.get(node.resource_type, node.resource_type.replace("_", " "))


def _vocabulary(criterion: Criterion, nodes: Iterable[TaskFacts]) -> Iterator[str]:
    """Every value that the method of a selector could have matched."""
    for node in nodes:
        yield from _words(criterion, node)


def _words(criterion: Criterion, node: TaskFacts) -> Iterable[str]:
    method = criterion.method
    if method in ("fqn", "file") or method == node.resource_type:
        return _names(method, node)
    if method == "path":
        path = PurePosixPath(node.path or "")
        return [str(place) for place in (path, *path.parents) if str(place) != "."]
    if method == "tag":
        return node.tags
    if method == "config":
        value = config_value(node.config, criterion.arguments)
        return [str(v) for v in (value if isinstance(value, list) else [value]) if v is not None]
    return [word for word in (_attribute(method, node),) if word]


def _names(method: str, node: TaskFacts) -> list[str]:
    if method == "file":
        return [PurePosixPath(node.path).name] if node.path else []
    if method == "source":
        return [source_name(node), *node.sources]
    return [node.name] if node.resource_type != "source" else []


def _attribute(method: str, node: TaskFacts) -> str | None:
    if method == "package":
        return node.package
    if method == "resource_type":
        return node.resource_type
    if method == "group":
        group = node.config.get("group")
        return group if isinstance(group, str) else None
    if not isinstance(node, DbtFacts):
        return None
    return {"access": node.access, "test_name": node.test_name}.get(method)
