"""Compiles nodes in a session of dbt that runs none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.errors import OrchestratorError
from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tasks.dbt.sessions import own_logging


class CompilingSession(WarmSession):
    """A session that is parsed and never begun: no schema is made, no hook and no node runs."""

    def compile(self, unique_id: str) -> str:
        """Return the compiled SQL of one node, ephemeral models in it.

        Raises:
            OrchestratorError: dbt cannot compile it.
        """
        self._expect("parsed", "compile")
        return str(self._inside(_compiled, unique_id))

    def take_warehouse_for_empty(self, wanted: bool) -> None:
        """Whether ``is_incremental()`` and the like find nothing there, and need not look."""
        self._expect("parsed", "take_warehouse_for_empty")
        self._inside(_empty_cache if wanted else _no_cache)


def compile_nodes(
    options: DbtOptions, plain: Sequence[str], asking: Sequence[str]
) -> dict[str, str | OrchestratorError]:
    """Compile nodes, one after the other.

    Args:
        options: How dbt would build them; without a selection.
        plain: Nodes whose code does not ask the warehouse.
        asking: Nodes whose code does.

    Returns:
        By unique id the SQL, or what is wrong with the node.

    Raises:
        OrchestratorError: dbt cannot parse the project, or another session is open.
    """
    session = CompilingSession(options)
    found: dict[str, str | OrchestratorError] = {}
    try:
        with own_logging():
            session.parse()
        for nodes, empty in ((plain, True), (asking, False)):
            session.take_warehouse_for_empty(empty)
            for unique_id in nodes:
                try:
                    found[unique_id] = session.compile(unique_id)
                except OrchestratorError as error:
                    found[unique_id] = error
        return found
    finally:
        session.abandon()


def _compiled(task: Any, unique_id: str) -> str:
    node = task.manifest.expect(unique_id)
    runner = task.get_runner(node)
    with runner.adapter.connection_named(unique_id, node):
        made = runner.compiler.compile_node(node, task.manifest, {}, write=False)
    return made.compiled_code or ""


def _empty_cache(task: Any) -> None:
    nodes = [*task.manifest.nodes.values(), *task.manifest.sources.values()]
    _adapter(task).cache.update_schemas({(node.database, node.schema) for node in nodes})


def _no_cache(task: Any) -> None:
    _adapter(task).cache.clear()


def _adapter(task: Any) -> Any:
    from tasks.dbt.internals.running import get_adapter

    return get_adapter(task.config)
