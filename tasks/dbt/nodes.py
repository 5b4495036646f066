"""The tasks of one dbt build: open with the hooks, each node, close with the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from orchestrator.model import context
from orchestrator.model.planning import Planning
from orchestrator.model.policy import Trigger
from orchestrator.model.signals import FAIL, SKIP, Result
from orchestrator.model.state import State
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse
from tasks.dbt import sessions
from tasks.dbt.errors import DbtHookError
from tasks.dbt.results import NodeResult
from tasks.dbt.session import WarmSession
from tasks.dbt.sessions import SessionName

#: Lines of compiled SQL kept with a failed node.
_SQL_LIMIT = 200_000


class DbtStart(Task):
    """Creates schemas and runs ``on-run-start``, once a run.

    Args:
        session: The session to begin.
        held: The warehouse, whose file the run keeps from here on.

    Attributes:
        selected: Unique ids of the nodes that will run.
    """

    resource_type = "operation"
    stops_when_told = True

    def __init__(self, session: SessionName, held: Warehouse) -> None:
        super().__init__(name="on-run-start")
        self.session, self.held = session, held
        self.selected: tuple[str, ...] = ()

    def holds(self, planning: Planning) -> Warehouse:
        """The project's warehouse."""
        return self.held

    def run(self) -> Result:
        """Begin; a failed hook fails the build at its end, as with ``dbt build``."""
        sessions.parse(self.session)
        if self.held.affinity is not None:
            with self.held.connect():
                pass  # dbt gives up at once when another process holds the file; this waits
        try:
            hooks = sessions.begin(self.session, self.selected)
        except DbtHookError as error:
            raise FAIL(error.what, status="error", detail={"error": str(error)}) from error
        told = None
        if self.session.shared:
            told = sessions.begun(self.session, self.selected).packed_hooks()
        return replace(_hooks_result(hooks), told=told)


class DbtNode(Task):
    """Runs one node of the project through dbt's own runner.

    Args:
        session: The session it runs in.
        unique_id: The node.
        name: What people call it.
        ephemerals: Ephemeral models that become part of it.

    Attributes:
        selected: All nodes of the run, for a session that must be opened anew.
        outside: (catalog, schema) pairs that tasks other than dbt's wrote to just before.
    """

    stops_when_told = True

    def __init__(
        self,
        session: SessionName,
        unique_id: str,
        name: str,
        ephemerals: tuple[str, ...] = (),
        **task_args: Any,
    ) -> None:
        super().__init__(name=name, **task_args)
        self.session, self.unique_id, self.ephemerals = session, unique_id, ephemerals
        self.selected: tuple[str, ...] = ()
        self.outside: tuple[tuple[str | None, str], ...] = ()

    def run(self) -> Result:
        """Run the node.

        Raises:
            FAIL: The node did not succeed; the detail holds the compiled SQL and dbt's message.
        """
        session = sessions.begun(self.session, self.selected)
        if self.outside:
            session.refresh_relations(self.outside)
        running = context.active()
        again = running is None or running.attempt > 1
        shared = self.session.shared
        heeding = session.beside_others(self.unique_id, again) if shared else nullcontext()
        with heeding, _cancellable(session, self.unique_id):
            for ephemeral in self.ephemerals:
                broken = sessions.compiled(self.session, session, ephemeral)
                if broken is not None:
                    # dbt's word for this node is "skipped"; here it is where the failure shows.
                    session.skip_node(self.unique_id, broken.message or "")
                    told = self._told(session, ephemeral, self.unique_id)
                    raise _failure(replace(broken, status="skipped"), told)
            result = session.run_node(self.unique_id)
            return _node_result(result, self._told(session, self.unique_id))

    def _told(self, session: WarmSession, *unique_ids: str) -> bytes | None:
        """What the process that finishes the build must know, where that may be another one."""
        if not self.session.shared:
            return None
        compiled = [e for e in self.ephemerals if e not in unique_ids]
        return session.packed(*unique_ids, compiled=compiled)


class DbtFinish(Task):
    """Runs ``on-run-end`` and lets dbt write its artifacts, once a run, whatever failed.

    Args:
        session: The session to finish.
        start_key: Key of the task that began it.

    Attributes:
        selected: Unique ids of the nodes of the run.
    """

    resource_type = "operation"
    stops_when_told = True
    wants_upstream_states = True

    def __init__(self, session: SessionName, start_key: str) -> None:
        super().__init__(
            name="on-run-end", trigger=Trigger.ALL_FINISHED, skip_on_upstream_skip=False
        )
        self.session, self.start_key = session, start_key
        self.selected: tuple[str, ...] = ()

    def run(self, upstream_states: Mapping[str, State]) -> Result:
        """Finish the session; nodes that never ran are recorded as dbt records skipped ones."""
        start = upstream_states.get(self.start_key)
        if self.session.shared and start is not None and start.is_successful():
            sessions.begun(self.session, self.selected)  # the first process may have died
        session = sessions.close(self.session)
        if session is None:
            raise SKIP("on-run-start never came to its end")
        if self.session.shared:
            if start is not None and start.told is not None:
                session.adopt(start.told)
            _adopt(session, self.selected, upstream_states)
        for key in self.selected:
            state = upstream_states.get(key)  # an ephemeral model has none of its own
            if state is not None and state.is_skipped():
                session.skip_node(key, state.message)
        result = _hooks_result(session.finish())
        if "error" in (result.status, start.status if start else None):
            raise FAIL("a hook failed", status="error", detail=result.detail)
        return result


def _adopt(session: WarmSession, keys: Sequence[str], states: Mapping[str, State]) -> None:
    """Take over what nodes came to in other processes."""
    for key in keys:
        state = states.get(key)
        if state is not None and state.told is not None:
            session.adopt(state.told)
        elif state is not None and state.is_failed():
            session.lose_node(key, state.message)


def _node_result(result: NodeResult, told: bytes | None) -> Result:
    detail: dict[str, Any] = {"relation": result.relation, "path": result.path}
    detail["ran_sql"] = result.compiled_code
    if result.adapter_response:
        detail["adapter_response"] = result.adapter_response
    message = (result.message or "").strip()
    if result.ok:
        shown = message if result.status == "warn" else ""
        return Result(
            message=shown, status=result.status, rows=result.rows, failures=result.failures,
            detail={k: v for k, v in detail.items() if v}, told=told,
        )  # fmt: skip
    raise _failure(result, told)


def _failure(result: NodeResult, told: bytes | None) -> FAIL:
    message = (result.message or "").strip()
    detail = {
        "relation": result.relation,
        "path": result.path,
        "error": message,
        "ran_sql": result.compiled_code,
        "compiled_code": (result.compiled_code or "")[:_SQL_LIMIT],
        "compiled_path": result.compiled_path,
        "error_line": result.error_line,
    }
    return FAIL(
        message.splitlines()[0] if message else result.status,
        status=result.status,
        rows=result.rows,
        failures=result.failures,
        detail={k: v for k, v in detail.items() if v},
        told=told,
    )


def _hooks_result(hooks: tuple[NodeResult, ...]) -> Result:
    broken = [hook for hook in hooks if not hook.ok]
    status = "error" if broken else "success"
    detail = {"hooks": {hook.unique_id: hook.status for hook in hooks}}
    if broken:
        detail["error"] = {hook.unique_id: hook.message or "" for hook in broken}
    message = f"{len(broken)} of {len(hooks)} hooks failed" if broken else f"{len(hooks)} hooks"
    return Result(message=message, status=status, detail=detail)


def _cancellable(session: WarmSession, unique_id: str) -> AbstractContextManager[None]:
    """Interrupt the node's queries when the attempt is asked to stop."""
    running = context.active()
    if running is None:
        return nullcontext()
    return running.cancelled.calling(partial(session.cancel_node, unique_id))
