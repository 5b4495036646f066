"""The command ``dbt build``, run in a thread whose queue a gate stands in for."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from dbt import selected_resources
from dbt.cli import requires
from dbt.cli.main import cli
from dbt.flags import get_flags
from dbt.graph.graph import Graph, UniqueId
from dbt.graph.queue import GraphQueue
from dbt.graph.selector import ResourceTypeSelector
from dbt.graph.thread_pool import DbtThreadPool
from dbt.parser.manifest import ManifestLoader
from dbt.task.build import BuildTask
from dbt_common.context import get_invocation_context
from networkx import DiGraph

from tasks.dbt.internals.connections import KeptConnections, kept_connections
from tasks.dbt.internals.counts import keep_counts
from tasks.dbt.internals.events import SessionEvents
from tasks.dbt.internals.relations import Doubt
from tasks.dbt.internals.travel import Parsed, join, unpack_parsed
from tasks.dbt.invocation import Invocation


class Gate(Protocol):
    """Where dbt's thread reports, and waits for what to do next."""

    def parsed(self, task: ServedBuild) -> tuple[Collection[str] | None, bool]:
        """Tell that the project is parsed and wait.

        Returns:
            The nodes to build, ``None`` for all, and whether to run ``on-run-start``.
        """

    def begun(self, failed_hook: bool) -> None:
        """Tell that schemas and hooks are done; wait until every node ran."""


class Undrained(ResourceTypeSelector):
    """Makes a queue that nobody drains: it need not know the order of its nodes."""

    def get_graph_queue(self, spec: Any, preserve_edges: bool = True) -> GraphQueue:
        return undrained(self.manifest, self.get_selected(spec))


def undrained(manifest: Any, selected: set[Any]) -> GraphQueue:
    """Select nodes, and keep track of those that run."""
    selected_resources.set_selected_resources(selected)
    return GraphQueue(DiGraph(), manifest, selected)


class ServedBuild(BuildTask):
    """A ``dbt build`` that waits at its gate instead of draining its own queue."""

    gate: Gate
    second = False  # whether another process writes the artifacts
    handed: Parsed | None = None  # what another process found as it parsed
    keeps = False  # whether connections outlive a node
    kept: KeptConnections | None = None
    counts: dict[str, int | None] | None = None  # rows of nodes that their cursor alone tells

    def compile_manifest(self) -> None:
        if not self.second:
            super().compile_manifest()
        elif self.handed is not None:
            self.graph = Graph(DiGraph())  # what it serves for has been found
        else:
            self._link()

    def _link(self) -> None:
        assert self.manifest is not None
        self.graph = self.compiler.compile(self.manifest, write=False, add_test_edges=True)

    def ancestors(self, unique_id: str) -> set[str]:
        """Return the nodes that a node depends on, directly or not."""
        assert self.graph is not None
        if not self.graph.nodes():
            self._link()
        return set(self.graph.ancestors(UniqueId(unique_id)))

    def get_graph_queue(self) -> Any:
        if self.handed is None:
            return super().get_graph_queue()
        self.selected_unit_tests = set(self.handed.unit_tests)
        return undrained(self.manifest, set(self.handed.nodes))

    def get_node_selector(self, no_unit_tests: bool = False) -> Any:
        found = super().get_node_selector(no_unit_tests)
        return Undrained(
            graph=found.full_graph,
            manifest=found.manifest,
            previous_state=found.previous_state,
            resource_types=list(found.resource_types),
        )

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
        if self.keeps:
            self.kept = kept_connections(adapter)
        self.counts = keep_counts(adapter)
        flag = getattr(get_flags(), "skip_nodes_if_on_run_start_fails", False)
        self.gate.begun(bool(flag) and str(status) != "success")
        return status

    def execute_with_hooks(self, selected_uids: Any) -> Any:
        try:
            return super().execute_with_hooks(selected_uids)
        finally:
            if self.kept is not None:
                self.kept.end()

    def execute_nodes(self) -> Any:
        return self.node_results

    def _handle_result(self, result: Any) -> None:
        with self.lock:  # dbt records in one thread
            super()._handle_result(result)

    def _mark_dependent_errors(self, node_id: str, result: Any, cause: Any) -> None:
        """Mark nothing: what is skipped is decided outside."""


def serve(
    argv: Sequence[str],
    project_dir: str,
    gate: Gate,
    events: SessionEvents,
    invocation: Invocation | None = None,
    second: bool = False,
    parsed: bytes | None = None,
    keeps: bool = True,
) -> None:
    """Run ``dbt <argv>`` in this thread, with ``gate`` in place of dbt's own queue.

    Args:
        invocation: The one it is part of; a new one if not given.
        second: Whether another process has written what parsing leaves in ``target``.
        parsed: What the other process found as it parsed.
        keeps: Whether connections may outlive a node.

    Raises:
        BaseException: What dbt raised; failed nodes are results and raise nothing.
    """
    words, found = list(argv), unpack_parsed(parsed) if parsed else None
    parent = cli.make_context("dbt", list(words))
    parent.obj = {
        "manifest": found and found.manifest,
        "callbacks": [events.deliver],
        "dbt_runner_command_args": words,
    }

    def begun(task: ServedBuild) -> None:
        task.gate, task.second, task.keeps = gate, second, keeps
        task.handed = found if found and task.manifest is found.manifest else None

    command = _command(words, project_dir, invocation, second, begun)
    try:
        with command.make_context("build", words[1:], parent=parent) as context:
            command.invoke(context)
    except requires.ResultExit:
        pass
    except requires.ExceptionExit as stop:
        raise stop.exception from None


def _command(
    words: Sequence[str],
    project_dir: str,
    invocation: Invocation | None,
    second: bool,
    begun: Callable[[ServedBuild], None],
) -> click.Command:
    @click.pass_context
    @requires.postflight
    @requires.preflight
    @requires.profile
    @_settled(words, project_dir, invocation)
    @requires.project
    @requires.catalogs
    @requires.runtime_config
    @_as_parsed
    @requires.manifest(write=not second)
    def build(ctx: click.Context, **_: Any) -> tuple[Any, bool]:
        task = ServedBuild(ctx.obj["flags"], ctx.obj["runtime_config"], ctx.obj["manifest"])
        begun(task)
        results = task.run()
        return results, task.interpret_results(results)

    return click.Command("build", params=cli.commands["build"].params, callback=build)


def _as_parsed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do what dbt does as it parses, beside making the manifest, where that is given.

    Where there are catalogs it is parsed again: dbt tells its adapter of them only then.
    """

    def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
        if ctx.obj.get("catalogs"):
            ctx.obj["manifest"] = None
        if ctx.obj["manifest"] is not None:
            ctx.obj["runtime_config"].load_dependencies()
        return function(ctx, *args, **kwargs)

    return wrapper


def _settled(
    words: Sequence[str], project_dir: str, invocation: Invocation | None
) -> Callable[[Any], Any]:
    """Make what dbt takes from its process (command line, current folder) fit the session."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
            object.__setattr__(ctx.obj["flags"], "INVOCATION_COMMAND", "dbt " + shlex.join(words))
            anchor(ctx.obj["profile"].credentials, project_dir)
            if invocation is not None:
                join(invocation)
            return function(ctx, *args, **kwargs)

        return wrapper

    return decorate


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
