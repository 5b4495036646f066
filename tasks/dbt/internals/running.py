"""One node run as dbt's own threads run it, and what surrounds that: skips, batches, cancelling."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from dbt.adapters.factory import get_adapter, reset_adapters
from dbt.deprecations import reset_deprecations
from dbt.graph.thread_pool import DbtThreadPool
from dbt.task.run import MicrobatchModelRunner
from dbt_common.clients import jinja as common_jinja
from dbt_common.context import _INVOCATION_CONTEXT_VAR

from tasks.dbt.internals.counts import count_into


def names(task: Any) -> tuple[str, str | None, str | None]:
    """Return the adapter's type, and the database and schema of names that have none."""
    credentials = task.config.credentials
    return credentials.type, credentials.database, credentials.schema


# dbt declares half of a task's attributes optional, and sets them all before it runs: hence Any.


def inside(task: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Call in dbt's invocation context, and in none of the caller's."""

    def call() -> Any:
        _INVOCATION_CONTEXT_VAR.set(task.context)
        return function(*args)

    return contextvars.Context().run(call)


def selection(task: Any) -> tuple[str, ...]:
    """Return what dbt's own options select, unit tests with it."""
    return tuple(sorted(task.job_queue.get_selected_nodes() | task.selected_unit_tests))


def build_node(task: Any, unique_id: str) -> Any:
    """Run one node as dbt's own threads do, and return dbt's result."""
    node, running = task.manifest.expect(unique_id), task.job_queue.in_progress
    running.add(unique_id)
    task.started_nodes.append(unique_id)
    try:
        runner = task.get_runner(node)
        if task.counts is not None:
            task.counts.pop(unique_id, None)
            count_into(task.counts, runner)
        if isinstance(runner, MicrobatchModelRunner):
            runner.set_parent_task(task)
            runner.set_pool(_batch_pool(task))
        with _no_event_loop_left(node):
            result = task.call_runner(runner)
    finally:
        running.discard(unique_id)
    task._handle_result(result)
    return result


def counted(task: Any, unique_id: str) -> int | None:
    """Return the rows that a node wrote last, where the adapter does not tell and its cursor does."""
    return task.counts.get(unique_id) if task.counts else None


@contextmanager
def _no_event_loop_left(node: Any) -> Iterator[None]:
    """Close the event loop that dbt-duckdb gives a thread for a Python model, and forgets."""
    python = getattr(node, "language", None) == "python"
    clean = python and threading.current_thread() is not threading.main_thread()
    clean = clean and _event_loop() is None
    try:
        yield
    finally:
        loop = _event_loop() if clean else None
        if loop is not None:
            loop.close()
            asyncio.set_event_loop(None)


def _event_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop this thread has, if any; only for threads other than the main one."""
    try:
        return asyncio.get_event_loop_policy().get_event_loop()
    except RuntimeError:
        return None


def drop_result(task: Any, earlier: Any) -> None:
    """Forget an earlier result of a node: its last one counts."""
    with task.lock:
        task.node_results[:] = [r for r in task.node_results if r is not earlier]


def renew(task: Any, unique_id: str, earlier: Any) -> None:
    """Make a node that ran before ready to run again.

    dbt compiles a node once a process and keeps the ephemeral models it injected; a second run
    would take them for injected already and lose them. Of a microbatch model only the batches
    that failed run again, as in ``dbt retry``.
    """
    drop_result(task, earlier)
    node = task.manifest.expect(unique_id)
    if hasattr(node, "extra_ctes_injected"):
        node.extra_ctes_injected, node.extra_ctes, node.compiled = False, [], False
    if str(earlier.status) == "partial success":
        node.previous_batch_results = earlier.batch_results


def skip_node(task: Any, unique_id: str, ran: Collection[Any]) -> Any:
    """Record a node as skipped; dbt's message names a failed ephemeral model, if one is above it.

    Args:
        ran: Results of the nodes that ran here.
    """
    runner = task.get_runner(task.manifest.expect(unique_id))
    runner.do_skip(cause=_ephemeral_cause(task, unique_id, ran))
    result = task.call_runner(runner)
    task._handle_result(result)
    return result


def _ephemeral_cause(task: Any, unique_id: str, ran: Collection[Any]) -> Any:
    broken = [r for r in ran if str(r.status) == "error" and r.node.is_ephemeral_model]
    above = task.ancestors(unique_id) if broken else ()
    return next((r for r in broken if r.node.unique_id in above), None)


def _batch_pool(task: Any) -> DbtThreadPool:
    with task.lock:
        if task.batch_pool is None:
            size = max(1, task.config.threads - 1)  # the model's own thread waits for its batches
            task.batch_pool = DbtThreadPool(size, task._pool_thread_initializer, [task.context])
        return task.batch_pool


def write_results(task: Any) -> None:
    """Write ``run_results.json`` as dbt does when it is interrupted: no end hooks."""
    if task.args.write_json:
        elapsed = time.time() - task.started_at
        moment = datetime.now(UTC).replace(tzinfo=None)
        task.get_result(task.node_results, elapsed, moment).write(task.result_path())


def close_batches(task: Any) -> None:
    """Let no further batch of a microbatch model start."""
    if task.batch_pool is not None:
        task.batch_pool.close()


def end_batches(task: Any) -> None:
    """Wait for the threads of the batches, which close_batches() or nothing has ended."""
    if task.batch_pool is not None:
        task.batch_pool.close()
        task.batch_pool.join()


def cancel_queries(task: Any, unique_id: str | None = None) -> None:
    """Interrupt what the warehouse is running for this session, or for one node of it."""
    adapter = get_adapter(task.config)
    if not adapter.connections.thread_connections or not adapter.is_cancelable():
        return
    with adapter.connection_named("cancel"):
        if unique_id is None:
            list(adapter.cancel_open_connections() or ())
            return
        with task.kept.held() if task.kept is not None else nullcontext():
            for connection in list(adapter.connections.thread_connections.values()):
                if connection.name == unique_id and connection.state == "open":
                    adapter.connections.cancel(connection)


def reset() -> None:
    """Leave the process as if dbt had not run in it: no adapter, no open database file."""
    reset_adapters()
    reset_deprecations()
    common_jinja.template_cache.clear()
    duckdb = sys.modules.get("dbt.adapters.duckdb.connections")
    if duckdb is not None:
        environment = duckdb.DuckDBConnectionManager._ENV
        duckdb.DuckDBConnectionManager.close_all_connections()
        if environment is not None:
            environment.close()
