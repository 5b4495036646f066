"""Renders the Jinja of dbt hooks with the project's macros and no warehouse, to see what SQL they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.runtime import Context, missing
from jinja2.sandbox import SandboxedEnvironment

from orchestrator.lineage.dbt.file import Manifest, Node
from orchestrator.service.policy.dbt_names import (
    OnlyDbtKnowsError,
    Relation,
    Result,
    ReturnedError,
    Target,
    Unknown,
    names_of,
)

_REFERRED = frozenset({"model", "seed", "snapshot"})
_DBT = "dbt"
_ENDS = ("success", "pass", "warn", "error", "fail", "skipped")


class HookRenderer:
    """Renders the hooks of one dbt project.

    Args:
        manifest: The project.
        target: What ``target.NAME`` gives, as far as it is known.
        variables: What ``var('NAME')`` gives.
    """

    def __init__(
        self, manifest: Manifest, target: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> None:
        self._manifest, self._target, self._variables = manifest, target, variables
        self._environment = _Environment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])
        self._environment.find = self._find
        self._macros: dict[str, dict[str, Node]] = {}
        for macro in manifest.macros.values():
            package = self._macros.setdefault(str(macro.get("package_name")), {})
            package[str(macro.get("name"))] = macro
        self._ran: list[str] = []
        self._names: dict[str, Any] = {}

    def rendered(self, text: str, node: Node) -> tuple[list[str], str, str | None]:
        """Render a hook, or other code of a node.

        Args:
            text: Its Jinja.
            node: The node it belongs to.

        Returns:
            The SQL that it runs by ``run_query`` and ``statement``; what it comes to itself; and
            why that is not all, if so.
        """
        self._ran = []
        self._names = {**names_of(node, self._variables), **self._of_project()}
        try:
            made = self._environment.from_string(text).render(self._names)
        except ReturnedError as returned:
            return self._ran, str(returned.value or ""), None
        except (OnlyDbtKnowsError, TemplateError) as error:
            return self._ran, "", str(error)
        except Exception as error:  # code in a template may fail in any way
            return self._ran, "", f"{type(error).__name__}: {error}"
        return self._ran, made, None

    def _of_project(self) -> dict[str, Any]:
        built = [n for n in self._manifest.nodes.values() if n.get("resource_type") in _REFERRED]
        return {
            # Every end that a node can have, so that no branch of on-run-end is missed.
            "results": [Result(node, status) for node in built[:1] for status in _ENDS],
            "selected_resources": [str(node["unique_id"]) for node in built],
            "schemas": sorted({str(node.get("schema")) for node in built}),
            "database_schemas": sorted(
                {(str(node.get("database")), str(node.get("schema"))) for node in built}
            ),
            "adapter": _Adapter(self._dispatched),
            "target": Target(self._target),
            "ref": self._ref,
            "source": self._source,
            "run_query": self._run_query,
            "statement": self._statement,
            "project_name": self._manifest.project_name,
        }

    # -- macros ----------------------------------------------------------------------------

    @property
    def _packages(self) -> list[str]:
        """Packages in the order in which dbt looks for a macro: the project's own first."""
        own = str(self._manifest.project_name)
        others = [name for name in self._macros if name not in (own, _DBT)]
        return [own, *others, _DBT]

    def _find(self, name: str) -> Any:
        """A macro by its name, or a package of macros."""
        for package in self._packages:
            if name in self._macros.get(package, {}):
                return self._macro(package, name)
        return _Package(self._macro, name) if name in self._macros else missing

    def _macro(self, package: str, name: str) -> Callable[..., Any]:
        macro = self._macros.get(package, {}).get(name)
        if macro is None:
            raise OnlyDbtKnowsError(f"there is no macro {package}.{name}")
        template = self._environment.from_string(str(macro.get("macro_sql") or ""))
        inner = getattr(template.make_module(self._names), name, None)
        if inner is None:
            raise OnlyDbtKnowsError(f"the macro {name} cannot be called here")

        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return inner(*args, **kwargs)
            except ReturnedError as returned:
                return returned.value

        return called

    def _dispatched(self, name: str, package: str | None = None) -> Callable[..., Any]:
        """The macro that ``adapter.dispatch`` finds for this adapter."""
        own = str(self._manifest.project_name)
        places = dict.fromkeys((own, package or _DBT, *self._packages))
        for prefix in (self._manifest.adapter_type, "default"):
            for place in places:
                if f"{prefix}__{name}" in self._macros.get(place, {}):
                    return self._macro(place, f"{prefix}__{name}")
        raise OnlyDbtKnowsError(f"there is no macro {name} for {self._manifest.adapter_type}")

    # -- functions -------------------------------------------------------------------------

    def _ref(self, *names: str, **_: Any) -> Relation:
        for node in self._manifest.nodes.values():
            if node.get("name") == names[-1] and node.get("resource_type") in _REFERRED:
                return Relation(node)
        raise OnlyDbtKnowsError(f"there is no model {names[-1]!r}")

    def _source(self, source: str, table: str) -> Relation:
        for node in self._manifest.sources.values():
            if (node.get("source_name"), node.get("name")) == (source, table):
                return Relation(node)
        raise OnlyDbtKnowsError(f"there is no source {source}.{table}")

    def _run_query(self, sql: Any) -> Unknown:
        self._ran.append(str(sql))
        return Unknown("the result of run_query")

    def _statement(self, *_: Any, caller: Callable[[], str] | None = None, **__: Any) -> str:
        if caller is not None:
            self._ran.append(str(caller()))
        return ""


class _Calling(Context):
    """A context that finds dbt's macros where a name is not known otherwise."""

    def resolve_or_missing(self, key: str) -> Any:
        found = super().resolve_or_missing(key)
        environment = self.environment
        assert isinstance(environment, _Environment)
        return environment.find(key) if found is missing else found


class _Environment(SandboxedEnvironment):
    context_class = _Calling
    find: Callable[[str], Any]


class _Package:
    """``dbt_utils`` in ``dbt_utils.star()``."""

    def __init__(self, macro: Callable[[str, str], Any], name: str) -> None:
        self._macro, self._name = macro, name

    def __getattr__(self, name: str) -> Any:
        return self._macro(self._name, name)


class _Adapter(Unknown):
    """``adapter``: only ``dispatch`` and ``quote`` need no warehouse."""

    def __init__(self, dispatched: Callable[[str, str | None], Any]) -> None:
        super().__init__("adapter")
        self._dispatched = dispatched

    def dispatch(self, name: str, macro_namespace: str | None = None, **_: Any) -> Any:
        """The macro for this adapter."""
        return self._dispatched(name, macro_namespace)

    def quote(self, name: str) -> str:
        """A name in quotes."""
        return f'"{name}"'
