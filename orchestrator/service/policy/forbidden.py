"""Statements that may not stand anywhere, or only on schemas of one's own; SQL that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.model.dataset import Dataset
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.misnamed import breach_of, misnamed
from orchestrator.service.policy.rules import IGNORE, REFUSE, Policy
from orchestrator.service.policy.seen import Seen
from orchestrator.service.policy.teams import is_own, own_schemas, problem, subjects, teams_of
from orchestrator.service.policy.texts import Act, Text, shown

_CALLED = {
    "delete_without_where": "DELETE without WHERE",
    "update_without_where": "UPDATE without WHERE",
    "grant": "GRANT or REVOKE",
    "execute": "EXECUTE IMMEDIATE",
}


def breaches(policy: Policy, seen: Seen) -> Iterator[Breach]:
    """Every statement of a flow that may not stand where it stands, and what cannot be read."""
    rules = policy.statements
    if not rules.said.keys:
        return
    for act in seen.acts:
        broken = [word for word in rules.forbidden if word in act.stated.words]
        if broken:
            yield _nowhere(policy, seen, act, broken[0])
            continue
        word = next((w for w in rules.only_in_own_schemas if w in act.stated.words), None)
        outside = _outside(policy, seen, act) if word else None
        if word and outside is not None:
            yield _elsewhere(policy, seen, act, word, *outside)
        elif act.stated.problem and rules.unreadable != IGNORE:
            yield _unreadable(
                policy, seen, act.text, act.place, act.stated.problem, act.stated.head
            )
    if rules.unreadable != IGNORE:
        yield from _unknown(policy, seen)


def _nowhere(policy: Policy, seen: Seen, act: Act, word: str) -> Breach:
    said = policy.statements.said
    called = _CALLED.get(word, word.upper())
    return replace(
        _told(policy, seen, act),
        rule=said.rule("forbidden"), set_at=said.at("forbidden"),
        what=f"{act.text.by} has a statement that is forbidden here: {called}"
        + _concerning(act),
        fix=_fix_of(word),
    )  # fmt: skip


def _elsewhere(
    policy: Policy, seen: Seen, act: Act, word: str, outside: str, dataset: Dataset | None
) -> Breach:
    said = policy.statements.said
    own = own_schemas(policy, seen, act.task)
    teams = teams_of(policy, seen, act.task)
    called = _CALLED.get(word, word.upper())
    told = _told(policy, seen, act)
    wrong = misnamed(policy, seen, act.task, dataset, teams) if dataset is not None else None
    if wrong is not None and dataset is not None:
        fault = breach_of(wrong, seen, act.task, dataset)
        graver = REFUSE if REFUSE in (fault.breach, told.breach) else fault.breach
        return replace(fault, evidence=told.evidence, subjects=told.subjects, breach=graver)
    whose = f"the schemas of team {' and '.join(teams)} are"
    if not teams:
        at = said.at("own_schemas")
        whose = f"{act.task.name} belongs to no team, and own_schemas ({at}) are"
    places = f"{whose} {', '.join(own) or 'none'}"
    found = {
        name: problem(policy.teams[name], seen, act.task, dataset) for name in teams if dataset
    }
    bounded = {
        name: one[1] for name, one in found.items() if one is not None and one[0] == "warehouses"
    }
    limits = [f"team {name} {sentence}" for name, sentence in bounded.items()]
    held = [pattern for name in bounded for pattern in policy.teams[name].warehouses or ()]
    only = ", ".join(dict.fromkeys(held)) if bounded else ", ".join(own)
    return replace(
        told,
        rule=said.rule("only_in_own_schemas"), set_at=said.at("only_in_own_schemas"),
        what=f"{act.text.by} does {'an' if called[0] in 'AEIOU' else 'a'} {called} outside its own "
        f"schemas: it concerns {outside}",
        fix="leave what belongs to others to them; do it only in "
        + (only or "schemas of a team, or in statements.own_schemas"),
        evidence=(*told.evidence, *teams.values(), *limits, places),
    )  # fmt: skip


def _outside(policy: Policy, seen: Seen, act: Act) -> tuple[str, Dataset | None] | None:
    """What a statement concerns that lies in no schema of its task's own; None if nothing does."""
    if not act.stated.concerns:
        return "something whose schema cannot be told", None
    for label, dataset in act.stated.concerns:
        if dataset is None or not is_own(policy, seen, act.task, dataset):
            return label, dataset
    return None


def _told(policy: Policy, seen: Seen, act: Act) -> Breach:
    """What all breaches by a statement have in common."""
    datasets = [dataset for _, dataset in act.stated.concerns if dataset is not None]
    by = f" ({act.text.by})" if act.text.role else ""
    unread = [f"it cannot be read: {act.stated.problem}"] if act.stated.problem else []
    return Breach(
        "", "", "", act.place, "",
        (f"{act.place} {shown(act.stated.head)}{by}", *unread),
        seen.flow.name, subjects(seen, act.task, datasets), policy.statements.breach,
    )  # fmt: skip


def _concerning(act: Act) -> str:
    names = ", ".join(name for name, _ in act.stated.concerns)
    return f", on {names}" if names else ""


def _fix_of(word: str) -> str:
    if word.endswith("_without_where"):
        return "say which rows it is about, in a WHERE that does not hold for all of them"
    if word == "grant":
        return "leave rights to whoever runs the warehouse; in dbt, `grants:` of a model's config"
    return "do it another way, or ask whoever keeps policy.toml for an exception with a reason"


def _unreadable(
    policy: Policy, seen: Seen, text: Text, place: str, problem: str, head: str = ""
) -> Breach:
    rules = policy.statements
    return Breach(
        rules.said.rule("unreadable"), rules.said.at("unreadable"),
        f"{text.by} runs SQL that cannot be read, so nobody can tell what it does: "
        f"{shown(problem)}",
        place, "mend it, or write it so that it can be read before it runs",
        (f"{place} {shown(head)}".strip(),) if head else (),
        seen.flow.name, subjects(seen, text.task), rules.unreadable,
    )  # fmt: skip


def _unknown(policy: Policy, seen: Seen) -> Iterator[Breach]:
    """What is known to be left out: hooks that only dbt can render, queries that only a run gets."""
    told = set()
    for act in seen.acts:
        if act.stated.problem:
            told.add(act.task.key)
    for text in seen.texts:
        if text.problem:
            told.add(text.task.key)
            yield _unreadable(policy, seen, text, text.place(1), text.problem)
    for node in seen.plan.tasks.values():
        problem = node.facts.lineage_unknown
        if problem and node.facts.key not in told:
            text = Text(node.facts, "", seen.planning.namespace(), node.facts.path)
            yield _unreadable(policy, seen, text, node.facts.path or seen.place, problem)
