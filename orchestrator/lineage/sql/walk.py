"""One walk over a syntax tree that gathers the nodes lineage cares about."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

#: Kinds of arguments that hold no table; passing them over halves the time of the walk.
_BARREN = frozenset(
    {exp.Column, exp.Identifier, exp.Literal, exp.DataType, exp.Var, exp.Star, exp.Null}
    | {exp.Boolean, exp.TableAlias, exp.Parameter, exp.Placeholder, exp.SessionParameter}
    | {str, int, float}
)
_TABLES = frozenset({exp.Table, exp.TableFromRows})
_WRITERS = frozenset({exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Returning})
_WANTED = _TABLES | _WRITERS | {exp.Anonymous, exp.With}


@dataclass(slots=True)
class Gathered:
    """What a tree holds, in no order.

    Args:
        root: The tree.
        tables: Table nodes.
        writers: INSERT, UPDATE, DELETE, MERGE and INTO.
        calls: Calls of functions that the parser does not know.
        has_ctes: Whether there are common table expressions.
    """

    root: exp.Expr
    tables: list[exp.Expr] = field(default_factory=list)
    writers: list[exp.Expr] = field(default_factory=list)
    calls: list[exp.Expr] = field(default_factory=list)
    has_ctes: bool = False


def gather(root: exp.Expr) -> Gathered:
    """Walk a tree once.

    Args:
        root: The tree.
    """
    found = Gathered(root)
    stack = [root]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind in _WANTED:
            _sort_in(node, kind, found)
        for value in node.args.values():
            if not value or value is True:
                continue
            kind = type(value)
            if kind is list:
                for child in value:
                    if type(child) not in _BARREN and isinstance(child, exp.Expr):
                        stack.append(child)
            elif kind not in _BARREN and isinstance(value, exp.Expr):
                stack.append(value)
    return found


def _sort_in(node: exp.Expr, kind: type[exp.Expr], found: Gathered) -> None:
    if kind in _TABLES:
        found.tables.append(node)
    elif kind in _WRITERS:
        found.writers.append(node)
    elif kind is exp.With:
        found.has_ctes = True
    else:
        found.calls.append(node)
