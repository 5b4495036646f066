"""What flows mean, on every executor: operators, branches, resources, mapping, triggers, signals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import (
    RETRY,
    SKIP,
    DaskExecutor,
    Flow,
    InlineExecutor,
    Parameter,
    ThreadsExecutor,
    apply_map,
    case,
    flatten,
    ifelse,
    mapped,
    merge,
    resource_manager,
    switch,
    tags,
    task,
    triggers,
    unmapped,
)
from orchestrator.executors.base import Executor
from orchestrator.model.control_flow import FilterTask
from orchestrator.model.state import State
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run
from orchestrator.store.records import TaskRun

MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(3),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2}),
}


@pytest.fixture(scope="module", params=MAKERS)
def place(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """One executor of each kind for the whole module: a cluster takes seconds to start."""
    if request.param != "dask":
        yield MAKERS[request.param]()
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield DaskExecutor(address=cluster.scheduler_address)


class Ran:
    """What a flow came to."""

    def __init__(self, folder: Path, flow: Flow, state: State) -> None:
        self.state = state
        self.types = {key: found.type.value for key, found in state.result.items()}
        with Project.find(folder).store() as store:
            self.id = store.run("latest").id
            self.rows: dict[str, TaskRun] = {row.key: row for row in store.task_runs(self.id)}
            self.attempts = store.attempts(self.id)

    def value(self, key: str) -> Any:
        result = self.rows[key].result
        return None if result is None else result["value"]

    def values(self, key: str) -> list[Any]:
        found = []
        while f"{key}[{len(found)}]" in self.rows:
            found.append(self.value(f"{key}[{len(found)}]"))
        return found


@pytest.fixture
def run(place: Executor, in_tmp: Path) -> Callable[..., Ran]:
    def made(flow: Flow, **parameters: Any) -> Ran:
        return Ran(in_tmp, flow, flow.run(parameters, place, project=in_tmp))

    return made


@task
def same(x: Any) -> Any:
    return x


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def plus(x: int, y: int = 1) -> int:
    return x + y


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def boom(x: Any = None) -> None:
    raise ValueError("broken on purpose")


@task
def nothing_new(x: Any = None) -> None:
    raise SKIP("nothing new")


# -- operators ------------------------------------------------------------------------------


def test_operators_calculate_with_results(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        x = same(7)
        results = [
            x + 1, 1 + x, x - 2, 10 - x, x * 3, x / 2, x // 2, x % 4, x**2, 2**x,
            x < 8, x <= 7, x > 8, x >= 8, x.is_equal(7), x.is_not_equal(7),
            x & 0, x | 0, x.not_(), x.and_(5), x.or_(5), same([4, 5])[1], same({"a": x})["a"],
        ]  # fmt: skip
        same(results, task_args={"name": "all"})
    assert run(flow).value("all") == [
        8, 8, 5, 3, 21, 3.5, 3, 3, 49, 128,
        True, True, False, False, True, False,
        0, 7, False, 5, 7, 5, 7,
    ]  # fmt: skip


def test_a_result_can_be_unpacked_where_its_length_is_said(run: Callable[..., Ran]) -> None:
    @task(nout=2)
    def pair() -> list[int]:
        return [3, 4]

    with Flow("f") as flow:
        first, second = pair()
        plus(first, second)
    assert run(flow).value("plus") == 7


# -- branches -------------------------------------------------------------------------------


def branches() -> Flow:
    with Flow("f") as flow:
        kind = same(Parameter("kind", default="a"))
        with case(kind, "a"):
            a = plus(same(1, task_args={"name": "in-a"}), task_args={"name": "a"})
        with case(kind, "b"):
            b = same("b", task_args={"name": "b"})
        same(merge(a, b), task_args={"name": "after"})
    return flow


@pytest.mark.parametrize(("kind", "value"), [("a", 2), ("b", "b")])
def test_a_case_runs_one_branch_and_merge_takes_its_result(
    run: Callable[..., Ran], kind: str, value: Any
) -> None:
    ran = run(branches(), kind=kind)
    assert ran.state.is_successful()
    assert ran.value("after") == value
    taken, left = ("a", "b") if kind == "a" else ("b", "a")
    assert (ran.types[taken], ran.types[left]) == ("Success", "Skipped")
    assert ran.state.result[left].cause == f"case-{left}"


def test_no_branch_at_all_skips_what_follows(run: Callable[..., Ran]) -> None:
    ran = run(branches(), kind="c")
    assert ran.state.is_successful(), "nothing broke"
    assert (ran.types["merge"], ran.types["after"]) == ("Skipped", "Skipped")


def test_a_broken_branch_is_not_taken_for_one_that_was_left_out(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        kind = same("a")
        with case(kind, "a"):
            a = boom(plus(1))
        with case(kind, "b"):
            b = plus(2)
        merge(a, b)
    ran = run(flow)
    assert ran.state.is_failed()
    assert ran.types["merge"] == "Skipped"
    assert ran.state.result["merge"].cause == "boom"


def test_cases_nest(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        outer, inner = same(1), same(2)
        with case(outer, 0), case(inner, 2):
            plus(1, task_args={"name": "neither"})
        with case(outer, 1), case(inner, 2):
            plus(1, task_args={"name": "both"})
    types = run(flow).types
    assert (types["neither"], types["both"]) == ("Skipped", "Success")


def test_switch_and_ifelse(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        letter = same("y")
        x, y = plus(1, task_args={"name": "x"}), plus(2, task_args={"name": "y"})
        switch(letter, {"x": x, "y": y})
        yes, no = plus(3, task_args={"name": "yes"}), plus(4, task_args={"name": "no"})
        ifelse(same([]), yes, no)
    types = run(flow).types
    assert [types[key] for key in ("x", "y", "yes", "no")] == [
        "Skipped", "Success", "Skipped", "Success",
    ]  # fmt: skip


def test_a_task_may_run_although_something_before_it_was_skipped(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        skipped = nothing_new()
        same([skipped, 1], task_args={"name": "left-out"})
        same([skipped, 1], task_args={"name": "runs", "skip_on_upstream_skip": False})
    ran = run(flow)
    assert ran.state.is_successful()
    assert (ran.types["left-out"], ran.value("runs")) == ("Skipped", [None, 1])


# -- triggers -------------------------------------------------------------------------------


def test_failure_far_above_sets_off_what_waits_for_failure(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        below = plus(boom())
        same("alarm", upstream_tasks=[below], task_args={"trigger": triggers.any_failed})
    ran = run(flow)
    assert (ran.types["plus"], ran.types["same"]) == ("Skipped", "Success")


def test_elements_of_mapped_tasks_count_for_triggers(run: Callable[..., Ran]) -> None:
    @task
    def inverse(x: int) -> float:
        return 1 / x

    with Flow("f") as flow:
        inverses = inverse.map([1, 0, 2, 4])
        FilterTask(name="there")(inverses)
        for name, trigger in {
            "most": triggers.some_successful(at_least=0.75),
            "many": triggers.some_failed(at_least=2),
            "few": triggers.some_failed(at_least=1, at_most=1),
            "any": triggers.any_successful,
            "all": triggers.all_failed,
        }.items():
            same(1, upstream_tasks=[inverses], task_args={"name": name, "trigger": trigger})
    ran = run(flow)
    assert ran.state.is_failed()
    assert ran.value("there") == [1.0, 0.5, 0.25]
    assert [ran.types[name] for name in ("most", "many", "few", "any", "all")] == [
        "Success", "Skipped", "Success", "Success", "Skipped",
    ]  # fmt: skip


def test_reference_tasks_that_a_failure_kept_from_running_fail_the_run(
    run: Callable[..., Ran],
) -> None:
    with Flow("f") as flow:
        wanted = plus(boom())
        same("cleaned", upstream_tasks=[wanted], task_args={"trigger": triggers.all_finished})
    flow.set_reference_tasks([wanted])
    assert run(flow).state.is_failed()


# -- resources ------------------------------------------------------------------------------


@resource_manager
class Opened:
    """A folder that notes what is done with it."""

    def __init__(self, folder: str, broken: str = "") -> None:
        self.folder, self.broken = folder, broken

    def setup(self) -> str:
        self.note("setup")
        if self.broken == "setup":
            raise OSError("cannot open")
        if self.broken == "skip":
            raise SKIP("not needed")
        return self.folder

    def cleanup(self, resource: str) -> None:
        assert resource == self.folder
        self.note("cleanup")
        if self.broken == "cleanup":
            raise OSError("cannot close")

    def note(self, what: str) -> None:
        open(os.path.join(self.folder, f"{len(os.listdir(self.folder))}-{what}"), "w").close()


@task
def use(folder: str, fails: bool = False) -> None:
    open(os.path.join(folder, f"{len(os.listdir(folder))}-use"), "w").close()
    if fails:
        raise ValueError("while in use")


@pytest.mark.parametrize(
    ("broken", "fails", "types", "notes", "good"),
    [
        ("", False, ("Success", "Success", "Success"), ["setup", "use", "use", "cleanup"], True),
        ("", True, ("Success", "Failed", "Success"), ["setup", "use", "cleanup"], False),
        ("setup", False, ("Failed", "Skipped", "Skipped"), ["setup"], False),
        ("skip", False, ("Skipped", "Skipped", "Skipped"), ["setup"], True),
        ("cleanup", False, ("Success", "Success", "Failed"), ["setup", "use", "use", "cleanup"], False),
    ],
)  # fmt: skip
def test_a_resource_is_opened_once_and_always_closed(
    run: Callable[..., Ran],
    tmp_path: Path,
    broken: str,
    fails: bool,
    types: tuple[str, ...],
    notes: list[str],
    good: bool,
) -> None:
    folder = tmp_path / "resource"
    folder.mkdir()
    with Flow("f") as flow, Opened(str(folder), broken=broken) as opened:
        first = use(opened, fails)
        use(str(folder), upstream_tasks=[first], task_args={"name": "second"})
    ran = run(flow)
    assert ran.state.is_successful() is good
    assert tuple(ran.types[key] for key in ("Opened.setup", "use", "Opened.cleanup")) == types
    assert [name.split("-")[1] for name in sorted(os.listdir(folder))] == notes


def test_tasks_of_the_block_that_do_not_take_the_resource_wait_for_it(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    folder = tmp_path / "resource"
    folder.mkdir()
    with Flow("f") as flow, Opened(str(folder)):
        use.map([str(folder)] * 2)
    run(flow)
    names = [name.split("-")[1] for name in sorted(os.listdir(folder))]
    assert (names[0], names[-1]) == ("setup", "cleanup")


def test_a_retry_opens_the_resource_again(
    run: Callable[..., Ran], place: Executor, in_tmp: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "resource"
    folder.mkdir()
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "f.py").write_text(
        f"""
import os
from orchestrator import Flow, resource_manager, task

@resource_manager
class Opened:
    def setup(self):
        note("setup")
        return 1
    def cleanup(self, resource):
        note("cleanup")

def note(what):
    open(os.path.join({str(folder)!r}, f"{{len(os.listdir({str(folder)!r}))}}-{{what}}"), "w").close()

@task
def first(resource):
    note("first")

@task
def second(resource):
    note("second")
    if not os.path.exists({str(folder / "go")!r}):
        raise ValueError("not yet")

with Flow("f") as flow:
    with Opened() as opened:
        second(opened, upstream_tasks=[first(opened)])
"""
    )
    project = Project.find(in_tmp)
    assert project.flow("f").run(executor=place, project=in_tmp).is_failed()
    (folder / "go").touch()
    assert retry_run(project, "latest", executor="threads").state.is_successful()
    names = sorted((n for n in os.listdir(folder) if n != "go"), key=lambda n: int(n.split("-")[0]))
    assert [name.split("-")[1] for name in names] == [
        "setup", "first", "second", "cleanup", "setup", "second", "cleanup",
    ]  # fmt: skip


# -- mapping --------------------------------------------------------------------------------


def test_flatten_takes_lists_of_lists_as_one(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        lists = numbers.map(same([1, 0, 3]))
        plus.map(flatten(lists), unmapped(10))
        total(flatten(lists))
        plus.map(flatten([[1], [2, 3]]), task_args={"name": "constant"})
        plus.map(flatten(same([[5], [6]])), task_args={"name": "known-late"})
    ran = run(flow)
    assert ran.values("plus") == [10, 10, 11, 12]
    assert ran.value("total") == 3
    assert ran.values("constant") == [2, 3, 4]
    assert ran.values("known-late") == [6, 7]


def test_lists_that_were_left_out_hold_nothing(run: Callable[..., Ran]) -> None:
    @task
    def pages(n: int) -> list[int]:
        if n == 2:
            raise SKIP("nothing there")
        return list(range(n))

    with Flow("f") as flow:
        lists = pages.map([1, 2, 3])
        plus.map(flatten(lists), unmapped(10))
        total(flatten(lists))
        plus.map(flatten(same([[5], None, [6]])), task_args={"name": "known-late"})
    ran = run(flow)
    assert ran.values("plus") == [10, 10, 11, 12]
    assert ran.value("total") == 3
    assert ran.values("known-late") == [6, 7]


def test_what_cannot_be_flattened_says_so(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        total(flatten(same([5, 6])))
    assert "no list of lists" in run(flow).rows["total"].message


def test_a_plain_call_maps_over_what_is_marked(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        plus(mapped(numbers(3)), 5)
    assert run(flow).values("plus") == [5, 6, 7]


def test_one_broken_element_hinders_only_what_follows_it(run: Callable[..., Ran]) -> None:
    @task
    def inverse(x: int) -> float:
        return 1 / x

    with Flow("f") as flow:
        total(same.map(inverse.map([1, 0, 2])))
    ran = run(flow)
    assert ran.state.is_failed()
    assert [ran.rows[f"same[{i}]"].state.value for i in range(3)] == [
        "Success", "Skipped", "Success",
    ]  # fmt: skip
    assert ran.types["total"] == "Skipped", (
        "a list with a hole is not passed on as if it were whole"
    )


def test_apply_map_branches_for_each_element(run: Callable[..., Ran]) -> None:
    def parity(x: Any, step: Any) -> Any:
        with case(x % 2, 0):
            even = plus(x, step, task_args={"name": "even"})
        with case(x % 2, 1):
            odd = same({"odd": [x, 1]}, task_args={"name": "odd"})
        return merge(even, odd)

    with Flow("f") as flow:
        merged = apply_map(parity, numbers(4), unmapped(100))
        same(merged, task_args={"name": "all"})
    ran = run(flow)
    assert ran.state.is_successful()
    assert ran.value("all") == [100, {"odd": [1, 1]}, 102, {"odd": [3, 1]}]
    states = [ran.rows[f"even[{i}]"].state.value for i in range(4)]
    assert states == ["Success", "Skipped", "Success", "Skipped"]


def test_mapped_tasks_wait_for_the_element_beside_them(run: Callable[..., Ran]) -> None:
    @task
    def broken_once(x: int) -> None:
        if x == 1:
            raise ValueError(x)

    with Flow("f") as flow:
        first = broken_once.map([0, 1, 2])
        plus.map([0, 1, 2], upstream_tasks=[first])
        plus.map([0, 1], upstream_tasks=[unmapped(first)], task_args={"name": "all"})
    ran = run(flow)
    assert [ran.rows[f"plus[{i}]"].state.value for i in range(3)] == [
        "Success", "Skipped", "Success",
    ]  # fmt: skip
    assert ran.types["all"] == "Skipped"


# -- retries and tags -----------------------------------------------------------------------


def test_codes_and_backoff_decide_over_retries(run: Callable[..., Ran]) -> None:
    class DatabaseError(Exception):
        def __init__(self, sqlstate: str) -> None:
            super().__init__(sqlstate)
            self.sqlstate = sqlstate

    @task(max_retries=2, retry_on=["40*"], retry_delay=0.01, retry_backoff=2, retry_jitter=0.5)
    def query(sqlstate: str) -> None:
        raise DatabaseError(sqlstate)

    with Flow("f") as flow:
        query("40001")
        query("42601")
    ran = run(flow)
    assert [a.number for a in ran.attempts if a.key == "query"] == [1, 2, 3]
    assert [a.number for a in ran.attempts if a.key == "query-2"] == [1]


def test_a_task_may_ask_to_be_tried_again(run: Callable[..., Ran], tmp_path: Path) -> None:
    @task
    def poll(folder: str) -> int:
        looks = len(os.listdir(folder)) + 1
        open(os.path.join(folder, str(looks)), "w").close()
        if looks < 3:
            raise RETRY("not there yet", delay=0.01)
        return looks

    folder = tmp_path / "looks"
    folder.mkdir()
    with Flow("f") as flow:
        poll(str(folder))
    ran = run(flow)
    assert ran.state.is_successful()
    assert (ran.value("poll"), len(ran.attempts)) == (3, 3)


def test_tags_of_a_block(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        with tags("heavy"):
            plus(same(1))
        same(2)
    assert [flow.key(found) for found in flow.get_tasks(tags=["heavy"])] == ["same", "plus"]
    assert run(flow).state.is_successful()


def test_runs_have_names_of_their_own(run: Callable[..., Ran]) -> None:
    with Flow("f") as flow:
        plus.map([1, 2], unmapped(3), task_args={"task_run_name": "plus {x} ({map_index})"})
        same(1, task_args={"task_run_name": lambda x: f"the {x}"})
        same(2, task_args={"task_run_name": "{no_such_name}", "name": "broken"})
    ran = run(flow)
    assert ran.state.is_successful(), "a name is not worth a failure"
    names = {key: row.detail.get("task_run_name") for key, row in ran.rows.items()}
    assert names == {
        "plus": None, "plus[0]": "plus 1 (0)", "plus[1]": "plus 2 (1)", "same": "the 1",
        "broken": None,
    }  # fmt: skip
