"""The parts of dbt that `tasks.dbt.trim` and `tasks.dbt.trim_contexts` replace."""

from __future__ import annotations

from dbt import tracking
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.base.relation import BaseRelation
from dbt.adapters.cache import RelationsCache
from dbt.adapters.exceptions import NoneRelationFoundError
from dbt.clients import jinja, jinja_static
from dbt.clients.jinja import MacroGenerator
from dbt.compilation import Linker
from dbt.context import exceptions_jinja, providers
from dbt.context.base import BaseContext, Var
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.context.providers import ModelConfiguredVar, ModelContext, ProviderContext
from dbt.task import run as run_module
from dbt_common.clients import agate_helper
from dbt_common.clients import jinja as common_jinja
from dbt_common.clients.jinja import BaseMacroGenerator, NativeSandboxTemplate
from dbt_common.events.base_types import BaseEvent
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.exceptions import base as exceptions_base

#: What `tasks.dbt.trim` replaces parts of.
TRIMMED = (
    BaseAdapter, BaseContext, BaseEvent, BaseMacroGenerator, BaseRelation, DbtRuntimeError, Linker,
    MacroGenerator, MacroNamespace, MacroNamespaceBuilder, ManifestContext, ModelConfiguredVar,
    ModelContext, NativeSandboxTemplate, NoneRelationFoundError, ProviderContext, RelationsCache,
    Var, agate_helper, common_jinja, exceptions_base, exceptions_jinja, jinja, jinja_static,
    providers, run_module, tracking,
)  # fmt: skip
