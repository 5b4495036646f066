"""A plan in waves: what can run at the same time, what each task waits for, why it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import counted, listed, one_line, shorten

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan

#: So many tasks are shown each; of more the tests are counted, then each wave is one line.
_SMALL = 60
_WAVES = 40
_UNKNOWN = 5
_AFTER = 3
TESTS = frozenset({"test", "unit_test"})


def picture(plan: Plan, width: int, *, whole: bool = False) -> list[Text]:
    """Draw a plan.

    Args:
        plan: The plan.
        width: Columns.
        whole: Show every task, however many there are.
    """
    waves = plan.levels()
    lines = list(_head(plan, len(waves), width))
    hides_tests = not whole and len(plan.tasks) > _SMALL
    works = sum(not _is_test(plan, key) for key in plan.tasks)
    if whole or works <= _SMALL:
        usual = _usual(plan)
        for number, keys in enumerate(waves, 1):
            lines += [Text(), *_wave(plan, number, keys, usual, width, hides_tests)]
    else:
        lines += [Text(), *_wave_lines(plan, waves, width)]
    if hides_tests:
        lines += [Text(), Text("every task: --all, or --format json", style="dim")]
    return lines


def _wave_lines(plan: Plan, waves: list[list[str]], width: int) -> Iterator[Text]:
    """One line for each wave of a large plan."""
    digits, column = len(str(len(waves))), max(len(f"{len(keys):,}") for keys in waves)
    for number, keys in enumerate(waves[:_WAVES], 1):
        names = [one_line(plan.tasks[key].facts.name) for key in keys if not _is_test(plan, key)]
        tests = len(keys) - len(names)
        said = [listed(names, max(width // 40, 1))] if names else []
        said += [counted(tests, "test")] if tests else []
        text = f"wave {number:>{digits}}  {len(keys):>{column},}  {', '.join(said)}"
        yield Text(shorten(text, width))
    hidden = waves[_WAVES:]
    if hidden:
        tasks = counted(sum(map(len, hidden)), "task")
        yield Text(f"… {counted(len(hidden), 'more wave')}, {tasks}")


def _head(plan: Plan, waves: int, width: int) -> Iterator[Text]:
    size = f": {counted(len(plan.tasks), 'task')} in {counted(waves, 'wave')}"
    yield Text.assemble((one_line(plan.flow), "bold"), size)
    if plan.tasks:
        yield Text(f"   {_kinds(plan, plan.tasks)}")
    if plan.parameters:
        values = (f"{name}={value!r}" for name, value in plan.parameters.items())
        yield Text(shorten(f"   with {one_line(', '.join(values))}", width))
    if plan.tasks:
        yield Text(f"   why: {one_line(_usual(plan))}")
    if plan.left_out:
        reasons = Counter(plan.left_out.values()).most_common()
        text = ", ".join(f"{number:,} {one_line(reason)}" for reason, number in reasons)
        yield Text(shorten(f"   left out: {text}", width))
    yield from _unknown(plan, width)


def _unknown(plan: Plan, width: int) -> Iterator[Text]:
    """Tasks whose SQL could not be read: edges may be missing there."""
    found = [task.facts for task in plan.tasks.values() if task.facts.lineage_unknown]
    for facts in found[:_UNKNOWN]:
        text = f"   lineage unknown: {one_line(facts.name)}: {one_line(facts.lineage_unknown)}"
        yield Text(shorten(text, 2 * width), style="yellow")
    if len(found) > _UNKNOWN:
        yield Text(f"   lineage unknown: {len(found) - _UNKNOWN:,} more", style="yellow")


def _wave(
    plan: Plan, number: int, keys: list[str], usual: str, width: int, hides_tests: bool
) -> Iterator[Text]:
    yield Text.assemble((f"wave {number}", "bold"), f"  {counted(len(keys), 'task')}")
    shown = [key for key in keys if not _is_test(plan, key)] if hides_tests else keys
    column = max((len(plan.tasks[key].facts.resource_type) for key in shown), default=0)
    for key in shown:
        yield _row(plan, key, column, usual, width)
    if len(shown) < len(keys):
        yield Text(f"   {counted(len(keys) - len(shown), 'test')}", style="dim")


def _is_test(plan: Plan, key: str) -> bool:
    return plan.tasks[key].facts.resource_type in TESTS


def _row(plan: Plan, key: str, column: int, usual: str, width: int) -> Text:
    task = plan.tasks[key]
    text = f"   {one_line(task.facts.resource_type):<{column}}  {one_line(task.facts.name)}"
    if task.mapped:
        text += " (mapped)"
    after = _after(plan, key)
    if after:
        text += f"  after {after}"
    if task.reason != usual:
        text += f"  ({one_line(task.reason)})"
    return Text(shorten(text, width))


def _after(plan: Plan, key: str) -> str:
    """What a task waits for: names, tests by their number, hooks only where there is no more."""
    ups = [plan.tasks[up].facts for up in plan.graph.upstream(key)]
    tests = [facts for facts in ups if facts.resource_type in TESTS]
    hooks = [facts for facts in ups if facts.resource_type == "operation"]
    names = [
        one_line(facts.name) for facts in ups if facts.resource_type not in (*TESTS, "operation")
    ]
    if len(tests) == 1:
        names.append(one_line(tests[0].name))
    elif tests:
        names.append(counted(len(tests), "test"))
    return listed(names or [one_line(facts.name) for facts in hooks], _AFTER)


def _usual(plan: Plan) -> str:
    """The reason that most tasks share; said once."""
    reasons = Counter(task.reason for task in plan.tasks.values()).most_common(1)
    return reasons[0][0] if reasons else ""


def _kinds(plan: Plan, keys: Iterable[str]) -> str:
    kinds = Counter(one_line(plan.tasks[key].facts.resource_type) for key in keys)
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
