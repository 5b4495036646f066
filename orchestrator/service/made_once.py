"""Runs that an idempotency key makes once: who asks again for the same gets the same run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import ConflictError, ParameterError
from orchestrator.model.flow import Flow
from orchestrator.service.binding import bound
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun


@dataclass(frozen=True, slots=True)
class Written:
    """A run that was written down, and whether this call made it."""

    run: FlowRun
    is_new: bool


def make_once(store: RunStore, run: FlowRun) -> Written:
    """Write a run down, or return the one that its key has made before.

    Raises:
        ConflictError: That one is of another flow.
    """
    kept = store.create_run(run)
    if kept == run.id:
        return Written(run, True)
    there = store.run(kept)
    if (there.flow, there.project) != (run.flow, run.project):
        raise _conflict(there, f"a run of {there.flow!r}")
    return Written(there, False)


def refuse_others(
    store: RunStore, flow: Flow | None, there: FlowRun, asked: FlowRun, given: Mapping[str, Any]
) -> None:
    """Refuse what would not have made the run that is there.

    Args:
        store: The run store.
        flow: The flow, if it is known here: then text and value that mean the same are the same.
        there: The run.
        asked: What would be made now.
        given: The parameters that were asked for now. One that was not counts as it did then:
            another deployment, or another day, may have other defaults.

    Raises:
        ConflictError: It differs in something.
    """
    wanted = _terms(asked, _as_bound(flow, {**_not_asked_for(store, there), **given}))
    had = _terms(there, _as_bound(flow, there.parameters))
    # What a deployment sets besides is its own.
    own = () if asked.deployment_id == there.deployment_id else ("options", "labels")
    others = [name for name in wanted if name not in own and wanted[name] != had[name]]
    if others:
        said = " and ".join(_said(name, wanted[name], had[name]) for name in others)
        raise _conflict(there, f"a run with other {said}")


def _terms(run: FlowRun, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All that two runs of a flow can differ in, as it is kept."""
    terms = {
        "parameters": parameters,
        "include": run.options.get("include"),
        "exclude": run.options.get("exclude"),
        "options": run.options.get("run"),
        "labels": run.labels,
    }
    found: dict[str, Any] = json.loads(json.dumps(terms, default=str))
    return found


def _said(name: str, wanted: Any, had: Any) -> str:
    if name != "parameters":
        return name
    names = sorted(key for key in wanted.keys() | had if wanted.get(key) != had.get(key))
    return f"parameters {', '.join(names)}"


def _not_asked_for(store: RunStore, there: FlowRun) -> Mapping[str, Any]:
    """The values of a run's parameters that nobody asked for: defaults as they were then."""
    if there.deployment_id is not None:
        return store.deployment(there.deployment_id).parameters
    asked = there.options.get("asked")
    if asked is None:  # made by an earlier version
        return {}
    return {name: value for name, value in there.parameters.items() if name not in asked}


def _as_bound(flow: Flow | None, values: Mapping[str, Any]) -> Mapping[str, Any]:
    if flow is None:
        return values
    try:
        return bound(flow, values)
    except ParameterError:  # the flow took others then
        return values


def _conflict(there: FlowRun, what: str) -> ConflictError:
    return ConflictError(
        f"the idempotency key {there.idempotency_key!r} has made {what} before",
        where=f"run {there.id}",
        fix="use another key for each run that is wanted",
    )
