"""Building flows: binding, copies, order, and the mistakes people make."""

from __future__ import annotations

import pytest

from orchestrator.errors import FlowError
from orchestrator.model.binding import unmapped
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import Parameter
from orchestrator.model.task import Task, task


@task
def one() -> int:
    return 1


@task(tags=["maths"])
def add(x: int, y: int = 0) -> int:
    return x + y


def test_calling_a_task_binds_a_copy_each_time() -> None:
    with Flow("f") as flow:
        first, second = add(1, 2), add(3)
    assert list(flow.keys()) == ["add", "add-2"]
    assert first is not add
    assert first is not second
    assert add.run(1, 2) == 3


def test_results_in_nested_arguments_are_found() -> None:
    with Flow("f") as flow:
        total = add({"a": [one()]}, (one(),))
    needed = [flow.key(t) for t in flow.binding(total).tasks()]
    assert needed == ["one", "one-2"]


def test_order_without_data() -> None:
    with Flow("f") as flow:
        first, second = one(), one()
        second.set_upstream(first)
        third = add(1, upstream_tasks=[second])
    assert flow.binding(second).upstream == (first,)
    assert flow.binding(third).upstream == (second,)


def test_a_parameter_is_added_by_use() -> None:
    with Flow("f") as flow:
        add(Parameter("x", default=1))
    assert [p.name for p in flow.parameters()] == ["x"]


def test_mapping_needs_something_to_map_over() -> None:
    with Flow("f"), pytest.raises(FlowError, match="nothing to map over"):
        add.map(unmapped([1]))


def test_a_call_outside_a_flow_says_where_and_what_to_do() -> None:
    with pytest.raises(FlowError) as caught:
        one()
    assert "outside a flow" in caught.value.what
    assert "test_flow.py" in (caught.value.where or "")
    assert ".run()" in (caught.value.fix or "")


@pytest.mark.parametrize("args", [(1, 2, 3), ()])
def test_arguments_that_do_not_fit_are_refused_when_the_flow_is_built(
    args: tuple[int, ...],
) -> None:
    with Flow("f"), pytest.raises(FlowError, match="'add'"):
        add(*args)


def test_deciding_on_a_result_while_building_is_refused() -> None:
    with Flow("f"):
        result = one()
        with pytest.raises(FlowError, match="not known while the flow is defined"):
            bool(result)
        with pytest.raises(FlowError, match="not known while the flow is defined"):
            list(result)


def test_an_unknown_task_argument_is_refused() -> None:
    with Flow("f"), pytest.raises(FlowError, match="no attribute 'nmae'"):
        one(task_args={"nmae": "x"})


def test_two_parameters_of_one_name_are_refused() -> None:
    with Flow("f"), pytest.raises(FlowError, match="two parameters"):
        add(Parameter("x"), Parameter("x"))


def test_a_subclass_with_its_own_run() -> None:
    class Shout(Task):
        def run(self, word: str) -> str:
            return word.upper()

    with Flow("f") as flow:
        Shout(name="shout", tags="loud")("hi")
    assert [t.name for t in flow.get_tasks(tags=["loud"])] == ["shout"]
