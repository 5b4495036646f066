"""One walk over a syntax tree that gathers the nodes lineage cares about."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

#: Kinds of nodes that hold no table; passing them over halves the time of the walk.
_BARREN = frozenset(
    {exp.Column, exp.Identifier, exp.Literal, exp.DataType, exp.Var, exp.Star, exp.Null}
    | {exp.Boolean, exp.TableAlias, exp.Parameter, exp.Placeholder, exp.SessionParameter}
)
_WRITERS = frozenset({exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into})
_TABLES = frozenset({exp.Table, exp.TableFromRows})


@dataclass(slots=True)
class Gathered:
    """What a tree holds, in the order of the text.

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
        if kind in _TABLES:
            found.tables.append(node)
        elif kind in _WRITERS:
            found.writers.append(node)
        elif kind is exp.Anonymous:
            found.calls.append(node)
        elif kind is exp.With:
            found.has_ctes = True
        children = []
        for value in node.args.values():
            if type(value) is list:
                children += [
                    child
                    for child in value
                    if type(child) not in _BARREN and isinstance(child, exp.Expr)
                ]
            elif value and type(value) not in _BARREN and isinstance(value, exp.Expr):
                children.append(value)
        if children:
            children.reverse()
            stack += children
    return found
