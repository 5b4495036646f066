"""The one module that touches dbt's internals: a dbt build whose order is decided from outside.

None of it is dbt's public API. ``tests/dbt/test_dbt_contract.py`` names each internal relied on; run
it against each minor version of dbt-core that is to be supported.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import click
from dbt import selected_resources, tracking
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.exceptions import NoneRelationFoundError
from dbt.adapters.factory import get_adapter, reset_adapters
from dbt.adapters.sql.connections import SQLConnectionManager
from dbt.cli import requires
from dbt.cli.main import cli
from dbt.clients import jinja_static
from dbt.clients.jinja import MacroGenerator
from dbt.compilation import Linker
from dbt.context import exceptions_jinja, providers
from dbt.context.base import Var
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.context.providers import ModelConfiguredVar
from dbt.deprecations import reset_deprecations
from dbt.flags import get_flags
from dbt.graph.thread_pool import DbtThreadPool
from dbt.task import run as run_module
from dbt.task.build import BuildTask
from dbt.task.run import MicrobatchModelRunner
from dbt_common.clients import agate_helper
from dbt_common.clients import jinja as common_jinja
from dbt_common.context import _INVOCATION_CONTEXT_VAR, get_invocation_context
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.event_manager import EventManager
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.exceptions import base as exceptions_base

#: What `tasks.dbt.trim` replaces parts of.
TRIMMED = (
    BaseAdapter, BaseEvent, BaseRelation, DbtRuntimeError, Linker, MacroGenerator, MacroNamespace,
    MacroNamespaceBuilder, ManifestContext, ModelConfiguredVar, NoneRelationFoundError,
    RelationsCache, Var, agate_helper, common_jinja, exceptions_base, exceptions_jinja,
    jinja_static, providers, run_module, tracking,
)  # fmt: skip
QUIET_LEVELS = frozenset({EventLevel.DEBUG, EventLevel.TEST})
#: Events that only draw dbt's own console: the orchestrator shows starts, results and totals itself.
CONSOLE_EVENTS = frozenset(  # one text to the line, as long as the list is
    [
        "Formatting",
        "MainReportVersion",
        "AdapterRegistered",
        "FoundStats",
        "ConcurrencyLine",
        "DefaultSelector",
        "LogStartLine",
        "LogModelResult",
        "LogSeedResult",
        "LogSnapshotResult",
        "LogTestResult",
        "LogNodeResult",
        "LogNodeNoOpResult",
        "LogFunctionResult",
        "LogHookStartLine",
        "LogHookEndLine",
        "SkippingDetails",
        "LogSkipBecauseError",
        "LogStartBatch",
        "FinishedRunningStats",
        "EndOfRunSummary",
        "StatsLine",
        "RunResultError",
        "RunResultErrorNoMessage",
        "RunResultFailure",
        "RunResultWarning",
        "RunResultWarningMessage",
        "SQLCompiledPath",
        "CheckNodeTestFailure",
        "MainEncounteredError",
        "MainStackTrace",
        "LogCancelLine",
        "ResourceReport",
    ]
)

LogSink = Callable[[str | None, str, str], None]
StatementSink = Callable[[str | None, str], None]


class Gate(Protocol):
    """Where dbt's thread reports, and waits for what to do next."""

    def parsed(self, task: ServedBuild) -> tuple[Collection[str] | None, bool]:
        """Tell that the project is parsed and wait.

        Returns:
            The nodes to build, ``None`` for all, and whether to run ``on-run-start``.
        """

    def begun(self, failed_hook: bool) -> None:
        """Tell that schemas and hooks are done; wait until every node ran."""


class ServedBuild(BuildTask):
    """A ``dbt build`` that waits at its gate instead of draining its own queue."""

    gate: Gate

    def _runtime_initialize(self) -> None:
        super()._runtime_initialize()
        self.context = get_invocation_context()
        self.lock = threading.Lock()
        self.batch_pool: DbtThreadPool | None = None
        chosen, self.start_hooks = self.gate.parsed(self)
        if chosen is not None:
            self._restrict(set(chosen))

    def _restrict(self, chosen: set[str]) -> None:
        """Build the chosen nodes only, with the ephemeral models that may be part of them."""
        self._flattened_nodes = [
            n for n in self._flattened_nodes or [] if n.unique_id in chosen or n.is_ephemeral_model
        ]
        self.num_nodes = len([n for n in self._flattened_nodes if not n.is_ephemeral_model])
        selected_resources.set_selected_resources({n.unique_id for n in self._flattened_nodes})

    def get_hooks_by_type(self, hook_type: Any) -> Any:
        wanted = self.start_hooks or str(hook_type) != "on-run-start"
        return super().get_hooks_by_type(hook_type) if wanted else []

    def before_run(self, adapter: Any, selected_uids: Any) -> Any:
        status = super().before_run(adapter, selected_uids)
        flag = getattr(get_flags(), "skip_nodes_if_on_run_start_fails", False)
        self.gate.begun(bool(flag) and str(status) != "success")
        return status

    def execute_nodes(self) -> Any:
        return self.node_results

    def _handle_result(self, result: Any) -> None:
        with self.lock:  # dbt records in one thread
            super()._handle_result(result)

    def _mark_dependent_errors(self, node_id: str, result: Any, cause: Any) -> None:
        """Mark nothing: what is skipped is decided outside."""


class SessionEvents(EventManager):
    """dbt's event stream, with what nobody reads dropped before a message is made of it."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def add_logger(self, config: Any) -> None:
        """Take no logger: neither dbt's console lines nor its log file are wanted."""

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if not force_warn_or_error_handling and self._unread(e, level or e.level_tag()):
            return
        super().fire_event(e, level, node, force_warn_or_error_handling)

    @staticmethod
    def _unread(event: BaseEvent, level: EventLevel) -> bool:
        console = type(event).__name__ in CONSOLE_EVENTS and level != EventLevel.WARN
        return console or level in QUIET_LEVELS

    def deliver(self, message: Any) -> None:
        """Hand one message to the sink; this is dbt's callback."""
        if message.info.name in CONSOLE_EVENTS or not message.info.msg.strip():
            return
        info = getattr(message.data, "node_info", None)
        unique_id = (info and info.unique_id) or get_node_info().get("unique_id") or None
        self._sink(unique_id, message.info.level, message.info.msg)


@contextmanager
def own_events(events: SessionEvents) -> Iterator[None]:
    """Replace dbt's event manager while a session lives."""
    before = event_manager_client.get_event_manager()
    event_manager_client.ctx_set_event_manager(events)
    try:
        yield
    finally:
        event_manager_client.ctx_set_event_manager(before)


@contextmanager
def own_statements(sink: StatementSink) -> Iterator[None]:
    """Tell of every statement before it runs: the name of dbt's connection, and the text."""
    owner: Any = SQLConnectionManager
    original = owner.add_query

    def add_query(manager: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
        connection = manager.get_if_exists()
        sink(connection and connection.name, sql)
        return original(manager, sql, *args, **kwargs)

    owner.add_query = add_query
    try:
        yield
    finally:
        owner.add_query = original


def names(task: Any) -> tuple[str, str | None, str | None]:
    """Return the adapter's type, and the database and schema of names that have none."""
    credentials = task.config.credentials
    return credentials.type, credentials.database, credentials.schema


def serve(argv: Sequence[str], project_dir: str, gate: Gate, events: SessionEvents) -> None:
    """Run ``dbt <argv>`` in this thread, with ``gate`` in place of dbt's own queue.

    Raises:
        BaseException: What dbt raised; failed nodes are results and raise nothing.
    """
    words = list(argv)
    parent = cli.make_context("dbt", list(words))
    parent.obj = {
        "manifest": None,
        "callbacks": [events.deliver],
        "dbt_runner_command_args": words,
    }
    command = _command(words, project_dir, gate)
    try:
        with command.make_context("build", words[1:], parent=parent) as context:
            command.invoke(context)
    except requires.ResultExit:
        pass
    except requires.ExceptionExit as stop:
        raise stop.exception from None


def _command(words: Sequence[str], project_dir: str, gate: Gate) -> click.Command:
    @click.pass_context
    @requires.postflight
    @requires.preflight
    @requires.profile
    @_settled(words, project_dir)
    @requires.project
    @requires.catalogs
    @requires.runtime_config
    @requires.manifest
    def build(ctx: click.Context, **_: Any) -> tuple[Any, bool]:
        task = ServedBuild(ctx.obj["flags"], ctx.obj["runtime_config"], ctx.obj["manifest"])
        task.gate = gate
        results = task.run()
        return results, task.interpret_results(results)

    return click.Command("build", params=cli.commands["build"].params, callback=build)


def _settled(words: Sequence[str], project_dir: str) -> Callable[[Any], Any]:
    """Make what dbt takes from its process (command line, current folder) fit the session."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
            object.__setattr__(ctx.obj["flags"], "INVOCATION_COMMAND", "dbt " + shlex.join(words))
            anchor(ctx.obj["profile"].credentials, project_dir)
            return function(ctx, *args, **kwargs)

        return wrapper

    return decorate


def anchor(credentials: Any, project_dir: str) -> None:
    """Make DuckDB's relative paths relative to the project, as if dbt ran in its folder.

    dbt-duckdb resolves them in the process's current folder; a process that runs other tasks in
    threads cannot change that. Nothing is touched where the two folders are one.
    """
    if credentials.type != "duckdb" or os.path.samefile(os.getcwd(), project_dir):
        return
    credentials.path = _anchored(credentials.path, project_dir)
    credentials.external_root = _anchored(credentials.external_root, project_dir)
    credentials.module_paths = [_anchored(p, project_dir) for p in credentials.module_paths or []]
    for attachment in credentials.attach or []:
        attachment.path = _anchored(attachment.path, project_dir)
    credentials.settings = {"file_search_path": project_dir, **(credentials.settings or {})}


def _anchored(path: str, folder: str) -> str:
    plain = path != ":memory:" and ":" not in path.split("/")[0]
    return os.path.normpath(os.path.join(folder, path)) if plain else path


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
    try:
        runner = task.get_runner(node)
        if isinstance(runner, MicrobatchModelRunner):
            runner.set_parent_task(task)
            runner.set_pool(_batch_pool(task))
        with _no_event_loop_left(node):
            result = task.call_runner(runner)
    finally:
        running.discard(unique_id)
    task._handle_result(result)
    return result


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


def renew(task: Any, unique_id: str, earlier: Any) -> None:
    """Make a node that ran before ready to run again.

    dbt compiles a node once a process and keeps the ephemeral models it injected; a second run
    would take them for injected already and lose them. Of a microbatch model only the batches
    that failed run again, as in ``dbt retry``.
    """
    with task.lock:
        task.node_results[:] = [r for r in task.node_results if r is not earlier]
    node = task.manifest.expect(unique_id)
    if hasattr(node, "extra_ctes_injected"):
        node.extra_ctes_injected, node.extra_ctes, node.compiled = False, [], False
    if str(earlier.status) == "partial success":
        node.previous_batch_results = earlier.batch_results


def skip_node(task: Any, unique_id: str, cause: Any) -> Any:
    """Record a node as skipped; ``cause`` is the result of a failed ephemeral model, if one is."""
    runner = task.get_runner(task.manifest.expect(unique_id))
    runner.do_skip(cause=cause)
    result = task.call_runner(runner)
    task._handle_result(result)
    return result


def is_ephemeral(result: Any) -> bool:
    return bool(result.node.is_ephemeral_model)


def ancestors(task: Any, unique_id: str) -> set[str]:
    return set(task.graph.ancestors(unique_id))


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
        for connection in list(adapter.connections.thread_connections.values()):
            if connection.name == unique_id and connection.state == "open":
                adapter.connections.cancel(connection)


def reread(task: Any, schemas: Collection[tuple[str | None, str]]) -> None:
    """Make dbt's cache of relations right for schemas that others wrote to.

    Relations that come or go while a node of dbt is half way (``…__dbt_tmp``) are left alone.
    """
    adapter = get_adapter(task.config)
    with adapter.connection_named("reread"):
        for catalog, schema in schemas:
            database = catalog or task.config.credentials.database
            if (database, schema) in adapter.cache:
                _reread_schema(adapter, database, schema)


def _reread_schema(adapter: Any, database: str | None, schema: str) -> None:
    known = {_kind(r): r for r in adapter.cache.get_relations(database, schema)}
    place = adapter.Relation.create(
        database=database, schema=schema, quote_policy=adapter.config.quoting
    ).without_identifier()
    found = {_kind(r): r for r in adapter.list_relations_without_caching(place)}
    for key in known.keys() - found.keys():
        if "__dbt_" not in key[0]:
            adapter.cache.drop(known[key])
    for key in found.keys() - known.keys():
        if "__dbt_" not in key[0]:
            adapter.cache.add(found[key])


def _kind(relation: Any) -> tuple[str, str]:
    return str(relation.identifier).lower(), str(relation.type)


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
