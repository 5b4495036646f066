"""The one module that touches dbt's internals: a dbt build whose order is decided from outside.

None of it is dbt's public API. ``tests/dbt/test_dbt_contract.py`` names each internal relied on; run
it against each minor version of dbt-core that is to be supported.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import pickle
import shlex
import sys
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Protocol

import click
from dbt import selected_resources, tracking
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.exceptions import NoneRelationFoundError
from dbt.adapters.factory import get_adapter, reset_adapters
from dbt.adapters.reference_keys import _make_ref_key
from dbt.adapters.sql.connections import SQLConnectionManager
from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
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
from dbt.parser.manifest import ManifestLoader
from dbt.task import run as run_module
from dbt.task.build import BuildTask
from dbt.task.run import MicrobatchModelRunner
from dbt_common import invocation as common_invocation
from dbt_common.clients import agate_helper
from dbt_common.clients import jinja as common_jinja
from dbt_common.context import _INVOCATION_CONTEXT_VAR, get_invocation_context
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.contextvars import get_node_info
from dbt_common.events.event_manager import EventManager
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.exceptions import base as exceptions_base

from tasks.dbt.invocation import Invocation

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
    second = False  # whether another process writes the artifacts

    def compile_manifest(self) -> None:
        if not self.second:
            super().compile_manifest()
            return
        assert self.manifest is not None
        self.graph = self.compiler.compile(self.manifest, write=False, add_test_edges=True)

    def _runtime_initialize(self) -> None:
        super()._runtime_initialize()
        self.context = get_invocation_context()
        self.lock = threading.Lock()
        self.batch_pool: DbtThreadPool | None = None
        self.rereading = threading.Lock()
        self.rereads = 0
        self.read_in: dict[tuple[str | None, str], int] = {}  # a schema's last reread
        self.started_nodes: list[str] = []
        self.doubts: dict[int, Doubt] = {}  # by thread
        chosen, self.start_hooks = self.gate.parsed(self)
        if chosen is not None:
            self._restrict(set(chosen))
        self.built = {n.unique_id for n in self._flattened_nodes or []}

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


def serve(
    argv: Sequence[str],
    project_dir: str,
    gate: Gate,
    events: SessionEvents,
    invocation: Invocation | None = None,
    second: bool = False,
) -> None:
    """Run ``dbt <argv>`` in this thread, with ``gate`` in place of dbt's own queue.

    Args:
        invocation: The one it is part of; a new one if not given.
        second: Whether another process has written what parsing leaves in ``target``.

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
    command = _command(words, project_dir, gate, invocation, second)
    try:
        with command.make_context("build", words[1:], parent=parent) as context:
            command.invoke(context)
    except requires.ResultExit:
        pass
    except requires.ExceptionExit as stop:
        raise stop.exception from None


def _command(
    words: Sequence[str], project_dir: str, gate: Gate, invocation: Invocation | None, second: bool
) -> click.Command:
    @click.pass_context
    @requires.postflight
    @requires.preflight
    @requires.profile
    @_settled(words, project_dir, invocation)
    @requires.project
    @requires.catalogs
    @requires.runtime_config
    @requires.manifest(write=not second)
    def build(ctx: click.Context, **_: Any) -> tuple[Any, bool]:
        task = ServedBuild(ctx.obj["flags"], ctx.obj["runtime_config"], ctx.obj["manifest"])
        task.gate, task.second = gate, second
        results = task.run()
        return results, task.interpret_results(results)

    return click.Command("build", params=cli.commands["build"].params, callback=build)


def _settled(
    words: Sequence[str], project_dir: str, invocation: Invocation | None
) -> Callable[[Any], Any]:
    """Make what dbt takes from its process (command line, current folder) fit the session."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
            object.__setattr__(ctx.obj["flags"], "INVOCATION_COMMAND", "dbt " + shlex.join(words))
            anchor(ctx.obj["profile"].credentials, project_dir)
            if invocation is not None:
                _join(invocation)
            return function(ctx, *args, **kwargs)

        return wrapper

    return decorate


def _join(invocation: Invocation) -> None:
    """Be part of an invocation that began in another process."""
    user: Any = tracking.active_user
    common_invocation._INVOCATION_ID = user.invocation_id = invocation.id
    common_invocation._INVOCATION_STARTED_AT = invocation.started.replace(tzinfo=None)
    user.run_started_at = invocation.started


def invocation() -> Invocation:
    """Return the invocation that this process is part of."""
    user: Any = tracking.active_user
    return Invocation(common_invocation.get_invocation_id(), user.run_started_at)


@contextmanager
def parse_unwritten(on: bool) -> Iterator[None]:
    """Keep dbt from writing the file that speeds up its next parse: another process does."""
    loader: Any = ManifestLoader
    original = loader.write_manifest_for_partial_parse
    if on:
        loader.write_manifest_for_partial_parse = lambda _: None
    try:
        yield
    finally:
        loader.write_manifest_for_partial_parse = original


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
    task.started_nodes.append(unique_id)
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

    Relations that come or go while a node of dbt is half way (``…__dbt_tmp``) are left alone, and so
    are those of nodes that ran here meanwhile: dbt has their changes in its cache already.
    """
    adapter, asked_at = get_adapter(task.config), task.rereads
    with task.rereading, adapter.connection_named("reread"):
        for catalog, schema in schemas:
            database = catalog or task.config.credentials.database
            fresh = task.read_in.get((database, schema), 0) > asked_at
            if (database, schema) in adapter.cache and not fresh:
                task.rereads += 1
                task.read_in[database, schema] = task.rereads
                _reread_schema(task, adapter, database, schema)


def _reread_schema(task: Any, adapter: Any, database: str | None, schema: str) -> None:
    mark, busy = len(task.started_nodes), set(task.job_queue.in_progress)
    place = adapter.Relation.create(
        database=database, schema=schema, quote_policy=adapter.config.quoting
    ).without_identifier()
    found = {_kind(r): r for r in adapter.list_relations_without_caching(place)}
    own = {_alias(task, unique_id) for unique_id in busy.union(task.started_nodes[mark:])}
    known = {_kind(r): r for r in adapter.cache.get_relations(database, schema)}
    for key in known.keys() - found.keys():
        if "__dbt_" not in key[0] and key[0] not in own:
            adapter.cache.drop(known[key])
    known = {_kind(r): r for r in adapter.cache.get_relations(database, schema)}
    for key in found.keys() - known.keys():
        if "__dbt_" not in key[0] and key[0] not in own:
            adapter.cache.add(found[key])


def _alias(task: Any, unique_id: str) -> str:
    return str(getattr(task.manifest.expect(unique_id), "alias", "")).lower()


class Doubt:
    """What a node must not believe dbt's cache of relations about, because other processes write.

    Args:
        alias: Name of the node's own relation.
        schemas: (catalog, schema)s with relations it is made from.
    """

    def __init__(self, alias: str, schemas: set[tuple[str | None, str]]) -> None:
        self.alias, self.schemas = alias, schemas


def doubt(
    task: Any, unique_id: str, own: Collection[str], again: bool
) -> tuple[set[tuple[str | None, str]], Doubt]:
    """Return what is to be read anew before a node runs, and what once it asks.

    A node that makes a relation looks at the one it replaces. That may be gone if it was tried
    before, and a view is gone if what it was made from was replaced (``drop … cascade``). Few nodes
    ask for what they are made from.

    Args:
        own: The nodes that ran in this process.
        again: Whether the node was tried before, here or elsewhere.
    """
    adapter, node = get_adapter(task.config), task.manifest.expect(unique_id)
    now, later = set(), set()
    if _makes(node) and (again or _may_be_dropped(adapter, task, node)):
        now.add((node.database, node.schema))
    for parent in _made_from(task, node):
        if parent.unique_id not in own or not _cached(adapter, task, parent):
            later.add((parent.database, parent.schema))
    if str(getattr(node.config, "incremental_strategy", "")) == "microbatch":
        return now | later, Doubt("", set())  # its batches run in threads of their own
    return now, Doubt(_alias(task, unique_id), later - now)


@contextmanager
def doubted(task: Any, found: Doubt) -> Iterator[None]:
    """Read schemas anew when the node that this thread runs asks for relations in them."""
    adapter, thread = get_adapter(task.config), threading.get_ident()
    if "get_relation" not in vars(adapter):
        _ask_doubts(task, adapter)
    task.doubts[thread] = found
    try:
        yield
    finally:
        task.doubts.pop(thread, None)


def _ask_doubts(task: Any, adapter: Any) -> None:
    one, several = adapter.get_relation, adapter.list_relations

    def get_relation(database: str, schema: str, identifier: str) -> Any:
        found = task.doubts.pop(threading.get_ident(), None)
        if found is None:
            return one(database, schema, identifier)
        try:
            if str(identifier).lower() != found.alias:
                _settle(task, found, schema)
            return one(database, schema, identifier)
        finally:
            task.doubts[threading.get_ident()] = found

    def list_relations(database: str | None, schema: str) -> Any:
        found = task.doubts.get(threading.get_ident())
        if found is not None:
            _settle(task, found, schema)
        return several(database, schema)

    adapter.get_relation, adapter.list_relations = get_relation, list_relations


def _settle(task: Any, found: Doubt, schema: str) -> None:
    """Read in a thread, and so over a connection, of its own: the node is in a transaction."""
    wanted = {place for place in found.schemas if place[1].lower() == str(schema).lower()}
    found.schemas -= wanted
    if wanted:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(inside, task, reread, task, wanted).result()


def _makes(node: Any) -> bool:
    if str(node.resource_type) == "test":
        return bool(node.should_store_failures)
    return bool(getattr(node, "is_relational", False)) and not node.is_ephemeral_model


def _made_from(task: Any, node: Any) -> Iterator[Any]:
    """The relations of this build that a node reads; for a unit test, those its model reads."""
    nodes, seen = [node], {node.unique_id}
    while nodes:
        below = nodes.pop()
        for name in getattr(below.depends_on, "nodes", ()):  # a seed has none
            parent = task.manifest.nodes.get(name)
            if parent is None or name in seen:
                continue
            seen.add(name)
            tested = str(below.resource_type) == "unit_test"
            if tested or parent.is_ephemeral_model:
                nodes.append(parent)
            elif parent.is_relational and name in task.built:
                yield parent


def _cached(adapter: Any, task: Any, node: Any) -> Any:
    key = _make_ref_key(adapter.Relation.create_from(task.config, node))
    return adapter.cache.relations.get(key)


def _may_be_dropped(adapter: Any, task: Any, node: Any) -> bool:
    known = _cached(adapter, task, node)
    return known is not None and str(known.inner.type) != "table"


#: What running a node changes of it.
_RUN_LEAVES = (
    "compiled", "compiled_code", "compiled_path", "build_path", "extra_ctes",
    "extra_ctes_injected", "_pre_injected_sql", "relation_name",
)  # fmt: skip


def pack(session: str, results: Sequence[Any]) -> bytes:
    """Make results ready to travel to the process that writes them, which has the nodes itself.

    Args:
        session: Names the session that they come from.
        results: dbt's own.
    """
    packed = []
    for result in results:
        given = {f.name: getattr(result, f.name) for f in fields(result)}
        node = vars(given.pop("node"))
        given["agate_table"] = None
        left = {name: node[name] for name in _RUN_LEAVES if name in node}
        packed.append((node["unique_id"], left, given))
    return zlib.compress(pickle.dumps((session, packed)), 1)


def unpack(task: Any, session: str, data: bytes) -> list[Any]:
    """Return the results that travelled; none, if they come from this very session."""
    origin, packed = pickle.loads(zlib.decompress(data))
    if origin == session:
        return []
    results = []
    for unique_id, left, given in packed:
        node = task.manifest.expect(unique_id)
        vars(node).update(left)
        results.append(RunResult(node=node, **given))
    return results


def take_over(task: Any, result: Any, earlier: Any) -> None:
    """Enter the result of a node that ran elsewhere, in the place of an earlier one."""
    with task.lock:
        task.node_results[:] = [r for r in task.node_results if r is not earlier]
    task._handle_result(result)


def lost_result(task: Any, unique_id: str, message: str) -> Any:
    """Make the result of a node that ended without one."""
    return RunResult.from_node(task.manifest.expect(unique_id), RunStatus.Error, message)


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
