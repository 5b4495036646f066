"""The compiled SQL of dbt nodes: kept by the content it was made from, else compiled by dbt, once."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from orchestrator.errors import ManifestError, OrchestratorError
from orchestrator.lineage.dbt.file import Manifest, Node
from orchestrator.lineage.tracing.cache import ContentCache
from tasks.dbt.options import DbtOptions
from tasks.dbt.profiles import load_profile

#: Whoever says one of these asks the warehouse, or looks at the whole project, while it compiles.
_ASKS = re.compile(
    r"\b(?:run_query|load_result|load_relation|load_cached_relation)\b"
    r"|\bstatement\s*\(|\bgraph\s*\.|\badapter\s*\.\s*(?!dispatch\b|quote)\w+"
)
#: Asks whether the table is there; here it never is: incremental models are read as built anew.
_INCREMENTAL = "macro.dbt.is_incremental"
_VAR = re.compile(r"\bvar\s*\(")
_ENV_VAR = re.compile(r"env_var\s*\(\s*['\"](\w+)['\"]")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SQL that a node runs, or why it is not known.

    Args:
        text: The SQL; empty where it is not known.
        problem: Why it is not known.
    """

    text: str = ""
    problem: str | None = None


def compiled(
    manifest: Manifest,
    wanted: Iterable[str],
    options: DbtOptions,
    state_dir: Path | None,
    *,
    as_given: bool = False,
) -> dict[str, Compiled]:
    """Return the compiled SQL of nodes.

    dbt is asked only for nodes whose code, configuration, macros, variables or the names of what
    they refer to have changed, and for those that ask the warehouse while they compile: what they
    become depends on it, so they are never kept. A node that cannot be compiled does not spoil the
    others.

    Args:
        manifest: The manifest.
        wanted: Unique ids of models and snapshots in SQL.
        options: How dbt would build them.
        state_dir: Where compiled SQL is kept.
        as_given: Take what the manifest has, and ask dbt for nothing.
    """
    ids = list(wanted)
    if as_given:
        return {key: _in_manifest(manifest, key) for key in ids}
    cache = ContentCache(
        state_dir / "cache" / "compiled.json" if state_dir else None, version=_version()
    )
    keys = _Keys(manifest, options)
    found: dict[str, Compiled] = {}
    for unique_id in ids:
        text = None if keys.asks(unique_id) else cache.get(keys.of(unique_id))
        if isinstance(text, str):
            found[unique_id] = Compiled(text)
    missing = [unique_id for unique_id in ids if unique_id not in found]
    if missing:
        asking = {unique_id for unique_id in missing if keys.asks(unique_id)}
        made = _by_dbt(manifest, missing, asking, options)
        for unique_id, result in made.items():
            if not result.problem and unique_id not in asking:
                cache.put(keys.of(unique_id), result.text)
        found |= made
        cache.save()
    return found


def _version() -> str:
    packages = ("dbt-core", "dbt-adapters")
    return "compiled-1/" + "/".join(importlib.metadata.version(name) for name in packages)


def _in_manifest(manifest: Manifest, unique_id: str) -> Compiled:
    text = manifest.nodes[unique_id].get("compiled_code")
    if text:
        return Compiled(text)
    return Compiled(
        problem=f"{manifest.path.name} has no compiled code of it (dbt compile adds it)"
    )


class _Keys:
    """What the compiled SQL of each node depends on, as digests."""

    def __init__(self, manifest: Manifest, options: DbtOptions) -> None:
        self._nodes: dict[str, Node] = dict(manifest.everything())
        self._macros = _macros(manifest.path)
        self._options = options
        self._texts: dict[str, list[str]] = {}
        self._asks: dict[str, bool] = {}
        self._around = _surroundings(options)
        self._project = _digest_of_files(options.project_dir)

    def asks(self, unique_id: str) -> bool:
        """Whether the node's code, or an ephemeral model's in it, asks the warehouse."""
        if unique_id not in self._asks:
            self._asks[unique_id] = any(
                _ASKS.search(text)
                for each in (unique_id, *self._ephemerals(unique_id))
                for text in self._code(each)
            )
        return self._asks[unique_id]

    def of(self, unique_id: str) -> str:
        """The digest of everything."""
        parts = [self._part(each) for each in (unique_id, *self._ephemerals(unique_id))]
        return ContentCache.key(self._around, parts)

    def _part(self, unique_id: str) -> list[Any]:
        node = self._nodes[unique_id]
        texts = self._code(unique_id)
        names = {name for text in texts for name in _ENV_VAR.findall(text)}
        environment = {name: _hashed(os.environ.get(name)) for name in sorted(names)}
        project = self._project if any(_VAR.search(text) for text in texts) else None
        refers = [self._name(parent) for parent in _parents(node)]
        return [
            texts, node.get("config"), node.get("relation_name"), refers, environment, project,
        ]  # fmt: skip

    def _name(self, unique_id: str) -> Any:
        node = self._nodes.get(unique_id) or {}
        return [unique_id, node.get("relation_name")]

    def _code(self, unique_id: str) -> list[str]:
        """The node's own code, and that of all macros it calls, whoever calls them."""
        if unique_id not in self._texts:
            node = self._nodes[unique_id]
            called = list((node.get("depends_on") or {}).get("macros") or ())
            seen = {_INCREMENTAL}
            texts = [str(node.get("raw_code") or "")]
            while called:
                name = called.pop()
                if name in seen:
                    continue
                seen.add(name)
                macro = self._macros.get(name) or {}
                texts.append(str(macro.get("macro_sql") or name))
                called += (macro.get("depends_on") or {}).get("macros") or ()
            self._texts[unique_id] = [texts[0], *sorted(texts[1:])]
        return self._texts[unique_id]

    def _ephemerals(self, unique_id: str) -> Iterator[str]:
        """The ephemeral models whose code becomes part of a node's."""
        waiting, seen = list(_parents(self._nodes[unique_id])), set()
        while waiting:
            parent = waiting.pop(0)
            node = self._nodes.get(parent) or {}
            if (node.get("config") or {}).get("materialized") == "ephemeral" and parent not in seen:
                seen.add(parent)
                yield parent
                waiting += _parents(node)


def _parents(node: Node) -> list[str]:
    return list((node.get("depends_on") or {}).get("nodes") or ())


def _macros(path: Path) -> Mapping[str, Any]:
    """The macros of a manifest, which the rest of the house has no use for."""
    try:
        macros = orjson.loads(path.read_bytes()).get("macros")
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    return macros if isinstance(macros, dict) else {}


def _surroundings(options: DbtOptions) -> list[Any]:
    """What any code can see: target, connection and vars."""
    chosen: list[Any] = [options.target, options.profile, options.vars]
    with suppress(OrchestratorError):  # dbt will say what is wrong with it
        profile = load_profile(
            options.project_dir, profiles_dir=options.profiles_dir, target=options.target
        )
        shown = (profile.name, profile.target, profile.adapter_type, profile.catalog)
        chosen += [*shown, profile.schema, profile.threads]
    return chosen


def _digest_of_files(folder: str) -> str:
    """A digest of the files that give vars their values."""
    paths = [Path(folder, "dbt_project.yml"), *Path(folder).glob("dbt_packages/*/dbt_project.yml")]
    digest = hashlib.sha256()
    for path in sorted(paths):
        with suppress(OSError):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _hashed(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode(errors="replace")).hexdigest()


# -- asking dbt ----------------------------------------------------------------------------------


def _by_dbt(
    manifest: Manifest, wanted: list[str], asking: set[str], options: DbtOptions
) -> dict[str, Compiled]:
    """Let dbt compile nodes; those that ask the warehouse last, and only where there is one."""
    from tasks.dbt.compiling import compile_nodes

    problem = _no_warehouse(options)
    unasked = {key: Compiled(problem=problem) for key in wanted if key in asking} if problem else {}
    rest = [key for key in wanted if key not in unasked]
    if not rest:
        return unasked
    plain = replace(
        options, select=(), exclude=(), selector=None, full_refresh=False, empty=False,
        state=None, defer=False, favor_state=False,
    )  # fmt: skip
    try:
        without = [key for key in rest if key not in asking]
        made = compile_nodes(plain, without, [key for key in rest if key in asking])
    except OrchestratorError as error:
        return unasked | {key: Compiled(problem=_sentence(error)) for key in rest}
    return unasked | {
        key: Compiled(problem=_sentence(result))
        if isinstance(result, OrchestratorError)
        else Compiled(result)
        for key, result in made.items()
    }


def _no_warehouse(options: DbtOptions) -> str | None:
    """Why nothing can be asked, without making an empty database by asking."""
    with suppress(OrchestratorError):
        profile = load_profile(
            options.project_dir, profiles_dir=options.profiles_dir, target=options.target
        )
        path = profile.database_path
        if path and os.path.isabs(path) and not os.path.exists(path):
            return (
                "its code asks the warehouse while it compiles, and the warehouse is not built yet"
            )
    return None


def _sentence(error: OrchestratorError) -> str:
    """What dbt says, on one line; ours above it speaks of the whole project."""
    ours, _, theirs = error.what.partition("\n")
    return " ".join((theirs or ours).split())
