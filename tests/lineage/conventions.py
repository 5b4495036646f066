"""What each acceptance suite means by sources and targets, drawn from the same primitive effects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.lineage import SqlLineage, StatementEffect, analyze_sql
from orchestrator.model.dataset import Dataset
from tests.missing import is_missing

SUITES = Path(__file__).resolve().parents[2].parent / "shared" / "acceptance" / "lineage"
Case = dict[str, Any]
Names = set[str]
#: Statements that sqllineage leaves out of its lineage.
_NO_LINEAGE = frozenset({"delete", "truncate", "alter", "cache"})


@dataclass(frozen=True)
class Tables:
    """Sources and targets by one suite's convention, folded as all suites compare them."""

    sources: frozenset[str]
    targets: frozenset[str]


def cases(suite: str) -> list[Case]:
    """The cases of a suite; skips the test where the suites are not here, except in CI."""
    path = SUITES / f"{suite}.jsonl"
    if not path.exists():
        is_missing(f"the acceptance suite {suite} is not beside the repository")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def analyze(case: Case) -> SqlLineage:
    """Run the analysis on a case."""
    return analyze_sql(
        case["sql"],
        dialect=case["dialect"],
        default_catalog=case.get("default_db"),
        default_schema=case.get("default_schema"),
        schema=_with_shards(case),
    )


def _with_shards(case: Case) -> dict[str, list[str]] | None:
    """DataHub knows the shards of a BigQuery table by one name; here each goes by its own."""
    schemas = dict(case.get("schemas") or {})
    for name in [name for name in schemas if name.endswith("_yyyymmdd")]:
        stem = re.escape(name.rsplit(".", 1)[-1].removesuffix("yyyymmdd"))
        for shard in re.findall(stem + r"\d+\*?", case["sql"]):
            schemas[name.rsplit(".", 1)[0] + "." + shard] = schemas[name]
    return schemas or None


def plain(dataset: Dataset | str) -> str:
    """A name without case."""
    return str(dataset).lower()


def _plain(datasets: Iterable[Dataset]) -> Names:
    return {plain(dataset) for dataset in datasets}


# -- sqllineage: a graph over the whole script; what is written and then read falls out -----------


def sqllineage(case: Case, lineage: SqlLineage) -> Tables:
    """Sources are only read, targets only written; drops and renames act on the graph."""
    graph = _Graph()
    for effect in _routines_as_one(lineage.statements):
        if effect.kind.value in _NO_LINEAGE:
            continue
        for name in _plain(effect.drops):
            graph.drop(name)
        for old, new in effect.renames:
            graph.rename(plain(old), plain(new))
        for one, other in effect.swaps:
            graph.add({plain(other)}, {plain(one)})
        graph.add(_plain(effect.reads), _plain(effect.writes))
    return graph.tables()


def _routines_as_one(statements: Iterable[StatementEffect]) -> list[StatementEffect]:
    """To sqllineage the body of a routine is one statement."""
    merged: list[StatementEffect] = []
    for effect in statements:
        if effect.deferred and merged and merged[-1].deferred:
            last = merged.pop()
            merged.append(
                replace(last, reads=last.reads | effect.reads, writes=last.writes | effect.writes)
            )
        else:
            merged.append(effect)
    return merged


class _Graph:
    def __init__(self) -> None:
        self.edges: set[tuple[str, str]] = set()
        self.only_read: Names = set()
        self.only_written: Names = set()

    def add(self, reads: Names, writes: Names) -> None:
        if reads and writes:
            self.edges |= {(read, write) for read in reads for write in writes}
        else:
            self.only_read |= reads
            self.only_written |= writes

    def _loose(self, name: str) -> bool:
        return not any(name in edge for edge in self.edges)

    def drop(self, name: str) -> None:
        if self._loose(name):
            self.only_read.discard(name)
            self.only_written.discard(name)

    def rename(self, old: str, new: str) -> None:
        self._map({old: new})

    def _map(self, names: dict[str, str]) -> None:
        moved = {(names.get(a, a), names.get(b, b)) for a, b in self.edges}
        self.edges = {edge for edge in moved if edge[0] != edge[1] or edge in self.edges}
        self.only_read = {names.get(name, name) for name in self.only_read}
        self.only_written = {names.get(name, name) for name in self.only_written}

    def tables(self) -> Tables:
        loops = {a for a, b in self.edges if a == b}
        starts = {a for a, _ in self.edges}
        ends = {b for _, b in self.edges}
        return Tables(
            frozenset((starts - ends) | self.only_read | loops),
            frozenset((ends - starts) | self.only_written | loops),
        )


# -- OpenLineage: the union of the statements --------------------------------------------------


def openlineage(case: Case, lineage: SqlLineage) -> Tables:
    """Deletes, drops and alterations are writes; what only unused expressions name is not read."""
    sources: Names = set()
    targets: Names = set()
    for effect in lineage.statements:
        if effect.error and effect.kind.value == "unknown":
            continue
        sources |= _plain(effect.reads - effect.unused - _locations(effect))
        targets |= _plain(effect.writes | effect.drops)
        for old, new in (*effect.renames, *effect.swaps):
            sources.add(plain(old))
            targets.add(plain(new))
        for one, other in effect.swaps:
            sources.add(plain(other))
            targets.add(plain(one))
    if case.get("compare") == "bare_name":
        sources = {name.rsplit(".", 1)[-1] for name in sources}
    return Tables(frozenset(sources), frozenset(targets))


def _locations(effect: StatementEffect) -> frozenset[Dataset]:
    """Where the rows of an external table lie; OpenLineage does not count it."""
    if effect.kind.value not in ("create", "create_as"):
        return frozenset()
    return frozenset(dataset for dataset in effect.reads if dataset.kind.value == "file")


# -- DataHub: temporary tables collapse, written tables are not sources ---------------------------

_SHARD = re.compile(r"_(\d{8}|\d{4,8}\*)$|_\*$")


def datahub(case: Case, lineage: SqlLineage) -> Tables:
    """One statement: targets are no sources. Several: edges, with temporary tables taken out."""
    if case.get("statements"):
        return _datahub_script(case, lineage)
    sources: Names = set()
    targets: Names = set()
    for effect in lineage.statements:
        reads, writes = _datahub_statement(effect)
        sources |= reads
        targets |= writes
    named = _qualified(case)
    return Tables(frozenset(map(named, sources)), frozenset(map(named, targets)))


def _datahub_statement(effect: StatementEffect) -> tuple[Names, Names]:
    reads, writes = _plain(effect.reads), _plain(effect.writes | effect.drops)
    for old, new in effect.renames:
        writes |= {plain(old), plain(new)}
    reads -= writes
    if effect.kind.value == "update":
        reads |= writes
    return reads, writes


def _qualified(case: Case) -> Callable[[str], str]:
    """DataHub folds the shards of a BigQuery table, and gives ``#table`` the usual schema."""
    prefix = ".".join(part for part in (case.get("default_db"), case.get("default_schema")) if part)

    def name_of(name: str) -> str:
        if case["dialect"] == "bigquery":
            name = _SHARD.sub("_yyyymmdd", name.removesuffix("$__unpartitioned__"))
        return f"{prefix}.{name}" if name.startswith("#") and prefix else name

    return name_of


def _datahub_script(case: Case, lineage: SqlLineage) -> Tables:
    origins: dict[str, Names] = {}  # what a temporary table stands for
    edges: list[tuple[Names, str]] = []
    loose: Names = set()
    for effect in lineage.statements:
        reads, writes = _datahub_statement(effect)
        reads = {origin for name in reads for origin in origins.get(name, {name})}
        for old, new in effect.renames:
            edges.append((origins.pop(plain(old), {plain(old)}), plain(new)))
        for one, other in effect.swaps:
            edges += _exchanged(plain(one), plain(other), edges, origins)
        if not writes:
            loose |= reads
        for name in writes if not effect.renames else ():
            if name in origins or (effect.temporary and effect.creates):
                origins[name] = origins.get(name, set()) | reads
            else:
                edges.append((reads, name))
    sources = loose | {name for reads, _ in edges for name in reads}
    return Tables(frozenset(sources), frozenset(target for _, target in edges))


def _exchanged(
    one: str, other: str, edges: list[tuple[Names, str]], origins: dict[str, Names]
) -> list[tuple[Names, str]]:
    if other in origins:
        return [(origins[other], one)]
    return [({other}, one), ({one}, other)]


TABLE_CONVENTIONS: dict[str, Callable[[Case, SqlLineage], Tables]] = {
    "sqllineage_table": sqllineage,
    "openlineage": openlineage,
    "datahub": datahub,
}


# -- columns ------------------------------------------------------------------------------------

#: (source table, source column, target table, target column); None where there is none.
Edge = tuple[str | None, str | None, str | None, str | None]


def expected_columns(case: Case) -> set[Edge]:
    """The column edges of a case, without case."""
    return {
        (_low(edge[0]), _low(edge[1]), _low(edge[2]), _low(edge[3]))
        for edge in case["column_lineage"]
    }


def _low(name: str | None) -> str | None:
    return name if name is None else name.lower()


def sqllineage_columns(case: Case, lineage: SqlLineage) -> set[Edge]:
    """Paths from columns nothing flows into to columns nothing flows out of; rows count as ``*``."""
    edges: set[tuple[tuple[str | None, str], tuple[str, str]]] = set()
    for flow in lineage.column_flows:
        if flow.target is None:
            continue
        target = (plain(flow.target), flow.column.lower())
        for dataset, column in flow.sources:
            edges.add(((plain(dataset), column.lower()), target))
        for column in flow.unresolved:
            edges.add(((None, column.lower()), target))
        for dataset in flow.counted:
            edges.add(((plain(dataset), "*"), target))
    starts = {a for a, _ in edges} - {b for a, b in edges if a != b}
    ends = {b for _, b in edges} - {a for a, b in edges if a != b}
    found: set[Edge] = {(*a, *b) for a, b in edges if a == b}
    for start in starts:
        reached, waiting = set(), [start]
        while waiting:
            here = waiting.pop()
            if here not in reached:
                reached.add(here)
                waiting += [b for a, b in edges if a == here]
        found |= {(*start, *end) for end in reached & ends if end != start or (start, end) in edges}
    return found


def openlineage_columns(case: Case, lineage: SqlLineage) -> set[Edge]:
    """What goes into the output of any statement; columns without a name are numbered."""
    found: set[Edge] = set()
    nameless: dict[int, int] = {}
    for flow in lineage.column_flows:
        column = flow.column.lower()
        if not flow.named and flow.sources:
            column = f"_{nameless.get(flow.statement, 0)}"
            nameless[flow.statement] = nameless.get(flow.statement, 0) + 1
        found |= {
            (plain(dataset), source.lower(), None, column) for dataset, source in flow.sources
        }
    return found


def datahub_columns(case: Case, lineage: SqlLineage) -> set[Edge]:
    """Single statements: every column, with or without a source. Scripts: edges between tables."""
    named = _qualified(case)
    if case.get("statements"):
        return {(plain(a), b.lower(), plain(c), d.lower()) for a, b, c, d in lineage.columns}
    found: set[Edge] = set()
    for flow in lineage.column_flows:
        target = named(plain(flow.target)) if flow.target else None
        column = flow.column.lower()
        for dataset, source in flow.sources:
            found.add((named(plain(dataset)), source.lower(), target, column))
        if not flow.sources:
            found.add((None, None, target, column))
    return found


COLUMN_CONVENTIONS: dict[str, Callable[[Case, SqlLineage], set[Edge]]] = {
    "sqllineage_column": sqllineage_columns,
    "openlineage": openlineage_columns,
    "datahub": datahub_columns,
}
