"""Building flows without calling tasks, changing them, blocks, and marks on arguments."""

from __future__ import annotations

import pytest

from orchestrator.errors import FlowError
from orchestrator.model.binding import Argument, flatten, mapped, unmapped
from orchestrator.model.blocks import tags
from orchestrator.model.control_flow import case, merge
from orchestrator.model.flow import Flow
from orchestrator.model.mapping import apply_map
from orchestrator.model.parameter import Parameter
from orchestrator.model.policy import AfterAll
from orchestrator.model.resources import resource_manager
from orchestrator.model.task import Task, task


@task
def one() -> int:
    return 1


@task
def add(x: int, y: int = 0) -> int:
    return x + y


def upstream(flow: Flow, task: Task) -> set[str]:
    binding = flow.binding(task)
    return {flow.key(up) for up in (*binding.tasks(), *binding.upstream)}


def test_marks_may_be_nested_in_any_order() -> None:
    with Flow("f") as flow:
        lists = one()
        done = add.map(flatten(lists), unmapped(flatten([[1]])))
        again = add(mapped(flatten(lists)), 1)
    assert flow.binding(done).arguments == {
        "x": Argument(lists, mapped=True, flattened=True),
        "y": Argument([[1]], mapped=False, flattened=True),
    }
    assert flow.binding(again).mapped
    assert flow.binding(again).arguments["x"] == Argument(lists, mapped=True, flattened=True)


def test_a_flow_put_together_without_a_block() -> None:
    flow = Flow("f", tasks=[one], reference_tasks=[one])
    flow.set_dependencies(add, upstream_tasks=[one], keyword_tasks={"x": one, "y": 2})
    last = Task(name="last")
    flow.add_edge(add, last)
    flow.add_edge(one, add, key="y", mapped=True)
    assert flow.reference_tasks() == {one}
    assert flow.binding(add).arguments == {"x": Argument(one), "y": Argument(one, mapped=True)}
    assert flow.binding(add).mapped
    assert upstream(flow, last) == {"add"}


def test_a_task_is_called_into_a_flow_that_is_named() -> None:
    flow = Flow("f")
    first = one(flow=flow)
    second = add(first, flow=flow).set_upstream(one(flow=flow), flow=flow)
    assert list(flow.keys()) == ["one", "add", "one-2"]
    assert upstream(flow, second) == {"one", "one-2"}


def test_replacing_a_task_keeps_what_is_bound_to_it() -> None:
    with Flow("f") as flow:
        old = one()
        after = add(old, 3)
    flow.set_reference_tasks([old])
    new = Task(name="new")
    flow.replace(old, new)
    assert list(flow.keys()) == ["add", "new"]
    assert upstream(flow, after) == {"new"}
    assert flow.reference_tasks() == {new}
    with pytest.raises(FlowError, match="'one' is not a task of flow 'f'"):
        flow.replace(old, new)


def test_a_flow_takes_up_another() -> None:
    with Flow("a") as a:
        add(Parameter("x", default=1))
    with Flow("b") as b:
        other = add(Parameter("x", default=2), one())
    with pytest.raises(FlowError, match="two parameters"):
        a.copy().update(b)
    a.update(b, merge_parameters=True)
    assert len(a.parameters()) == 1
    assert upstream(a, other) == {"x", "one"}
    assert list(b.keys()) == ["one", "x", "add"], "the other one is left as it is"


def test_a_copy_is_changed_by_itself() -> None:
    with Flow("f") as flow:
        one()
    with flow.copy() as twin:
        add(1)
    assert (len(flow), len(twin)) == (1, 2)


def test_only_the_first_tasks_of_a_case_wait_for_it() -> None:
    with Flow("f") as flow:
        outside = one()
        with case(outside, 1):
            first = add(outside)
            second = add(first)
    assert upstream(flow, first) == {"one", "case-1"}
    assert upstream(flow, second) == {"add"}


def test_a_case_without_tasks_adds_nothing_and_one_of_a_task_is_refused() -> None:
    with Flow("f") as flow:
        kind = one()
        with case(kind, 1):
            pass
        with pytest.raises(FlowError, match="compared with a value"):
            case(kind, one())
    assert list(flow.keys()) == ["one", "one-2"]


def test_tags_nest_and_end_with_their_block() -> None:
    with Flow("f"):
        with tags("a"):
            with tags("b"):
                both = one()
            outer = one()
        neither = one()
        with pytest.raises(FlowError, match="no tag"), tags(""):
            pass
    assert [sorted(t.tags) for t in (both, outer, neither)] == [["a", "b"], ["a"], []]
    assert one.tags == frozenset()


def test_a_resource_closes_after_the_last_of_its_block() -> None:
    @resource_manager(name="Db", cleanup_task_kwargs={"max_retries": 2})
    class Connection:
        def setup(self) -> int:
            return 1

        def cleanup(self, resource: int) -> None: ...

    with Flow("f") as flow, Connection() as connection:
        add(add(connection))
        one()
    [cleanup] = flow.get_tasks(name="Db.cleanup")
    assert upstream(flow, cleanup) == {"Db", "Db.setup", "add-2", "one"}
    assert cleanup.trigger == AfterAll((connection,))
    assert cleanup.retry.max_retries == 2


def test_apply_map_maps_what_depends_on_an_element_and_nothing_else() -> None:
    with Flow("f") as flow:
        whole = one()

        def inner(x: Task, y: int) -> Task:
            constant = one()
            with case(x, 1):
                done = add(x, constant)
            return merge(done, add([x, whole], y))

        apply_map(inner, [1, 2], y=unmapped(3))
    bound = {flow.key(t): flow.binding(t) for t in flow}
    assert {key for key, binding in bound.items() if binding.mapped} == {
        "add", "add-2", "case-1", "merge", "list",
    }  # fmt: skip
    assert bound["add"].arguments["x"] == Argument([1, 2], mapped=True)
    assert not bound["add"].arguments["y"].mapped
    waits = [a for a in bound["add"].arguments.values() if not a.passed]
    assert [flow.key(a.value) for a in waits] == ["case-1"], "decided for each element"


def test_apply_map_says_what_cannot_be() -> None:
    with Flow("f"):
        with pytest.raises(FlowError, match="nothing to map over"):
            apply_map(lambda x: one(), unmapped([1]))
        with pytest.raises(FlowError, match="is mapped inside of apply_map"):
            apply_map(lambda x: add.map(x), [1, 2])
