"""What hurt people in Prefect 1, one test each: it must not hurt here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator import (
    DaskExecutor,
    Flow,
    InlineExecutor,
    ThreadsExecutor,
    case,
    context,
    instants,
    merge,
    task,
    triggers,
)
from orchestrator.executors.base import Executor
from orchestrator.model.state import State
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run, run_flow
from orchestrator.store.base import RunStore
from orchestrator.store.sql import SqlStore
from tasks import ShellTask


@pytest.fixture(scope="module")
def dask() -> Iterator[DaskExecutor]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield DaskExecutor(address=cluster.scheduler_address)


@pytest.fixture
def store(in_tmp: Path) -> Iterator[RunStore]:
    with Project.find(in_tmp).store() as opened:
        yield opened


@task
def same(x: Any) -> Any:
    return x


@task
def boom(x: Any = None) -> None:
    raise ValueError("broken on purpose")


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def note(folder: str, word: str, x: Any = None) -> str:
    noted(folder, word)
    return word


def noted(folder: str, word: str) -> None:
    with open(os.path.join(folder, "noted"), "a") as file:
        file.write(word + "\n")


def words(folder: Path) -> list[str]:
    path = folder / "noted"
    return path.read_text().split() if path.exists() else []


def types(state: State) -> dict[str, str]:
    return {key: found.type.value for key, found in state.result.items()}


def test_01_a_mapped_run_costs_no_transaction_of_its_own(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    transition = SqlStore.transition

    def counted(self: SqlStore, run_id: str, changes: Any, **fence: Any) -> Any:
        written.append(len(changes))
        return transition(self, run_id, changes, **fence)

    monkeypatch.setattr(SqlStore, "transition", counted)
    with Flow("f") as flow:
        total(same.map(list(range(600))))
    assert flow.run(executor=ThreadsExecutor(2), project=in_tmp).is_successful()
    assert sum(written) >= 600, "each mapped run has its own states"
    assert len(written) < 300


def test_02_mapping_does_not_fill_the_dask_scheduler(
    in_tmp: Path, dask: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client

    futures: list[int] = []
    submit = Client.submit

    def counted(self: Client, *args: Any, **kwargs: Any) -> Any:
        futures.append(1)
        return submit(self, *args, **kwargs)

    monkeypatch.setattr(Client, "submit", counted)
    with Flow("f") as flow:
        total(same.map(list(range(1500))))
    assert flow.run(executor=dask, project=in_tmp).is_successful()
    assert 0 < len(futures) < 500, "small runs travel together"


def test_03_a_timeout_stops_the_work_itself(in_tmp: Path) -> None:
    @task(timeout=1)
    def python(folder: str) -> None:
        with open(os.path.join(folder, "pid"), "w") as file:
            file.write(str(os.getpid()))
        threading.Event().wait(300)

    with Flow("f") as flow:
        ShellTask("echo $$ > shell; sleep 300; touch late", timeout=1, name="shell")()
        python(str(in_tmp))
    state = flow.run(executor=ThreadsExecutor(2), project=in_tmp)
    assert types(state) == {"shell": "TimedOut", "python": "TimedOut"}
    assert not (in_tmp / "late").exists()
    pids = [int((in_tmp / name).read_text()) for name in ("shell", "pid")]
    assert [psutil.pid_exists(pid) for pid in pids] == [False, False]


def test_03b_a_task_that_timed_out_is_never_taken_for_good(in_tmp: Path) -> None:
    @task(timeout=1, max_retries=1, retry_on=TimeoutError)
    def swallows(folder: str) -> str:
        noted(folder, "began")
        try:
            threading.Event().wait(300)
        except Exception:
            return "all is well"
        return "never"

    with Flow("f") as flow:
        swallows(str(in_tmp))
    state = flow.run(executor=ThreadsExecutor(2), project=in_tmp)
    assert types(state) == {"swallows": "TimedOut"}
    assert words(in_tmp) == ["began", "began"], "it was tried again, as it said"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("false\necho ok", ""),
        ("exit 3 | cat", "3"),
        ("echo the reason is here >&2; exit 2", "the reason is here"),
        ("printf '\\377 not utf-8\\n'; exit 4", "not utf-8"),
    ],
)
def test_04_what_a_command_said_is_in_its_failure(
    in_tmp: Path, store: RunStore, command: str, shown: str
) -> None:
    with Flow("f") as flow:
        ShellTask(command, name="command")()
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_failed()
    [row] = store.task_runs(store.run("latest").id)
    assert shown in row.detail["error"]


def test_05_a_dbt_project_is_retried_node_by_node(in_tmp: Path) -> None:
    (in_tmp / "dbt_project.yml").write_text("name: p\nversion: '1.0'\nprofile: p\n")
    (in_tmp / "profiles.yml").write_text(
        "p: {target: t, outputs: {t: {type: duckdb, path: p.duckdb, threads: 1}}}\n"
    )
    models = in_tmp / "models"
    models.mkdir()
    (models / "good.sql").write_text("select 1 as one")
    (models / "bad.sql").write_text("select no_such_column from {{ ref('good') }}")
    (models / "below.sql").write_text("select * from {{ ref('bad') }}")
    project = Project.find(in_tmp)
    state = run_flow(project, project.flow(".")).state
    assert {k.split(".")[-1]: t for k, t in types(state).items() if "model." in k} == {
        "good": "Success", "bad": "Failed", "below": "Skipped",
    }  # fmt: skip
    (models / "bad.sql").write_text("select one from {{ ref('good') }}")
    again = retry_run(Project.find(in_tmp), "latest").state
    assert sorted(k.split(".")[-1] for k in types(again) if "model." in k) == ["bad", "below"]
    assert again.is_successful()


def test_06_a_flow_is_run_where_it_is_built_and_results_need_not_pickle(
    in_tmp: Path, dask: DaskExecutor
) -> None:
    @task
    def lock() -> Any:
        return threading.Lock()

    with Flow("f") as flow:
        flow.unpicklable = (x for x in ())  # type: ignore[attr-defined]
        same(1)
        inside = flow.run(executor=dask, project=in_tmp)
    assert inside.is_successful()

    sentinel = threading.Lock()

    @task
    def holds() -> bool:
        return sentinel.locked()

    with Flow("g") as other:
        lock()
        holds()
        same(2)
    state = other.run(executor=dask, project=in_tmp)
    assert types(state) == {"lock": "Success", "holds": "Failed", "same": "Success"}, state.result
    assert "cannot be sent to a worker" in state.result["holds"].message


@pytest.mark.parametrize("retries", [0, 1])
def test_07_a_dead_worker_s_task_runs_again_only_as_a_recorded_attempt(
    in_tmp: Path, store: RunStore, retries: int
) -> None:
    @task(max_retries=retries)
    def kills(folder: str) -> str:
        noted(folder, "began")
        if len(words(Path(folder))) == 1:
            os._exit(1)
        return "done"

    with Flow("f") as flow:
        kills(str(in_tmp))
    own = DaskExecutor(cluster_kwargs={"n_workers": 1, "threads_per_worker": 1})
    state = flow.run(executor=own, project=in_tmp)
    assert state.is_successful() is bool(retries)
    attempts = store.attempts(store.run("latest").id)
    assert [a.number for a in attempts] == list(range(1, retries + 2))
    assert len(words(in_tmp)) == len(attempts)


def test_08_what_cannot_be_unpacked_on_a_worker_fails_and_does_not_hang(
    in_tmp: Path, dask: DaskExecutor
) -> None:
    with Flow("f") as flow:
        same(Unreadable())
        same(1)
    state = flow.run(executor=dask, project=in_tmp)
    assert types(state) == {"same": "Failed", "same-2": "Success"}
    assert "deserialization" in state.result["same"].message


def test_08b_a_script_without_a_main_guard_ends_with_an_error(in_tmp: Path) -> None:
    (in_tmp / "script.py").write_text(
        "from orchestrator import DaskExecutor, Flow, task\n"
        "with Flow('f') as flow:\n    task(lambda: 1, name='one')()\n"
        "flow.run(executor=DaskExecutor(cluster_kwargs={'n_workers': 1}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "script.py"], cwd=in_tmp, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert ended.returncode != 0
    assert "__name__ == " in ended.stderr, "it says what is missing"


class Unreadable:
    """Cannot be made again of what was sent."""

    def __reduce__(self) -> Any:
        return _unreadable, ()


def _unreadable() -> None:
    raise ValueError("unreadable on purpose")


def test_09_no_line_of_a_worker_s_log_is_lost(
    in_tmp: Path, store: RunStore, dask: DaskExecutor
) -> None:
    @task(log_stdout=True)
    def talks(number: int) -> None:
        for line in range(50):
            context.current().logger.info("%s %s", number, line)
        print(f"{number} printed")

    with Flow("f") as flow:
        talks.map([0, 1, 2, 3])
    assert flow.run(executor=dask, project=in_tmp).is_successful()
    run_id = store.run("latest").id
    for number in range(4):
        said = [line.text for line in store.logs(run_id, f"talks[{number}]")]
        assert said == [f"{number} {line}" for line in range(50)] + [f"{number} printed"]


def test_10_no_process_is_left_of_tasks_that_were_watched(in_tmp: Path) -> None:
    @task(timeout=60)
    def watched(x: int) -> int:
        return x

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with Flow("f") as flow:
        watched.map([1, 2, 3])
        ShellTask("true", timeout=60, name="shell")()
    assert flow.run(executor=ThreadsExecutor(3), project=in_tmp).is_successful()
    left = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
    assert left == []


@pytest.mark.parametrize("place", [InlineExecutor, lambda: ThreadsExecutor(1)])
def test_11_one_element_goes_all_the_way_before_the_next_begins(
    in_tmp: Path, place: Callable[[], Executor]
) -> None:
    @task
    def first(folder: str, x: int) -> int:
        noted(folder, f"a{x}")
        return x

    @task
    def second(folder: str, x: int) -> None:
        noted(folder, f"b{x}")

    with Flow("f") as flow:
        from orchestrator import unmapped

        folder = unmapped(str(in_tmp))
        second.map(folder, first.map(folder, [1, 2, 3]))
    assert flow.run(executor=place(), project=in_tmp).is_successful()
    assert words(in_tmp) == ["a1", "b1", "a2", "b2", "a3", "b3"]


def test_12_a_run_whose_process_was_killed_goes_on_from_the_store(
    in_tmp: Path, store: RunStore
) -> None:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "f.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from orchestrator import Flow, task\n"
        "def note(word):\n"
        "    with open('noted', 'a') as file:\n"
        "        file.write(word + '\\n')\n"
        "@task\n"
        "def first():\n"
        "    note('first')\n"
        "    return 1\n"
        "@task\n"
        "def second(x):\n"
        "    note('second')\n"
        "    if Path('noted').read_text().count('second') == 1:\n"
        "        import time; time.sleep(1)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "with Flow('f') as flow:\n"
        "    second(first())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator", "run", "f", "--executor", "threads"],
        cwd=in_tmp, capture_output=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert ended.returncode == -9
    run = store.run("latest")
    store.heartbeat(run.id, run.fence, instants.now() - timedelta(seconds=1))  # its lease is over
    assert retry_run(Project.find(in_tmp), run.id).state.is_successful()
    assert words(in_tmp) == ["first", "second", "second"]


def test_13_parameters_survive_a_retry_and_are_checked_before_anything_runs(
    in_tmp: Path, store: RunStore
) -> None:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "f.py").write_text(
        "from datetime import date\n"
        "from pathlib import Path\n"
        "from orchestrator import Flow, Parameter, task\n"
        "@task\n"
        "def work(day):\n"
        "    assert type(day) is date\n"
        "    with open('noted', 'a') as file:\n"
        "        file.write(day.isoformat() + '\\n')\n"
        "    assert Path('go').exists()\n"
        "with Flow('f') as flow:\n"
        "    work(Parameter('day', type=date))\n"
    )
    flow: Any = Project.find(in_tmp).flow("f")
    from orchestrator.errors import ParameterError

    for wrong in ({}, {"day": "31.01.2013"}, {"dya": "2013-01-31"}):
        with pytest.raises(ParameterError):
            flow.run(wrong, project=in_tmp)
    assert store.runs() == ()
    assert flow.run({"day": date(2013, 2, 1)}, project=in_tmp).is_failed()
    (in_tmp / "go").touch()
    assert retry_run(Project.find(in_tmp), "latest").state.is_successful()
    assert words(in_tmp) == ["2013-02-01", "2013-02-01"]


def test_14_a_flow_of_flows_needs_no_agent_and_no_second_slot(
    in_tmp: Path, store: RunStore
) -> None:
    from tasks import create_flow_run, wait_for_flow_run

    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "f.py").write_text(
        "from orchestrator import Flow, task\n"
        "with Flow('child') as child:\n"
        "    task(lambda: 1, name='one')()\n"
    )
    with Flow("parent") as flow:
        for _ in range(2):
            wait_for_flow_run(create_flow_run(flow_name="child"), raise_final_state=True)
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_successful()
    assert sorted(run.flow for run in store.runs()) == ["child", "child", "parent"]


def test_15_neither_a_skip_nor_a_clean_up_makes_a_failure_look_good(in_tmp: Path) -> None:
    with Flow("f") as flow:
        kind = same("a")
        with case(kind, "b"):
            left_out = same(1)
        both = merge(boom(), left_out)
        note(str(in_tmp), "cleaned", both, task_args={"trigger": triggers.all_finished})
    state = flow.run(executor=ThreadsExecutor(2), project=in_tmp)
    assert state.is_failed()
    assert types(state)["merge"] == "Skipped"
    assert state.result["merge"].cause == "boom"
    assert words(in_tmp) == ["cleaned"]
    flow.set_reference_tasks([both])
    assert flow.run(executor=ThreadsExecutor(2), project=in_tmp).is_failed()
