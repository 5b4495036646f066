"""What each statement of a SQL text does, told by parsing it: its words and the tables it concerns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from orchestrator.lineage.sql.analyze import make_request
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementEffect
from orchestrator.lineage.sql.reader import read
from orchestrator.model.dataset import Dataset, Namespace, fold

_FIRST = re.compile(r"\w+")
_PREPARE = re.compile(r"prepare\s+(\w+)", re.IGNORECASE)
_EXECUTE = re.compile(r"execute\s+(?!immediate\b)(\w+)", re.IGNORECASE)
#: Dialects whose EXECUTE calls a procedure.
_CALLING = frozenset({"tsql", "fabric"})
#: Words of the policy by the word a statement begins with, where its tree does not say more.
_BY_WORD = {
    "DROP": "drop", "TRUNCATE": "truncate", "DELETE": "delete", "UPDATE": "update",
    "INSERT": "insert", "MERGE": "merge", "ALTER": "alter", "RENAME": "alter",
    "EXCHANGE": "alter", "CREATE": "create", "UNDROP": "create", "COPY": "copy",
    "UNLOAD": "copy", "EXPORT": "copy", "GRANT": "grant", "REVOKE": "grant", "REASSIGN": "grant",
    "CALL": "call", "EXEC": "call", "EXECUTE": "execute", "USE": "use", "ATTACH": "attach",
    "DETACH": "attach", "INSTALL": "install", "LOAD": "install",
}  # fmt: skip
_BY_NODE: dict[type[exp.Expression], str] = {
    exp.Delete: "delete", exp.Update: "update", exp.Insert: "insert", exp.Merge: "merge",
    exp.TruncateTable: "truncate", exp.Drop: "drop", exp.Create: "create", exp.Alter: "alter",
}  # fmt: skip
#: What is dropped that stands in a schema, besides tables and views.
_IN_SCHEMA = frozenset(
    {"FUNCTION", "PROCEDURE", "SEQUENCE", "INDEX", "TYPE", "MACRO", "TRIGGER", "TASK", "PIPE"}
)


@dataclass(frozen=True, slots=True)
class Stated:
    """One statement.

    Args:
        line: Line of the text that it begins at, from 1.
        head: Its beginning, on one line.
        words: What it does, in the policy's words.
        concerns: Each thing that it changes: what to call it, and the table; None where it has no
            schema, or none is known.
        writes: Tables that it writes or drops and that outlive the script, each with its line.
        problem: Why it cannot be read, if so.
    """

    line: int
    head: str
    words: frozenset[str]
    concerns: tuple[tuple[str, Dataset | None], ...]
    writes: tuple[tuple[str, Dataset, int], ...]
    problem: str | None = None


def stated(sql: str, namespace: Namespace) -> list[Stated]:
    """Read a text.

    Args:
        sql: One statement or a script.
        namespace: Dialect and defaults of its names.

    Example:
        >>> [one] = stated("drop table core.orders -- drop table x", Namespace())
        >>> sorted(one.words), [name for name, _ in one.concerns]
        (['drop'], ['core.orders'])
    """
    noting = _Noting()
    request = make_request(
        sql,
        dialect=namespace.dialect,
        default_catalog=_exact(namespace.catalog),
        default_schema=_exact(namespace.schema),
    )
    effects = read(request, noting)
    passing: set[Dataset] = set()
    prepared: set[str] = set()
    found = []
    for index, effect in enumerate(effects):
        if effect.temporary:
            passing |= effect.creates
        head = noting.heads[index]
        one = _one(effect, head, noting.trees.get(index), passing, namespace)
        prepared |= {match[1].casefold() for match in [_PREPARE.match(head)] if match}
        found.append(replace(one, problem=one.problem or _unprepared(head, prepared, namespace)))
        passing -= effect.drops
    return found


def _unprepared(head: str, prepared: set[str], namespace: Namespace) -> str | None:
    """Why ``EXECUTE NAME`` cannot be read: nothing here prepares it, it is made when it runs."""
    match = _EXECUTE.match(head)
    if not match or namespace.dialect in _CALLING or match[1].casefold() in prepared:
        return None
    return "the SQL it executes is only known when it runs"


class _Noting:
    """Keeps what the reader sees of each statement."""

    def __init__(self) -> None:
        self.trees: dict[int, exp.Expr] = {}
        self.heads: dict[int, str] = {}

    def statement(self, tree: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """Keep its tree."""
        self.trees[index] = tree

    def filled_by(self, query: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """Nothing: queries change nothing."""

    def finished(self, index: int, effect: EffectBuilder, built: StatementEffect) -> None:
        """Keep its beginning."""
        self.heads[index] = " ".join(effect.note("").statement.split())


def _one(
    effect: StatementEffect,
    head: str,
    tree: exp.Expr | None,
    passing: set[Dataset],
    namespace: Namespace,
) -> Stated:
    touched = effect.writes | effect.drops | effect.replaces
    touched |= {name for pair in (*effect.renames, *effect.swaps) for name in pair}
    lasting = sorted(touched - passing, key=str)
    words = frozenset(_words(head, tree))
    concerns: list[tuple[str, Dataset | None]] = [(str(name), name) for name in lasting]
    if not touched and "drop" in words:
        concerns = list(_dropped(tree, namespace))
    if touched and not lasting:
        words = frozenset()  # it only changes what is gone with the session
    lines = {place.dataset: place.line for place in reversed(effect.places)}
    gone = effect.drops | {old for old, _ in effect.renames}
    writes = tuple(
        ("drops" if name in gone else "writes", name, lines.get(name, effect.line))
        for name in lasting
    )
    problem = effect.error.message if effect.error else None
    return Stated(effect.line, head, words, tuple(concerns), writes, problem)


def _words(head: str, tree: exp.Expr | None) -> Iterator[str]:
    first = _FIRST.match(head)
    word = _BY_WORD.get(first[0].upper()) if first else None
    if word is not None:
        yield word
    for node in tree.find_all(*_BY_NODE) if tree is not None else ():
        if node is tree or not isinstance(node, exp.Drop):  # ALTER TABLE … DROP COLUMN holds one
            yield next(word for kind, word in _BY_NODE.items() if isinstance(node, kind))
        if isinstance(node, (exp.Delete, exp.Update)) and _takes_all(node):
            yield f"{type(node).__name__.lower()}_without_where"


def _takes_all(node: exp.Expr) -> bool:
    """Whether a DELETE or UPDATE is held to no condition, or to one that always holds."""
    where = node.args.get("where")
    if isinstance(node.parent, exp.When):
        return False
    if where is None:
        return not any(node.args.get(part) for part in ("using", "tables", "from_", "from"))
    condition = simplify(where.this.copy())
    return isinstance(condition, exp.Boolean) and bool(condition.this)


def _dropped(tree: exp.Expr | None, namespace: Namespace) -> Iterator[tuple[str, Dataset | None]]:
    """What a DROP of something else than a table concerns."""
    if not isinstance(tree, exp.Drop):
        return
    kind = str(tree.args.get("kind") or "").upper()
    for table in tree.args.get("tables") or [tree.this]:
        parts = [part for part in getattr(table, "parts", ()) if isinstance(part, exp.Identifier)]
        if kind == "SCHEMA":
            parts = [table.args[part] for part in ("catalog", "db") if table.args.get(part)]
        names = [fold(p.name, bool(p.args.get("quoted")), namespace.dialect) for p in parts]
        label = f"{kind.lower()} {'.'.join(names)}".strip()
        if kind == "SCHEMA" and names:
            catalog = names[-2] if len(names) > 1 else namespace.catalog
            yield label, Dataset(catalog, names[-1], "*")
        elif kind in _IN_SCHEMA and names:
            yield label, namespace.resolve(*names[-3:])
        else:
            yield label, None


def _exact(name: str | None) -> str | None:
    """Quote a default that is folded already, so that it is not folded again."""
    return None if name is None else f'"{name}"'
