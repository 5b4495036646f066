"""Published tables: which they are, what must be said of them, which tests they must have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.lineage.dbt.facts import TEST_TYPES, DbtFacts
from orchestrator.lineage.derivation.written import Written
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.service.policy.breaches import Breach
from orchestrator.service.policy.patterns import fitting, fitting_schema, is_table
from orchestrator.service.policy.rules import Policy
from orchestrator.service.policy.seen import Seen
from orchestrator.service.policy.teams import subjects

#: What a task that only looks at tables is.
_LOOKING = frozenset({*TEST_TYPES, "operation"})
#: What checks in SQL assert, by dbt's names of such tests.
_ASSERTED = {
    "Unique": "unique", "NotNull": "not_null", "Accepted": "accepted_values", "Fresh": "freshness",
    "Rows": "rows", "NoRows": "no_rows", "Near": "compare",
}  # fmt: skip
_ANY = "any"


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table that other people read, the task that makes it, and why it counts as published."""

    task: TaskFacts
    access: Access
    why: str

    @property
    def dataset(self) -> Dataset:
        """The table."""
        return self.access.dataset


def published(policy: Policy, seen: Seen) -> Iterator[PublishedTable]:
    """The tables that a flow publishes."""
    for node in seen.plan.tasks.values():
        if node.facts.resource_type not in _LOOKING:
            for access in node.facts.writes:
                why = _why(policy, seen, node.facts, access.dataset)
                if is_table(access.dataset) and why:
                    yield PublishedTable(
                        node.facts, access, f"{access.dataset} is published: {why}"
                    )


def _why(policy: Policy, seen: Seen, task: TaskFacts, dataset: Dataset) -> str | None:
    rule = policy.published
    if pattern := fitting_schema(dataset, rule.schemas):
        return f"its schema fits {pattern!r} ({rule.said.at('schemas')})"
    tags = [tag for tag in sorted(task.tags) if fitting(tag, rule.tags)]
    if tags:
        return f"{task.name} has the tag {tags[0]} ({rule.said.at('tags')})"
    if isinstance(task, DbtFacts):
        if task.access in rule.access and task.resource_type == "model":
            return f"{task.name} has access {task.access} ({rule.said.at('access')})"
        said = seen.said(task)
        if rule.exposed and said is not None and task.key in said.exposed:
            return f"exposure {said.exposed[task.key]} uses it ({rule.said.at('exposed')})"
    return None


def breaches(policy: Policy, seen: Seen) -> Iterator[Breach]:
    """Every published table of which something is not said, or that lacks a test."""
    if not policy.required.published and not policy.tests.required:
        return
    tests = _tests(seen) if policy.tests.required else {}
    for table in published(policy, seen):
        for word in policy.required.published:
            if not (seen.owner(table.task) if word == "owner" else seen.description(table.task)):
                yield _unsaid(policy, seen, table, word)
        missing = [t for t in policy.tests.required if not _has(tests.get(table.dataset, {}), t)]
        if missing:
            yield _untested(policy, seen, table, missing, tests.get(table.dataset, {}))


def _has(tests: Mapping[str, str], wanted: str) -> bool:
    return bool(tests) if wanted == _ANY else any(fitting(name, [wanted]) for name in tests)


def _unsaid(policy: Policy, seen: Seen, table: PublishedTable, word: str) -> Breach:
    said = policy.required.said
    return Breach(
        said.rule("published"), said.at("published"),
        f"{table.task.name} publishes {table.dataset} and names no {word}"
        if word == "owner"
        else f"{table.task.name} publishes {table.dataset} without a description",
        table.access.evidence.place or seen.place, _how_to_say(table.task, word),
        (str(table.access.evidence), table.why),
        seen.flow.name, subjects(seen, table.task, [table.dataset]), policy.required.breach,
    )  # fmt: skip


def _how_to_say(task: TaskFacts, word: str) -> str:
    if isinstance(task, DbtFacts):
        where = task.patch_path or "its .yml file"
        if word == "owner":
            return f"in {where}: config: {{meta: {{owner: you@example.com}}}}, or a group with an owner"
        return f"in {where}: description: what one row of it is, and who it is for"
    if task.path and task.path.endswith(".sql"):
        return f"at the top of {task.path}: -- orchestrator: {word}=…"
    if word == "owner":
        return 'give the flow its owner: Flow(…, owner="you@example.com")'
    return "write a docstring in the task's function"


def _untested(
    policy: Policy, seen: Seen, table: PublishedTable, missing: list[str], has: Mapping[str, str]
) -> Breach:
    said, task = policy.tests.said, table.task
    kinds = " and ".join(missing) if missing != [_ANY] else "any kind"
    if isinstance(task, DbtFacts):
        fix = f"in {task.patch_path or 'its .yml file'}, at a column: data_tests: [{', '.join(missing)}]"
    else:
        fix = (
            f'add a check to the flow: SqlCheck("{table.dataset.schema}.{table.dataset.name}", '
            'unique="id", not_null=["id"])'
        )
    return Breach(
        said.rule("required"), said.at("required"),
        f"{task.name} publishes {table.dataset} without a test of {kinds}",
        table.access.evidence.place or seen.place, fix,
        (str(table.access.evidence), table.why, *_tested_by(has)),
        seen.flow.name, subjects(seen, task, [table.dataset]), policy.tests.breach,
    )  # fmt: skip


def _tested_by(has: Mapping[str, str]) -> Iterator[str]:
    if has:
        yield "what tests it in this flow: " + ", ".join(f"{n} ({t})" for n, t in has.items())
    else:
        yield "nothing tests it in this flow (what only warns, or looks at some rows, does not count)"


# -- which tests a flow has ----------------------------------------------------------------------


def _tests(seen: Seen) -> dict[Dataset, dict[str, str]]:
    """By table that the flow writes: names of tests that can fail, each with the task that tests."""
    written = Written(list(seen.facts))
    known = {
        write.access.dataset: real
        for write in seen.writes
        for real in written.matching(write.access)
    }
    back: dict[Dataset, list[Dataset]] = {}
    for alias, real in known.items():
        back.setdefault(real, []).append(alias)
    found: dict[Dataset, dict[str, str]] = {}
    for task, name, access in _looks(seen):
        for real in written.matching(access):
            for dataset in back.get(real, [real]):
                found.setdefault(dataset, {}).setdefault(name, task.name)
    return found


def _looks(seen: Seen) -> Iterator[tuple[TaskFacts, str, Access]]:
    """Every test of a flow, the kind of it, and the table it looks at."""
    for node in seen.plan.tasks.values():
        if node.facts.resource_type != "test":
            continue
        said = seen.said(node.facts) if isinstance(node.facts, DbtFacts) else None
        if said is not None:
            tested = said.tested(node.facts.key)
            if tested is not None:
                place = Evidence(Source.MANIFEST, "tests it", node.facts.path, None, node.facts.key)
                yield node.facts, tested[0], Access(tested[1], place)
            continue
        task = node.task
        partly = getattr(task, "where", None) or str(getattr(task, "severity", "")) == "warn"
        if not partly and len(node.facts.reads) == 1:
            for assertion in getattr(task, "assertions", ()):
                name = type(assertion).__name__
                yield node.facts, _ASSERTED.get(name, name.lower()), node.facts.reads[0]
