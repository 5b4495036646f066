"""What to write down so that a read or a write is declared, in the words of the task's kind."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.model.dataset import Dataset, DatasetKind, Namespace, fold, is_path
from orchestrator.model.evidence import Source
from orchestrator.model.executed import Touch
from orchestrator.model.facts import TaskFacts

#: Kinds of dbt nodes with a SQL text of their own that may say ``depends_on``.
_WITH_TEXT = frozenset({"model", "snapshot"})
#: Kinds of dbt nodes that ``ref`` can name.
_NAMED = frozenset({"model", "seed", "snapshot"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: The word of a piece of evidence by which ``meta`` declared something.
META = "meta.orchestrator"


def remedy(
    fact: TaskFacts, undeclared: Mapping[str, Sequence[Touch]], root: Path | None
) -> tuple[str, str]:
    """Say what to add, in one line for all that a task is to declare, and where.

    What the task declares already in the same place is part of the line.

    Args:
        fact: The task.
        undeclared: ``reads`` and ``writes``, each with what is to be declared.
        root: The project's folder.

    Returns:
        The line; and the file or call it belongs into.
    """
    said = {verb: touches for verb, touches in undeclared.items() if touches}
    if isinstance(fact, DbtFacts):
        return _of_node(fact, said, root)
    names = {
        verb: [
            *_declared(fact, verb, touches[0].namespace, root),
            *(spelled(touch.dataset, touch.namespace, root) for touch in touches),
        ]
        for verb, touches in said.items()
    }
    path = fact.path or ""
    if path.endswith(".sql"):
        lists = (f"{verb}={' '.join(dict.fromkeys(found))}" for verb, found in names.items())
        return f"-- orchestrator: {', '.join(lists)}", path
    if fact.resource_type == "operation":
        pairs = (f'"{verb}": {_listed(found)}' for verb, found in names.items())
        hook = f"{fact.name.replace('-', '_')}={{{', '.join(pairs)}}}"
        return f"DbtBuild(…, {hook})", "the flow's module"
    arguments = ", ".join(f"{verb}={_listed(found)}" for verb, found in names.items())
    if fact.resource_type == "sql":  # its SQL stands in the flow's module
        return arguments, f"the task's call in {path}"
    return f"@task({arguments})", path


def reference(fact: TaskFacts, writer: TaskFacts) -> str | None:
    """The line by which a dbt node says in its own text that it comes after another, if it can."""
    if not (isinstance(fact, DbtFacts) and isinstance(writer, DbtFacts)):
        return None
    if not (_has_text(fact) and writer.resource_type in _NAMED):
        return None
    words = [writer.name] if writer.package == fact.package else [str(writer.package), writer.name]
    version = f", v={writer.version!r}" if writer.version is not None else ""
    named = ", ".join(f"'{word}'" for word in words)
    return f"-- depends_on: {{{{ ref({named}{version}) }}}}"


def spelled(dataset: Dataset, namespace: Namespace, root: Path | None = None) -> str:
    """Write a dataset's name so that it is read as the same dataset again.

    Args:
        dataset: The dataset.
        namespace: What completes and folds the name where it will be read.
        root: Folder that a file is named relative to, if it lies in it.

    Example:
        >>> spelled(Dataset("DB", "RAW", "Orders"), Namespace("snowflake", "DB"))
        'RAW."Orders"'
    """
    if dataset.kind is not DatasetKind.TABLE:
        return _path(dataset.name, root) if dataset.kind is DatasetKind.FILE else dataset.name
    if dataset.catalog == namespace.catalog:
        dataset = replace(dataset, catalog=None)
    parts = (part for part in (dataset.catalog, dataset.schema, dataset.name) if part)
    return ".".join(_part(part, namespace.dialect) for part in parts)


def _part(part: str, dialect: str) -> str:
    plain = _PLAIN.fullmatch(part) and fold(part, False, dialect) == part
    return part if plain else f'"{part}"'


def _path(name: str, root: Path | None) -> str:
    if root is not None and os.path.isabs(name) and Path(name).is_relative_to(root):
        name = os.path.relpath(name, root)
    return name if is_path(name) else f"./{name}"


def _of_node(
    fact: DbtFacts, undeclared: Mapping[str, Sequence[Touch]], root: Path | None
) -> tuple[str, str]:
    own = next((access.dataset.catalog for access in fact.writes), None)
    lists = []
    for verb in ("reads", "writes"):
        touches = undeclared.get(verb, ())
        dialect = touches[0].namespace.dialect if touches else "duckdb"
        said = [a.dataset for a in getattr(fact, verb) if META in a.evidence.text]
        datasets = (*said, *(touch.dataset for touch in touches))
        names = [spelled(dataset, Namespace(dialect, own), root) for dataset in datasets]
        if names:
            lists.append(f"{verb}: {_listed(names)}")
    place = (
        f"the config of {fact.name} ({fact.path})" if fact.path else f"the config of {fact.name}"
    )
    return f"meta: {{orchestrator: {{{', '.join(lists)}}}}}", place


def _has_text(fact: DbtFacts) -> bool:
    """Whether the node has a text of its own that dbt reads for ``ref``."""
    sql = (fact.path or "").endswith(".sql")
    return sql and (fact.resource_type in _WITH_TEXT or fact.test_kind == "singular")


def _declared(fact: TaskFacts, verb: str, namespace: Namespace, root: Path | None) -> Iterable[str]:
    """What it says already: a second line of the kind would be one too many."""
    return [
        spelled(access.dataset, namespace, root)
        for access in getattr(fact, verb)
        if access.evidence.source is Source.DECLARED
    ]


def _listed(names: Iterable[str]) -> str:
    quoted = (f"'{name}'" if '"' in name else f'"{name}"' for name in dict.fromkeys(names))
    return f"[{', '.join(quoted)}]"
