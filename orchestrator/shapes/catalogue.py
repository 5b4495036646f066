"""Datasets, and what feeds what, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.shapes.values import Shape, evidence

if TYPE_CHECKING:
    from orchestrator.service.catalogue.entries import Catalogue, Entry, Use
    from orchestrator.service.catalogue.outcomes import Outcome, Outcomes
    from orchestrator.service.catalogue.tracing import End, Lineage


def dataset(entry: Entry, outcomes: Outcomes, now: datetime) -> Shape:
    """A row of the list: what it is, when it was built, how many rows, how fresh, its tests."""
    built = _builds(entry, outcomes)
    tests = [_passed(_of(use, outcomes)) for use in entry.guards]
    return {
        "name": entry.name,
        "description": entry.said.description if entry.said else "",
        "layer": entry.layer,
        "kind": entry.kind,
        "columns": len(entry.columns),
        "built": _built(built[0]) if built else None,
        "rows": next((one.rows for one in built if one.rows is not None), None),
        "fresh": _fresh(entry, built, now),
        "tests": {
            "passed": tests.count(True),
            "failed": tests.count(False),
            "unknown": tests.count(None),
        },
        "readers": len(entry.readers),
        "writers": len(entry.writers),
    }


def whole_dataset(entry: Entry, outcomes: Outcomes, now: datetime, sql: str | None) -> Shape:
    """All that is known of a dataset; ``columns`` are listed here."""
    return {
        **dataset(entry, outcomes, now),
        "columns": [
            {
                "name": name, "type": column.type, "description": column.description,
                "tests": list(column.tests),
            }
            for name, column in entry.columns.items()
        ],
        "columns_unknown": entry.unknown,
        "readers": [_use(use) for use in entry.readers],
        "writers": [_use(use) for use in entry.writers],
        "tests_list": [_test(use, _of(use, outcomes)) for use in entry.guards],
        "sql": sql,
        "history": [
            {"at": one.at, "rows": one.rows, "seconds": one.seconds, "run_id": one.run_id,
             "key": one.key, "state": one.state}
            for one in _builds(entry, outcomes)
        ],
    }  # fmt: skip


def lineage(found: Lineage, catalogue: Catalogue) -> Shape:
    """``datasets`` with the columns that take part, ``edges``, and what is ``unknown``."""
    return {
        "dataset": str(found.dataset),
        "column": found.column,
        "datasets": [
            {
                "name": str(reached),
                "layer": entry.layer if entry else "external",
                "kind": entry.kind if entry else "table",
                "columns": names,
            }
            for reached, names in found.columns().items()
            for entry in (catalogue.entries.get(reached),)
        ],
        "edges": [
            {
                "from": _end(link.source),
                "to": _end(link.target),
                "task": link.task,
                "evidence": [evidence(one) for one in link.evidence],
                "kind": link.kind,
                "notes": link.notes,
            }
            for link in found.links
        ],
        "unknown": [{"dataset": str(one), "why": why} for one, why in found.unknown.items()],
        "truncated": found.is_cut,
    }


def _end(end: End) -> Shape:
    return {"dataset": str(end[0]), "column": end[1]}


def _use(use: Use) -> Shape:
    return {
        "key": use.task.key, "flow": use.flow, "name": use.task.name,
        "resource_type": use.task.resource_type, "path": use.task.path,
        "evidence": [evidence(one) for one in use.evidence],
    }  # fmt: skip


def _builds(entry: Entry, outcomes: Outcomes) -> list[Outcome]:
    """What became of the tasks that write it, the newest first."""
    found = {
        (one.run_id, one.key): one
        for use in entry.writers
        for one in _of(use, outcomes)
        if one.at is not None
    }
    return sorted(found.values(), key=_when, reverse=True)


def _of(use: Use, outcomes: Outcomes) -> list[Outcome]:
    from orchestrator.service.catalogue.outcomes import outcomes_of

    return outcomes_of(outcomes, use.flow, use.task)


def _when(one: Outcome) -> datetime:
    assert one.at is not None
    return one.at


def _built(one: Outcome) -> Shape:
    return {"run_id": one.run_id, "key": one.key, "at": one.at, "state": one.state}


def _fresh(entry: Entry, built: Iterable[Outcome], now: datetime) -> Shape:
    """When it last got data, how long that is ago, and whether that is soon enough."""
    said = entry.said
    at = next((one.at for one in built if one.passed), None)
    if said is not None and said.loaded and (at is None or not entry.writers):
        at = _instant(said.loaded)
    age = None if at is None else max(0.0, (now - at).total_seconds())
    limit = said.limit if said is not None else None
    ok = None if age is None or limit is None else age <= limit
    return {"at": at, "age_seconds": age, "ok": ok}


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _passed(outcomes: Sequence[Outcome]) -> bool | None:
    return next((one.passed for one in outcomes if one.passed is not None), None)


def _test(use: Use, outcomes: Sequence[Outcome]) -> Shape:
    last = next((one for one in outcomes if one.passed is not None), None)
    return {
        "key": use.task.key, "name": use.task.name, "flow": use.flow,
        "state": last.state if last else None, "at": last.at if last else None,
        "failures": last.failures if last else None, "run_id": last.run_id if last else None,
    }  # fmt: skip
