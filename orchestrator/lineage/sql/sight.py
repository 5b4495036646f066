"""Which common table expression a name means, by where the name stands."""

from __future__ import annotations

from bisect import bisect_left

from sqlglot import exp

from orchestrator.lineage.sql.names import Session

#: Dialects in which a common table expression may name itself without RECURSIVE.
_IMPLICIT_RECURSION = frozenset({"tsql", "fabric", "oracle", "snowflake", "teradata", "db2"})
#: Dialects that compare the names of common table expressions without case.
_CTE_INSENSITIVE = frozenset({"bigquery", "mysql", "doris", "starrocks"})
_WRITERS = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


class Sight:
    """Finds, for each node of a tree, which common table expression its name means.

    Args:
        root: The tree; what stands above it is not seen.
        session: How names are folded.
    """

    def __init__(self, root: exp.Expr, session: Session) -> None:
        self._root = root
        self._session = session
        self._nearest: dict[int, exp.Expr | None] = {}
        self._clauses: dict[int, _Clause] = {}
        self.writers: dict[int, exp.CTE] = {}  #: expressions that write, and so are never unused

    def of(self, node: exp.Expr) -> tuple[exp.CTE | None, exp.CTE | None]:
        """(the expression that ``node`` names, the expression that ``node`` stands in)."""
        name = _bare_name(node, self._session)
        meant: exp.CTE | None = None
        home: exp.CTE | None = None
        place = self._bearer(node)
        while place is not None and (home is None or (meant is None and name is not None)):
            if isinstance(place, exp.CTE):
                home = home or place
                if isinstance(place.this, _WRITERS):
                    self.writers[id(place)] = place
                clause = place.parent
                if meant is None and name is not None and isinstance(clause, exp.With):
                    meant = self._clause(clause).before(place, node, name)
                above = clause.parent if clause is not None else None
            else:
                if meant is None and name is not None:
                    meant = self._clause(place.args["with_"]).any(name)
                above = place
            place = None if above is None or above is self._root else self._bearer(above)
        return meant, home

    def _clause(self, clause: exp.With) -> _Clause:
        found = self._clauses.get(id(clause))
        if found is None:
            found = self._clauses[id(clause)] = _Clause(clause, self._session)
        return found

    def _bearer(self, node: exp.Expr) -> exp.Expr | None:
        """The nearest node above ``node`` that is such an expression, or has some."""
        passed: list[int] = []
        found: exp.Expr | None = None
        current = node
        while current is not self._root and current.parent is not None:
            if id(current) in self._nearest:
                found = self._nearest[id(current)]
                break
            passed.append(id(current))
            current = current.parent
            if isinstance(current, exp.CTE) or current.args.get("with_") is not None:
                found = current
                break
        for key in passed:
            self._nearest[key] = found
        return found


def _bare_name(node: exp.Expr, session: Session) -> str | None:
    inner = node.this
    if not isinstance(inner, exp.Identifier) or node.args.get("db") or not inner.this:
        return None
    return _folded(inner, session)


def _folded(identifier: exp.Expr, session: Session) -> str:
    if session.dialect in _CTE_INSENSITIVE:
        return identifier.name.lower()
    return session.fold(identifier.name, bool(identifier.args.get("quoted")))


class _Clause:
    """The expressions of one WITH by name, each with its position."""

    def __init__(self, clause: exp.With, session: Session) -> None:
        self._recursive = bool(clause.args.get("recursive"))
        self._back = session.dialect in _IMPLICIT_RECURSION
        self._expressions: list[exp.CTE] = clause.expressions
        self._position = {id(member): i for i, member in enumerate(self._expressions)}
        self._named: dict[str, list[int]] = {}
        for position, member in enumerate(self._expressions):
            alias = member.args.get("alias")
            if alias is not None and alias.this:
                self._named.setdefault(_folded(alias.this, session), []).append(position)

    def any(self, name: str) -> exp.CTE | None:
        """The last expression of that name."""
        positions = self._named.get(name)
        return self._expressions[positions[-1]] if positions else None

    def before(self, member: exp.Expr, node: exp.Expr, name: str) -> exp.CTE | None:
        """The expression of that name that ``node``, inside ``member``, sees."""
        if self._recursive:
            return self.any(name)
        end = self._position[id(member)]
        if self._back and _in_second_branch(member, node):
            end += 1
        positions = self._named.get(name, [])
        index = bisect_left(positions, end)
        return self._expressions[positions[index - 1]] if index else None


def _in_second_branch(expression: exp.Expr, node: exp.Expr) -> bool:
    """Whether ``node`` stands in the part of a union that may refer back to the union."""
    query = expression.this
    if not isinstance(query, exp.SetOperation):
        return False
    branch = query.expression
    parent: exp.Expr | None = node
    while parent is not None and parent is not query:
        if parent is branch:
            return True
        parent = parent.parent
    return False


def reached(
    used: list[exp.CTE], named_in: dict[int, list[exp.CTE]], writers: dict[int, exp.CTE]
) -> set[int]:
    """``id()`` of the expressions that a statement uses, directly or by way of others.

    Args:
        used: Those that it names outside any of them.
        named_in: Those that are named in one, by its ``id()``.
        writers: Those that write, and so are never unused.
    """
    live: set[int] = set()
    waiting = [*used, *writers.values()]
    while waiting:
        expression = waiting.pop()
        if id(expression) not in live:
            live.add(id(expression))
            waiting += named_in.get(id(expression), [])
    return live
