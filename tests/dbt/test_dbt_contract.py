"""Names each internal of dbt that the session relies on, for every version that is supported.

Run it with another dbt-core installed to see whether the session fits that one:
``python -m pytest tests/dbt/test_dbt_contract.py``.
"""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.dbt.known_code import CONNECTIONS, STOOD_IN_FOR, changed

SOURCE = Path(__file__).parents[2] / "tasks" / "dbt"

#: (module, attribute path): what must be there.
RELIED_ON = [
    # one build, served node by node
    ("dbt.task.build", "BuildTask._runtime_initialize"),
    ("dbt.task.build", "BuildTask.before_run"),
    ("dbt.task.build", "BuildTask.execute_nodes"),
    ("dbt.task.build", "BuildTask.get_runner"),
    ("dbt.task.build", "BuildTask.call_runner"),
    ("dbt.task.build", "BuildTask._handle_result"),
    ("dbt.task.build", "BuildTask._mark_dependent_errors"),
    ("dbt.task.build", "BuildTask._pool_thread_initializer"),
    ("dbt.task.build", "BuildTask.get_result"),
    ("dbt.task.build", "BuildTask.result_path"),
    ("dbt.task.base", "BaseRunner.do_skip"),
    ("dbt.task.run", "MicrobatchModelRunner.set_parent_task"),
    ("dbt.task.run", "MicrobatchModelRunner.set_pool"),
    ("dbt.graph.thread_pool", "DbtThreadPool.is_closed"),
    ("dbt.graph.queue", "GraphQueue.get_selected_nodes"),
    ("dbt.graph.graph", "Graph.ancestors"),
    ("dbt.contracts.graph.manifest", "Manifest.expect"),
    ("dbt.selected_resources", "set_selected_resources"),
    ("dbt.flags", "get_flags"),
    ("dbt.deprecations", "reset_deprecations"),
    ("dbt_common.clients.jinja", "template_cache.clear"),
    ("dbt.task.build", "BuildTask.get_hooks_by_type"),
    # the command around it
    ("dbt.cli.main", "cli.commands"),
    ("dbt.cli.requires", "postflight"),
    ("dbt.cli.requires", "preflight"),
    ("dbt.cli.requires", "profile"),
    ("dbt.cli.requires", "project"),
    ("dbt.cli.requires", "catalogs"),
    ("dbt.cli.requires", "runtime_config"),
    ("dbt.cli.requires", "manifest"),
    ("dbt.cli.requires", "ResultExit"),
    ("dbt.cli.requires", "ExceptionExit"),
    ("dbt_common.context", "_INVOCATION_CONTEXT_VAR"),
    ("dbt_common.context", "get_invocation_context"),
    # events
    ("dbt_common.events.event_manager_client", "get_event_manager"),
    ("dbt_common.events.event_manager_client", "ctx_set_event_manager"),
    ("dbt_common.events.event_manager", "EventManager.add_logger"),
    ("dbt_common.events.event_manager", "EventManager.fire_event"),
    ("dbt_common.events.contextvars", "get_node_info"),
    ("dbt_common.events.base_types", "EventLevel.DEBUG"),
    ("dbt_common.events.base_types", "EventLevel.TEST"),
    # one build in several processes
    ("dbt.task.build", "BuildTask.compile_manifest"),
    ("dbt.compilation", "Compiler.compile"),
    ("dbt.parser.manifest", "ManifestLoader.write_manifest_for_partial_parse"),
    ("dbt.artifacts.schemas.run", "RunResult.from_node"),
    ("dbt.artifacts.schemas.results", "RunStatus.Error"),
    ("dbt.contracts.graph.nodes", "UnitTestNode"),
    ("dbt.contracts.graph.manifest", "Manifest.__reduce_ex__"),
    ("dbt.config.runtime", "RuntimeConfig.load_dependencies"),
    ("dbt.graph.selector", "ResourceTypeSelector.get_selected"),
    ("dbt.task.build", "BuildTask.get_graph_queue"),
    ("dbt.task.build", "BuildTask.get_node_selector"),
    ("dbt.task.build", "BuildTask.execute_with_hooks"),
    ("dbt.adapters.reference_keys", "_make_ref_key"),
    ("dbt.adapters.base.impl", "BaseAdapter.get_relation"),
    ("dbt.adapters.base.impl", "BaseAdapter.list_relations"),
    ("dbt_common.invocation", "_INVOCATION_ID"),
    ("dbt_common.invocation", "_INVOCATION_STARTED_AT"),
    # adapters
    ("dbt.adapters.factory", "get_adapter"),
    ("dbt.adapters.factory", "reset_adapters"),
    ("dbt.adapters.base.impl", "BaseAdapter.cancel_open_connections"),
    ("dbt.adapters.base.impl", "BaseAdapter.is_cancelable"),
    ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager.cancel"),
    ("dbt.adapters.base.impl", "BaseAdapter.connection_named"),
    ("dbt.adapters.base.connections", "BaseConnectionManager.get_if_exists"),
    ("dbt.adapters.sql.connections", "SQLConnectionManager.add_query"),
    ("dbt.adapters.base.impl", "BaseAdapter.list_relations_without_caching"),
    ("dbt.adapters.cache", "RelationsCache.add"),
    ("dbt.adapters.cache", "RelationsCache.drop"),
    ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager._ENV"),
    ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager.close_all_connections"),
    ("dbt.adapters.duckdb.credentials", "DuckDBCredentials.external_root"),
    ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager.get_response"),
    ("dbt.task.run", "ModelRunner._build_run_model_result"),
    # what trim replaces parts of
    ("dbt_common.events.base_types", "BaseEvent.__init__"),
    ("dbt_common.events.base_types", "BaseEvent.__getattr__"),
    ("dbt_common.events.base_types", "BaseEvent.__setattr__"),
    ("dbt_common.exceptions.base", "env_secrets"),
    ("dbt.clients.jinja", "MacroGenerator.__init__"),
    ("dbt.clients.jinja", "get_rendered"),
    ("dbt_common.clients.jinja", "get_template"),
    ("dbt_common.clients.jinja", "render_template"),
    ("dbt_common.clients.jinja", "get_dbt_macro_name"),
    ("dbt_common.clients.jinja", "BaseMacroGenerator.get_macro"),
    ("dbt_common.clients.jinja", "MacroFuzzTemplate.new_context"),
    ("dbt_common.clients.jinja", "NativeSandboxTemplate"),
    ("dbt.context.base", "BaseContext.generate_builtins"),
    ("dbt.context.base", "BaseContext._context_members_"),
    ("dbt.context.manifest", "ManifestContext._build_namespace"),
    ("dbt.context.providers", "ModelContext"),
    ("dbt.context.providers", "ProviderContext"),
    ("dbt.context.macros", "MacroNamespaceBuilder.build_namespace"),
    ("dbt.context.macros", "MacroNamespace._search_order"),
    ("dbt.context.manifest", "ManifestContext.to_dict"),
    ("dbt.context.providers", "args_to_dict"),
    ("dbt.context.providers", "wrapped_exports"),
    ("dbt.context.providers", "ModelConfiguredVar.__init__"),
    ("dbt.context.providers", "ModelConfiguredVar._generate_merged"),
    ("dbt.context.exceptions_jinja", "CONTEXT_EXPORTS"),
    ("dbt_common.clients.agate_helper", "empty_table"),
    ("dbt_common.clients.agate_helper", "build_type_tester"),
    ("dbt.adapters.base.impl", "BaseAdapter._make_match"),
    ("dbt.adapters.base.relation", "BaseRelation.matches"),
    ("dbt.adapters.cache", "RelationsCache.get_relations"),
    ("dbt_common.clients.jinja", "get_environment"),
    ("dbt.clients.jinja_static", "get_environment"),
    ("dbt.task.run", "track_model_run"),
    ("dbt.tracking", "active_user"),
    ("dbt.compilation", "Linker.get_graph_summary"),
]


@pytest.mark.parametrize(("module", "path"), RELIED_ON, ids=lambda value: str(value))
def test_internal_is_there(module: str, path: str) -> None:
    found = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)


def test_the_code_that_trimmings_stand_in_for_is_known() -> None:
    assert changed() == [], version("dbt-core")


def test_the_code_that_kept_connections_stand_in_for_is_known() -> None:
    pytest.importorskip("dbt.adapters.postgres")
    assert changed(CONNECTIONS) == [], version("dbt-postgres")


@pytest.mark.parametrize(("module", "path"), STOOD_IN_FOR, ids=lambda value: str(value))
def test_a_change_of_dbt_is_noticed(
    module: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STOOD_IN_FOR, (module, path), {"another"})
    assert changed() == [f"{module}.{path}"]


def test_a_dbt_that_is_not_known_is_not_trimmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.dbt import trim
    from tasks.dbt.options import DbtOptions
    from tasks.dbt.session import WarmSession
    from tests.dbt.project import write_project

    applied: list[bool] = []
    original = trim.trimmed
    monkeypatch.setattr(trim, "trimmed", lambda on=True: (applied.append(on), original(on))[1])
    monkeypatch.setitem(STOOD_IN_FOR, ("dbt.context.base", "Var"), {"another"})
    session = WarmSession(
        DbtOptions(str(write_project(tmp_path, {"models/a.sql": "select 1 as id"})))
    )
    session.parse()
    session.abandon()
    assert applied == [False]


def test_every_internal_of_dbt_is_imported_in_one_folder() -> None:
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            roots = {name.split(".")[0] for name in names}
            outside = SOURCE / "internals" not in file.parents
            assert not (outside and roots & {"dbt", "dbt_common"}), file.name


def test_version_is_a_supported_one() -> None:
    assert version("dbt-core").split(".")[:2] in (["1", "10"], ["1", "11"])


def test_trimmings_are_taken_back() -> None:
    from tasks.dbt import trim
    from tasks.dbt.internals.trimmed import TRIMMED

    def state() -> list[object]:
        return [vars(owner).copy() for owner in TRIMMED]

    before = state()
    with trim.trimmed():
        assert state() != before
    assert state() == before
