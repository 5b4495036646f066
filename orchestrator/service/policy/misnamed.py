"""Teams that name only databases the project does not have: one fault, told where the name stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.model.dataset import Dataset
from orchestrator.model.facts import TaskFacts
from orchestrator.nearest import did_you_mean
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.patterns import fitting
from orchestrator.service.policy.rules import Policy, Team
from orchestrator.service.policy.seen import Seen


def misnamed(
    policy: Policy, seen: Seen, task: TaskFacts, dataset: Dataset, teams: Iterable[str]
) -> Team | None:
    """The team of a task that may write to nothing there is; None if one of them may to something.

    Args:
        policy: The rules.
        seen: The flow.
        task: One of its tasks.
        dataset: A table that it writes.
        teams: Names of the teams that the task belongs to.
    """
    found = [policy.teams[name] for name in teams]
    known = _known(seen, task, dataset)
    if found and all(t.warehouses and not any(_fit(t, name) for name in known) for t in found):
        return found[0]
    return None


def breach_of(team: Team, seen: Seen, task: TaskFacts, dataset: Dataset) -> Breach:
    """The breach by a table that such a team writes; its sentence is the same for every table."""
    allowed, known = ", ".join(team.warehouses or ()), _known(seen, task, dataset)
    names = databases(seen, task, dataset)
    at = team.said.at("warehouses")
    nearest = (did_you_mean(one, known, "") for one in team.warehouses or ())
    return Breach(
        team.said.rule("warehouses"), at,
        f"team {team.name} may write only to {allowed}, and there is no warehouse or database of "
        "that name: it can write nothing",
        at,
        next(filter(None, nearest), "")
        or "name " + " or ".join(names or known or ("a warehouse of orchestrator.toml",)),
        flow=seen.flow.name, breach=team.breach,
    )  # fmt: skip


def databases(seen: Seen, task: TaskFacts, dataset: Dataset) -> tuple[str, ...]:
    """What the database of a table is called: itself, and the connections that lead there."""
    catalog = dataset.catalog
    held = [
        name
        for name, space in seen.connections(task).items()
        if catalog is None or space.catalog in (None, catalog)
    ]
    known = seen.databases.get(catalog or "", ())
    return tuple(dict.fromkeys([*known, *held, *([catalog] if catalog else [])]))


def told_once(breaches: Iterable[Breach]) -> list[Breach]:
    """Put breaches of one rule that say the same of the same place into one, with all their reasons."""
    found: dict[tuple[str, str, str], Breach] = {}
    for breach in breaches:
        key = (breach.rule, breach.where, breach.what)
        first = found.setdefault(key, breach)
        if first is not breach:
            graver = breach if breach.refuses and not first.refuses else first
            reasons = tuple(dict.fromkeys((*first.evidence, *breach.evidence)))
            found[key] = replace(first, evidence=reasons, breach=graver.breach)
    return list(found.values())


def _known(seen: Seen, task: TaskFacts, dataset: Dataset) -> tuple[str, ...]:
    configured = seen.project.settings.warehouses
    here = [*seen.databases, *databases(seen, task, dataset)]
    names = [*configured, *here, *seen.databases_of_environments]
    return tuple(dict.fromkeys(names))


def _fit(team: Team, name: str) -> bool:
    return fitting(name, team.warehouses or ()) is not None
