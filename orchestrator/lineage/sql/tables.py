"""Which tables a syntax tree names, and which of its names are common table expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orchestrator.lineage.sql import functions
from orchestrator.lineage.sql.names import Session, parser_dialect
from orchestrator.lineage.sql.sight import Sight, reached
from orchestrator.lineage.sql.walk import Gathered, gather
from orchestrator.model.dataset import Dataset, DatasetKind

_NAME_FUNCTIONS = frozenset({"identifier", "table"})
_DICTIONARY = "dictget"
#: First characters of variables, where the dialect takes them for names.
_SIGILS = frozenset("$:@?")


#: What goes wrong in a tree that lacks what trees of its kind have; parsers let some through.
STRANGE = (AttributeError, IndexError, KeyError, TypeError, ValueError, StopIteration)


@dataclass(frozen=True, slots=True)
class Named:
    """One dataset that a tree names.

    Args:
        dataset: The dataset.
        line: Line of the name in the text that was parsed, or 0 where it is not known.
        unused: Only an unused common table expression names it.
    """

    dataset: Dataset
    line: int
    unused: bool = False


class UnknownNameError(Exception):
    """A table whose name is only known when the statement runs."""

    def __init__(self, node: exp.Expr, session: Session) -> None:
        text = node.sql(dialect=parser_dialect(session.dialect))
        super().__init__(f"the table {text!r} is only known when the statement runs")
        self.line, self.column = _begin(node)


def _begin(node: exp.Expr) -> tuple[int, int]:
    """(line, column) at which a node begins, 0 where that is not known."""
    for part in node.walk(bfs=False):
        meta = part.meta
        if meta.get("line"):
            return int(meta["line"]), int(meta["col"]) - int(meta["end"]) + int(meta["start"])
    return 0, 0


def line_of(node: exp.Expr) -> int:
    """Line of the first identifier in ``node``, or 0."""
    inner = node.args.get("this")
    if type(inner) is exp.Identifier:
        line = inner.meta.get("line")
        if line:
            return int(line)
    for identifier in node.find_all(exp.Identifier, exp.Literal, exp.Var):
        line = identifier.meta.get("line")
        if line:
            return int(line)
    return 0


def named(table: exp.Expr, session: Session) -> list[Named]:
    """The datasets that one table node names: usually one, none for a function of values.

    Args:
        table: A Table node, or whatever stands where a table may stand.
        session: Defaults and what happened before.

    Raises:
        UnknownNameError: The name is a parameter or an expression.
    """
    inner = table.this if isinstance(table, exp.Table) else table
    if isinstance(inner, (exp.Identifier, exp.Dot)) and isinstance(table, exp.Table):
        return _from_parts(table, session)
    if isinstance(inner, exp.Var):
        return _one(session.table([(inner.name, False)]), table)
    if isinstance(inner, exp.Literal) and inner.is_string:
        return _one(_from_text(inner.name, session), table)
    if isinstance(inner, (exp.Placeholder, exp.Parameter, exp.SessionParameter)):
        if session.dialect in ("tsql", "fabric") and isinstance(inner, exp.Parameter):
            return []  # a table variable, which lives as long as the batch
        variable = session.variables.get(inner.name.lower())
        if variable is None:
            raise UnknownNameError(table, session)
        return _one(_from_text(variable, session), table)
    if isinstance(inner, (exp.DynamicIdentifier, exp.TableFromRows)):
        return _by_argument(inner.this, session, isinstance(inner, exp.TableFromRows))
    if isinstance(inner, exp.Func):
        return _function(inner, session)
    return []


def _from_parts(table: exp.Table, session: Session) -> list[Named]:
    inner = table.this
    if type(inner) is exp.Identifier and not (table.args.get("db") or table.args.get("catalog")):
        return _one(session.table([_part(inner)]), table)
    parts: list[tuple[str, bool]] = []
    skips_schema = table.args.get("catalog") and not table.args.get("db")
    for part in table.parts:
        if isinstance(part, (exp.Placeholder, exp.Parameter)):
            raise UnknownNameError(table, session)
        parts.append(_part(part))
    if skips_schema:
        parts.insert(-1, ("", False))
    return _one(session.table(parts), table)


def _part(node: exp.Expr) -> tuple[str, bool]:
    """One part of a name, and whether it is quoted."""
    args = node.args
    name = node.name
    if args.get("global_"):
        name = f"##{name}"
    elif args.get("temporary"):
        name = f"#{name}"
    return name, bool(args.get("quoted"))


def _one(dataset: Dataset | None, node: exp.Expr) -> list[Named]:
    return [Named(dataset, line_of(node))] if dataset else []


def _from_text(text: str, session: Session) -> Dataset | None:
    """A name that stands in a string, with quotes of its own where it needs them."""
    if "/" in text or text.startswith("@"):
        kind = DatasetKind.STAGE if text.startswith("@") else DatasetKind.FILE
        return Dataset(None, None, text, kind)
    table = exp.to_table(text, dialect=session.dialect if session.dialect != "db2" else "")
    found = _from_parts(table, session)
    return found[0].dataset if found else None


def _by_argument(argument: exp.Expr, session: Session, rows: bool) -> list[Named]:
    """``identifier('x')``, ``identifier(x)``, ``table('x')``."""
    if isinstance(argument, exp.Literal) and argument.is_string:
        return _one(_from_text(argument.name, session), argument)
    if isinstance(argument, exp.Column) and not rows:
        if argument.name[:1] in _SIGILS and argument.name not in session.variables:
            raise UnknownNameError(argument, session)
        parts = [(part.name, bool(part.args.get("quoted"))) for part in argument.parts]
        return _one(session.table(parts), argument)
    if isinstance(argument, exp.Func):
        return [
            name
            for column in functions.given_tables(argument)
            for name in _by_argument(column, session, False)
        ]
    if rows and not isinstance(argument, (exp.Placeholder, exp.Parameter)):
        return []
    return (
        named(exp.Table(this=argument), session)
        if _is_variable(argument)
        else _unknown(argument, session)
    )


def _is_variable(node: exp.Expr) -> bool:
    return isinstance(node, (exp.Placeholder, exp.Parameter, exp.SessionParameter))


def _unknown(node: exp.Expr, session: Session) -> list[Named]:
    raise UnknownNameError(node, session)


def _function(function: exp.Func, session: Session) -> list[Named]:
    name = functions.name_of(function)
    if name in _NAME_FUNCTIONS:
        arguments = function.expressions
        return _by_argument(arguments[0], session, False) if arguments else []
    if name in functions.QUERIES:
        return _queried(function, session)
    if name == "merge" and session.dialect == "clickhouse":
        raise UnknownNameError(function, session)  # all tables whose names match
    if address := functions.foreign(function):
        return [Named(Dataset(None, None, address, DatasetKind.FILE), line_of(function))]
    if parts := functions.remote(function):
        return _one(session.table(parts), function)
    if found := functions.tables(function):
        return [n for text in found for n in _one(_from_text(text.name, session), text)]
    return [
        Named(Dataset(None, None, text.name, DatasetKind.FILE), line_of(text))
        for text in functions.files(function)
    ]


def query_in(function: exp.Expr, session: Session) -> exp.Expr | None:
    """The query that ``query('…')`` or ``OPENQUERY(server, '…')`` holds as a text.

    Raises:
        UnknownNameError: The text cannot be read.
    """
    if not isinstance(function, exp.Func) or functions.name_of(function) not in functions.QUERIES:
        return None
    text = next(reversed(functions.arguments(function)), None)
    if not isinstance(text, exp.Literal) or not text.is_string:
        return None
    try:
        return sqlglot.parse_one(text.name, dialect=parser_dialect(session.dialect))
    except SqlglotError:
        raise UnknownNameError(function, session) from None


def _queried(function: exp.Func, session: Session) -> list[Named]:
    tree = query_in(function, session)
    given = functions.arguments(function)
    server = given[0].name if len(given) > 1 else ""
    found = []
    for name in tables_read(gather(tree), session) if tree is not None else ():
        if isinstance(name, UnknownNameError):
            raise name
        dataset = name.dataset
        if server:
            catalog = ".".join(part for part in (server, dataset.catalog) if part)
            schema = dataset.schema or "dbo"
            dataset = replace(dataset, catalog=session.fold(catalog, False), schema=schema)
        found.append(Named(dataset, line_of(given[-1])))
    return found


def tables_read(
    tree: Gathered, session: Session, skip: frozenset[int] = frozenset()
) -> Iterator[Named | UnknownNameError]:
    """Every dataset that a tree reads, common table expressions resolved as the engine does.

    Args:
        tree: A query, or a part of a statement.
        session: Defaults and what happened before.
        skip: ``id()`` of nodes that do something else than being read.

    Yields:
        A dataset, or the failure to name one.
    """
    found: list[tuple[exp.Expr, exp.CTE | None]] = []
    named_in: dict[int, list[exp.CTE]] = {}
    used: list[exp.CTE] = []
    sight = Sight(tree.root, session)
    for node in tree.tables:
        if id(node) in skip:
            continue
        target, home = sight.of(node) if tree.has_ctes else (None, None)
        if target is None:
            found.append((node, home))
        else:
            (used if home is None else named_in.setdefault(id(home), [])).append(target)
    live = reached(used, named_in, sight.writers) if tree.has_ctes else set()
    for named_node, home in found:
        unused = home is not None and id(home) not in live
        try:
            for name in named(named_node, session):
                yield Named(name.dataset, name.line, True) if unused else name
        except UnknownNameError as problem:
            yield problem
    if session.dialect == "clickhouse":
        yield from _dictionaries(tree, session)
        yield from _tables_of_in(tree, session)


def _tables_of_in(tree: Gathered, session: Session) -> Iterator[Named]:
    """ClickHouse's ``x IN t``, where t is a table."""
    expressions = {cte.alias for cte in tree.root.find_all(exp.CTE)}
    for node in tree.root.find_all(exp.In):
        field = node.args.get("field")
        if isinstance(field, exp.Column) and field.sql() not in expressions:
            parts = [(part.name, bool(part.args.get("quoted"))) for part in field.parts]
            yield from _one(session.table(parts), field)


def _dictionaries(tree: Gathered, session: Session) -> Iterator[Named]:
    for call in tree.calls:
        first = next(iter(call.expressions), None)
        if not call.name.lower().startswith(_DICTIONARY):
            continue
        dataset = None
        if isinstance(first, exp.Column):
            parts = [(part.name, bool(part.args.get("quoted"))) for part in first.parts]
            dataset = session.table(parts)
        elif isinstance(first, exp.Literal):
            dataset = _from_text(first.name, session)
        if first is not None and dataset:
            yield Named(dataset, line_of(first))
