"""Putting the effect of one statement together, name by name."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.sql.effects import Place, Role, SqlProblem, StatementEffect, StatementKind
from orchestrator.lineage.sql.names import Session
from orchestrator.lineage.sql.tables import Named, UnknownNameError, named, tables_read
from orchestrator.lineage.sql.walk import Gathered, gather
from orchestrator.model.dataset import Dataset


class EffectBuilder:
    """Collects what one statement does.

    Args:
        session: Defaults and what happened before.
        line: Line the statement begins at, also used for names whose line is not known.
        offset: Lines before the text that the syntax tree was made from.
        excerpt: Beginning of the statement, for problems.
        column: Column the statement begins at.
    """

    def __init__(
        self, session: Session, line: int, offset: int = 0, excerpt: str = "", column: int = 1
    ) -> None:
        self.session = session
        self.line = line
        self.column = column
        self.kind = StatementKind.OTHER
        self.temporary = False
        self.conditional = False
        self.deferred = False
        self.columns: list[str] = []  #: names that a statement read by its tokens gives columns
        self.takes_shape = False  #: it makes a table and puts no rows into it
        self.keeps_columns = False  #: it fills a table anew from where that came from before
        self.problems: list[SqlProblem] = []
        self._offset = offset
        self._excerpt = excerpt
        self._sets: dict[str, set[Dataset]] = {}
        self._reads: dict[Dataset, bool] = {}  #: and whether only unused expressions name it
        self._renames: list[tuple[Dataset, Dataset]] = []
        self._swaps: list[tuple[Dataset, Dataset]] = []
        self._places: list[Place] = []
        self._later: list[Named] = []

    # -- by syntax node ----------------------------------------------------------------------

    def read_all(
        self, root: exp.Expr | Gathered | None, skip: frozenset[int] = frozenset()
    ) -> None:
        """Count every table of a tree as read, but the nodes whose ``id()`` is in ``skip``."""
        if root is None:
            return
        tree = root if isinstance(root, Gathered) else gather(root)
        for name in tables_read(tree, self.session, skip):
            if isinstance(name, UnknownNameError):
                self.problem(str(name), name.line, name.column)
            else:
                self.read(name)

    def resolve(self, node: exp.Expr | None) -> list[Named]:
        """The datasets that a node in a target's place names."""
        target = table_of(node)
        if target is None:
            return []
        try:
            return named(target, self.session)
        except UnknownNameError as problem:
            self.problem(str(problem), problem.line, problem.column)
            return []

    # -- by name -----------------------------------------------------------------------------

    def read(self, name: Named) -> None:
        """Count one dataset as read."""
        self._reads[name.dataset] = self._reads.get(name.dataset, True) and name.unused
        self._place(Role.READ, name)

    def write(self, name: Named, *, replaces: bool = False) -> None:
        """Count one dataset as written; ``replaces`` where nothing of it is left."""
        self._add("writes", Role.WRITE, name)
        if replaces:
            self._sets.setdefault("replaces", set()).add(name.dataset)

    def create(self, name: Named) -> None:
        """Count one dataset as created, and thereby written."""
        self.write(name)
        self._sets.setdefault("creates", set()).add(name.dataset)
        self.session.created(name.dataset, self.temporary)

    def create_later(self, name: Named) -> None:
        """Count one dataset as created by what this statement reads from here on."""
        self._later.append(name)

    def drop(self, name: Named) -> None:
        """Count one dataset as dropped."""
        self._add("drops", Role.DROP, name)
        self.session.dropped(name.dataset)

    def rename(self, old: Named, new: Named) -> None:
        """Count one dataset as renamed."""
        self._renames.append((old.dataset, new.dataset))
        self._place(Role.READ, old)
        self._place(Role.DROP, old)
        self._place(Role.WRITE, new)
        temporary = self.session.is_temporary(old.dataset)
        self.session.dropped(old.dataset)
        self.session.created(new.dataset, temporary)

    def swap(self, one: Named, other: Named) -> None:
        """Count two datasets as exchanged."""
        self._swaps.append((one.dataset, other.dataset))
        for name in (one, other):
            self._place(Role.READ, name)
            self._place(Role.WRITE, name)

    def problem(self, message: str, line: int = 0, column: int = 0) -> None:
        """Note something that could not be read; without a place, at the statement's beginning."""
        self.problems.append(self.note(message, line, column))

    def note(self, message: str, line: int = 0, column: int = 0) -> SqlProblem:
        """A problem with this statement, in a line of the text that was parsed."""
        at = (self.line_of(line), column or 1) if line else (self.line, self.column)
        return SqlProblem(message, *at, self._excerpt)

    def line_of(self, line: int) -> int:
        """The line of the whole text that a line of the parsed text is; its own where that is 0."""
        return line + self._offset if line else self.line

    def build(self) -> StatementEffect:
        """The effect so far."""
        for name in self._later:
            self.create(name)
        self._later.clear()
        reads = frozenset(self._reads)
        return StatementEffect(
            kind=self.kind,
            line=self.line,
            reads=reads,
            writes=frozenset(self._sets.get("writes", ())),
            creates=frozenset(self._sets.get("creates", ())),
            drops=frozenset(self._sets.get("drops", ())),
            renames=tuple(self._renames),
            swaps=tuple(self._swaps),
            temporary=self.temporary,
            error=self.problems[0] if self.problems else None,
            replaces=frozenset(self._sets.get("replaces", ())),
            unused=frozenset([name for name, unused in self._reads.items() if unused]),
            conditional=self.conditional,
            deferred=self.deferred,
            places=tuple(self._places),
        )

    def _add(self, key: str, role: Role, name: Named) -> None:
        self._sets.setdefault(key, set()).add(name.dataset)
        self._place(role, name)

    def _place(self, role: Role, name: Named) -> None:
        self._places.append(Place(role, name.dataset, self.line_of(name.line)))


def table_of(node: exp.Expr | None) -> exp.Expr | None:
    """The table node inside a target such as ``t (a, b)``, or the node itself."""
    while isinstance(node, (exp.Schema, exp.Alias, exp.Paren)):
        node = node.this
    return node
