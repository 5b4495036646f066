"""``changed:REF``: the tasks that files which differ from a git ref are part of."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Protocol

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.selection.graph import SelectionGraph
from orchestrator.lineage.selection.modules import concerns_building
from orchestrator.model.facts import TaskFacts

#: Files that no run reads.
_TOLD_ONLY = (".md", ".rst")
_TOLD_ONLY_NAMES = {"license", "notice", "authors", "codeowners", "makefile"}
_TESTS = re.compile(r"(^|/)(conftest\.py|test_[^/]*\.py|[^/]*_test\.py)$")
#: Macros that dbt calls without being told to: names, dispatch, materializations, overrides.
_MACRO = re.compile(
    r"\{%-?\s*(?P<kind>macro|materialization|test|data_test)\s+(?P<name>\w+)", re.IGNORECASE
)
_BY_ITSELF = re.compile(r"generate_\w+_name|\w+__\w+|ref|source|statement|run_hooks|is_incremental")
_NAME_SECTIONS = {"sources": "tables"}


class Changes(Protocol):
    """What differs from a git ref; files are named from the project's folder, with slashes."""

    @property
    def files(self) -> Mapping[str, str]:
        """Git's letter for each file: ``A`` added, ``M`` modified, ``D`` deleted, ``T`` retyped."""

    @property
    def modules(self) -> Collection[str]:
        """The modules of all flows of the project."""

    def before(self, file: str) -> str | None:
        """A file's text at the ref; None if it was not there."""

    def now(self, file: str) -> str | None:
        """A file's text; None if it is not there."""

    def importers(self, file: str) -> Collection[str]:
        """The project's Python files that import a file, and those that import them."""


#: Answers ``changed:REF``; raises where git does not know the ref.
FindChanges = Callable[[str], Changes]


def changed(changes: Changes, nodes: SelectionGraph, flow_files: Collection[str]) -> set[str]:
    """Return the keys of what a ref's changes are part of.

    What cannot be laid to a task (``dbt_project.yml``, ``orchestrator.toml``, a file that nothing
    names) may concern each of them, and selects everything.

    Args:
        changes: What differs.
        nodes: Tasks and landmarks. Of a landmark (a source, an ephemeral model) that changed, the
            tasks that are made with it changed.
        flow_files: Where the flow and its tasks are put together.
    """
    finder = _Finder(changes, nodes.nodes, flow_files)
    found: set[str] = set()
    for file in changes.files:
        keys = finder.keys(file)
        if keys is None:
            return set(nodes.nodes)
        found |= keys
    return _with_readers(found, nodes)


def not_known(raw: str) -> SelectionError:
    """The error for a selection that is made where no repository is at hand."""
    return SelectionError(
        f"{raw!r} asks git, which cannot be asked here",
        fix="give it to the command line: orchestrator run FLOW --select changed:REF",
    )


class _Finder:
    """Lays one file after another to tasks; None stands for all of them."""

    def __init__(
        self, changes: Changes, nodes: Mapping[str, TaskFacts], flow_files: Collection[str]
    ) -> None:
        self.changes, self.nodes, self.flow_files = changes, nodes, flow_files
        self.by_file: dict[str, set[str]] = {}
        for key, fact in nodes.items():
            for file in _files_of(fact):
                self.by_file.setdefault(file, set()).add(key)
        self.dbt_names = {key: f.name for key, f in nodes.items() if isinstance(f, DbtFacts)}
        #: What may run or read any file.
        self.commands = {
            key
            for key, fact in nodes.items()
            if not isinstance(fact, DbtFacts) and fact.resource_type not in ("sql", "operation")
        }
        #: Whether a dbt project or SQL of the flow lies outside of the project's folder.
        self.reaches_out = any(
            PurePosixPath(file).is_absolute()
            for file, keys in self.by_file.items()
            if any(key not in self.commands for key in keys)
        )

    def keys(self, file: str) -> set[str] | None:
        path = PurePosixPath(file)
        own = self.by_file.get(file, set())
        if _is_hidden(path) or (path.is_absolute() and not self.reaches_out):
            return own
        if path.suffix == ".py":
            return self._python(file, own)
        if path.suffix in (".yml", ".yaml"):
            return self._properties(file, own)
        if path.suffix in _TOLD_ONLY or path.name.lower() in _TOLD_ONLY_NAMES:
            return own | self._described(file)
        if path.suffix == ".sql":
            return self._sql(file, own)
        if path.suffix == ".sh":
            return own or self.commands
        if path.suffix == ".csv" and self.changes.files[file] == "D":
            return own | self._named({path.stem})
        return own or None

    def _python(self, file: str, own: set[str]) -> set[str] | None:
        if any(isinstance(self.nodes[key], DbtFacts) for key in own):
            return own
        importers = {i for i in self.changes.importers(file) if not _TESTS.search(i)}
        reached = {file, *importers}
        here = reached & set(self.flow_files)
        if not here and not own:
            # Of other flows, or of tests; what nobody imports, a command may run.
            elsewhere = reached & set(self.changes.modules) or _TESTS.search(file)
            return set() if elsewhere else self.commands
        before, now = self.changes.before(file), self.changes.now(file)
        builders = [text for f in here if f != file and (text := self.changes.now(f)) is not None]
        if concerns_building(before, now, builders):
            return None
        return {key for f in reached for key in self.by_file.get(f, ())} or None

    def _properties(self, file: str, own: set[str]) -> set[str] | None:
        before, now = (
            _names_in(text) for text in (self.changes.before(file), self.changes.now(file))
        )
        if before is None or now is None:
            return None
        return own | {key for key, name in self.dbt_names.items() if name in before | now}

    def _described(self, file: str) -> set[str]:
        """Where descriptions are written into the database, their texts are part of it."""
        text = f"{self.changes.before(file)}{self.changes.now(file)}"
        if "{% docs" not in text and "{%- docs" not in text:
            return set()
        return {key for key, fact in self.nodes.items() if fact.config.get("persist_docs")}

    def _sql(self, file: str, own: set[str]) -> set[str] | None:
        before, now = self.changes.before(file), self.changes.now(file)
        macros = list(_MACRO.finditer(f"{before or ''}\n{now or ''}"))
        if any(m["kind"] == "materialization" or _BY_ITSELF.fullmatch(m["name"]) for m in macros):
            return None
        if self.changes.files[file] != "D":
            return own or (None if macros else self.commands)
        # Who called a deleted macro was changed besides; who reads a deleted table may stand as it was.
        return own | (set() if macros else self._named(_written(file, before or "")))

    def _named(self, tables: Collection[str]) -> set[str]:
        """Those that read a table of one of these names."""
        wanted = {table.casefold() for table in tables}
        return {
            key
            for key, fact in self.nodes.items()
            if any(str(a.dataset).rpartition(".")[2].casefold() in wanted for a in fact.reads)
        }


def _files_of(fact: TaskFacts) -> Iterator[str]:
    if isinstance(fact, DbtFacts):
        if not fact.in_root:
            return
        yield from fact.macro_files
        if fact.patch_path:
            yield fact.patch_path
    if fact.path:
        yield fact.path.replace("\\", "/")


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _names_in(text: str | None) -> set[str] | None:
    """What a properties file of dbt describes; None of what is none."""
    if text is None:
        return set()
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if found is None:
        return set()
    if not isinstance(found, dict):
        return None
    lists = {section: entries for section, entries in found.items() if isinstance(entries, list)}
    if set(found) - set(lists) - {"version"} or not lists or "packages" in lists:
        return None
    return set(_entries(lists))


def _entries(lists: Mapping[Any, list[Any]]) -> Iterator[str]:
    for section, entries in lists.items():
        for entry in entries:
            if isinstance(entry, dict):
                yield str(entry.get("name"))
                inner = entry.get(_NAME_SECTIONS.get(section, ""), ())
                yield from (str(one.get("name")) for one in inner or () if isinstance(one, dict))


def _written(file: str, text: str) -> set[str]:
    """Names of the tables that a SQL file left: its own, if dbt ran it; else what it wrote."""
    names = {PurePosixPath(file).stem}
    if "{{" in text or "{%" in text:
        return names
    from orchestrator.lineage import analyze_sql

    written: Iterable[Any] = analyze_sql(text, dialect="").writes
    return names | {str(dataset).rpartition(".")[2] for dataset in written}


def _with_readers(keys: set[str], nodes: SelectionGraph) -> set[str]:
    """Add the tasks that are made with a landmark among the keys."""
    found = set(keys)
    queue = [key for key in keys if key not in nodes.tasks]
    while queue:
        for key in nodes.graph.downstream(queue.pop()):
            if key not in found:
                found.add(key)
                if key not in nodes.tasks:
                    queue.append(key)
    return found
