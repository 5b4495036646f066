"""What travels between the processes of one build: its invocation, what was parsed, results."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from dbt import tracking
from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
from dbt.contracts.graph.nodes import UnitTestNode
from dbt_common import invocation as common_invocation

from tasks.dbt.internals.running import drop_result
from tasks.dbt.invocation import Invocation


def join(invocation: Invocation) -> None:
    """Be part of an invocation that began in another process."""
    user: Any = tracking.active_user
    common_invocation._INVOCATION_ID = user.invocation_id = invocation.id
    common_invocation._INVOCATION_STARTED_AT = invocation.started.replace(tzinfo=None)
    user.run_started_at = invocation.started


def invocation() -> Invocation:
    """Return the invocation that this process is part of."""
    user: Any = tracking.active_user
    return Invocation(common_invocation.get_invocation_id(), user.run_started_at)


#: What running a node changes of it.
_RUN_LEAVES = (
    "compiled", "compiled_code", "compiled_path", "build_path", "extra_ctes",
    "extra_ctes_injected", "_pre_injected_sql", "relation_name",
)  # fmt: skip


def pack(task: Any, session: str, results: Sequence[Any], compiled: Sequence[str] = ()) -> bytes:
    """Make results ready to travel to the process that writes them, which has the nodes itself.

    Args:
        session: Names the session that they come from.
        results: dbt's own.
        compiled: Ephemeral models that became part of them.
    """
    packed: list[tuple[Any, dict[str, Any], dict[str, Any] | None]] = []
    for result in results:
        given = {f.name: getattr(result, f.name) for f in fields(result)}
        node, given["agate_table"] = given.pop("node"), None
        if isinstance(node, UnitTestNode):  # made as it runs; the manifest has its definition
            packed.append((node, {}, given))
            continue
        packed.append((node.unique_id, _left(node), given))
    packed += [(name, _left(task.manifest.expect(name)), None) for name in compiled]
    return zlib.compress(pickle.dumps((session, packed)), 1)


def _left(node: Any) -> dict[str, Any]:
    return {name: vars(node)[name] for name in _RUN_LEAVES if name in vars(node)}


def unpack(task: Any, session: str, data: bytes) -> list[Any]:
    """Return the results that travelled; none, if they come from this very session."""
    origin, packed = pickle.loads(zlib.decompress(data))
    if origin == session:
        return []
    results = []
    for named, left, given in packed:
        node = task.manifest.expect(named) if isinstance(named, str) else named
        if given is not None:
            vars(node).update(left)
            results.append(RunResult(node=node, **given))
        elif not node.compiled:
            vars(node).update(left)
    return results


def take_over(task: Any, result: Any, earlier: Any) -> None:
    """Enter the result of a node that ran elsewhere, in the place of an earlier one."""
    drop_result(task, earlier)
    task._handle_result(result)


def lost_result(task: Any, unique_id: str, message: str) -> Any:
    """Make the result of a node that ended without one."""
    return RunResult.from_node(task.manifest.expect(unique_id), RunStatus.Error, message)


@dataclass(frozen=True)
class Parsed:
    """What dbt found as it parsed.

    Args:
        manifest: dbt's own.
        nodes: Unique ids that dbt selects by the options, without unit tests.
        unit_tests: Those of the unit tests.
        fixtures: The manifest's own, which dbt leaves out when it is pickled.
    """

    manifest: Any
    nodes: frozenset[str]
    unit_tests: frozenset[str]
    fixtures: dict[str, Any]


def pack_parsed(task: Any) -> bytes:
    """Make what dbt found as it parsed ready to travel."""
    nodes = frozenset(task.job_queue.get_selected_nodes())
    manifest = task.manifest
    found = Parsed(manifest, nodes, frozenset(task.selected_unit_tests), dict(manifest.fixtures))
    return zlib.compress(pickle.dumps(found, pickle.HIGHEST_PROTOCOL), 1)


def unpack_parsed(data: bytes) -> Parsed:
    """Return what travelled."""
    found: Parsed = pickle.loads(zlib.decompress(data))
    found.manifest.fixtures = found.fixtures
    # dbt pickles a manifest by position, and counts its lookups one by one off: each is another's.
    for field in fields(found.manifest):
        if field.name.endswith("_lookup"):
            setattr(found.manifest, field.name, None)
    return found
