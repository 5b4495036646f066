"""The SQL of dbt's hooks, and of what models run while they compile, with the place of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.dbt.file import Node
from orchestrator.model.dataset import Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.service.policy.dbt_said import DbtSaid
from orchestrator.service.policy.dbt_target import as_mapping, mapping, target_name
from orchestrator.service.policy.texts import Text

if TYPE_CHECKING:
    from orchestrator.service.policy.dbt_jinja import HookRenderer
    from orchestrator.service.policy.seen import Seen

_JINJA = re.compile(r"\{\{|\{%|\{#")
#: Code that runs SQL of its own.
_RUNS = re.compile(r"\b(?:run_query|statement)\s*\(")
_COMPILING = "run_query"


def hook_texts(seen: Seen) -> Iterator[Text]:
    """The texts of a flow's dbt projects."""
    for key, said in seen.dbt.items():
        yield from _Hooks(seen, key, said).texts()


class _Hooks:
    """The hooks of one group that builds a dbt project."""

    def __init__(self, seen: Seen, group: str, said: DbtSaid) -> None:
        self._seen, self._said = seen, said
        self._members = [n.facts for n in seen.plan.tasks.values() if n.group == group]
        spaces = [space for facts in self._members for space in seen.connections(facts).values()]
        self._space = spaces[0] if spaces else Namespace(said.manifest.dialect)
        self._files: dict[str, list[str]] = {}

    def texts(self) -> Iterator[Text]:
        """Those of the run, then those of each node."""
        opens = {facts.name: facts for facts in self._members if facts.resource_type == "operation"}
        for name, text, node in self._said.operations():
            role = next((each for each in opens if each in name), "")
            if role and node.get("package_name") == self._said.manifest.project_name:
                yield from self._of(opens[role], "", text, node, self._below("dbt_project.yml"))
        for facts in self._members:
            if isinstance(facts, DbtFacts):
                node = self._said.node(facts.key)
                for kind, text in self._said.hooks(facts.key):
                    yield from self._of(facts, kind, text, node, facts.path)
                if self._runs_its_own(node):
                    yield from self._while_compiling(facts, node)

    def _of(
        self, facts: TaskFacts, role: str, text: str, node: Node, file: str | None
    ) -> Iterator[Text]:
        file, line = self._place(text, node, file)
        if not _JINJA.search(text):
            lines = tuple(range(line, line + text.count("\n") + 1))
            yield Text(facts, text, self._space, file, lines, role)
            return
        ran, made, problem = self._renderer.rendered(text, node)
        for sql in (*ran, made):
            yield self._text(facts, sql, file, line, role)
        if problem:
            yield self._text(facts, "", file, line, role, problem)

    def _while_compiling(self, facts: TaskFacts, node: Node) -> Iterator[Text]:
        """What a model, or a macro of the project that it calls, runs by ``run_query``."""
        ran, _, problem = self._renderer.rendered(str(node.get("raw_code") or ""), node)
        found = _RUNS.search(str(node.get("raw_code") or ""))
        line = 1 + str(node["raw_code"]).count("\n", 0, found.start()) if found else 1
        for sql in ran:
            yield self._text(facts, sql, facts.path, line, _COMPILING)
        if problem:
            yield self._text(facts, "", facts.path, line, _COMPILING, problem)

    def _text(
        self,
        facts: TaskFacts,
        sql: str,
        file: str | None,
        line: int,
        role: str,
        problem: str | None = None,
    ) -> Text:
        """Text that was rendered: all of it stands at the line of its template."""
        lines = (line,) * (sql.count("\n") + 1)
        return Text(facts, sql, self._space, file, lines, role, problem)

    def _runs_its_own(self, node: Node) -> bool:
        """Whether a model, or a macro of the project that it calls, runs SQL while it compiles."""
        if node.get("resource_type") != "model" or node.get("language") == "python":
            return False
        project, macros = self._said.manifest.project_name, self._said.manifest.macros
        waiting = list((node.get("depends_on") or {}).get("macros") or ())
        texts, known = [str(node.get("raw_code") or "")], set()
        while waiting:
            name = waiting.pop()
            macro = macros.get(name) or {}
            if name not in known and macro.get("package_name") == project:
                known.add(name)
                texts.append(str(macro.get("macro_sql") or ""))
                waiting += (macro.get("depends_on") or {}).get("macros") or ()
        return any(_RUNS.search(text) for text in texts)

    # -- what Jinja is given ---------------------------------------------------------------

    @cached_property
    def _renderer(self) -> HookRenderer:
        from orchestrator.service.policy.dbt_jinja import HookRenderer

        options, space = self._seen.planning.options, self._space
        name = target_name(self._folder, options.target, options.profiles_dir)
        target = {
            "name": name, "target_name": name, "schema": space.schema, "database": space.catalog,
            "dbname": space.catalog, "type": self._said.manifest.adapter_type,
        }  # fmt: skip
        known = {key: value for key, value in target.items() if value}
        return HookRenderer(self._said.manifest, known, self._variables())

    def _variables(self) -> dict[str, Any]:
        """What ``var`` gives: as dbt_project.yml says, and over it as the run does."""
        project = mapping(self._folder / "dbt_project.yml").get("vars") or {}
        own = project.get(self._said.manifest.project_name)
        return {
            **project,
            **(own if isinstance(own, dict) else {}),
            **as_mapping(self._seen.planning.options.vars or ""),
        }

    @property
    def _folder(self) -> Path:
        """The dbt project's."""
        return self._seen.planning.root / self._said.folder

    # -- where it is written ---------------------------------------------------------------

    def _place(self, text: str, node: Node, file: str | None) -> tuple[str | None, int]:
        """The file and line that a hook is written at: the node's, its yml, or the project's."""
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        patch = str(node.get("patch_path") or "").split("://")[-1]
        others = [self._below(name) for name in (patch, "dbt_project.yml") if name]
        for place in dict.fromkeys(filter(None, (file, *others))):
            for number, line in enumerate(self._lines(place), 1):
                if first and (first in line or first in line.replace("''", "'")):
                    return place, number
        return file, 1

    def _below(self, name: str) -> str:
        return f"{self._said.folder}/{name}".lstrip("/")

    def _lines(self, place: str) -> list[str]:
        if place not in self._files:
            try:
                text = Path(self._seen.planning.root, place).read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                text = ""
            self._files[place] = text.splitlines()
        return self._files[place]
