"""What an attempt really read and wrote: its statements, in the order they ran, taken together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.lineage.sql.effects import Role, StatementEffect, StatementKind
from orchestrator.lineage.sql.net import net_effect
from orchestrator.model.dataset import Dataset, DatasetKind, Namespace
from orchestrator.model.executed import Executed, Ran, StatementRecorder, Touch

#: Characters of a statement that are shown.
_SHOWN = 100
#: Statements that change how later names of the connection are read.
_SETS_NAMES = re.compile(
    r"\s*(?:use\b|set\s+(?:session\s+|local\s+)?(?:schema|search_path|catalog)\b)", re.IGNORECASE
)
#: Statements that touch no dataset, and need not be read to know it.
_IDLE = re.compile(
    r"\s*(?:begin|commit|rollback|start\s+transaction|abort|checkpoint|show|describe|pragma"
    r"|load|install|attach|detach|grant|revoke|comment|analyze|vacuum|create\s+schema)\b",
    re.IGNORECASE,
)
_LEADING_COMMENT = re.compile(r"\s*(?:/\*.*?\*/|--[^\n]*(?:\n|\Z))", re.DOTALL)
_CATALOGS = frozenset({"system", "temp"})
_SCHEMAS = frozenset({"information_schema", "pg_catalog"})

Analyze = Callable[..., Any]
_Step = tuple[Ran, StatementEffect, int]


def observe(
    recorder: StatementRecorder, analyze: Analyze, mask: Callable[[str], str] = str
) -> Executed | None:
    """Say what the statements of one attempt come to.

    Temporary tables, and what is made, renamed and dropped again on the way, fall out; so do the
    database's own catalogs.

    Args:
        recorder: Holds the statements.
        analyze: ``analyze_sql``, or the same behind a cache.
        mask: Hides secrets in a text.

    Returns:
        The accesses; None if nothing ran.

    Example:
        >>> from orchestrator.lineage import analyze_sql
        >>> recorder = StatementRecorder()
        >>> recorder.add("create temp table t as select * from raw.orders", Namespace())
        >>> recorder.add("insert into daily select * from t", Namespace())
        >>> found = observe(recorder, analyze_sql)
        >>> [str(touch.dataset) for touch in (*found.reads, *found.writes)]
        ['raw.orders', 'daily']
    """
    ran = recorder.statements()
    if not ran and not recorder.unchecked:
        return None
    steps, unread = _steps(ran, analyze)
    net = net_effect(effect for _, effect, _ in steps)
    touched = _Touched(steps, mask)
    reads = touched.all(net.reads, Role.READ)
    reads += _behind(recorder, reads)
    writes = touched.all(net.writes - recorder.own, Role.WRITE)
    return Executed(tuple(reads), tuple(writes), recorder.unchecked + unread)


def _steps(ran: Iterable[Ran], analyze: Analyze) -> tuple[list[_Step], int]:
    """The effects of each statement with the lines that stand before it, and how many had none."""
    known: dict[tuple[str, Namespace], list[tuple[StatementEffect, int]]] = {}
    settings: dict[int, str] = {}
    steps: list[_Step] = []
    unread = 0
    for each in ran:
        if each.reads:
            said = StatementEffect(StatementKind.SELECT, 1, reads=frozenset(each.reads))
            steps.append((each, said, 0))
        text = _uncommented(each.text)
        first, _, rest = text.partition(";")
        before = settings.get(each.connection, "")
        if _SETS_NAMES.match(first):
            settings[each.connection] = f"{before}{first.strip()};\n"
        elif not _IDLE.match(first):
            rest = text
        if not rest.strip():
            continue
        # dbt puts the node's name before each statement; without it many are the same.
        whole = before + (text if each.place is None else each.text)
        key = (whole, each.namespace)
        if key not in known:
            known[key] = list(_effects(whole, before.count("\n"), each.namespace, analyze))
        for effect, lines in known[key]:
            unread += effect.error is not None
            steps.append((each, effect, lines))
    return steps, unread


def _effects(
    text: str, lines: int, namespace: Namespace, analyze: Analyze
) -> Iterator[tuple[StatementEffect, int]]:
    """The effects of the statements of a text that stand after so many lines."""
    found = analyze(
        text,
        dialect=namespace.dialect,
        default_catalog=_exact(namespace.catalog),
        default_schema=_exact(namespace.schema),
    )
    for effect in found.statements:
        if effect.line > lines and not effect.deferred:
            yield effect, lines


def _behind(recorder: StatementRecorder, reads: list[Touch]) -> list[Touch]:
    """What stands behind the views that were read, as the database says."""
    found: list[Touch] = []
    known = {touch.dataset for touch in reads}
    for namespace, behind in recorder.behind.items():
        own = {
            touch.dataset: touch
            for touch in reads
            if touch.namespace == namespace and touch.dataset.kind is DatasetKind.TABLE
        }
        for view, dataset in behind(own):
            if dataset not in known and not _catalog(dataset, namespace):
                known.add(dataset)
                seen = own[view]
                found.append(Touch(dataset, namespace, seen.place, seen.statement))
    return found


class _Touched:
    """Finds the statement that first touched a dataset."""

    def __init__(self, steps: list[_Step], mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._first: dict[tuple[Role, Dataset], _Step] = {}
        for step in steps:
            effect = step[1]
            for dataset in (*effect.reads, *(old for old, _ in effect.renames)):
                self._first.setdefault((Role.READ, dataset), step)
            exchanged = (name for pair in effect.swaps for name in pair)
            for dataset in (*effect.writes, *(new for _, new in effect.renames), *exchanged):
                self._first.setdefault((Role.WRITE, dataset), step)

    def all(self, datasets: Iterable[Dataset], role: Role) -> list[Touch]:
        touches = (self._touch(d, role) for d in sorted(datasets, key=str))
        return [t for t in touches if t is not None]

    def _touch(self, dataset: Dataset, role: Role) -> Touch | None:
        ran, effect, lines = self._first[role, dataset]
        if _catalog(dataset, ran.namespace):
            return None
        found = [p.line for p in effect.places if p.role is role and p.dataset == dataset]
        line = min(found, default=effect.line) - lines
        place = ran.place(line) if ran.place is not None else ""
        return Touch(dataset, ran.namespace, place, _first_words(self._mask(ran.text)))


def _first_words(text: str) -> str:
    words = " ".join(_uncommented(text).split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1].rstrip() + "…"


def _uncommented(text: str) -> str:
    position = 0
    while comment := _LEADING_COMMENT.match(text, position):
        position = comment.end()
    return text[position:]


def _catalog(dataset: Dataset, namespace: Namespace) -> bool:
    """Whether it is one of the database's own views, or temporary by its name."""
    catalog, schema = (dataset.catalog or "").lower(), (dataset.schema or "").lower()
    if schema in _SCHEMAS or schema.startswith(("pg_temp", "pg_toast")):
        return True
    return namespace.dialect == "duckdb" and (catalog in _CATALOGS or schema == "temp")


def _exact(name: str | None) -> str | None:
    """Quote a default that is folded already, so that it is not folded again."""
    return None if name is None else f'"{name}"'
