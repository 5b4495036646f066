"""What a warm session leaves out of dbt's contexts: macros and members that no template asks for.

A context holds 500 macros, each an object that refers back to it, of which a template calls ten; a
node needs about four contexts. Made when they are asked for, most are never made, nor collected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

from tasks.dbt.internals import trimmed as internals
from tasks.dbt.late_values import LateValues, fill, made_already, unmade
from tasks.dbt.replacing import added, replaced

#: Members of a context that come to the same whenever they are asked for.
_LATE = (
    (internals.BaseContext, "modules"),
    (internals.BaseContext, "flags"),
    (internals.ProviderContext, "validation"),
    (internals.ProviderContext, "exceptions"),
    (internals.ModelContext, "this"),
)


@contextmanager
def late_macros() -> Iterator[None]:
    """Make the macro objects of a context when a template asks for them."""
    with ExitStack() as stack:
        builder, context = internals.MacroNamespaceBuilder, internals.ManifestContext
        stack.enter_context(replaced(context, "_build_namespace", _with_late_context))
        stack.enter_context(replaced(builder, "build_namespace", lambda _: _late_namespace))
        stack.enter_context(replaced(context, "to_dict", _late_context))
        yield


def _with_late_context(original: Any) -> Any:
    def _build_namespace(self: Any) -> Any:
        known, self._ctx = self._ctx, LateValues({}, lambda made: made)
        self._ctx.update(known)
        return original(self)

    return _build_namespace


def _late_namespace(self: Any, macros_by_package: Any, ctx: Any) -> Any:
    """Fill a macro namespace package by package; a macro has one object in all of its places."""
    generator, node, stack = internals.MacroGenerator, self.node, self.thread_ctx
    objects: dict[str, Any] = {}

    def made(macro: Any) -> Any:
        found = objects.get(macro.unique_id)
        if found is None:
            found = objects[macro.unique_id] = generator(macro, ctx, node, stack)
        return found

    def late(macros: Mapping[str, Any]) -> LateValues:
        return LateValues(macros, made)

    for package, macros in macros_by_package.items():
        if package in self.internal_package_names:
            continue
        self.packages[package] = late(macros)
        if package == self.search_package:
            self.locals = late(macros)
        elif package == self.root_package:
            self.globals = late(macros)
    builtin: dict[str, Any] = {}
    for package in reversed(self.internal_package_names_order):
        builtin.update(macros_by_package.get(package, {}))
    return internals.MacroNamespace(self.globals, self.locals, late(builtin), self.packages)


def _late_context(original: Any) -> Any:
    def to_dict(self: Any) -> Any:
        context, namespace = self._ctx, self.namespace
        if type(context) is not LateValues or type(namespace) is not internals.MacroNamespace:
            return original(self)
        builtins = self.generate_builtins()
        context |= {"context": context, "builtins": builtins}
        given: dict[str, Any] = {}
        if type(builtins) is LateValues:
            context.update(made_already(builtins))
            given.update((name, (builtins, name)) for name in unmade(builtins))
        else:
            context.update(builtins)
        for layer in reversed(list(namespace._search_order())):
            if type(layer) is LateValues:
                macros = unmade(layer)
                given.update(macros)
                context.update([(n, layer[n]) for n, _ in made_already(context) if n in macros])
            else:
                context.update(layer)

        def made(found: Any) -> Any:
            return found[0][found[1]] if type(found) is tuple else macro_object(found)

        builtin: Any = namespace.global_project_namespace
        macro_object = builtin._make
        fill(context, given, made)
        return context

    return to_dict


def native_templates_copy_nothing() -> Any:
    """Let the templates of tests' arguments read the context itself, as dbt's other templates do."""
    method = internals.common_jinja.MacroFuzzTemplate.new_context
    return added(internals.NativeSandboxTemplate, "new_context", method)


def late_members() -> Any:
    """Make what a context holds besides macros when a template asks for it, where that may wait."""
    known = {name: owner._context_members_[name] for owner, name in _LATE}

    @lru_cache
    def members(cls: Any) -> tuple[dict[str, Any], list[tuple[str, Any]], dict[str, Any]]:
        """Those that are plain values, those that an object gives, those that may wait."""
        plain, given, late = {}, [], {}
        for name, member in cls._context_members_.items():
            if known.get(name) is member:
                late[name] = member
            elif isinstance(member, staticmethod) or not hasattr(member, "__get__"):
                plain[name] = member.__func__ if isinstance(member, staticmethod) else member
            else:
                given.append((name, member.__get__))
        return plain, given, late

    def make(_: Any) -> Any:
        def generate_builtins(self: Any) -> Any:
            kind: Any = type(self)
            plain, given, late = members(kind)
            builtins = LateValues(late, lambda member: member.__get__(self))
            builtins.update(plain)
            builtins.update([(name, get(self)) for name, get in given])
            return builtins

        return generate_builtins

    return replaced(internals.BaseContext, "generate_builtins", make)
