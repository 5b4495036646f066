"""The code of dbt that trimmings stand in for: where it is not known word for word, none is applied."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

#: Digests of the source as it was when a trimming was written, one for each wording that is known.
#: When dbt changes one: read the change, adapt the trimming in ``tasks/dbt/trim.py``, add the digest.
STOOD_IN_FOR: dict[tuple[str, str], set[str]] = {
    ("dbt_common.events.base_types", "BaseEvent.__getattr__"): {"176ebe1e8975"},
    ("dbt_common.events.base_types", "BaseEvent.__setattr__"): {"2ca898567aff"},
    ("dbt_common.exceptions.base", "env_secrets"): {"f12f1ba7db3c"},
    ("dbt.clients.jinja", "get_rendered"): {"e1be3ef293c7"},
    ("dbt.clients.jinja", "add_rendered_test_kwargs"): {"5b53396b8e27"},
    ("dbt.context.macros", "MacroNamespaceBuilder.build_namespace"): {"dcee80a6bc4f"},
    ("dbt.context.macros", "MacroNamespaceBuilder.add_macro"): {"fcc9af4c920a"},
    ("dbt.context.macros", "MacroNamespace"): {"2f1043ea8b9a"},
    ("dbt.context.manifest", "ManifestContext.to_dict"): {"00d3869f4f6f"},
    ("dbt.context.manifest", "ManifestContext._build_namespace"): {"084e5f9bb460"},
    ("dbt.context.base", "BaseContext.to_dict"): {"cd2aae43e1bf"},
    ("dbt.context.base", "BaseContext.generate_builtins"): {"bbfdeb414ec4"},
    ("dbt.context.base", "get_context_modules"): {"47ae6de5d39e"},
    ("dbt.flags", "get_flag_obj"): {"0b5f9c4e5503"},
    ("dbt.adapters.base.relation", "BaseRelation.create_from"): {"f80e1013c81e"},
    ("dbt.context.base", "Var"): {"a1a6fbd0c874"},
    ("dbt.context.providers", "ModelConfiguredVar"): {"4ca8e6d73b92"},
    ("dbt.context.exceptions_jinja", "wrapper"): {"fb4e22375337"},
    ("dbt.context.exceptions_jinja", "wrapped_exports"): {"712e82fb599f"},
    ("dbt.adapters.base.impl", "BaseAdapter._make_match"): {"643ac962a34a"},
    ("dbt.adapters.base.relation", "BaseRelation.matches"): {"69c8ded1c5d9"},
    ("dbt.adapters.cache", "RelationsCache.get_relations"): {"fc66d4a77343"},
    ("dbt_common.clients.jinja", "get_environment"): {"090f7890a742"},
    ("dbt_common.clients.jinja", "BaseMacroGenerator.get_macro"): {"a707ffb512b3"},
    ("dbt_common.clients.jinja", "MacroFuzzTemplate.new_context"): {"1bbb333a635a"},
    ("dbt_common.clients.jinja", "NativeSandboxTemplate"): {"969a05784b87"},
    ("dbt_common.clients.agate_helper", "build_type_tester"): {"a743694b0fde"},
    ("dbt.compilation", "Linker.get_graph_summary"): {"b5d2f0dcd661"},
}
#: The same of what `tasks.dbt.internals.connections` stands in for, where dbt-postgres is there.
CONNECTIONS: dict[tuple[str, str], set[str]] = {
    ("dbt.adapters.postgres.connections", "PostgresConnectionManager.open"): {"f2671002ccdb"},
    ("dbt.adapters.postgres.connections", "PostgresConnectionManager.cancel"): {"7f3633d9d60e"},
    ("dbt.adapters.base.connections", "BaseConnectionManager.close"): {"e96d0fb95050"},
    ("dbt.adapters.base.connections", "BaseConnectionManager.release"): {"3f2bbd1f1756"},
    ("dbt.adapters.base.connections", "BaseConnectionManager.cleanup_all"): {"4860bb3d968f"},
    ("dbt.adapters.base.connections", "BaseConnectionManager.set_connection_name"): {
        "58a68c0a5c06"
    },
    ("dbt.adapters.sql.connections", "SQLConnectionManager.cancel_open"): {"f0f7673d9149"},
}


def changed(known_code: Mapping[tuple[str, str], set[str]] = STOOD_IN_FOR) -> list[str]:
    """Return what the installed dbt words otherwise than every version that was read.

    Args:
        known_code: Digests by (module, path).

    Example:
        >>> changed()
        []
    """
    return [
        f"{module}.{path}"
        for (module, path), known in known_code.items()
        if _digest(module, path) not in known
    ]


def _digest(module: str, path: str) -> str | None:
    try:
        found: Any = import_module(module)
        for name in path.split("."):
            found = inspect.getattr_static(found, name)
        source = inspect.getsource(getattr(found, "__wrapped__", found))
    except (ImportError, AttributeError, OSError, TypeError):
        return None  # gone, or installed without its source: not known either way
    return hashlib.sha256(source.encode()).hexdigest()[:12]
