"""The process that deploys a checked-out project: ``python -m orchestrator.service.deploying.checkout``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, ParameterError, ProjectError
from orchestrator.model.flow import Flow
from orchestrator.model.planning import RunOptions
from orchestrator.service.catalogue.parameters import stand_in
from orchestrator.service.deploying.deploy import Deployed, Origin, Terms, deploy
from orchestrator.service.deploying.environments import environment_named
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project

#: The variable that holds what to deploy, as JSON: ``root``, ``settings``, ``flows``, ``terms``,
#: ``origin``, and ``answer``, the file to say in what came of it.
VARIABLE = "ORCHESTRATOR_CHECKOUT"


def main() -> int:
    """Deploy what the environment says; the answer is JSON in a file, whatever flows may print."""
    order = json.loads(os.environ.pop(VARIABLE))
    try:
        done = _deployed(order)
        answer: dict[str, Any] = {
            "deployments": [{"id": one.deployment.id, "is_new": one.is_new} for one in done]
        }
    except OrchestratorError as error:
        answer = {"error": {"type": type(error).__name__, "what": error.what,
                            "where": error.where, "fix": error.fix}}  # fmt: skip
    Path(order["answer"]).write_text(json.dumps(answer), "utf-8")
    return 1 if "error" in answer else 0


def _deployed(order: Mapping[str, Any]) -> tuple[Deployed, ...]:
    project = Project.find(Path(order["root"]), order["settings"])
    terms = Terms(**order["terms"])
    chosen = [project.flow(name) for name in order["flows"]] or list(project.flows.values())
    check_planned(project, chosen, terms)
    return deploy(project, order["flows"], terms, origin=Origin(**order["origin"]))


def check_planned(project: Project, flows: Iterable[Flow], terms: Terms) -> None:
    """Refuse flows that cannot be planned: all of them are tried, and each is told of.

    Raises:
        OrchestratorError: What hinders the only one that cannot be.
        ProjectError: Several cannot be.
    """
    place = environment_named(project, terms.to)
    given = {**(place.parameters if place else {}), **terms.parameters}
    options = RunOptions(target=place.target if place else None)
    failed: list[tuple[str, OrchestratorError]] = []
    for flow in flows:
        try:
            _planned(project, flow, given, options)
        except OrchestratorError as error:
            failed.append((flow.name, error))
    if len(failed) == 1:
        name, only = failed[0]
        only.what = f"flow {name!r} cannot be planned: {only.what}"
        raise only
    if failed:
        told = (f"{name}: {error.what}" + _at(error) for name, error in failed)
        raise ProjectError(
            f"{len(failed)} flows cannot be planned\n" + "\n".join(told),
            fix="orchestrator plan FLOW says more of each",
        )


def _at(error: OrchestratorError) -> str:
    return f" ({error.where})" if error.where else ""


def _planned(project: Project, flow: Flow, given: Mapping[str, Any], options: RunOptions) -> None:
    parameters = flow.parameters()
    values = {p.name: given[p.name] for p in parameters if p.name in given}
    missing = [p for p in parameters if p.required and p.name not in given]
    request = Request({**values, **{p.name: stand_in(p) for p in missing}}, options)
    try:
        plan_flow(project, flow, request)
    except ParameterError:
        # A value that stands in for one that only a run can give need not please the flow.
        if not missing:
            raise


if __name__ == "__main__":
    sys.exit(main())
