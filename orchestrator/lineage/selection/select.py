"""Selection: which tasks of a flow a person means, in dbt's selector language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum

from orchestrator.errors import SelectionError
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.selection.changed import FindChanges, changed, not_known
from orchestrator.lineage.selection.errors import nothing_matches, nothing_runs
from orchestrator.lineage.selection.grammar import Criterion, parse
from orchestrator.lineage.selection.graph import SelectionGraph
from orchestrator.lineage.selection.methods import predicate
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph

__all__ = ["IndirectSelection", "select"]

#: Selected keys, and with them the tests that are only touched so far.
_Chosen = tuple[set[str], set[str]]


class IndirectSelection(StrEnum):
    """When selecting what a test tests selects the test."""

    EAGER = "eager"  #: one of what it tests is selected
    CAUTIOUS = "cautious"  #: all that it tests is selected
    BUILDABLE = "buildable"  #: all that it tests is selected, or upstream of what is
    EMPTY = "empty"  #: never


@without_collector
def select(
    facts: Sequence[TaskFacts],
    graph: Graph,
    include: Sequence[str],
    exclude: Sequence[str] = (),
    *,
    landmarks: Iterable[TaskFacts] = (),
    indirect: IndirectSelection | str = IndirectSelection.EAGER,
    changes: FindChanges | None = None,
    flow_files: Collection[str] = (),
) -> list[str]:
    """The tasks that selectors name, in the order of ``facts``.

    The language is dbt's, over every task: ``orders``, ``+orders``, ``orders+2``, ``@orders``,
    ``tag:nightly,path:sql``, ``source:raw+``, … (:data:`~.selector_grammar.METHODS`). Unlike dbt,
    which warns and goes on, a selector that matches nothing is an error, in ``exclude`` too: a
    misspelt exclusion would run what it was meant to spare. A selection that ``exclude`` empties
    is none: it gives ``[]``; so does ``changed:REF`` where nothing changed.

    Args:
        facts: All tasks.
        graph: The derived graph of all tasks.
        include: Selectors; all tasks if there are none.
        exclude: Selectors of what to leave out.
        landmarks: What can be named though it does not run, from
            :func:`orchestrator.lineage.dbt.manifest.landmarks`.
        indirect: How tests follow what they test.
        changes: What differs from a git ref, for ``changed:``.
        flow_files: Where the flow and its tasks are put together, for ``changed:``.

    Raises:
        SelectionError: A selector cannot be read, matches nothing, or names only what does not run.

    Example:
        >>> facts = [TaskFacts("load", "load"), TaskFacts("daily", "daily", "sql")]
        >>> select(facts, Graph(["load", "daily"], [("load", "daily")]), ["+daily"])
        ['load', 'daily']
    """
    nodes = SelectionGraph(facts, graph, landmarks)
    selection = _Selection(nodes, _mode(indirect), changes, flow_files)
    wanted = parse(include)
    chosen = selection.union(wanted) if include else set(nodes.tasks)
    if chosen and chosen.isdisjoint(nodes.tasks) and not any(map(_asks_git, wanted)):
        raise nothing_runs(include, [nodes.nodes[key] for key in sorted(chosen)])
    chosen = chosen - selection.union(parse(exclude))
    return [fact.key for fact in facts if fact.key in chosen]


class _Selection:
    """One selection under way."""

    def __init__(
        self,
        nodes: SelectionGraph,
        mode: IndirectSelection,
        changes: FindChanges | None,
        flow_files: Collection[str],
    ) -> None:
        self.nodes = nodes
        self._mode = mode
        self._changes, self._flow_files = changes, flow_files

    def union(self, groups: Sequence[Sequence[Criterion]]) -> set[str]:
        """Everything that one of the groups selects."""
        return self._combine([self._intersection(group) for group in groups], set.union)[0]

    def _intersection(self, group: Sequence[Criterion]) -> _Chosen:
        found = [(criterion, self._matching(criterion)) for criterion in group]
        parts = [self._with_tests(self._with_neighbours(c, keys)) for c, keys in found]
        chosen = self._combine(parts, set.intersection)
        if not chosen[0] and not _may_be_empty(found):
            said = [(c, keys) for c, keys in found if c.method != "changed"]
            raise nothing_matches(said, self.nodes.nodes.values())
        return chosen

    def _matching(self, criterion: Criterion) -> set[str]:
        if criterion.method == "changed":
            if self._changes is None:
                raise not_known(criterion.raw)
            return changed(self._changes(criterion.value), self.nodes, self._flow_files)
        fits = predicate(criterion)
        return {key for key, fact in self.nodes.nodes.items() if fits(fact)}

    def _with_neighbours(self, criterion: Criterion, keys: set[str]) -> set[str]:
        graph = self.nodes.graph
        found = set(keys)
        if criterion.siblings:
            family = keys | graph.descendants(*keys)
            found |= family | graph.ancestors(*family)
        if criterion.parents != 0:
            found |= graph.ancestors(*keys, depth=criterion.parents)
        if criterion.children != 0:
            found |= graph.descendants(*keys, depth=criterion.children)
        return found

    def _with_tests(self, keys: set[str]) -> _Chosen:
        """Add the tests that follow; keep those that may follow once more is selected."""
        if self._mode is IndirectSelection.EMPTY:
            return keys, set()
        tests = self.nodes.tests_of(keys) - keys
        if self._mode is IndirectSelection.EAGER:
            return keys | tests, set()
        follow = self._following(tests, keys)
        return keys | follow, tests - follow

    def _combine(self, parts: list[_Chosen], operation: Callable[..., set[str]]) -> _Chosen:
        if not parts:
            return set(), set()
        direct = operation(*(chosen for chosen, _ in parts))
        touched = operation(*(chosen | tests for chosen, tests in parts))
        if self._mode in (IndirectSelection.CAUTIOUS, IndirectSelection.BUILDABLE):
            direct = direct | self._following(touched - direct, direct)
        return direct, touched

    def _following(self, tests: Collection[str], keys: set[str]) -> set[str]:
        """Those of ``tests`` that ``keys`` are enough for."""
        enough = keys
        if self._mode is IndirectSelection.BUILDABLE and tests:
            sources = {k for k, n in self.nodes.nodes.items() if n.resource_type == "source"}
            enough = keys | self.nodes.graph.ancestors(*keys) | sources
        return {
            test for test in tests if self._is_test(test) and self.nodes.parents(test) <= enough
        }

    def _is_test(self, key: str) -> bool:
        return self.nodes.nodes[key].resource_type in ("test", "unit_test")


def _asks_git(group: Sequence[Criterion]) -> bool:
    return any(criterion.method == "changed" for criterion in group)


def _may_be_empty(found: Sequence[tuple[Criterion, set[str]]]) -> bool:
    """Whether an intersection may rightly be empty: nothing may have changed."""
    others = [keys for criterion, keys in found if criterion.method != "changed"]
    return len(others) < len(found) and all(others)


def _mode(indirect: IndirectSelection | str) -> IndirectSelection:
    try:
        return IndirectSelection(indirect)
    except ValueError:
        raise SelectionError(
            f"{str(indirect)!r} is no way of indirect selection",
            fix="use one of " + ", ".join(IndirectSelection),
        ) from None
