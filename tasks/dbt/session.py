"""A warm dbt build: parsed once, one adapter, each node run when and where the caller likes."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.dataset import Namespace, fold
from tasks.dbt import failures
from tasks.dbt.errors import DbtCancelledError, DbtHookError, DbtSessionError
from tasks.dbt.gate import Abandoned, Gate
from tasks.dbt.interrupting import Interrupting
from tasks.dbt.invocation import Invocation
from tasks.dbt.node_lines import NodeLines, OnLog
from tasks.dbt.options import DbtOptions
from tasks.dbt.parse_report import ParseReport
from tasks.dbt.profiles import find_profiles_dir, read_project
from tasks.dbt.results import NodeResult, from_run_result
from tasks.dbt.taken_down import TakenDown

log = logging.getLogger(__name__)

_claim = threading.Lock()
_current: WarmSession | None = None  # dbt keeps flags, adapters, events in globals: one a process


class WarmSession:
    """One ``dbt build``, node by node.

    dbt itself runs in a thread of its own: it parses, waits; creates schemas and runs
    ``on-run-start`` at `begin`, waits; runs ``on-run-end`` and writes its artifacts at `finish`.
    Between `begin` and `finish` any thread may run any node. dbt's console lines and its
    ``logs/dbt.log`` are not written: what dbt logs at info level and above goes to ``on_log``.

    Args:
        options: What to build.
        on_log: Called with (unique id or ``None``, level, text) from whichever thread dbt logs
            in; what it raises is logged and dropped.
        trim: Leave out work of dbt's that nobody sees the result of (`tasks.dbt.trim`).
        invocation: The one it is part of; one of its own if not given.
        second: Whether another process has the build's first session: then parsing writes nothing.
        parsed: What that session found as it parsed (`packed_parsed`): this one need not parse.

    Example:
        >>> session = WarmSession(DbtOptions("/srv/shop"))         # doctest: +SKIP
        >>> report = session.parse()                               # doctest: +SKIP
        >>> hooks = session.begin()                                # doctest: +SKIP
        >>> [session.run_node(n).status for n in report.selected]  # doctest: +SKIP
        ['success', 'pass']
        >>> hooks += session.finish()                              # doctest: +SKIP
    """

    def __init__(
        self,
        options: DbtOptions,
        *,
        on_log: OnLog | None = None,
        trim: bool = True,
        invocation: Invocation | None = None,
        second: bool = False,
        parsed: bytes | None = None,
    ) -> None:
        self.options = options
        self._invocation, self._second, self._parsed = invocation, second, parsed
        self._name = uuid.uuid4().hex
        self._lines, self._taken = NodeLines(on_log), TakenDown(lambda: self._namespace)
        self._trim = trim
        self._gate = Gate()
        self._thread: threading.Thread | None = None
        self._task: Any = None
        self._internals: Any = None
        self._state = "new"
        self._cancelled = threading.Event()
        self._interrupting = Interrupting(
            lambda unique_id: self._inside(self._internals.cancel_queries, unique_id),
            lambda: self._task.job_queue.in_progress,
        )
        self._results: dict[str, Any] = {}  # dbt's own, by unique id
        self._hooks_seen = 0
        self._ended = False  # dbt's thread: it ends by itself where nothing is selected

    def parse(self) -> ParseReport:
        """Let dbt parse the project and load its adapter; nothing reaches the warehouse.

        Raises:
            DbtSessionError: Another session is open in this process.
            DbtProjectError, DbtProfileError, DbtParseError, DbtUsageError: As they say.
        """
        self._expect("new", "parse")
        argv = self._argv()
        self._claim_process()
        self._thread = threading.Thread(target=self._serve, args=(argv,), name="dbt", daemon=True)
        self._thread.start()
        self._await_gate()
        self._state = "parsed"
        if self._trim:
            from tasks.dbt.trim import freeze_parsed

            freeze_parsed()
        return self._report()

    def packed_parsed(self) -> bytes:
        """Return what dbt found as it parsed, for sessions elsewhere; running nodes changes it."""
        self._expect("parsed", "packed_parsed")
        return self._internals.pack_parsed(self._task)  # type: ignore[no-any-return]

    def begin(
        self, selected: Collection[str] | None = None, *, hooks: bool = True
    ) -> tuple[NodeResult, ...]:
        """Create schemas, fill dbt's relation cache, run ``on-run-start``; return its results.

        A failed hook ends the run only where ``dbt build`` would end it: with the project flag
        ``skip_nodes_if_on_run_start_fails``, or when the hook cannot even be compiled.

        Args:
            selected: The nodes that will be run; all that the options select when not given.
            hooks: Run ``on-run-start``; ``False`` where another process of the run has done so.

        Raises:
            DbtHookError: A hook ended the run. `finish` still writes what dbt would write.
            WarehouseBusyError: Another process holds the DuckDB file.
            DbtWarehouseError: The warehouse cannot be reached or prepared.
        """
        self._expect("parsed", "begin")
        with self._taken.during(None):
            self._gate.order("begin", (selected, hooks))
            self._await_gate(compile_error=DbtHookError)
        self._state = "begun"
        ran = self._new_hooks()
        if self._gate.hook_ended_run:
            broken = next((h for h in ran if not h.ok), None)
            raise DbtHookError(
                f"on-run-start failed: {failures.clean(broken.message or '') if broken else ''}",
                where=broken.path if broken else None,
                fix="mend the hook, or drop the flag skip_nodes_if_on_run_start_fails",
            )
        return ran

    def run_node(self, unique_id: str) -> NodeResult:
        """Run one node in the calling thread; a node may run again, its last result counts.

        Raises:
            DbtCancelledError: The session was cancelled before the node began.
        """
        self._expect("begun", "run_node")
        if self._cancelled.is_set():
            raise DbtCancelledError("the dbt session was cancelled", where=unique_id)
        earlier = self._results.get(unique_id)
        if earlier is not None:
            self._internals.renew(self._task, unique_id, earlier)
        with self._taken.during(unique_id) as recorder:
            result = self._keep(unique_id, self._inside(self._internals.build_node, unique_id))
            if recorder is not None and result.relation and unique_id.startswith("test."):
                stored = relation({"relation_name": result.relation}, self._namespace.dialect)
                if stored is not None:  # --store-failures: the manifest does not say so
                    recorder.own.add(stored)
            return result

    def skip_node(self, unique_id: str, reason: str) -> NodeResult:
        """Record a node as skipped, as dbt does for what depends on a failed node."""
        self._expect("begun", "skip_node")
        self._internals.drop_result(self._task, self._results.get(unique_id))
        result = self._inside(self._internals.skip_node, unique_id, [*self._results.values()])
        return self._keep(unique_id, result, reason)

    def refresh_relations(self, schemas: Collection[tuple[str | None, str]]) -> None:
        """Tell dbt that others created or dropped relations in these (catalog, schema)s."""
        self._expect("begun", "refresh_relations")
        self._inside(self._internals.reread, schemas)

    @contextmanager
    def beside_others(self, unique_id: str, again: bool) -> Iterator[None]:
        """Heed, while a node runs in the block, what other processes of the build have changed.

        Args:
            unique_id: The node.
            again: Whether it was tried before.
        """
        self._expect("begun", "beside_others")
        own = self._results.keys()
        schemas, later = self._inside(self._internals.doubt, unique_id, own, again)
        if schemas:
            self.refresh_relations(schemas)
        with self._internals.doubted(self._task, later):
            yield

    def packed(self, *unique_ids: str, compiled: Collection[str] = ()) -> bytes:
        """Return results of nodes that ran here, with ephemeral models compiled, for `adopt`."""
        found = [self._results[u] for u in unique_ids]
        return self._internals.pack(self._task, self._name, found, compiled)  # type: ignore[no-any-return]

    def packed_hooks(self) -> bytes:
        """Return the results of the hooks that ran here, for `adopt`."""
        return self._internals.pack(self._task, self._name, self._hooks())  # type: ignore[no-any-return]

    def adopt(self, packed: bytes) -> None:
        """Take over what ran in another process of the build, for hooks and artifacts."""
        self._expect("begun", "adopt")
        for result in self._inside(self._internals.unpack, self._name, packed):
            self._take_over(result)

    def lose_node(self, unique_id: str, message: str) -> None:
        """Record a node as failed whose process died."""
        self._expect("begun", "lose_node")
        self._take_over(self._inside(self._internals.lost_result, unique_id, message))

    def finish(self) -> tuple[NodeResult, ...]:
        """Run ``on-run-end``, let dbt write its artifacts, close the warehouse; return the hooks.

        After `cancel` no hook runs and ``run_results.json`` alone is written, as dbt does when it
        is interrupted.

        Raises:
            DbtHookError: A hook could not be compiled; the results are written all the same.
        """
        self._expect("begun", "finish")
        if self._cancelled.is_set():
            self._inside(self._internals.write_results)
            self.abandon()
            return ()
        try:
            with self._taken.during(None):
                self._gate.order("finish", None)
                if not self._ended:
                    self._await_gate(compile_error=DbtHookError)
            return self._new_hooks()
        finally:
            self._close()

    def abandon(self) -> None:
        """Leave without hooks and without writing; harmless when the session is closed already."""
        if self._state in ("parsed", "begun"):
            self._gate.order("abandon", None)
        self._close()

    def cancel(self) -> None:
        """Interrupt what runs in the warehouse; nodes then end in error, and none starts."""
        if self._state != "begun" or self._cancelled.is_set():
            return
        self._cancelled.set()
        self._internals.close_batches(self._task)
        self._interrupting.until_quiet(None)

    def cancel_node(self, unique_id: str) -> None:
        """Interrupt what one node runs in the warehouse; it ends in error, the others go on."""
        if self._state == "begun":
            self._interrupting.until_quiet(unique_id)

    # dbt's thread

    def _serve(self, argv: list[str]) -> None:
        error: BaseException | None = None
        try:
            from tasks.dbt import internals, trim

            self._internals = internals
            events = internals.SessionEvents(self._lines.add)
            with (
                internals.own_events(events),
                internals.own_statements(self._taken.add),
                internals.parse_unwritten(self._second),
                trim.trimmed(trims := self._may_trim()),
            ):
                internals.serve(
                    argv, self.options.project_dir, self._gate, events,
                    self._invocation, self._second, self._parsed, trims,
                )  # fmt: skip
        except Abandoned:
            pass
        except BaseException as caught:  # handed to the thread that waits
            error = caught
        finally:
            self._gate.report("ended", error)

    def _may_trim(self) -> bool:
        """Whether trimmings are wanted and every piece of dbt they stand in for is known."""
        from tasks.dbt.known_code import changed

        unknown = changed() if self._trim else []
        if unknown:
            log.info("this dbt is run whole: not known here are %s", ", ".join(unknown))
        return self._trim and not unknown

    # the caller's threads

    def _argv(self) -> list[str]:
        options = self.options
        read_project(options.project_dir)
        argv = options.argv()
        if options.profiles_dir is None:
            argv += ["--profiles-dir", find_profiles_dir(options.project_dir)]
        return argv

    def _expect(self, state: str, call: str) -> None:
        if self._state != state:
            raise DbtSessionError(f"{call}() needs a session that is {state}; it is {self._state}")

    def _await_gate(self, compile_error: type[OrchestratorError] | None = None) -> None:
        """Wait for dbt's thread to reach its next halt, or raise what ended it."""
        kind, value = self._gate.reports.get()
        if kind == "parsed":
            self._task = value
        self._ended = kind == "ended"
        if kind == "ended" and value is not None:
            self._close()
            error = failures.translate(value, self.options.project_dir)
            if compile_error is not None and self._is_compile_error(value):
                raise compile_error(error.what, where=error.where, fix=error.fix) from value
            raise error from value

    @staticmethod
    def _is_compile_error(error: BaseException) -> bool:
        return any(cls.__name__ == "CompilationError" for cls in type(error).__mro__)

    def _close(self) -> None:
        """Wait for dbt's thread, forget dbt's objects and let another session open."""
        if self._state == "closed" or self._thread is None:
            return
        self._state = "closed"
        self._interrupting.end()
        self._thread.join()
        if self._task is not None:
            self._internals.end_batches(self._task)
        if self._internals is not None:
            self._internals.reset()
        self._release_process()

    def _claim_process(self) -> None:
        global _current
        with _claim:
            if _current is not None:
                raise DbtSessionError(
                    f"a dbt session is already open in this process: {_current.options.project_dir}",
                    where=self.options.project_dir,
                    fix="finish it first: dbt keeps its settings in globals, so one at a time",
                )
            _current = self

    def _release_process(self) -> None:
        global _current
        with _claim:
            _current = None

    def _report(self) -> ParseReport:
        config = self._task.config
        return ParseReport(
            manifest_path=os.path.join(config.project_target_path, "manifest.json"),
            project_name=config.project_name,
            adapter_type=config.credentials.type,
            threads=config.threads,
            selected=self._internals.selection(self._task),
            invocation=self._internals.invocation(),
        )

    def _new_hooks(self) -> tuple[NodeResult, ...]:
        """Return the results of the hooks that ran since the last call."""
        hooks = self._hooks()
        fresh, self._hooks_seen = hooks[self._hooks_seen :], len(hooks)
        return tuple(self._told(r) for r in fresh)

    def _hooks(self) -> list[Any]:
        results = self._task.node_results
        return [r for r in results if r.node.unique_id.startswith("operation.")]

    def _take_over(self, result: Any) -> None:
        unique_id = result.node.unique_id
        self._inside(self._internals.take_over, result, self._results.get(unique_id))
        if unique_id.startswith("operation."):
            self._hooks_seen += 1
        else:
            self._results[unique_id] = result

    def _keep(self, unique_id: str, result: Any, reason: str | None = None) -> NodeResult:
        self._results[unique_id] = result
        return self._told(result, reason)

    def _told(self, result: Any, reason: str | None = None) -> NodeResult:
        logs = self._lines.of(result.node.unique_id)
        root = self._task.config.project_root
        counted = self._internals.counted(self._task, result.node.unique_id)
        return from_run_result(result, project_root=root, logs=logs, reason=reason, counted=counted)

    def _inside(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._internals.inside(self._task, function, self._task, *args)
        except Exception as error:
            raise failures.translate(error, self.options.project_dir) from error

    @cached_property
    def _namespace(self) -> Namespace:
        dialect, *parts = self._internals.names(self._task)
        return Namespace(dialect, *(part and fold(part, False, dialect) for part in parts))
