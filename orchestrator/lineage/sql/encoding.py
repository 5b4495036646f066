"""Effects as JSON and back: short lists, each dataset written once per text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.lineage.sql.effects import Place, Role, SqlProblem, StatementEffect, StatementKind
from orchestrator.model.dataset import Dataset, DatasetKind

_ROLES = tuple(Role)
_KINDS = {kind.value: kind for kind in StatementKind}
_DATASET_KINDS = {kind.value: kind for kind in DatasetKind}


def encode(statements: Iterable[StatementEffect]) -> list[Any]:
    """Turn effects into plain JSON values.

    Args:
        statements: The effects of one text.

    Returns:
        ``[datasets, statements]``; the statements name datasets by their index.
    """
    numbers: dict[Dataset, int] = {}

    def number(dataset: Dataset) -> int:
        return numbers.setdefault(dataset, len(numbers))

    def many(datasets: Iterable[Dataset]) -> list[int]:
        return [number(dataset) for dataset in sorted(datasets, key=str)]

    rows = [
        [
            effect.kind.value,
            effect.line,
            many(effect.reads),
            many(effect.writes),
            many(effect.creates),
            many(effect.drops),
            [[number(a), number(b)] for a, b in effect.renames],
            [[number(a), number(b)] for a, b in effect.swaps],
            int(effect.temporary),
            _problem(effect.error),
            many(effect.replaces),
            many(effect.unused),
            int(effect.conditional),
            int(effect.deferred),
            [[_ROLES.index(p.role), number(p.dataset), p.line] for p in effect.places],
        ]
        for effect in statements
    ]
    return [[[d.catalog, d.schema, d.name, d.kind.value] for d in numbers], rows]


def decode(value: Any) -> tuple[StatementEffect, ...]:
    """Turn what ``encode`` made back into effects.

    Raises:
        ValueError, TypeError, LookupError: The value was not made by ``encode``.
    """
    listed, rows = value
    datasets = [Dataset(c, s, name, _DATASET_KINDS[kind]) for c, s, name, kind in listed]

    def some(numbers: list[int]) -> frozenset[Dataset]:
        return frozenset([datasets[number] for number in numbers])

    return tuple(
        StatementEffect(
            _KINDS[kind],
            line,
            some(reads),
            some(writes),
            some(creates),
            some(drops),
            tuple((datasets[a], datasets[b]) for a, b in renames),
            tuple((datasets[a], datasets[b]) for a, b in swaps),
            bool(temporary),
            SqlProblem(*error) if error else None,
            some(replaces),
            some(unused),
            bool(conditional),
            bool(deferred),
            tuple(Place(_ROLES[role], datasets[d], at) for role, d, at in places),
        )
        for (
            kind,
            line,
            reads,
            writes,
            creates,
            drops,
            renames,
            swaps,
            temporary,
            error,
            replaces,
            unused,
            conditional,
            deferred,
            places,
        ) in rows
    )


def _problem(problem: SqlProblem | None) -> list[Any] | None:
    if problem is None:
        return None
    return [problem.message, problem.line, problem.column, problem.statement]
