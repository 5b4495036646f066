"""What a warm session leaves out of dbt: work whose result nobody sees, each with its reason.

Each trimming gives the same results as the code it stands in for. They hold while a session
lives, and are taken back at its end; one whose target a version of dbt lacks is left out.
"""

from __future__ import annotations

import functools
import gc
import re
import threading
from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from jinja2.runtime import Context, missing

from tasks.dbt.internals import trimmed as internals
from tasks.dbt.replacing import added, replaced
from tasks.dbt.trim_contexts import late_macros, late_members, native_templates_copy_nothing

YOUNG_OBJECTS = 50_000  # allocations between two looks of the collector; Python's own: 700

#: What dbt makes of a generic test's table: ``{{ get_where_subquery(ref('orders')) }}``.
_TESTED = re.compile(
    r"\{\{ get_where_subquery\((ref|source)\(('[^'\\{}]+'(?:, ?'[^'\\{}]+')*)\)\) \}\}"
)
_NAME = re.compile(r"'([^']+)'")

KEPT_TEMPLATES = 4096
KEPT_TREES = 4096
KEPT_TESTERS = 256


@contextmanager
def trimmed(on: bool = True) -> Iterator[None]:
    """Apply every trimming, and take all of them back at the end."""
    with ExitStack() as stack:
        for trimming in TRIMMINGS if on else ():
            stack.enter_context(trimming())
        yield


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage less often: dbt allocates much, and little of it is circular garbage.

    What parsing built stays until the end: `freeze_parsed` takes it out of every later look.
    """
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def lazy_messages() -> Any:
    """Make an event's protobuf message when it is first read.

    A node fires about 25 debug events; the session drops them, so their messages are never made.
    """

    def make(event_class: type) -> Any:
        def __init__(event: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            event.__dict__["_given"] = (args, kwargs)

        return __init__

    return _lazy_messages(internals.BaseEvent, make)


@contextmanager
def _lazy_messages(cls: Any, make: Callable[[type], Any]) -> Iterator[None]:
    build = cls.__init__

    def __getattr__(event: Any, key: str) -> Any:  # noqa: N807
        given = event.__dict__.pop("_given", None)
        if given is not None:
            build(event, *given[0], **given[1])
        elif key == "pb_msg":
            raise AttributeError(key)
        message = event.__dict__["pb_msg"]
        return message if key == "pb_msg" else getattr(message, key)

    def __setattr__(event: Any, key: str, value: Any) -> None:  # noqa: N807
        if key == "pb_msg":
            event.__dict__[key] = value
        else:
            setattr(event.pb_msg, key, value)

    with ExitStack() as stack:
        stack.enter_context(replaced(cls, "__init__", lambda _: make(cls)))
        stack.enter_context(replaced(cls, "__getattr__", lambda _: __getattr__))
        stack.enter_context(replaced(cls, "__setattr__", lambda _: __setattr__))
        yield


def secrets_read_once() -> Any:
    """Look for secrets in the environment once a session, not at each exception dbt makes.

    dbt's macro dispatch makes several exceptions a call. ``env_var()`` reads a snapshot that dbt
    takes at its start, so a secret set later cannot get into its texts.
    """

    def make(original: Callable[[], list[str]]) -> Callable[[], list[str]]:
        secrets = original()
        return lambda: secrets

    return replaced(internals.exceptions_base, "env_secrets", make)


def arguments_read_once() -> Any:
    """Keep the dict of dbt's arguments: every context holds one, and flags do not change."""

    def make(original: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
        kept: dict[int, tuple[Any, dict[str, Any]]] = {}

        def args_to_dict(args: Any) -> dict[str, Any]:
            if id(args) not in kept:
                kept[id(args)] = (args, original(args))
            return dict(kept[id(args)][1])

        return args_to_dict

    return replaced(internals.providers, "args_to_dict", make)


def light_exception_wrappers() -> Any:
    """Wrap the 21 functions of ``exceptions`` without copying names and docstrings over."""

    def make(_: Any) -> Any:
        def wrapped_exports(model: Any) -> dict[str, Any]:
            return {
                name: functools.partial(_raise_with_node, model, function)
                for name, function in internals.exceptions_jinja.CONTEXT_EXPORTS.items()
            }

        return wrapped_exports

    return replaced(internals.providers, "wrapped_exports", make)


def _raise_with_node(model: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except internals.DbtRuntimeError as error:
        error.add_node(model)
        raise


@contextmanager
def variables_on_demand() -> Iterator[None]:
    """Merge a node's variables when ``var()`` is first called, not in every context."""

    class Merged:
        def __get__(self, var: Any, owner: Any = None) -> Any:
            merged = var._generate_merged()
            var.__dict__["_merged"] = merged
            return merged

    def make(_: Any) -> Any:
        def __init__(self: Any, context: Any, config: Any, node: Any) -> None:  # noqa: N807
            self._config, self._context, self._cli_vars = config, context, config.cli_vars
            self._node, self._require_vars = node, True

        return __init__

    with ExitStack() as stack:
        stack.enter_context(added(internals.Var, "_merged", Merged()))
        stack.enter_context(replaced(internals.ModelConfiguredVar, "__init__", make))
        yield


def one_empty_table() -> Any:
    """Give statements without rows one shared empty table: agate's tables never change."""

    def make(original: Callable[[], Any]) -> Callable[[], Any]:
        table = original()
        return lambda: table

    return replaced(internals.agate_helper, "empty_table", make)


def type_testers_kept() -> Any:
    """Keep what finds the types of a result's columns: it takes longer to make than to use.

    It is only read; dbt shares the one for results without text columns among its threads, too.
    """

    def make(original: Any) -> Any:
        @functools.lru_cache(KEPT_TESTERS)
        def kept(text: frozenset[str], nulls: tuple[str, ...] | None) -> Any:
            return original(text, string_null_values=nulls)

        def build_type_tester(text_columns: Any, string_null_values: Any = ("null", "")) -> Any:
            nulls = None if string_null_values is None else tuple(string_null_values)
            return kept(frozenset(text_columns), nulls)

        return build_type_tester

    return replaced(internals.agate_helper, "build_type_tester", make)


def relations_matched_by_name() -> Any:
    """Compare a wanted relation only with those of its name, not with all of the schema.

    ``matches()`` needs equal names but for case and quotes, exact and approximate alike.
    """

    def make(original: Any) -> Any:
        def _make_match(
            self: Any, relations_list: Any, database: Any, schema: Any, identifier: Any
        ) -> Any:
            cls = self.Relation
            if identifier is not None and cls.matches is internals.BaseRelation.matches:
                quote = cls.quote_character
                name = str(identifier).lower().strip(quote)
                relations_list = [
                    r for r in relations_list if str(r.path.identifier).lower().strip(quote) == name
                ]
            return original(self, relations_list, database, schema, identifier)

        return _make_match

    return replaced(internals.BaseAdapter, "_make_match", make)


def relations_listed_by_key() -> Any:
    """List a cached schema by the cache's keys, which hold the lowered names already."""

    def make(_: Any) -> Any:
        def get_relations(self: Any, database: str | None, schema: str | None) -> list[Any]:
            wanted = (database and database.lower(), schema and schema.lower())
            with self.lock:
                found = [r.inner for k, r in self.relations.items() if k[:2] == wanted]
            if any(relation is None for relation in found):
                raise internals.NoneRelationFoundError()
            return found

        return get_relations

    return replaced(internals.RelationsCache, "get_relations", make)


def one_jinja_environment() -> Any:
    """Share Jinja's environments, and with them what is compiled and parsed.

    dbt makes one a template, all alike but for what an undefined name is. Equal sources (each
    generic test of a kind) compile to equal code; a macro's text is parsed once instead of twice.
    """

    def make(original: Any) -> Any:
        shared: dict[bool, Any] = {}
        trees = _ParsedOnce()
        lock = threading.Lock()

        def get_environment(
            node: Any = None, capture_macros: bool = False, native: bool = False
        ) -> Any:
            with lock:
                if native not in shared:
                    shared[native] = original(None, False, native)
                    compiled = functools.lru_cache(KEPT_TEMPLATES)(shared[native].compile)
                    shared[native].compile = compiled
                    shared[native].parse = trees.reader(shared[native].parse)
                    shared[native].context_class = _TriedOnce
            if not capture_macros:
                return shared[native]
            own = original(node, capture_macros, native)
            own.compile, own.parse = shared[native].compile, shared[native].parse
            own.context_class = _TriedOnce
            return own

        return get_environment

    with_statics = (internals.common_jinja, internals.jinja_static)
    return _replaced_in(with_statics, "get_environment", make)


def macros_without_modules() -> Any:
    """Take a macro out of its template without the module around it, which nobody keeps."""

    def make(_: Any) -> Any:
        def get_macro(self: Any) -> Any:
            name = internals.common_jinja.get_dbt_macro_name(self.get_name())
            template = self.get_template()
            context = template.new_context(self.context)
            list(template.root_render_func(context))
            return {n: context.vars[n] for n in context.exported_vars}[name]

        return get_macro

    return replaced(internals.BaseMacroGenerator, "get_macro", make)


def one_template_for_tests() -> Any:
    """Compile once what names a test's table: each text differs in the name alone."""

    def make(original: Any) -> Any:
        def get_rendered(
            string: Any, ctx: Any, node: Any = None, capture_macros: bool = False,
            native: bool = False,
        ) -> Any:  # fmt: skip
            found = native and not capture_macros and isinstance(string, str)
            named = _TESTED.fullmatch(string) if found else None
            if named is None:
                return original(string, ctx, node, capture_macros, native)
            names = _NAME.findall(named[2])
            holders = [f"__name_{place}" for place in range(len(names))]
            source = f"{{{{ get_where_subquery({named[1]}({', '.join(holders)})) }}}}"
            template = internals.common_jinja.get_template(source, ctx, node, native=True)
            given: Any = ChainMap(dict(zip(holders, names, strict=True)), ctx)
            return internals.common_jinja.render_template(template, given, node)

        return get_rendered

    return replaced(internals.jinja, "get_rendered", make)


class _TriedOnce(Context):
    """Looks a name up once where Jinja first asks whether it is there."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        try:
            return self.parent[key]
        except KeyError:
            return missing


class _ParsedOnce:
    """Hands a syntax tree out to its second reader, and then forgets it: dbt only reads it."""

    def __init__(self) -> None:
        self._trees: dict[str, Any] = {}

    def reader(self, parse: Callable[[str], Any]) -> Callable[[str], Any]:
        def read(source: str) -> Any:
            tree = self._trees.pop(source, None)
            if tree is None:
                tree = parse(source)
                if len(self._trees) < KEPT_TREES:
                    self._trees[source] = tree
            return tree

        return read


@contextmanager
def _replaced_in(owners: tuple[Any, ...], name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    made = make(vars(owners[0])[name])
    with ExitStack() as stack:
        for owner in owners:
            stack.enter_context(replaced(owner, name, lambda _: made))
        yield


def untracked_models() -> Any:
    """Gather no usage statistics of a node where the user has turned them off."""

    def make(original: Any) -> Any:
        def track_model_run(*args: Any, **kwargs: Any) -> None:
            user = internals.tracking.active_user
            if user is None or not user.do_not_track:
                original(*args, **kwargs)

        return track_model_run

    return replaced(internals.run_module, "track_model_run", make)


def light_graph_summary() -> Any:
    """Write graph_summary.json from each node's type, without turning the node into a dict."""

    def make(_: Any) -> Any:
        def get_graph_summary(self: Any, manifest: Any) -> dict[int, dict[str, Any]]:
            index = {name: number for number, name in enumerate(self.graph)}
            summary: dict[int, dict[str, Any]] = {}
            for name, number in index.items():
                kind = manifest.expect(name).resource_type
                entry = {"name": name, "type": getattr(kind, "value", kind)}
                below = [index[n] for n in self.graph.successors(name)]
                summary[number] = entry | ({"succ": below} if below else {})
            return summary

        return get_graph_summary

    return replaced(internals.Linker, "get_graph_summary", make)


def freeze_parsed() -> None:
    """Take what parsing built out of the garbage collector's later looks."""
    gc.collect()
    gc.freeze()


TRIMMINGS: tuple[Callable[[], Any], ...] = (
    rare_collections,
    lazy_messages,
    secrets_read_once,
    late_macros,
    late_members,
    native_templates_copy_nothing,
    arguments_read_once,
    light_exception_wrappers,
    variables_on_demand,
    one_empty_table,
    type_testers_kept,
    relations_matched_by_name,
    relations_listed_by_key,
    one_jinja_environment,
    macros_without_modules,
    one_template_for_tests,
    untracked_models,
    light_graph_summary,
)
