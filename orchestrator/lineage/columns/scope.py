"""Where the names of a query's columns are looked up: its tables, its aliases, the query around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.lineage.columns.relations import NOTHING, Item, Origin, Relation, union
from orchestrator.model.dataset import Dataset

#: Dialects in which a column may name an alias that stands before it in the same SELECT.
_LATERAL_ALIASES = frozenset(
    {"snowflake", "databricks", "spark", "redshift", "duckdb", "clickhouse", "teradata", "hive"}
)
#: Names that a dialect has itself and that look like columns.
_PSEUDO = {
    "oracle": frozenset(
        {"level", "rownum", "rowid", "ora_rowscn", "connect_by_isleaf", "connect_by_iscycle"}
        | {"sysdate", "systimestamp", "user", "uid"}
    ),
    "snowflake": frozenset({"level", "match_number", "classifier"}),
    "postgres": frozenset({"ctid", "xmin", "xmax", "tableoid"}),
}
#: Dialects in which ``sequence.nextval`` looks like a column.
_SEQUENCES = frozenset({"oracle", "snowflake", "db2", "databricks", "redshift"})
_OF_SEQUENCES = frozenset({"nextval", "currval"})


@dataclass(slots=True)
class Member:
    """One member of a FROM clause.

    Args:
        alias: Name it goes by, in lower case; empty where it has none.
        path: Parts of its full name, in lower case, for ``schema.table.column``.
        relation: Its columns.
    """

    alias: str
    path: tuple[str, ...]
    relation: Relation


@dataclass(slots=True)
class Scope:
    """The names that the expressions of one SELECT can use.

    Args:
        dialect: Canonical dialect.
        outer: The query around it, for correlated names.
        members: Its FROM clause, in order.
        merged: Columns that USING or NATURAL makes one of.
        aliases: Columns of the SELECT so far.
        parameters: Parameters of lambdas, which are no columns.
        hidden: Members that count only where they are named, such as ``excluded``.
        fresh: The rows to be inserted, which MySQL's ``values(x)`` refers to.
    """

    dialect: str
    outer: Scope | None = None
    members: list[Member] = field(default_factory=list)
    merged: set[str] = field(default_factory=set)
    natural: bool = False
    aliases: dict[str, tuple[Item, bool]] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    hidden: list[Member] = field(default_factory=list)
    fresh: Relation | None = None

    def column(self, parts: Sequence[str]) -> Origin:
        """What goes into a column that is written as ``parts``, the last being a column or field."""
        if len(parts) == 1:
            return self._bare(parts[0])
        if parts[-1].lower() in _OF_SEQUENCES and self.dialect in _SEQUENCES:
            return NOTHING
        for length in range(len(parts) - 1, 0, -1):
            member = self.member(parts[:length])
            if member is not None:
                return _with_fields(member.relation, parts[length], parts[length + 1 :])
        if self.outer is not None:
            found = self.outer._qualified(parts)
            if found is not None:
                return found
        return self._field(parts)

    def star(self, qualifier: Sequence[str]) -> list[Item]:
        """The columns of ``*`` or ``t.*``."""
        if qualifier:
            scope: Scope | None = self
            while scope is not None:
                member = scope.member(qualifier)
                if member is not None:
                    return member.relation.items
                scope = scope.outer
            return []
        seen: set[str] = set()
        items: list[Item] = []
        for member in self.members:
            for item in member.relation.items:
                key = item.name.lower()
                shared = key in self.merged or (self.natural and not item.is_star)
                if shared and key in seen:
                    continue
                seen.add(key)
                items.append(replace(item, origin=self._bare(item.name)) if shared else item)
        return items

    def datasets(self) -> frozenset[Dataset]:
        """The datasets whose rows ``count(*)`` counts."""
        return frozenset(
            dataset
            for member in self.members
            for item in member.relation.items
            for dataset, _ in item.origin.sources
        )

    def _qualified(self, parts: Sequence[str]) -> Origin | None:
        for length in range(len(parts) - 1, 0, -1):
            member = self.member(parts[:length])
            if member is not None:
                return _with_fields(member.relation, parts[length], parts[length + 1 :])
        return self.outer._qualified(parts) if self.outer is not None else None

    def member(self, qualifier: Sequence[str]) -> Member | None:
        """The member of FROM that goes by a name, by its alias first."""
        wanted = tuple(part.lower() for part in qualifier)
        members = [*self.members, *self.hidden] if self.hidden else self.members
        for member in members:
            if len(wanted) == 1 and member.alias == wanted[0]:
                return member
        for member in members:
            if member.path and member.path[-len(wanted) :] == wanted:
                return member
        return None

    def _bare(self, name: str) -> Origin:
        if name.lower() in self.parameters or self._is_pseudo(name):
            return NOTHING
        found = self._own(name)
        if found is not None:
            return found
        scope = self.outer
        while scope is not None:
            found = scope._own(name)
            if found is not None:
                return found
            scope = scope.outer
        return Origin(unresolved=frozenset({name})) if self.members else NOTHING

    def _is_pseudo(self, name: str) -> bool:
        """Whether the dialect has the name itself, and no table here has such a column."""
        if name.lower() not in _PSEUDO.get(self.dialect, ()):
            return False
        return all(member.relation.known(name) is None for member in self.members)

    def _own(self, name: str) -> Origin | None:
        """The column in this query: of the one table that has it, of an alias, of an open table."""
        known = [m.relation.known(name) for m in self.members]
        certain = [origin for origin in known if origin is not None]
        open_members = [m for m in self.members if m.relation.is_open]
        if name.lower() in self.merged or (self.natural and certain):
            return union([*certain, *(_guess(m, name) for m in open_members)])
        if len(certain) == 1:
            return certain[0]
        if certain:
            return Origin(unresolved=frozenset({name}))
        alias = self._alias(name, certain_only=not open_members)
        if alias is not None:
            return alias
        if len(open_members) == 1:
            return _guess(open_members[0], name)
        real = [m for m in open_members if not m.relation.blank]
        if len(real) == 1 and len(open_members) > 1:
            return _guess(real[0], name)
        row = self.member([name])
        if row is not None and not row.relation.is_open:
            return union(item.origin for item in row.relation.items)
        return Origin(unresolved=frozenset({name})) if open_members else None

    def _alias(self, name: str, certain_only: bool) -> Origin | None:
        found = self.aliases.get(name.lower())
        if found is None:
            return None
        item, names_itself = found
        if certain_only:
            return item.origin
        return item.origin if self.dialect in _LATERAL_ALIASES and not names_itself else None

    def _field(self, parts: Sequence[str]) -> Origin:
        """``column.field.field`` of a struct, where no table goes by the first part."""
        scope: Scope | None = self
        while scope is not None:
            found = [
                _with_fields(member.relation, parts[0], parts[1:])
                for member in scope.members
                if member.relation.known(parts[0]) is not None
            ]
            if len(found) == 1:
                return found[0]
            scope = scope.outer
        open_members = [m for m in self.members if m.relation.stars]
        if len(open_members) == 1 and len(self.members) == 1:
            return _with_fields(open_members[0].relation, parts[0], parts[1:])
        return Origin(unresolved=frozenset({".".join(parts)}))


def _guess(member: Member, name: str) -> Origin:
    return member.relation.guessed(name) or NOTHING


def _with_fields(relation: Relation, column: str, fields: Sequence[str]) -> Origin:
    """A column of a relation, or a field of it where the column comes straight from a dataset."""
    whole = relation.find(".".join([column, *fields])) if fields else None
    origin = relation.find(column)
    if origin is None:
        return NOTHING
    if not fields or len(origin.sources) != 1:
        return origin
    dataset, source = next(iter(origin.sources))
    if source.lower() != column.lower():
        return origin
    if whole is not None and relation.known(".".join([column, *fields])) is not None:
        return whole
    return Origin(frozenset({(dataset, ".".join([source, *fields]))}), origin.unresolved)


def merged_names(names: Iterable[str]) -> set[str]:
    """Names of USING in the form they are compared in."""
    return {name.lower() for name in names}
