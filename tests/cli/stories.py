"""Runs as they could happen, told in fixed events; plans and store records of the same shop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.cli.terminal.progress import Progress
from orchestrator.engine.plan import Plan, PlannedTask
from orchestrator.lineage.derivation.derive import derive
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.state import State, StateType
from orchestrator.model.task import Task
from orchestrator.store.records import FlowRun, TaskRun

NOON = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)

SQL = """select
    f.month,
    f.carrier,
    avg(f.dep_delay) as delay,
    count(*) as flights
from raw.flights as f
join raw.airlines as a
    on a.carier = f.carrier
where f.dep_delay is not null
group by 1, 2
order by 1, 2
"""
TRACEBACK = """Traceback (most recent call last):
  File "/app/orchestrator/engine/attempts/attempt.py", line 194, in _run
    return _succeeded(attempt.task.run(**arguments, **connected))
  File "/shop/flows/nightly.py", line 31, in score
    return fit(rows)
           ^^^^^^^^^
  File "/shop/flows/scoring.py", line 12, in fit
    return weights / len(rows)
           ~~~~~~~~^~~~~~~~~~~
ZeroDivisionError: division by zero
"""


def after(seconds: float) -> datetime:
    """An instant of the story."""
    return NOON + timedelta(seconds=seconds)


def changed(key: str, kind: StateType, at: float, **facts: Any) -> TaskChanged:
    """A task enters a state; ``message``, ``status`` and ``cause`` belong to the state."""
    state = State(kind, **{n: facts.pop(n) for n in ("message", "status", "cause") if n in facts})
    return TaskChanged(key, key.rpartition(".")[2], state, after(at), **facts)


TASKS = (
    ("load_flights", "load_flights", "python"),
    ("model.shop.stg_flights", "stg_flights", "model"),
    ("test.shop.not_null_stg_flights_carrier", "not_null_stg_flights_carrier", "test"),
    ("model.shop.delays", "delays", "model"),
    ("score", "score", "python"),
    ("model.shop.mart_delays", "mart_delays", "model"),
    ("model.shop.mart_carriers", "mart_carriers", "model"),
    ("report", "report", "python"),
)


def beginning() -> list[Event]:
    """The run until the moment a live picture is taken of it."""
    return [
        RunStarted(
            "3f2ab1c4d5e6f708", "nightly", TASKS,
            {"load_flights": 2.0, "model.shop.stg_flights": 1.0, "model.shop.delays": 4.0,
             "model.shop.mart_delays": 2.0, "score": 6.0},
            NOON, "threads", 2,
        ),
        changed("load_flights", StateType.RUNNING, 0, attempt=1),
        TasksAdded((("load_flights[0]", "load_flights[0]", "python"),), NOON),
        changed("load_flights[0]", StateType.SUCCESS, 1.5, attempt=1, seconds=1.5, rows=27004),
        changed("load_flights", StateType.SUCCESS, 1.6, attempt=1, seconds=1.6, rows=336776),
        LogEmitted(None, "INFO", "waiting for shop.duckdb, held by python (PID 7)", after(1.7)),
        LogEmitted("score", "INFO", "not shown", after(1.8)),
        changed("model.shop.stg_flights", StateType.RUNNING, 1.9, attempt=1),
        changed(
            "model.shop.stg_flights", StateType.RETRYING, 2.0, attempt=1,
            message="Catalog Error: Table with name flights does not exist!",
        ),
        changed("model.shop.stg_flights", StateType.RUNNING, 3.0, attempt=2),
        changed("model.shop.stg_flights", StateType.SUCCESS, 3.1, attempt=2, seconds=0.117),
        changed(
            "test.shop.not_null_stg_flights_carrier", StateType.SUCCESS, 3.4, attempt=1,
            seconds=0.2, status="warn", failures=3,
            message="Got 3 results, configured to warn if != 0",
        ),
        changed("model.shop.delays", StateType.RUNNING, 3.5, attempt=1),
        changed("score", StateType.RUNNING, 3.6, attempt=2),
    ]  # fmt: skip


def ending() -> list[Event]:
    """The rest of the run."""
    return [
        LogEmitted("score", "WARNING", "only 12 rows\nto score", after(4)),
        changed(
            "model.shop.delays", StateType.FAILED, 4.2, attempt=1, seconds=0.7, status="error",
            message="Runtime Error in model delays (models/delays.sql)",
            detail={
                "error": "Runtime Error in model delays (models/delays.sql)\n"
                '  Binder Error: Table "a" does not have a column named "carier"\n'
                '  Candidate bindings: "carrier"',
                "compiled_code": SQL, "error_line": 8, "path": "models/delays.sql",
                "compiled_path": "target/compiled/shop/models/delays.sql",
            },
        ),
        changed(
            "score", StateType.FAILED, 5.0, attempt=2, seconds=1.4,
            message="ZeroDivisionError: division by zero",
            detail={
                "error": "division by zero", "traceback": TRACEBACK,
                "log_tail": ["fitting 12 rows", "weights: 0 of 12"],
            },
        ),
        *(
            changed(key, StateType.SKIPPED, 5.1, cause=cause, message=f"{cause} failed")
            for key, cause in (
                ("model.shop.mart_delays", "model.shop.delays"),
                ("model.shop.mart_carriers", "model.shop.delays"),
                ("report", "score"),
            )
        ),
        RunFinished(
            "3f2ab1c4d5e6f708", State(StateType.FAILED, "2 failed"), after(5.2), 5.2,
            {StateType.SUCCESS: 4, StateType.FAILED: 2, StateType.SKIPPED: 3},
        ),
    ]  # fmt: skip


def told(events: list[Event]) -> Progress:
    """A run after some events."""
    progress = Progress()
    for event in events:
        progress.apply(event)
    return progress


# -- plans -------------------------------------------------------------------------------------


def table(name: str) -> Dataset:
    """A dataset of the shop."""
    schema, _, table_name = name.rpartition(".")
    return Dataset("shop", schema, table_name)


def facts(name: str, kind: str, *, reads: str = "", writes: str = "", key: str = "") -> TaskFacts:
    """A task that reads and writes the tables named, each on a line of its own file."""
    path = {"model": f"models/{name}.sql", "sql": f"sql/{name}.sql"}.get(kind, "flows/nightly.py")
    return TaskFacts(
        key or name,
        name,
        kind,
        reads=_accesses("reads", reads, path, 7),
        writes=_accesses("writes", writes, path, 2),
        path=path,
        fqn=("shop", name),
        package="shop" if kind in ("model", "test") else None,
    )


def _accesses(verb: str, names: str, path: str, line: int) -> tuple[Access, ...]:
    return tuple(
        Access(table(name), Evidence(Source.SQL, f"{verb} {name}", path, line + index))
        for index, name in enumerate(names.split())
    )


def plan_of(tasks: list[TaskFacts], flow: str = "nightly", **more: Any) -> Plan:
    """The plan of these tasks, with the edges that follow from what they read and write."""
    derived = derive(tasks)
    planned = {
        task.key: PlannedTask(task.key, Task(name=task.name), task, reason="the whole flow runs")
        for task in tasks
    }
    return Plan(
        flow, planned, derived.graph, derived.edges, derived.graph,
        {task.key: task for task in tasks}, **more,
    )  # fmt: skip


def shop_plan() -> Plan:
    """A loader, two models, a SQL file between them, a test, a task that reads no table."""
    return plan_of(
        [
            facts("load_flights", "python", writes="raw.flights"),
            facts("stg_flights", "model", reads="raw.flights", writes="main.stg_flights", key="model.shop.stg_flights"),
            facts("daily", "sql", reads="main.stg_flights", writes="main.daily main.daily_log"),
            facts("mart_delays", "model", reads="main.daily main.stg_flights", writes="main.mart_delays", key="model.shop.mart_delays"),
            facts("not_null_mart_delays_day", "test", reads="main.mart_delays", key="test.shop.not_null_mart_delays_day"),
            facts("notify", "shell"),
        ],
        left_out={"old": "not selected", "older": "not selected", "gone": "succeeded before"},
        parameters={"day": "2013-01-31"},
    )  # fmt: skip


def large_plan(tasks: int = 5000) -> Plan:
    """Many models in twenty waves."""
    wide = tasks // 20
    return plan_of(
        [
            facts(
                f"m{number:05}",
                "model",
                reads=f"main.m{number - wide:05}" if number >= wide else "",
                writes=f"main.m{number:05}",
            )
            for number in range(tasks)
        ]
    )


def tested_plan() -> Plan:
    """Two models with eighty tests each, and one after them."""
    models = [facts(f"m{n}", "model", writes=f"main.m{n}") for n in range(2)]
    tests = [
        facts(f"unique_{model.name}_{n}", "test", reads=f"main.{model.name}")
        for model in models
        for n in range(80)
    ]
    last = facts("last", "model", reads="main.m0 main.m1", writes="main.last")
    return plan_of([*models, *tests, last])


# -- records -----------------------------------------------------------------------------------


def stored_run(**changes: Any) -> FlowRun:
    """The run of the story as the store keeps it."""
    values = {
        "id": "3f2ab1c4d5e6f708", "flow": "nightly", "project": "shop", "state": StateType.FAILED,
        "message": "2 failed", "parameters": {"day": "2013-01-31"}, "created": NOON,
        "started": NOON, "finished": after(5.2), "options": {"include": ["staging+"]},
        "pid": 4711, "host": "laptop",
    }  # fmt: skip
    return FlowRun(**{**values, **changes})


def stored_tasks() -> list[TaskRun]:
    """Its tasks as the store keeps them."""
    progress = told([*beginning(), *ending()])
    return [
        TaskRun(
            "3f2ab1c4d5e6f708", event.key, event.name, progress.title(event.key).kind,
            event.state.type, event.state.message, event.state.cause, event.state.status,
            event.attempt, None,
            event.at - timedelta(seconds=event.seconds) if event.seconds else None, event.at,
            event.rows, event.failures, event.detail,
        )
        for event in progress.done.values()
    ]  # fmt: skip
