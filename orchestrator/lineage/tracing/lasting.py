"""The columns that a script leaves written: each with its line, temporary tables seen through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.lineage.columns.net import net_columns
from orchestrator.lineage.sql.effects import ColumnFlow, SqlProblem, StatementEffect, StatementKind
from orchestrator.model.code import Column
from orchestrator.model.dataset import Dataset

#: Stands among the sources of one column, so that it can be found again at the end of the script.
_MARK = Dataset(None, None, "\0")
#: Kinds of statements that fill the dataset of a bare query.
_OF_TARGET = (StatementKind.SELECT, StatementKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Produced:
    """One column that a script leaves written.

    Args:
        target: Its dataset.
        column: Its name, or ``*`` for columns that are not known by name.
        line: Line of the text at which its expression stands.
        sources: Columns of lasting datasets that go into it.
        counted: Datasets whose rows it counts.
        unresolved: Names of columns that may belong to more than one table.
    """

    target: Dataset
    column: str
    line: int
    sources: tuple[Column, ...] = ()
    counted: tuple[Dataset, ...] = ()
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement whose columns are not known.

    Args:
        line: Line of the text.
        message: Why, as the end of a sentence about that line.
        targets: Datasets that it writes; none where that is not known either.
    """

    line: int
    message: str
    targets: tuple[Dataset, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What the SQL of one task does to columns.

    Args:
        produced: The columns it leaves written, in the order of the text.
        made: Datasets that it makes anew: they have these columns and no others.
        unread: What could not be followed, in the order of the text.
    """

    produced: tuple[Produced, ...] = ()
    made: frozenset[Dataset] = frozenset()
    unread: tuple[Unread, ...] = ()


def lasting_columns(
    statements: Sequence[StatementEffect],
    flows: Sequence[ColumnFlow],
    target: Dataset | None = None,
    problems: Sequence[SqlProblem] = (),
) -> Reading:
    """Say which columns outlive a script.

    Args:
        statements: Effects in the order of the text.
        flows: The columns that the statements produce.
        target: Dataset that the output of a bare query goes into.
        problems: What could not be followed.
    """
    moving = _moving(statements)
    own = [_aimed(flow, target) for flow in flows if flow.target or target]
    passing = [flow for flow in own if flow.target in moving]
    found: list[Produced] = []
    made = set()
    for flow in own:
        for produced in _followed(statements, flow, passing) if moving else [_as_it_is(flow)]:
            found.append(produced)
            if flow.target == target or flow.target in statements[flow.statement].creates:
                made.add(produced.target)
    altered = {d for s in statements if s.kind is StatementKind.ALTER for d in s.writes}
    unread = tuple(_unread(statements, problem, target, passing) for problem in problems)
    return Reading(tuple(found), frozenset(made - altered), unread)


def _unread(
    statements: Sequence[StatementEffect],
    problem: SqlProblem,
    target: Dataset | None,
    passing: Sequence[ColumnFlow],
) -> Unread:
    """A problem with the lasting datasets that its statement was to write."""
    begun = [index for index, s in enumerate(statements) if s.line <= problem.line]
    index = begun[-1] if begun else 0
    own = statements[index]
    targets: dict[Dataset, None] = {}
    for dataset in sorted(own.writes, key=str):
        flow = ColumnFlow(index, dataset, "*", line=problem.line)
        targets |= dict.fromkeys(p.target for p in _followed(statements, flow, passing))
    if not targets and target is not None and own.kind in _OF_TARGET:
        targets[target] = None
    return Unread(problem.line, problem.message, tuple(targets))


def _aimed(flow: ColumnFlow, target: Dataset | None) -> ColumnFlow:
    return flow if flow.target else replace(flow, target=target)


def _moving(statements: Sequence[StatementEffect]) -> set[Dataset]:
    """Datasets that are not the same thing under the same name from first to last."""
    moving: set[Dataset] = set()
    for effect in statements:
        moving |= effect.drops | (effect.creates if effect.temporary else frozenset())
        for pair in (*effect.renames, *effect.swaps):
            moving.update(pair)
    return moving


def _as_it_is(flow: ColumnFlow) -> Produced:
    assert flow.target is not None
    return Produced(
        flow.target, flow.column, flow.line, flow.sources, flow.counted, flow.unresolved
    )


def _followed(
    statements: Sequence[StatementEffect], flow: ColumnFlow, passing: Sequence[ColumnFlow]
) -> Iterator[Produced]:
    """A column under the name its table has in the end, from what lasts; none if it is gone."""
    sources = _net_sources(statements, flow, flow.sources, passing)
    counted = _net_sources(statements, flow, tuple((d, "*") for d in flow.counted), passing)
    for target, columns in sources.items():
        rows = tuple(dict.fromkeys(dataset for dataset, _ in counted.get(target, ())))
        yield Produced(target, flow.column, flow.line, columns, rows, flow.unresolved)


def _net_sources(
    statements: Sequence[StatementEffect],
    flow: ColumnFlow,
    sources: tuple[Column, ...],
    passing: Sequence[ColumnFlow],
) -> dict[Dataset, tuple[Column, ...]]:
    marked = replace(flow, column=f"{flow.column}\0", sources=(*sources, (_MARK, "*")))
    # After all others of its statement: what the statement itself writes is not read by it.
    flows = [other for other in passing if other is not flow]
    found: dict[Dataset, tuple[Column, ...]] = {}
    for source, column, target, written in net_columns(statements, [*flows, marked]):
        if written == marked.column:
            known = found.setdefault(target, ())
            found[target] = known if source == _MARK else (*known, (source, column))
    return found
