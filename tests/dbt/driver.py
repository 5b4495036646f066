"""Drives a session over dbt's own graph, skipping what `dbt build` skips."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

from tasks.dbt.options import DbtOptions
from tasks.dbt.results import NodeResult
from tasks.dbt.session import WarmSession

BARRING = frozenset({"error", "fail", "skipped", "partial success", "runtime error"})


def build(
    options: DbtOptions,
    *,
    threads: int = 4,
    before_node: Callable[[WarmSession, str], None] | None = None,
    **session_arguments: Any,
) -> dict[str, NodeResult]:
    """Build a project through a warm session, and return each result, hooks among them."""
    session = WarmSession(options, **session_arguments)
    report = session.parse()
    results = {hook.unique_id: hook for hook in session.begin()}
    results |= drive(session, report.selected, threads, before_node)
    return results | {hook.unique_id: hook for hook in session.finish()}


def drive(
    session: WarmSession,
    selected: tuple[str, ...],
    threads: int,
    before_node: Callable[[WarmSession, str], None] | None = None,
) -> dict[str, NodeResult]:
    """Run the selected nodes in threads, each after what it depends on."""
    parents = parents_of(session, selected)
    results: dict[str, NodeResult] = {}

    def run(unique_id: str) -> NodeResult:
        if before_node is not None:
            before_node(session, unique_id)
        bars = [p for p in parents[unique_id] if results[p].status in BARRING]
        return (
            session.skip_node(unique_id, f"{bars[0]} failed")
            if bars
            else session.run_node(unique_id)
        )

    waiting, running = dict(parents), {}
    with ThreadPoolExecutor(threads) as pool:
        while waiting or running:
            for unique_id in [u for u, above in waiting.items() if above <= results.keys()]:
                running[pool.submit(run, unique_id)] = unique_id
                del waiting[unique_id]
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                results[running.pop(done)] = done.result()
    return results


def parents_of(session: WarmSession, selected: tuple[str, ...]) -> dict[str, set[str]]:
    """Read dbt's build graph; a unit test comes before its model, after what the model reads."""
    task = session._task
    chosen = set(selected)
    subset = task.graph.get_subset_graph(chosen).graph
    parents = {u: set(subset.predecessors(u)) if u in subset else set() for u in selected}
    for unit in task.selected_unit_tests:
        model = task.manifest.unit_tests[unit].depends_on.nodes[0]
        parents[unit] = parents.get(model, set()) - set(task.selected_unit_tests)
    for unit in task.selected_unit_tests:
        parents.setdefault(task.manifest.unit_tests[unit].depends_on.nodes[0], set()).add(unit)
    return parents
