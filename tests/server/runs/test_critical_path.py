"""The critical path: what would have had to be quicker for the run to end sooner."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.server.runs.critical import critical_path

Graphs = tuple[dict[str, float], dict[str, list[str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graphs:
    """Tasks with the instant each finished, and what each waited for, as runs make them."""
    names = [f"t{number}" for number in range(draw(st.integers(0, 9)))]
    finished: dict[str, float] = {}
    upstream: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        upstream[name] = (
            draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else []
        )
        begun = max((finished[up] for up in upstream[name] if up in finished), default=0.0)
        if draw(st.booleans()) or not number:
            finished[name] = begun + draw(st.floats(0, 5))
    return finished, upstream


@given(graphs())
def test_the_path_ends_where_the_run_ended(found: Graphs) -> None:
    finished, upstream = found
    path = critical_path(finished, upstream)
    assert bool(path) == bool(finished)
    if path:
        assert finished[path[-1]] == max(finished.values())
        assert not [up for up in upstream[path[0]] if up in finished]


@given(graphs())
def test_each_task_of_the_path_waited_longest_for_the_one_before(found: Graphs) -> None:
    finished, upstream = found
    for before, after in pairwise(critical_path(finished, upstream)):
        ended = [finished[up] for up in upstream[after] if up in finished]
        assert before in upstream[after]
        assert finished[before] == max(ended)


@given(graphs())
def test_no_chain_of_edges_ends_later(found: Graphs) -> None:
    """Among all chains, by the finish times of their tasks from the last one back, it is greatest."""
    finished, upstream = found
    assume(len(set(finished.values())) == len(finished))

    def chains(key: str) -> list[list[float]]:
        before = [up for up in upstream[key] if up in finished]
        behind = [chain for up in before for chain in chains(up)] or [[]]
        return [[finished[key], *chain] for chain in behind]

    path = critical_path(finished, upstream)
    every = [chain for key in finished for chain in chains(key)]
    assert [finished[key] for key in reversed(path)] == max(every, default=[])


def test_a_circle_ends() -> None:
    assert critical_path({"a": 1, "b": 2}, {"a": ["b"], "b": ["a"]}) == ["a", "b"]
