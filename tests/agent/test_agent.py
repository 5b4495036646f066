"""What every agent promises: it takes its runs, watches them, and leaves none of them open."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from orchestrator import instants
from orchestrator.engine.telling.recorder import LEASE
from orchestrator.errors import StoreError
from orchestrator.model.state import StateType
from orchestrator.service.agent.base import BEAT, Agent, Exit
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import Action, Ask, Change, FlowRun, TaskRun


class Toy(Agent[str]):
    """An agent whose processes are entries of a dictionary."""

    def __init__(self, store: RunStore, *labels: str, **rest: object) -> None:
        super().__init__(store, labels, project=None, pause=0.01, **rest)  # type: ignore[arg-type]
        self.processes: dict[str, Exit | None] = {}
        self.asked_to_end: list[str] = []

    def launch(self, run: FlowRun) -> str:
        self.processes[run.id] = None
        return run.id

    def poll(self, handle: str) -> Exit | None:
        return self.processes[handle]

    def kill(self, handle: str) -> None:
        self.asked_to_end.append(handle)
        self.processes[handle] = Exit(-9)


@contextmanager
def moving_clock(start: datetime) -> Iterator[list[datetime]]:
    """A clock that stands until the only entry of the list is changed."""
    hand = [start]
    before = instants._source
    instants._source = lambda: hand[0]
    try:
        yield hand
    finally:
        instants._source = before


def put(store: RunStore, name: str, **more: object) -> None:
    tasks = [TaskRun(name, "load", "load"), TaskRun(name, "total", "total")]
    store.create_run(FlowRun(name, "nightly", "shop", **more), tasks)  # type: ignore[arg-type]


def begin(store: RunStore, run_id: str) -> int:
    """What the launched process does: take the run over, and begin its first task."""
    fence = store.take_over(run_id, until=instants.now() + LEASE)
    moves = [Change(None, StateType.RUNNING), Change("load", StateType.RUNNING, token="t1")]
    assert store.transition(run_id, moves, fence=fence) == ()
    return fence


def test_it_takes_what_it_has_the_labels_for_and_no_more_than_it_may(store: RunStore) -> None:
    for name, labels in (("a1", ()), ("b2", ("gpu",)), ("c3", ("gpu", "big")), ("d4", ("gpu",))):
        put(store, name, labels=labels)
    agent = Toy(store, "gpu", most=2)
    agent.step()
    assert sorted(agent.processes) == ["a1", "b2"]
    assert store.run("a1").agent == agent.id
    agent.processes["a1"] = Exit(0)
    agent.step()
    assert sorted(agent.processes) == ["a1", "b2", "d4"]
    assert store.run("c3").agent is None


def test_two_agents_never_take_the_same_run(store: RunStore) -> None:
    for number in range(20):
        put(store, f"r{number:02}")
    agents = [Toy(store, most=20) for _ in range(4)]
    threads = [threading.Thread(target=agent.step) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [name for agent in agents for name in agent.processes]
    assert sorted(taken) == [f"r{number:02}" for number in range(20)]


@pytest.mark.parametrize(
    ("ended", "cause"),
    [
        (Exit(-9), "its process was killed by SIGKILL"),
        (Exit(3, "no disk"), "its process ended with exit code 3: no disk"),
        (Exit(None), "its process is gone"),
    ],
)
def test_a_run_whose_process_died_fails_with_its_cause(
    store: RunStore, ended: Exit, cause: str
) -> None:
    put(store, "a1")
    agent = Toy(store)
    agent.step()
    fence = begin(store, "a1")
    agent.processes["a1"] = ended
    agent.step()
    run, tasks = store.run("a1"), {task.key: task for task in store.task_runs("a1")}
    assert (run.state, run.message) == (StateType.FAILED, cause)
    assert (tasks["load"].state, tasks["load"].message) == (StateType.FAILED, cause)
    assert tasks["total"].state is StateType.SKIPPED
    late = store.transition("a1", [Change("load", StateType.SUCCESS, token="t1")], fence=fence)
    assert len(late) == 1, "the dead driver's word changes nothing"


def test_a_run_that_its_process_finished_is_left_as_it_is(store: RunStore) -> None:
    put(store, "a1")
    agent = Toy(store)
    agent.step()
    fence = begin(store, "a1")
    store.transition("a1", [Change(None, StateType.SUCCESS)], fence=fence)
    agent.processes["a1"] = Exit(0)
    agent.step()
    assert store.run("a1").state is StateType.SUCCESS
    agent.close()
    assert agent.asked_to_end == []


def test_what_cannot_be_launched_fails_with_its_cause_and_the_agent_goes_on() -> None:
    class Clumsy(Toy):
        def launch(self, run: FlowRun) -> str:
            if run.id == "a1":
                raise RuntimeError("no room")
            return super().launch(run)

    store = MemoryStore()
    put(store, "a1")
    put(store, "b2")
    agent = Clumsy(store)
    agent.step()
    agent.step()
    assert store.run("a1").state is StateType.FAILED
    assert "could not be launched" in store.run("a1").message
    assert "no room" in "".join(line.text for line in store.logs("a1"))
    assert list(agent.processes) == ["b2"]


def test_a_run_that_has_not_begun_is_killed_when_it_is_cancelled(store: RunStore) -> None:
    put(store, "a1")
    agent = Toy(store)
    agent.step()
    store.ask("a1", Ask(Action.CANCEL, by="ada"))
    agent.step()
    assert agent.asked_to_end == ["a1"]
    agent.step()
    run = store.run("a1")
    assert run.state is StateType.CANCELLED
    assert run.message == "cancelled; its process was killed by SIGKILL"


def test_a_run_under_way_has_time_to_stop_by_itself_when_it_is_cancelled(store: RunStore) -> None:
    put(store, "a1")
    put(store, "b2")
    agent = Toy(store, grace=3600)
    agent.step()
    fences = {name: begin(store, name) for name in ("a1", "b2")}
    for name in fences:
        store.ask(name, Ask(Action.CANCEL, by="ada"))
    agent.step()
    agent.step()
    assert agent.asked_to_end == []
    store.transition("a1", [Change(None, StateType.CANCELLED)], fence=fences["a1"])
    agent.processes["a1"] = Exit(130)
    agent.grace = 0
    agent._launched["b2"].kill_at = 0.0  # its time is over
    agent.step()
    assert agent.asked_to_end == ["b2"]
    agent.step()
    assert {str(store.run(name).state) for name in fences} == {"Cancelled"}


def test_a_process_that_outlives_its_run_is_killed(store: RunStore) -> None:
    put(store, "a1")
    agent = Toy(store, grace=-1)
    agent.step()
    fence = begin(store, "a1")
    store.transition("a1", [Change(None, StateType.FAILED)], fence=fence)
    agent.step()
    agent.step()
    assert agent.asked_to_end == ["a1"]


def test_a_run_that_somebody_else_took_over_is_not_settled(store: RunStore) -> None:
    put(store, "a1")
    agent = Toy(store)
    agent.step()
    begin(store, "a1")
    store.take_over("a1", until=instants.now() + LEASE)
    agent.processes["a1"] = Exit(1)
    agent.step()
    assert store.run("a1").state is StateType.RUNNING


def test_an_agent_that_stops_puts_back_what_has_not_begun(store: RunStore) -> None:
    put(store, "a1")
    put(store, "b2")
    stop, agent = threading.Event(), Toy(store, grace=0.5)
    agent.step()
    begin(store, "b2")
    stop.set()
    agent.run(stop)
    assert sorted(agent.asked_to_end) == ["a1", "b2"]
    assert store.run("b2").state is StateType.CANCELLED
    assert f"agent {agent.name} stops" in str(store.asked("b2"))
    assert store.agents() == ()
    other = Toy(store)
    other.step()
    assert list(other.processes) == ["a1"]


def test_it_says_that_it_is_there_and_comes_back_when_it_was_struck_out(store: RunStore) -> None:
    agent = Toy(store, "gpu", name="big-one")
    agent.beat()
    assert [(one.name, one.labels) for one in store.agents()] == [("big-one", ("gpu",))]
    installed = {name: version(name) for name in ("dbt-core", "duckdb", "sqlglot")}
    [kept] = store.agents()
    assert kept.packages.items() >= {"python": platform.python_version(), **installed}.items()
    store.dismiss(agent.id)
    agent.beat()
    assert [one.id for one in store.agents()] == [agent.id]


def test_the_lease_of_a_run_that_takes_long_to_begin_is_renewed(store: RunStore) -> None:
    put(store, "a1")
    with moving_clock(datetime(2026, 3, 1, 2, tzinfo=UTC)) as hand:
        agent = Toy(store)
        agent.step()
        for _ in range(30):
            hand[0] += timedelta(seconds=BEAT)
            agent.beat()
            assert store.expired_runs(hand[0]) == ()
        begin(store, "a1")
        hand[0] += LEASE + timedelta(seconds=1)
        agent.beat()
        assert [run.id for run in store.expired_runs(hand[0])] == ["a1"], "its driver must renew it"


def test_a_run_of_thirteen_hours_is_let_be_while_it_is_heard_of() -> None:
    store = MemoryStore()
    put(store, "a1")
    start = datetime(2026, 3, 28, 20, tzinfo=UTC)  # the night the clocks of Europe go forward
    with moving_clock(start) as hand:
        agent, scheduler = Toy(store), Scheduler(store)
        agent.step()
        fence = begin(store, "a1")
        while hand[0] < start + timedelta(hours=13):
            hand[0] += timedelta(seconds=BEAT * 3)
            assert store.heartbeat("a1", fence, hand[0] + LEASE)
            agent.beat()
            agent.step()
            scheduler.tick()
        assert store.run("a1").state is StateType.RUNNING
        assert agent.asked_to_end == []
        store.transition("a1", [Change(None, StateType.SUCCESS)], fence=fence)
        hand[0] += timedelta(minutes=5)
        agent.processes["a1"] = Exit(0)
        agent.step()
        assert store.run("a1").state is StateType.SUCCESS


def test_a_run_whose_agent_and_driver_are_gone_is_settled_by_the_scheduler(
    store: RunStore,
) -> None:
    put(store, "a1")
    put(store, "b2")
    with moving_clock(datetime(2026, 3, 1, 2, tzinfo=UTC)) as hand:
        agent = Toy(store)
        agent.beat()
        agent.step()
        begin(store, "a1")
        hand[0] += timedelta(seconds=60)
        Scheduler(store).tick()
        assert store.agents() == ()
        assert store.run("a1").state is StateType.FAILED
        assert "lost" in store.run("a1").message
        assert {str(task.state) for task in store.task_runs("a1")} == {"Failed", "Skipped"}
        other = Toy(store)
        other.step()
        assert list(other.processes) == ["b2"], "what had not begun goes to another agent"


def test_an_error_of_the_store_or_of_a_hook_does_not_end_it() -> None:
    class Shaky(MemoryStore):
        refusals = 3

        def claim(self, *arguments: object, **rest: object) -> FlowRun | None:
            self.refusals -= 1
            if self.refusals >= 0:
                raise StoreError("the database restarts")
            return super().claim(*arguments, **rest)  # type: ignore[arg-type]

    class Clumsy(Toy):
        looks = 0

        def poll(self, handle: str) -> Exit | None:
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("a hiccup")
            stop.set()
            return Exit(1)

    store, stop = Shaky(), threading.Event()
    put(store, "a1")
    Clumsy(store).run(stop)
    assert store.run("a1").message == "its process ended with exit code 1"


def test_output_is_kept_when_the_store_fails_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.service.agent import output

    monkeypatch.setattr(output, "_WAITING", 3)
    store = MemoryStore()
    put(store, "a1")
    lines = output.Output(store)
    for number in range(5):
        lines.put("a1", f"line {number}")
    lines.put("gone", "of a run that was deleted")
    with monkeypatch.context() as broken:
        broken.setattr(store, "append_logs", _fail)
        with pytest.raises(StoreError):
            lines.flush()
    lines.flush()
    texts = [line.text for line in store.logs("a1")]
    assert texts == ["line 0", "line 1", "line 2", "(2 lines left out)"]


def _fail(*arguments: object) -> None:
    raise StoreError("no disk")
