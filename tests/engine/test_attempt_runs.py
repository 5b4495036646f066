"""What attempts do, in whole runs: restarts from stored results, caches, handlers, and being stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator import Flow, InlineExecutor, ThreadsExecutor, task
from orchestrator.executors.base import Executor
from orchestrator.model.state import State
from orchestrator.service.asking import request_cancel
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run, run_flow
from tests.engine.test_attempt_isolation import gone, noted, sleeps, until

FLOW = """
    from pathlib import Path
    import pandas as pd
    from orchestrator import Flow, task, flatten
    from orchestrator.model.cache import Cache

    HERE = Path(__file__).parent.parent

    def note(name):
        with open(HERE / "ran.txt", "a") as file:
            file.write(name + "\\n")

    @task(persist=True)
    def frame():
        note("frame")
        return pd.DataFrame({"n": [1, 2, 3]})

    @task(result="{flow}/pairs.pkl")
    def pairs():
        note("pairs")
        return [(1, 2), (3,)]

    @task(persist=True)
    def tripled(n):
        note(f"tripled {n}")
        return {n, 3 * n}          # a set: not as JSON

    @task
    def finish(table, sets, pair, one):
        note(f"finish {one}")
        if (HERE / "broken").exists():
            raise OSError("not yet")
        return int(table.n.sum()) + sum(map(sum, sets)) + sum(map(sum, pair))

    @task
    def each(pair):
        note(f"each {pair}")
        if (HERE / "broken").exists():
            raise OSError("not yet")
        return len(pair)

    with Flow("nightly") as flow:
        found = pairs()
        finish(frame(), tripled.map([1, 2]), found, 1)
        each.map(found)
        each.map(flatten([found]))
"""


@pytest.fixture
def project(in_tmp: Path) -> Project:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(textwrap.dedent(FLOW))
    (in_tmp / "orchestrator.toml").write_text('name = "demo"\n')
    (in_tmp / "broken").touch()
    return Project.find(in_tmp)


def ran(project: Project) -> list[str]:
    found = (project.root / "ran.txt").read_text().split("\n")[:-1]
    (project.root / "ran.txt").unlink()
    return sorted(found)


@pytest.mark.parametrize("executor", ["inline", "threads", "dask"])
def test_a_restart_takes_stored_results(project: Project, executor: str) -> None:
    first = run_flow(project, project.flow("nightly"), Request(executor=executor))
    assert first.state.is_failed()
    assert set(ran(project)) >= {"frame", "pairs", "tripled 1", "tripled 2", "finish 1"}
    (project.root / "broken").unlink()
    second = retry_run(project, first.run_id)
    assert second.state.is_successful(), second.state.result
    assert ran(project) == ["each (1, 2)"] * 2 + ["each (3,)"] * 2 + ["finish 1"]
    with project.store() as store:
        rows = {row.key: row for row in store.task_runs(second.run_id)}
    assert rows["finish"].result == {"value": 6 + (4 + 8) + 6}


def test_a_stored_result_that_is_gone_is_made_again(project: Project) -> None:
    first = run_flow(project, project.flow("nightly"), Request(executor="threads"))
    ran(project)
    (project.root / "broken").unlink()
    folder = project.settings.state_dir / "results" / "nightly"
    (folder / first.run_id / "frame-1.parquet").unlink()
    (folder / first.run_id / "tripled[1]-1.pkl").write_bytes(b"something else")
    second = retry_run(project, first.run_id)
    assert second.state.is_successful()
    assert [name for name in ran(project) if not name.startswith("each")] == [
        "finish 1", "frame", "tripled 2",
    ]  # fmt: skip


def test_the_plan_says_what_is_made_again_and_what_a_cache_may_save(project: Project) -> None:
    from orchestrator.engine.plan import make_plan
    from orchestrator.service import running

    first = run_flow(project, project.flow("nightly"), Request(executor="threads"))
    flow = project.flow("nightly")
    frame = project.settings.state_dir / "results" / "nightly" / first.run_id / "frame-1.parquet"
    frame.unlink()
    with project.store() as store:
        done = running._done(store, store.run(first.run_id))
    plan = make_plan(flow, project.planning(Request().options_in(project), "r2"), done=done)
    assert plan.tasks["frame"].reason == (
        f"its result is needed by finish; its stored result is gone: {frame}"
    )
    assert "pairs" not in plan.tasks

    @task(cache="inputs")
    def costly() -> int:
        return 1

    with Flow("f") as other:
        costly()
    plan = make_plan(other, project.planning(Request().options_in(project), "r3"))
    assert plan.tasks["costly"].reason == (
        "the whole flow runs; an earlier result may stand in for it"
    )


@pytest.mark.parametrize("executor", ["inline", "threads", "dask"])
def test_a_cached_task_does_not_run_in_the_next_run(executor: str, project: Project) -> None:
    (project.root / "flows" / "nightly.py").write_text(
        textwrap.dedent(FLOW).split("@task(persist")[0]
        + textwrap.dedent(
            """
            @task(cache=Cache(by="inputs"))
            def costly(n):
                note(f"costly {n}")
                return {n}

            @task
            def last(sets):
                return sum(map(sum, sets))

            with Flow("nightly") as flow:
                last(costly.map([1, 2]))
            """
        )
    )
    flow = project.flow("nightly")
    for expected, state in ((["costly 1", "costly 2"], "Success"), ([], "Cached")):
        (project.root / "ran.txt").touch()
        result = run_flow(project, flow, Request(executor=executor))
        assert result.state.is_successful()
        assert ran(project) == expected
        with project.store() as store:
            rows = {row.key: row for row in store.task_runs(result.run_id)}
        assert rows["costly[0]"].state == state
        assert rows["last"].result == {"value": 3}
    assert rows["costly[0]"].detail["cache"].startswith("result of run ")


def test_handlers_hear_of_what_the_driver_decides(in_tmp: Path) -> None:
    heard: list[str] = []

    def hears(told: object, old: State, new: State) -> None:
        heard.append(f"{told.name}: {old.type} -> {new.type}")  # type: ignore[attr-defined]

    @task(state_handlers=[hears], max_retries=1, on_failure=lambda t, s: heard.append("for good"))
    def breaks() -> None:
        raise ValueError("broken")

    @task(state_handlers=[hears])
    def after() -> None: ...

    with Flow("f", state_handlers=[hears], on_failure=lambda f, s: heard.append("flow")) as flow:
        after(upstream_tasks=[breaks()])
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_failed()
    # The worker and the driver each tell in order; they do not wait for each other.
    mine = ["breaks: Pending -> Running", "breaks: Running -> Failed"]
    told = [line for line in heard if line not in mine and line != "for good"]
    assert heard.count("for good") == 1
    assert [line for line in heard if line in mine] == mine * 2
    assert told == [
        "f: Pending -> Running",
        "breaks: Running -> Retrying",
        "after: Pending -> Skipped",
        "f: Running -> Failed",
        "flow",
    ]


def test_a_terminal_state_handler_has_the_last_word(in_tmp: Path) -> None:
    @task
    def breaks() -> None:
        raise ValueError("broken")

    def forgives(flow: Flow, state: State, states: object) -> State:
        return State(type(state.type)("Success"), "forgiven")

    with Flow("f", terminal_state_handler=forgives) as flow:
        breaks()
    state = flow.run(executor=ThreadsExecutor(1), project=in_tmp)
    assert (state.type, state.message) == ("Success", "forgiven")
    assert state.result["breaks"].is_failed()


@pytest.mark.parametrize(
    "executor", [InlineExecutor(), ThreadsExecutor(1)], ids=["inline", "threads"]
)
def test_the_time_limit_of_a_flow_stops_its_processes(executor: Executor, in_tmp: Path) -> None:
    folder = in_tmp / "noted"
    folder.mkdir()
    with Flow("f", timeout=3) as flow:
        sleeps(str(folder), task_args={"timeout": None, "isolate": True})
    state = flow.run(executor=executor, project=in_tmp)
    assert (state.type, state.message) == ("TimedOut", "stopped after 3 s")
    assert all(map(gone, noted(folder)))


SLEEPER = """
    import sys
    from orchestrator import DaskExecutor, Flow, InlineExecutor, ThreadsExecutor
    from tests.engine.test_attempt_isolation import sleeps

    executors = {"inline": InlineExecutor, "threads": ThreadsExecutor, "dask": DaskExecutor}
    with Flow("f") as flow:
        sleeps(sys.argv[2], task_args={"timeout": None, "isolate": "blocks" not in sys.argv})
    if __name__ == "__main__":
        print(flow.run(executor=executors[sys.argv[1]](), project=sys.argv[2] + "/p").type)
"""


STOPS = [(one, how) for one in ("inline", "threads", "dask") for how in ("SIGINT", "runs cancel")]


@pytest.mark.parametrize(("executor", "how"), [*STOPS, ("threads", "SIGTERM")])
def test_a_run_is_stopped_with_its_processes(executor: str, how: str, in_tmp: Path) -> None:
    with sleeping(in_tmp, executor) as process:
        if how == "runs cancel":
            cancel(Project.find(in_tmp / "p"))
        else:
            process.send_signal(signal.Signals[how])
        told, _ = process.communicate()
        assert told == "Cancelled\n"
        assert all(map(gone, noted(in_tmp)))


@pytest.mark.parametrize("first", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_what_cannot_be_stopped_is_not_waited_for(first: str, in_tmp: Path) -> None:
    """A second Ctrl-C does not wait; SIGTERM, which nobody sends twice, does for its time only."""
    with sleeping(in_tmp, "threads", "blocks") as process:
        process.send_signal(signal.Signals[first])
        project = Project.find(in_tmp / "p")
        until(lambda: any(text.startswith("stopping") for text in words(project)))
        if first == "SIGINT":
            process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == -signal.SIGINT, said
    with project.store() as store:
        run = store.run("latest")
        [task] = store.task_runs(run.id)
    assert (run.state, run.message) == ("Cancelled", "stopped at once")
    assert task.state == "Cancelled"


def words(project: Project) -> list[str]:
    """What the run itself has said."""
    with project.store() as store:
        return [line.text for line in store.logs(store.run("latest").id) if line.key is None]


@contextmanager
def sleeping(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a run whose task has begun to sleep."""
    (folder / "p").mkdir()
    (folder / "sleeper.py").write_text(textwrap.dedent(SLEEPER))
    executor, *more = words
    process = subprocess.Popen(
        [sys.executable, "sleeper.py", executor, str(folder), *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        until(lambda: noted(folder))
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def cancel(project: Project) -> None:
    with project.store() as store:
        run = store.run("latest")
    request_cancel(project, run.id)
