"""Looks at a project by its policy: tells every breach, or refuses what has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator import instants
from orchestrator.errors import OrchestratorError, PolicyError
from orchestrator.model.flow import Flow
from orchestrator.secrets import masker
from orchestrator.service.catalogue.outcomes import Outcomes
from orchestrator.service.policy import forbidden, published, rows, said_of_flows, teams
from orchestrator.service.policy.breaches import Breach, Report
from orchestrator.service.policy.excepting import sorted_out
from orchestrator.service.policy.misnamed import told_once
from orchestrator.service.policy.reading import read_policy
from orchestrator.service.policy.rules import FILE_NAME, IGNORE, Policy
from orchestrator.service.policy.seen import Seen, seen
from orchestrator.service.project import Project


def enforce(project: Project, flows: Sequence[str] = (), *, target: str | None = None) -> None:
    """Refuse flows that do not keep to the project's policy; nothing is asked where there is none.

    Args:
        project: The project.
        flows: Names of flows; all of the project, if none is named.
        target: dbt's target of the runs; None leaves it to the settings.

    Raises:
        PolicyError: The policy cannot be read, or a rule that refuses is broken; it lists all.
        NotFoundError: There is no such flow.
    """
    report = check(project, flows, target=target)
    if report is None or not report.refused:
        return
    count = len(report.refused)
    raise PolicyError(
        f"{count} {'breach' if count == 1 else 'breaches'} of {FILE_NAME}\n\n"
        + "\n\n".join(map(str, report.refused)),
        where=str(project.root / FILE_NAME),
        fix="mend them; orchestrator check shows them again, without deploying",
    )


def check(
    project: Project, flows: Sequence[str] = (), *, target: str | None = None
) -> Report | None:
    """Look at flows by the project's policy; nothing is run or written.

    Args:
        project: The project.
        flows: Names of flows; all of the project, if none is named.
        target: dbt's target of the runs; None leaves it to the settings.

    Returns:
        What was found; None where the project has no policy.

    Raises:
        PolicyError: The policy cannot be read.
        NotFoundError: There is no such flow.
    """
    policy = read_policy(project.root)
    if policy is None:
        return None
    chosen = [project.flow(name) for name in flows] or list(project.flows.values())
    return _Looking(project, policy, target).at(chosen)


class _Looking:
    """One look at a project.

    Args:
        project: The project.
        policy: Its rules.
        target: dbt's target of the runs; None leaves it to the settings.
    """

    def __init__(self, project: Project, policy: Policy, target: str | None) -> None:
        self._project, self._policy, self._target = project, policy, target
        self._notes: list[str] = []
        self._tasks = self._statements = self._unplanned = 0

    def at(self, flows: Sequence[Flow]) -> Report:
        """Look at flows."""
        outcomes, unknown = rows.history(self._project) if self._policy.rows.max else ({}, None)
        self._notes += [unknown] if unknown else []
        self._notes += _idle(self._policy)
        found: list[Breach] = []
        for flow in flows:
            try:
                found += self._of(seen(self._project, flow, self._target), outcomes)
            except OrchestratorError as error:
                self._unplanned += 1
                found.append(_unplanned(flow, error))
        today = instants.now().date()
        standing, excused, needless = sorted_out(_once(found), self._policy.exceptions, today)
        all_seen = not self._unplanned and set(flows) >= set(self._project.flows.values())
        for each in needless if all_seen else ():
            self._notes.append(f"nothing needs the exception at {each.said.at('')} ({each.rule})")
        return Report(
            tuple(flow.name for flow in flows), tuple(set_rules(self._policy)),
            self._tasks, self._statements,
            tuple(sorted(told_once(_without_echoes(standing)), key=lambda one: not one.refuses)),
            excused, tuple(self._notes),
        )  # fmt: skip

    def _of(self, looked: Seen, outcomes: Outcomes) -> Iterator[Breach]:
        policy = self._policy
        self._tasks += len(looked.plan.tasks)
        yield from rows.breaches(policy, looked, outcomes)
        yield from said_of_flows.breaches(policy, looked)
        yield from published.breaches(policy, looked)
        if policy.teams or policy.statements.said.keys:
            yield from teams.breaches(policy, looked)
            yield from forbidden.breaches(policy, looked)
            self._statements += len(looked.acts)


def set_rules(policy: Policy) -> Iterator[str]:
    """Names of the rules that a policy sets."""
    for team in policy.teams.values():
        yield from (f"teams.{team.name}.{key}" for key in ("warehouses", "schemas", "reads")
                    if getattr(team, key) is not None)  # fmt: skip
    for table in (policy.required, policy.tests, policy.statements, policy.limits, policy.rows):
        for key in sorted(table.said.keys):
            value = getattr(table, key)
            if key not in ("breach", "own_schemas") and value not in (None, (), {}, False, IGNORE):
                yield table.said.rule(key)


def _idle(policy: Policy) -> Iterator[str]:
    """Rules about published tables where none is: they are set, and hold nobody to anything."""
    chosen = policy.published
    if not (chosen.schemas or chosen.tags or chosen.access or chosen.exposed):
        for rule in set_rules(policy):
            if rule in ("required.published", "tests.required"):
                yield f"{rule} looks at no table: say in [published] which are published"


def _unplanned(flow: Flow, error: OrchestratorError) -> Breach:
    """A flow that cannot be planned cannot be looked at: that refuses, whatever the rules are."""
    what = " ".join(masker().mask(error.what).split())
    place = error.where or f"flow {flow.name}"
    picture = tuple(place.splitlines()) if "\n" in place else ()
    return Breach(
        "plan", "",
        f"flow {flow.name} cannot be planned, so nothing can be said of it: {what}",
        f"flow {flow.name}" if picture else place,
        error.fix or f"orchestrator plan {flow.name} shows more",
        picture, flow.name, (flow.name,),
    )  # fmt: skip


def _without_echoes(breaches: Sequence[Breach]) -> Iterator[Breach]:
    """Leave out where a team may not write what a statement there may not do anyway."""
    told = [b for b in breaches if b.rule == "statements.only_in_own_schemas"]
    for breach in breaches:
        writes = breach.rule.startswith("teams.") and not breach.rule.endswith(".reads")
        if not (writes and any(_says_as_much(other, breach) for other in told)):
            yield breach


def _says_as_much(other: Breach, breach: Breach) -> bool:
    same = other.where == breach.where and set(other.subjects) >= set(breach.subjects)
    return same and (other.refuses or not breach.refuses)


def _once(breaches: Iterable[Breach]) -> Iterator[Breach]:
    """Each breach once, though several flows may hold the same task."""
    told: set[tuple[str, ...]] = set()
    for breach in breaches:
        reasons = breach.evidence[:1] if breach.where == breach.set_at else ()  # joined later
        key = (breach.rule, breach.where, breach.what, breach.breach, *reasons)
        if key not in told:
            told.add(key)
            yield breach
