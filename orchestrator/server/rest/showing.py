"""Runs as pages show them, each with the counts of its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator import instants
from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun


def shown(store: RunStore, runs: Sequence[FlowRun]) -> list[Shape]:
    """Return runs as JSON, their tasks counted in one go."""
    counts, now = store.counts([run.id for run in runs]), instants.now()
    return [shapes.seen(run, counts.get(run.id, {}), now=now) for run in runs]
