"""Where teams may write and read: each table that a task of theirs touches, as lineage tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.lineage.dbt.facts import TEST_TYPES
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.facts import TaskFacts
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.misnamed import breach_of, databases, misnamed
from orchestrator.service.policy.patterns import (
    fitting,
    fitting_path,
    fitting_schema,
    is_table,
)
from orchestrator.service.policy.rules import REFUSE, Policy, Team
from orchestrator.service.policy.seen import Seen
from orchestrator.service.policy.texts import Write


def teams_of(policy: Policy, seen: Seen, task: TaskFacts) -> dict[str, str]:
    """The teams that a task belongs to, by name, each with why."""
    found: dict[str, str] = {}
    for team in policy.teams.values():
        why = _belongs(team, seen, task)
        if why is not None:
            found[team.name] = why
    return found


def _belongs(team: Team, seen: Seen, task: TaskFacts) -> str | None:
    flow, owner = seen.flow.name, seen.owner(task)
    tags = ((tag, fitting(tag, team.tags or ())) for tag in sorted(task.tags))
    for key, pattern, what in (
        ("flows", fitting(flow, team.flows or ()), f"flow {flow}"),
        ("paths", fitting_path(task.path, team.paths or ()), str(task.path)),
        *(("tags", pattern, f"tag {tag}") for tag, pattern in tags),
        ("owners", fitting(owner, team.owners or ()), f"owner {owner}"),
    ):
        if pattern is not None:
            return (
                f"{task.name} belongs to team {team.name}: {what} fits {pattern!r} of its {key} "
                f"({team.said.at(key)})"
            )
    return None


def own_schemas(policy: Policy, seen: Seen, task: TaskFacts) -> tuple[str, ...]:
    """Patterns of the schemas that a task may do in as it likes: its teams', else nobody's."""
    teams = teams_of(policy, seen, task)
    if not teams:
        return policy.statements.own_schemas
    said = [policy.teams[name].schemas for name in teams]
    return tuple(
        dict.fromkeys(p for patterns in said for p in (["*"] if patterns is None else patterns))
    )


def is_own(policy: Policy, seen: Seen, task: TaskFacts, dataset: Dataset) -> bool:
    """Whether a table lies where a task may do as it likes."""
    teams = teams_of(policy, seen, task)
    if not teams:
        return fitting_schema(dataset, policy.statements.own_schemas) is not None
    return any(problem(policy.teams[name], seen, task, dataset) is None for name in teams)


def breaches(policy: Policy, seen: Seen) -> Iterator[Breach]:
    """Every table that a team writes, drops or reads and may not."""
    if not policy.teams:
        return
    belonging: dict[str, dict[str, str]] = {}
    rules = policy.statements
    told = "drop" in (*rules.forbidden, *rules.only_in_own_schemas) and rules.breach == REFUSE
    for write in seen.writes:
        if write.verb == "drops" and told:
            continue  # the rules of statements tell it
        if is_table(write.dataset) and not _is_test(write.task):
            key = write.task.key
            if key not in belonging:
                belonging[key] = teams_of(policy, seen, write.task)
            yield from _written(policy, seen, write, belonging[key])
    for node in seen.plan.tasks.values():
        teams = teams_of(policy, seen, node.facts)
        for access in seen.reads(node.facts) if teams else ():
            if is_table(access.dataset) and not _is_test(node.facts):
                yield from _read(policy, seen, node.facts, access, teams)


def _is_test(task: TaskFacts) -> bool:
    """Whether it only looks; the tables that dbt keeps failing rows in are dbt's own."""
    return task.resource_type in TEST_TYPES


def _written(policy: Policy, seen: Seen, write: Write, teams: dict[str, str]) -> Iterator[Breach]:
    if not teams:
        if policy.required.team:
            yield _homeless(policy, seen, write)
        return
    problems = [problem(policy.teams[name], seen, write.task, write.dataset) for name in teams]
    if None in problems:
        return  # it is enough that one of its teams may
    told = write.access.evidence
    wrong = misnamed(policy, seen, write.task, write.dataset, teams)
    if wrong is not None:
        yield replace(
            breach_of(wrong, seen, write.task, write.dataset),
            evidence=(str(told),), subjects=subjects(seen, write.task, [write.dataset]),
        )  # fmt: skip
        return
    key, sentence, fix = next(filter(None, problems))
    team = policy.teams[next(iter(teams))]
    yield Breach(
        team.said.rule(key), team.said.at(key),
        f"{write.by} {write.verb} {write.dataset}, and team {team.name} {sentence}",
        told.place or seen.place, fix,
        (str(told), teams[team.name]),
        seen.flow.name, subjects(seen, write.task, [write.dataset]), team.breach,
    )  # fmt: skip


def problem(
    team: Team, seen: Seen, task: TaskFacts, dataset: Dataset
) -> tuple[str, str, str] | None:
    """The key that a team's write breaks, what it says and what to do; None if it may."""
    names = databases(seen, task, dataset)
    if team.warehouses is not None and not any(fitting(n, team.warehouses) for n in names):
        allowed = _listed(team.warehouses) or "no database at all"
        return (
            "warehouses",
            f"may write only to {allowed}, not to {' or '.join(names) or 'a database unknown'}",
            f"write to one of {allowed}, or ask whoever keeps {team.said.at('warehouses')} to add "
            f"{names[0] if names else 'it'}",
        )
    if team.schemas is not None and not fitting_schema(dataset, team.schemas):
        allowed = _listed(team.schemas) or "no schema at all"
        return (
            "schemas",
            f"may write only in {allowed}",
            f"write to a table in {allowed}, or ask whoever keeps {team.said.at('schemas')} to add "
            f"{dataset.schema or 'the schema'}",
        )
    return None


def _homeless(policy: Policy, seen: Seen, write: Write) -> Breach:
    told = write.access.evidence
    said = policy.required.said
    return Breach(
        said.rule("team"), said.at("team"),
        f"{write.by} {write.verb} {write.dataset} and belongs to no team",
        told.place or seen.place,
        "give it a tag or an owner of a team, or move its file to where a team's files are",
        (str(told), f"none of the teams {', '.join(policy.teams)} has its flow, file, tag or owner"),
        seen.flow.name, subjects(seen, write.task, [write.dataset]), policy.required.breach,
    )  # fmt: skip


def _read(
    policy: Policy, seen: Seen, task: TaskFacts, access: Access, teams: dict[str, str]
) -> Iterator[Breach]:
    for name in teams:
        team = policy.teams[name]
        may = None if team.reads is None else (*team.reads, *(team.schemas or ()))
        if may is None or fitting_schema(access.dataset, may):
            return
    team = policy.teams[next(iter(teams))]
    allowed = _listed([*(team.reads or ()), *(team.schemas or ())]) or "nothing"
    yield Breach(
        team.said.rule("reads"), team.said.at("reads"),
        f"{task.name} reads {access.dataset}, and team {team.name} may read only {allowed}",
        access.evidence.place or seen.place,
        f"read from {allowed}, or ask whoever keeps {team.said.at('reads')} to add "
        f"{access.dataset.schema or 'the schema'}",
        (str(access.evidence), teams[team.name]),
        seen.flow.name, subjects(seen, task, [access.dataset]), team.breach,
    )  # fmt: skip


def subjects(seen: Seen, task: TaskFacts, datasets: Iterable[Dataset] = ()) -> tuple[str, ...]:
    """What an exception may name of a task: flow, key, name, file, tables with and without database."""
    found = [seen.flow.name, task.key, task.name, task.path or ""]
    for dataset in datasets:
        found += [str(dataset), f"{dataset.schema}.{dataset.name}", dataset.name]
    return tuple(dict.fromkeys(name for name in found if name))


def _listed(patterns: Iterable[str]) -> str:
    return ", ".join(patterns)
