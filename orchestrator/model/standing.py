"""Datasets that stand for others: a view over files is read where its files are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.facts import TaskFacts
from orchestrator.model.warehouse import Warehouse


def stand_ins(warehouses: Iterable[Warehouse]) -> dict[Dataset, Access]:
    """What is read in the place of a dataset, as the warehouses that have ``stands_for`` know it."""
    found: dict[Dataset, Access] = {}
    for warehouse in warehouses:
        known: Mapping[Dataset, Access] = getattr(warehouse, "stands_for", {})
        found |= known
    return found


def with_stand_ins(facts: TaskFacts, known: Mapping[Dataset, Access]) -> TaskFacts:
    """Add to what a task reads what stands behind it."""
    behind = tuple(known[read.dataset] for read in facts.reads if read.dataset in known)
    return replace(facts, reads=(*facts.reads, *behind)) if behind else facts
