"""DbtBuild: a dbt project as a group of tasks, one for each node, in one warm session."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError, ProjectError
from orchestrator.lineage.collector import with_collector
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.dbt.manifest import Manifest, facts, landmarks, read_manifest
from orchestrator.model import building
from orchestrator.model.code import Code
from orchestrator.model.dataset import Access
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph
from orchestrator.model.group import Member, TaskGroup
from orchestrator.model.planning import Planning
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from tasks.dbt import freshness
from tasks.dbt.ephemerals import Ephemerals
from tasks.dbt.invocation import Invocation
from tasks.dbt.nodes import DbtFinish, DbtNode, DbtStart
from tasks.dbt.options import DbtOptions
from tasks.dbt.profiles import load_profile
from tasks.dbt.sessions import SessionName, this_process
from tasks.warehouses import make

#: What `dbt build` passes by with the status "no-op".
_NO_OPS = frozenset({"exposure", "saved_query"})
_VERBS = ("reads", "writes")
_ASKS_GIT = re.compile(r"(?:^|,)@?(?:\d*\+)?changed:")


class DbtBuild(TaskGroup):
    """Builds a dbt project as ``dbt build`` does, each node a task of its own.

    The nodes' order comes from the manifest; together with the other tasks' reads and writes it
    makes one graph, so that SQL files and Python tasks run between the nodes they belong between.

    Args:
        project_dir: Folder of ``dbt_project.yml``, relative to the orchestrator's project.
        select: dbt selection: only these nodes are part of the flow.
        exclude: dbt selection: these are not.
        selector: Name of a selector in ``selectors.yml``.
        vars: dbt vars, as a mapping or as YAML text.
        target: dbt target.
        profiles_dir: Folder of ``profiles.yml``.
        full_refresh: Build incremental models and seeds anew.
        state: Folder of an earlier manifest, for ``state:`` and deferral.
        defer: Read what is not built here from the environment of ``state``.
        favor_state: As ``--favor-state``: read it from there even where this environment has it too.
        on_run_start: What the project's on-run-start hooks read and write, where other tasks of the
            flow touch the same tables: ``{"reads": […], "writes": […]}``.
        on_run_end: The same of its on-run-end hooks: ``{"writes": ["audit.log"]}``.
        max_retries: For each node; also all other arguments of ``Task``.

    Raises:
        FlowError: ``on_run_start`` or ``on_run_end`` say something else; or ``reads`` or ``writes`` are
            given, which dbt's manifest says of each node.

    Example:
        >>> DbtBuild(project_dir="shop", select="+orders").name
        'dbt'
    """

    is_referred_to = True

    def __init__(
        self,
        project_dir: str | os.PathLike[str] = ".",
        select: str | Iterable[str] = (),
        exclude: str | Iterable[str] = (),
        selector: str | None = None,
        vars: Any = None,
        target: str | None = None,
        profiles_dir: str | os.PathLike[str] | None = None,
        full_refresh: bool = False,
        state: str | os.PathLike[str] | None = None,
        defer: bool = False,
        favor_state: bool = False,
        on_run_start: Mapping[str, Iterable[str]] | None = None,
        on_run_end: Mapping[str, Iterable[str]] | None = None,
        **task_args: Any,
    ) -> None:
        super().__init__(**{"name": "dbt", **task_args})
        self.hooks = {
            "on-run-start": _said_of_hooks("on_run_start", on_run_start, task_args),
            "on-run-end": _said_of_hooks("on_run_end", on_run_end, task_args),
        }
        self.task_args = {k: v for k, v in task_args.items() if k not in ("name", "tags")}
        self.project_dir = os.fspath(project_dir)
        self.in_turn = False  # whether an earlier build of the flow has its session first
        self.options = DbtOptions(
            project_dir=self.project_dir,
            select=self._words("select", select),
            exclude=self._words("exclude", exclude),
            selector=selector,
            vars=freshness.as_text(vars),
            target=target,
            profiles_dir=os.fspath(profiles_dir) if profiles_dir else None,
            full_refresh=full_refresh,
            state=os.fspath(state) if state else None,
            defer=defer,
            favor_state=favor_state,
        )

    def _words(self, argument: str, given: str | Iterable[str]) -> tuple[str, ...]:
        words = tuple(given.split()) if isinstance(given, str) else tuple(given)
        asks_git = [word for each in words for word in each.split() if _ASKS_GIT.search(word)]
        if asks_git:
            raise FlowError(
                f"DbtBuild({argument}={asks_git[0]!r}): dbt does not know changed:, which asks git",
                where=building.place(self.defined_at),
                fix=f"give it to the run, for all its tasks: orchestrator run FLOW --{argument} "
                f"{asks_git[0]}; in the flow, dbt's own is select='state:modified', state=DIR",
            )
        return words

    def run(self) -> None:
        """Not used: the group's members run."""

    def _bound(self, *args: Any, **kwargs: Any) -> Task:
        """Bind a copy; it comes after the flow's earlier builds: dbt runs one at a time in a process."""
        twin = super()._bound(*args, **kwargs)
        assert isinstance(twin, DbtBuild)
        flow = building.current(self.name)
        earlier = [task for task in flow if isinstance(task, DbtBuild) and task is not twin]
        if earlier:
            twin.in_turn = True
            flow.add_order(earlier[-1], twin)
        return twin

    # -- planning --------------------------------------------------------------------------

    def affinity(self, planning: Planning) -> str | None:
        """The owner of the DuckDB file, so that all tasks that touch it meet; else of the project."""
        return self._warehouse(planning).affinity or f"dbt:{self._options(planning).project_dir}"

    def _warehouse(self, planning: Planning) -> Warehouse:
        """The connection that the project's profile describes."""
        options = self._options(planning)
        chosen = {"target": options.target, "profiles_dir": options.profiles_dir}
        config = {"type": "dbt", "project_dir": options.project_dir}
        return make(
            "dbt",
            config | {name: value for name, value in chosen.items() if value},
            root=planning.root,
            options=planning.options,
            busy_timeout=planning.busy_timeout,
        )

    def slots(self, planning: Planning) -> int | None:
        """The profile's ``threads``, as with dbt."""
        options = self._options(planning)
        profile = load_profile(
            options.project_dir, profiles_dir=options.profiles_dir, target=options.target
        )
        return options.threads or profile.threads

    def prepare(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Open the warm session where the nodes will run; dbt parses there, once for the run.

        A build that has its turn later only lets dbt parse, unless that is known already.
        """
        session = self._session(planning, key)
        if not self.in_turn:
            return partial(_prepared, session, planning.state_dir, self._spreads(planning))
        if self._known_manifest(session, planning) is not None:
            return None
        return partial(_parsed, session, planning.state_dir)

    def ahead(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Import dbt in the other processes, too, where they will run nodes."""
        return _import_begun if self._spreads(planning) and not self.in_turn else None

    def warm(self, key: str, planning: Planning, prepared: Any) -> Callable[[], Any] | None:
        """Open sessions there, from what dbt parsed in the first."""
        if self.in_turn or not self._spreads(planning):
            return None
        session = self._shared(self._session(planning, key), prepared)
        return partial(_warmed, session, prepared.parsed)

    def _spreads(self, planning: Planning) -> bool:
        """Whether every process runs nodes, because the warehouse is nobody's own."""
        return self._warehouse(planning).affinity is None

    def release(self, key: str, planning: Planning) -> Callable[[], Any] | None:
        """Leave the session if it is still open."""
        return partial(_released, self._session(planning, key))

    def expand(self, key: str, planning: Planning, prepared: Any) -> Sequence[Member]:
        """One member for each node that runs, framed by the hooks."""
        session = self._session(planning, key)
        manifest_path, by_dbt = self._manifest(session, planning, prepared)
        manifest = read_manifest(manifest_path)
        folder = self._folder(planning)
        named = landmarks(manifest, folder=folder)
        selected = _selected(manifest, named, session.options, folder) if by_dbt is None else by_dbt
        project = manifest.project_name or "dbt"
        opens = (_start_of(key), Evidence(Source.ENGINE, f"on-run-start of {project} runs first"))
        nodes = facts(manifest, selected=selected, folder=folder, after=(opens,))
        chosen = {fact.key for fact in (*nodes, *named)} if selected is None else set(selected)
        running = {node.key for node in nodes}
        passed = [
            _after_parents(node, running, opens)
            for node in named
            if node.resource_type in _NO_OPS and node.key in chosen
        ]
        affinity, warehouse = self.affinity(planning), self._warehouse(planning)
        if self._spreads(planning):
            session = self._shared(session, prepared)
        where = warehouse.affinity  # without an owner, nodes run in every process
        behind = Ephemerals(manifest, chosen)
        pattern = DbtNode(session, "", "dbt node", **self.task_args)
        members = [
            Member(_node(pattern, node, behind.of(node.key)), node, where) for node in nodes
        ] + [Member(_node(pattern, node, ()), node, where) for node in passed]
        framed = self._framed(
            key, session, members, warehouse, affinity, project, opens[1], planning
        )
        taken = {member.facts.key for member in framed}
        return [*framed, *(Member(None, mark) for mark in named if mark.key not in taken)]

    def codes(self, members: Mapping[str, Task], planning: Planning) -> Mapping[str, Code]:
        """What dbt knows of its nodes' columns; dbt compiles those it has not compiled before."""
        from tasks.dbt.columns import node_codes

        session = self._session(planning, self.name)
        path, _ = self._manifest(session, planning, None)
        return node_codes(
            read_manifest(path),
            members,
            session.options,
            folder=self._folder(planning),
            namespace=self._warehouse(planning).namespace,
            state_dir=planning.state_dir,
            as_given=planning.options.manifest is not None,
        )

    def artifacts(self, planning: Planning) -> Sequence[Path]:
        """The manifest of these files, and what dbt found when it last looked at the warehouse."""
        session = self._session(planning, self.name)
        path, _ = self._manifest(session, planning, None)
        target = os.environ.get("DBT_TARGET_PATH") or session.options.target_path or "target"
        folder = Path(session.options.project_dir) / target
        return [Path(path), folder / "catalog.json", folder / "sources.json"]

    def settle(
        self, members: Sequence[Member], upstream: Callable[[str], Sequence[TaskFacts]]
    ) -> Sequence[Member]:
        """Tell the session what it will build, and each node what others wrote before it."""
        own = {member.facts.key for member in members}
        chosen = [m.task for m in members if isinstance(m.task, DbtNode)]
        nodes = tuple(dict.fromkeys(i for n in chosen for i in (*n.ephemerals, n.unique_id)))
        for member in members:
            member.task.selected = nodes  # type: ignore[union-attr]
            if isinstance(member.task, DbtNode):
                others = [f for f in upstream(member.facts.key) if f.key not in own]
                if others:
                    member.task.outside = _written_by(others)
        return members

    def _framed(
        self,
        key: str,
        session: SessionName,
        members: list[Member],
        warehouse: Warehouse,
        affinity: str | None,
        project: str,
        opens: Evidence,
        planning: Planning,
    ) -> list[Member]:
        if not members:
            return []
        start_key, end_key = _start_of(key), f"{key}.on-run-end"
        last = Evidence(Source.ENGINE, f"on-run-end of {project} runs last")
        closes = tuple((member.facts.key, last) for member in members)
        start = TaskFacts(
            start_key, "on-run-start", "operation", fqn=(project, "on-run-start"),
            reads=self._said("on-run-start", "reads", warehouse, planning),
            writes=self._said("on-run-start", "writes", warehouse, planning),
        )  # fmt: skip
        end = TaskFacts(
            end_key, "on-run-end", "operation",
            upstream=((start_key, opens), *closes), fqn=(project, "on-run-end"),
            reads=self._said("on-run-end", "reads", warehouse, planning),
            writes=self._said("on-run-end", "writes", warehouse, planning),
        )  # fmt: skip
        return [
            Member(DbtStart(session, warehouse), start, affinity),
            *members,
            Member(DbtFinish(session, start_key), end, affinity),
        ]

    def _said(
        self, hook: str, verb: str, warehouse: Warehouse, planning: Planning
    ) -> tuple[Access, ...]:
        """What the hooks are said to read, or to write."""
        names = self.hooks[hook].get(verb, ())
        return self.accesses(names, f"{hook} {verb}", warehouse.namespace, planning)

    # -- where things are ------------------------------------------------------------------

    def _options(self, planning: Planning) -> DbtOptions:
        """The group's own options, those of the run on top."""
        run, own = planning.options, self.options
        project_dir = str((planning.root / self.project_dir).resolve())
        if not os.path.isfile(os.path.join(project_dir, "dbt_project.yml")):
            raise ProjectError(
                "there is no dbt project",
                where=project_dir,
                fix="give the folder that holds dbt_project.yml",
            )
        return replace(
            own,
            project_dir=project_dir,
            vars=run.vars if run.vars is not None else own.vars,
            target=run.target or own.target,
            profiles_dir=run.profiles_dir or own.profiles_dir,
            threads=run.threads or own.threads,
            full_refresh=run.full_refresh or own.full_refresh,
            empty=run.empty or own.empty,
            state=run.state or own.state,
            defer=run.defer or own.defer,
            favor_state=run.favor_state or own.favor_state,
        )

    def _session(self, planning: Planning, key: str) -> SessionName:
        return SessionName(planning.run_id, key, self._options(planning))

    @staticmethod
    def _shared(session: SessionName, prepared: Any) -> SessionName:
        """The name of a session that each process which runs nodes has one of."""
        invocation = Invocation() if prepared is None else prepared.invocation
        return replace(session, planned_in=this_process(), invocation=invocation)

    def _manifest(
        self, session: SessionName, planning: Planning, prepared: Any
    ) -> tuple[str, tuple[str, ...] | None]:
        """Path of a manifest that holds, and dbt's own selection where dbt made one."""
        if prepared is not None:
            given = planning.options.manifest
            selected = None if given and not _needs_dbt(session.options) else prepared.selected
            return given or prepared.manifest_path, selected
        known = self._known_manifest(session, planning)
        if known is not None:
            return known, None
        report = _parsed(session, planning.state_dir)
        return report.manifest_path, report.selected

    def _known_manifest(self, session: SessionName, planning: Planning) -> str | None:
        """Path of a manifest that dbt need not be asked for."""
        if planning.options.manifest:
            return planning.options.manifest
        if _needs_dbt(session.options):
            return None
        return freshness.fresh_manifest(session.options, planning.state_dir)

    def _folder(self, planning: Planning) -> str:
        """The dbt project's folder, seen from the orchestrator's."""
        folder = planning.relative((planning.root / self.project_dir).resolve())
        return "" if folder in (None, ".") else str(folder)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What opening a session told.

    Args:
        manifest_path: Where the manifest is.
        selected: dbt's own selection.
        invocation: Which one it is.
        parsed: What dbt parsed, for sessions in other processes, if there will be any.
    """

    manifest_path: str
    selected: tuple[str, ...]
    invocation: Invocation
    parsed: bytes | None = field(default=None, repr=False)


def _prepared(session: SessionName, state_dir: Path | None, spreads: bool = False) -> Prepared:
    from tasks.dbt import sessions

    report = sessions.parse(session)
    path = freshness.stamp(session.options, report.manifest_path, state_dir)
    parsed = sessions.packed_parsed(session) if spreads else None
    return Prepared(path, report.selected, report.invocation, parsed)


def _import_begun() -> None:
    from tasks.dbt import sessions

    sessions.begin_import()


def _warmed(session: SessionName, parsed: bytes | None) -> None:
    from tasks.dbt import sessions

    sessions.warm(session, parsed)


def _released(session: SessionName) -> None:
    from tasks.dbt import sessions
    from tasks.duckdb.instances import release_all

    sessions.abandon_all(session.run_id)
    release_all(session.run_id)


@with_collector
def _parsed(session: SessionName, state_dir: Path | None) -> Prepared:
    """Let dbt parse here and now, only for its manifest."""
    from tasks.dbt import sessions
    from tasks.duckdb.instances import release_all

    try:
        return _prepared(session, state_dir)
    finally:
        sessions.abandon(session)
        release_all(session.run_id)


def _needs_dbt(options: DbtOptions) -> bool:
    """Whether only dbt itself can tell what is selected."""
    words = " ".join((*options.select, *options.exclude))
    return bool(options.selector) or any(
        w in words for w in ("state:", "result:", "source_status:")
    )


def _start_of(key: str) -> str:
    return f"{key}.on-run-start"


def _node(pattern: DbtNode, node: TaskFacts, ephemerals: tuple[str, ...]) -> DbtNode:
    """The task of one node; a copy is made in a fraction of the time that a new one takes."""
    twin = copy.copy(pattern)
    twin.name, twin.tags = node.name, node.tags
    twin.unique_id, twin.ephemerals = node.key, ephemerals
    return twin


def _after_parents(
    node: DbtFacts, running: Collection[str], opens: tuple[str, Evidence]
) -> TaskFacts:
    """A node that dbt build only passes by waits for what it depends on, as it does there."""
    place = Evidence(Source.MANIFEST, f"{node.name} depends on it", node.path, None, node.key)
    return replace(node, upstream=(*((up, place) for up in node.parents if up in running), opens))


def _selected(
    manifest: Manifest, named: Sequence[DbtFacts], options: DbtOptions, folder: str
) -> Collection[str] | None:
    """Unique ids that the options select, or None where they leave nothing out."""
    if not options.select and not options.exclude:
        return None
    from orchestrator.lineage.selection.select import select

    nodes = facts(manifest, folder=folder)
    known = {node.key for node in nodes}
    edges = ((up, node.key) for node in nodes for up, _ in node.upstream if up in known)
    graph = Graph((node.key for node in nodes), edges)
    return select(nodes, graph, list(options.select), list(options.exclude), landmarks=named)


def _written_by(others: Sequence[TaskFacts]) -> tuple[tuple[str | None, str], ...]:
    """(catalog, schema) pairs that tasks write to."""
    written = {(a.dataset.catalog, a.dataset.schema) for fact in others for a in fact.writes}
    return tuple(sorted((catalog, schema) for catalog, schema in written if schema))


def _said_of_hooks(
    argument: str, said: Mapping[str, Iterable[str]] | None, task_args: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    wrong = [verb for verb in _VERBS if task_args.get(verb)]
    if wrong:
        raise FlowError(
            f"DbtBuild does not take {wrong[0]}=",
            fix=f"of a node: meta: {{orchestrator: {{{wrong[0]}: […]}}}} in its config; of hooks: "
            f'on_run_end={{"{wrong[0]}": […]}}',
        )
    said = {} if said is None else said
    if not isinstance(said, Mapping) or any(verb not in _VERBS for verb in said):
        raise FlowError(
            f"DbtBuild cannot read {argument}={said!r}",
            fix=f'write {argument}={{"reads": […], "writes": […]}}',
        )
    return {
        verb: (names,) if isinstance(names, str) else tuple(names) for verb, names in said.items()
    }
