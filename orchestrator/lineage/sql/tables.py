"""Which tables a syntax tree names, and which of its names are common table expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from orchestrator.lineage.sql.names import Session, parser_dialect
from orchestrator.lineage.sql.walk import Gathered
from orchestrator.model.dataset import Dataset, DatasetKind

#: Dialects in which a common table expression may name itself without RECURSIVE.
_IMPLICIT_RECURSION = frozenset({"tsql", "fabric", "oracle", "snowflake", "teradata", "db2"})
#: Dialects that compare the names of common table expressions without case.
_CTE_INSENSITIVE = frozenset({"bigquery", "mysql", "doris", "starrocks"})
#: Table functions whose first argument is a file, a list of files, or a location.
_FILE_FUNCTIONS = frozenset(
    {"read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json", "read_json_auto"}
    | {"read_ndjson", "read_ndjson_auto", "read_json_objects", "read_text", "read_blob"}
    | {"read_xlsx", "delta_scan", "iceberg_scan", "st_read", "read_files", "s3", "s3cluster", "gcs"}
    | {"url", "hdfs", "file", "azureblobstorage", "deltalake", "iceberg", "sniff_csv", "read_avro"}
)
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
        self.line = line_of(node)


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
    name = (
        function.name.lower()
        if isinstance(function, exp.Anonymous)
        else function.sql_name().lower()
    )
    if name in _NAME_FUNCTIONS:
        arguments = function.expressions
        return _by_argument(arguments[0], session, False) if arguments else []
    if name not in _FILE_FUNCTIONS:
        return []
    first = function.this if not isinstance(function, exp.Anonymous) else None
    first = first or next(iter(function.expressions), None)
    texts = first.expressions if isinstance(first, exp.Array) else [first]
    return [
        Named(Dataset(None, None, text.name, DatasetKind.FILE), line_of(text))
        for text in texts
        if isinstance(text, exp.Literal) and text.is_string
    ]


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
    referenced: dict[int, list[exp.CTE | None]] = {}
    sight = _Sight(tree.root, session)
    for node in tree.tables:
        if id(node) in skip:
            continue
        target, home = sight.of(node) if tree.has_ctes else (None, None)
        if target is None:
            found.append((node, home))
        else:
            referenced.setdefault(id(target), []).append(home)
    for named_node, home in found:
        unused = home is not None and not _is_used(home, referenced)
        try:
            for name in named(named_node, session):
                yield Named(name.dataset, name.line, True) if unused else name
        except UnknownNameError as problem:
            yield problem
    if session.dialect == "clickhouse":
        yield from _dictionaries(tree, session)


class _Sight:
    """Finds, for each node of a tree, which common table expression its name means.

    Args:
        root: The tree; what stands above it is not seen.
        session: How names are folded.
    """

    def __init__(self, root: exp.Expr, session: Session) -> None:
        self._root = root
        self._session = session
        self._nearest: dict[int, exp.Expr | None] = {}

    def of(self, node: exp.Expr) -> tuple[exp.CTE | None, exp.CTE | None]:
        """(the expression that ``node`` names, the expression that ``node`` stands in)."""
        name = _bare_name(node, self._session)
        meant: exp.CTE | None = None
        home: exp.CTE | None = None
        place = self._bearer(node)
        while place is not None and (home is None or (meant is None and name is not None)):
            if isinstance(place, exp.CTE):
                home = home or place
                clause = place.parent
                if meant is None and name is not None and isinstance(clause, exp.With):
                    meant = _earlier(clause, place, node, name, self._session)
                above = clause.parent if clause is not None else None
            else:
                if meant is None and name is not None:
                    meant = _among(place.args["with_"].expressions, name, self._session)
                above = place
            place = None if above is None or above is self._root else self._bearer(above)
        return meant, home

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


def _among(expressions: list[exp.CTE], name: str, session: Session) -> exp.CTE | None:
    for expression in reversed(expressions):
        alias = expression.args.get("alias")
        if alias is not None and alias.this and _folded(alias.this, session) == name:
            return expression
    return None


def _earlier(
    clause: exp.With, child: exp.Expr, node: exp.Expr, name: str, session: Session
) -> exp.CTE | None:
    """The expression of ``clause`` that is in sight inside its member ``child``."""
    expressions = clause.expressions
    if clause.args.get("recursive"):
        return _among(expressions, name, session)
    position = next(i for i, member in enumerate(expressions) if member is child)
    if session.dialect in _IMPLICIT_RECURSION and _in_second_branch(child, node):
        position += 1
    return _among(expressions[:position], name, session)


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


def _is_used(
    expression: exp.CTE,
    referenced: dict[int, list[exp.CTE | None]],
    seen: frozenset[int] = frozenset(),
) -> bool:
    if id(expression) in seen:
        return False
    if isinstance(expression.this, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        return True
    seen |= {id(expression)}
    homes = referenced.get(id(expression), [])
    return any(home is None or _is_used(home, referenced, seen) for home in homes)


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
