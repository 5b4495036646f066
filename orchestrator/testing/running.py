"""Runs a flow as a test wants it: given tables, stubbed tasks, a stopped clock."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.engine.attempts.bundle import Bundle
from orchestrator.executors.base import Executor, Handle, Kept
from orchestrator.executors.inline import InlineExecutor
from orchestrator.model.dataset import Dataset
from orchestrator.model.flow import Flow
from orchestrator.model.planning import RunOptions
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow as run_in_project
from orchestrator.store.base import RunStore
from orchestrator.testing.clock import Instant, freeze_time
from orchestrator.testing.result import FlowResult
from orchestrator.testing.sandbox import SampleProject
from orchestrator.testing.stubs import Changed, stubs_by_key
from orchestrator.testing.warehouse import SampleWarehouse


class SeeingExecutor(InlineExecutor):
    """Runs one piece of work after the other, and keeps what each task returned.

    Attributes:
        values: By key of the task.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}

    def submit(self, fn: Callable[..., Kept], *args: Any, **place: Any) -> Handle:
        """Run the work now, wherever it was to run."""

        bundle = next((given for given in args if isinstance(given, Bundle)), None)
        if bundle is None:
            return super().submit(fn, *args, **place)
        whole = replace(bundle, kept=(True,) * len(bundle.attempts))

        def seen(*given: Any) -> Kept:
            kept = fn(*given)
            for attempt, value in zip(whole.attempts, kept.value, strict=True):
                if value is not None:
                    self.values[attempt.key] = value
            return kept

        given = (whole if each is bundle else each for each in args)
        return super().submit(seen, *given, **place)


def run_flow(
    flow: Flow | str,
    *,
    stub: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    now: Instant | None = None,
    timezone: str = "UTC",
    select: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    store: RunStore | None = None,
    executor: Executor | None = None,
    options: RunOptions | None = None,
    handlers: bool = False,
    project: Project | str | Path | None = None,
    folder: Path | None = None,
) -> FlowResult:
    """Run a flow on temporary databases, one task after the other, and tell what came of it.

    Each warehouse of the project, dbt's profile among them, is a temporary DuckDB file of the same
    catalog and schema; the project's own databases and its run store are not opened. Nobody is told,
    no handler is called, attempts follow one another without waiting, and nothing is cached.

    Args:
        flow: The flow, or its name in the project.
        stub: By a task's name or key, what stands in for it: rows (they become the table it writes,
            and its result), an exception, a function of some of its arguments, or any other result.
        tables: By name, tables that are there before it runs: mappings, a file, a query, Arrow or a
            data frame; ``{"rows": …, "types": {…}}`` says types.
        parameters: Values of the flow's parameters.
        now: When it runs; the clock stands still there.
        timezone: Zone of ``now``, where it has no offset of its own.
        select: Only these tasks, in dbt's words.
        exclude: Not these.
        store: Keeps the run; a fresh one in memory, if left out.
        executor: What it runs on; in this thread if left out. On another, only what JSON can hold is
            found in ``results``.
        options: dbt's words: target, vars, full refresh.
        handlers: Whether state handlers and ``on_failure`` are called.
        project: The project or a folder of it; found from the flow's file, or from here, upwards.
        folder: Where the databases are; a temporary one that goes with the result, if left out.
            Runs that share a folder find each other's tables.

    Returns:
        Its states, results, logs and tables.

    Raises:
        NotFoundError: There is no such flow, or no such task to stub.
        UsageError: Rows cannot be read, or the flow cannot be planned.
        ConfigurationError: A task names a real database itself.

    Example:
        >>> from orchestrator import Flow, task
        >>> @task
        ... def load():
        ...     raise ConnectionError("not in a test")
        >>> @task
        ... def count(rows):
        ...     return len(rows)
        >>> with Flow("sample") as flow:
        ...     counted = count(load())
        >>> run_flow(flow, stub={"load": [{"id": 1}, {"id": 2}]}).results["count"]
        2
    """
    own = folder is None
    place = Path(tempfile.mkdtemp(prefix="orchestrator-test-")) if folder is None else folder
    try:
        result = _run(
            _project_of(flow, project), flow, place, stub or {}, tables or {},
            Request(parameters, options or RunOptions(), _words(select), _words(exclude)),
            (now, timezone), store, executor, handlers,
        )  # fmt: skip
    except BaseException:
        if own:
            shutil.rmtree(place, ignore_errors=True)
        raise
    if own:
        weakref.finalize(result, shutil.rmtree, place, True)
    return result


def _run(
    real: Project,
    named: Flow | str,
    folder: Path,
    stub: Mapping[str, Any],
    tables: Mapping[str, Any],
    request: Request,
    now: tuple[Instant | None, str],
    store: RunStore | None,
    executor: Executor | None,
    handlers: bool,
) -> FlowResult:
    flow = real.flow(named) if isinstance(named, str) else named
    sample = SampleProject(real, folder, flow, store)
    place = SeeingExecutor() if executor is None else executor
    with ExitStack() as around:
        around.enter_context(sample.surroundings())
        if now[0] is not None:
            around.enter_context(freeze_time(now[0], now[1]))
        warehouses = sample_warehouses(sample, request.options)
        for name, rows in tables.items():
            next(iter(warehouses.values())).load(name, rows)
        changed = _changed(sample, flow, request, stub, handlers)
        done = run_in_project(sample, changed, request, executor=place)
    values = place.values if isinstance(place, SeeingExecutor) else {}
    return FlowResult(
        flow.name, done.state, done.run_id, sample.kept, values, warehouses,
        sample.databases.notes,
    )  # fmt: skip


def _changed(
    sample: SampleProject, flow: Flow, request: Request, stub: Mapping[str, Any], handlers: bool
) -> Flow:
    """The flow with its stubs, once it is clear that the rest reaches no real database."""
    sample.prepare(request)
    plan = plan_flow(sample, flow, request)
    stubs = stubs_by_key(stub, flow, plan.facts)
    running = {key: planned for key, planned in plan.tasks.items() if key not in stubs}
    files = {
        planned.facts.name: sample.root / str(planned.facts.path)
        for planned in running.values()
        if str(planned.facts.path or "").endswith(".sql")
    }
    sample.databases.refuse([planned.task for planned in running.values()], files)
    chosen = sample.databases.options(request.options_in(sample))

    def put(dataset: Dataset, rows: Any) -> None:
        holder = sample.databases.holder(dataset.catalog, chosen)
        SampleWarehouse(holder, (sample.root,)).put(dataset, rows)

    return Changed(stubs, put, handlers).flow(flow, plan.facts)


def sample_warehouses(
    sample: SampleProject, options: RunOptions | None = None
) -> dict[str, SampleWarehouse]:
    """The temporary databases of a project by name, the default one first."""
    chosen = Request(options=options or RunOptions()).options_in(sample)
    known = sample.databases.all(sample.databases.options(chosen))
    folders = (Path.cwd(), sample.root)
    found: dict[str, SampleWarehouse] = {}
    for warehouse in known:
        found.setdefault(warehouse.name, SampleWarehouse(warehouse, folders))
    return found


def _project_of(flow: Flow | str, project: Project | str | Path | None) -> Project:
    if isinstance(project, Project):
        return project
    if project is None and not isinstance(flow, str):
        file = flow.defined_at[0] if flow.defined_at else ""
        return Project.find(Path(file).parent if Path(file).is_file() else Path.cwd())
    return Project.find(Path.cwd() if project is None else Path(project))


def _words(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
