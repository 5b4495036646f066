"""dbt's cache of relations, kept right where others write to the same schemas."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from dbt.adapters.factory import get_adapter
from dbt.adapters.reference_keys import _make_ref_key

from tasks.dbt.internals.running import inside


def reread(task: Any, schemas: Collection[tuple[str | None, str]]) -> None:
    """Make dbt's cache of relations right for schemas that others wrote to.

    Relations that come or go while a node of dbt is half way (``…__dbt_tmp``) are left alone, and so
    are those of nodes that ran here meanwhile: dbt has their changes in its cache already.
    """
    adapter, asked_at = get_adapter(task.config), task.rereads
    with task.rereading, adapter.connection_named("reread"):
        for catalog, schema in schemas:
            database = catalog or task.config.credentials.database
            fresh = task.read_in.get((database, schema), 0) > asked_at
            if (database, schema) in adapter.cache and not fresh:
                task.rereads += 1
                task.read_in[database, schema] = task.rereads
                _reread_schema(task, adapter, database, schema)


def _reread_schema(task: Any, adapter: Any, database: str | None, schema: str) -> None:
    mark, busy = len(task.started_nodes), set(task.job_queue.in_progress)
    place = adapter.Relation.create(
        database=database, schema=schema, quote_policy=adapter.config.quoting
    ).without_identifier()
    found = {_kind(r): r for r in adapter.list_relations_without_caching(place)}
    own = {_alias(task, unique_id) for unique_id in busy.union(task.started_nodes[mark:])}
    known = {_kind(r): r for r in adapter.cache.get_relations(database, schema)}
    for key in known.keys() - found.keys():
        if "__dbt_" not in key[0] and key[0] not in own:
            adapter.cache.drop(known[key])
    known = {_kind(r): r for r in adapter.cache.get_relations(database, schema)}
    for key in found.keys() - known.keys():
        if "__dbt_" not in key[0] and key[0] not in own:
            adapter.cache.add(found[key])


def _alias(task: Any, unique_id: str) -> str:
    return str(getattr(task.manifest.expect(unique_id), "alias", "")).lower()


class Doubt:
    """What a node must not believe dbt's cache of relations about, because other processes write.

    Args:
        alias: Name of the node's own relation.
        schemas: (catalog, schema)s with relations it is made from.
    """

    def __init__(self, alias: str, schemas: set[tuple[str | None, str]]) -> None:
        self.alias, self.schemas = alias, schemas

    def own(self, identifier: str) -> bool:
        """Whether it is the node's relation, or one that stands in for it while it is made."""
        return identifier.lower() == self.alias or "__dbt_" in identifier.lower()


def doubt(
    task: Any, unique_id: str, own: Collection[str], again: bool
) -> tuple[set[tuple[str | None, str]], Doubt]:
    """Return what is to be read anew before a node runs, and what once it asks.

    A node that makes a relation looks at the one it replaces. That may be gone if it was tried
    before, and a view is gone if what it was made from was replaced (``drop … cascade``). Few nodes
    ask for what they are made from.

    Args:
        own: The nodes that ran in this process.
        again: Whether the node was tried before, here or elsewhere.
    """
    adapter, node = get_adapter(task.config), task.manifest.expect(unique_id)
    now, later = set(), set()
    if _makes(node) and (again or _may_be_dropped(adapter, task, node)):
        now.add((node.database, node.schema))
    for parent in _made_from(task, node):
        if parent.unique_id not in own or not _cached(adapter, task, parent):
            later.add((parent.database, parent.schema))
    if str(getattr(node.config, "incremental_strategy", "")) == "microbatch":
        return now | later, Doubt("", set())  # its batches run in threads of their own
    return now, Doubt(_alias(task, unique_id), later - now)


@contextmanager
def doubted(task: Any, found: Doubt) -> Iterator[None]:
    """Read schemas anew when the node that this thread runs asks for relations in them."""
    adapter, thread = get_adapter(task.config), threading.get_ident()
    if "get_relation" not in vars(adapter):
        _ask_doubts(task, adapter)
    task.doubts[thread] = found
    try:
        yield
    finally:
        task.doubts.pop(thread, None)


def _ask_doubts(task: Any, adapter: Any) -> None:
    one, several = adapter.get_relation, adapter.list_relations

    def get_relation(database: str, schema: str, identifier: str) -> Any:
        found = task.doubts.pop(threading.get_ident(), None)
        if found is None:
            return one(database, schema, identifier)
        try:
            if not found.own(str(identifier)):
                _settle(task, found, schema)
            return one(database, schema, identifier)
        finally:
            task.doubts[threading.get_ident()] = found

    def list_relations(database: str | None, schema: str) -> Any:
        found = task.doubts.get(threading.get_ident())
        if found is not None:
            _settle(task, found, schema)
        return several(database, schema)

    adapter.get_relation, adapter.list_relations = get_relation, list_relations


def _settle(task: Any, found: Doubt, schema: str) -> None:
    """Read in a thread, and so over a connection, of its own: the node is in a transaction."""
    wanted = {place for place in found.schemas if place[1].lower() == str(schema).lower()}
    found.schemas -= wanted
    if wanted:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(inside, task, reread, task, wanted).result()


def _makes(node: Any) -> bool:
    if str(node.resource_type) == "test":
        return bool(node.should_store_failures)
    return bool(getattr(node, "is_relational", False)) and not node.is_ephemeral_model


def _made_from(task: Any, node: Any) -> Iterator[Any]:
    """The relations of this build that a node reads; for a unit test, those its model reads."""
    nodes, seen = [node], {node.unique_id}
    while nodes:
        below = nodes.pop()
        for name in getattr(below.depends_on, "nodes", ()):  # a seed has none
            parent = task.manifest.nodes.get(name)
            if parent is None or name in seen:
                continue
            seen.add(name)
            tested = str(below.resource_type) == "unit_test"
            if tested or parent.is_ephemeral_model:
                nodes.append(parent)
            elif parent.is_relational and name in task.built:
                yield parent


def _cached(adapter: Any, task: Any, node: Any) -> Any:
    key = _make_ref_key(adapter.Relation.create_from(task.config, node))
    return adapter.cache.relations.get(key)


def _may_be_dropped(adapter: Any, task: Any, node: Any) -> bool:
    known = _cached(adapter, task, node)
    return known is not None and str(known.inner.type) != "table"


def _kind(relation: Any) -> tuple[str, str]:
    return str(relation.identifier).lower(), str(relation.type)
