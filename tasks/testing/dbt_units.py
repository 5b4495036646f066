"""dbt's unit tests on a temporary DuckDB, without building the warehouse: parents are made empty."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.model.dataset import Dataset
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.testing.running import sample_warehouses
from orchestrator.testing.sandbox import SampleProject
from orchestrator.testing.suite import Case, Ending, Outcome, Wanted, files_below
from orchestrator.testing.warehouse import SampleWarehouse
from tasks.testing.dbt_difference import readable

_STARTS = re.compile(r"^unit_tests\s*:", re.MULTILINE)
_CALL = re.compile(r"^\s*(ref|source)\(\s*(.+?)\s*\)\s*$")
_ENDINGS = {"pass": Ending.PASSED, "fail": Ending.FAILED, "skipped": Ending.SKIPPED}


class DbtUnitTests:
    """The unit tests of a project's dbt projects.

    Args:
        project: The project.
    """

    title = "dbt unit tests"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._folders: dict[Case, Path] = {}

    def collect(self, wanted: Wanted) -> tuple[list[Case], list[Outcome]]:
        """Find them in the YAML of each dbt project; dbt itself is not started for it."""
        root = self._project.root
        for file in sorted((*root.glob("dbt_project.yml"), *root.glob("*/dbt_project.yml"))):
            for path in files_below(file.parent, ".yml", ".yaml"):
                for case in _cases(path, root):
                    self._folders.setdefault(case, file.parent)
        return [case for case in self._folders if wanted.takes(case, root)], []

    def run(self, cases: Sequence[Case], say: Callable[[str], None]) -> Iterator[Outcome]:
        """Run them, all of one dbt project together."""
        for folder in dict.fromkeys(self._folders[case] for case in cases):
            own = [case for case in cases if self._folders[case] == folder]
            try:
                yield from self._run(folder, own, say)
            except OrchestratorError as error:
                yield from (Outcome(case, Ending.ERROR, message=str(error)) for case in own)

    def _run(
        self, folder: Path, cases: Sequence[Case], say: Callable[[str], None]
    ) -> Iterator[Outcome]:
        with tempfile.TemporaryDirectory(prefix="orchestrator-test-") as scratch:
            sample = SampleProject(self._project, Path(scratch))
            for note in sample.databases.notes:
                say(note)
            with sample.surroundings():
                dbt = _Dbt(folder, sample, say)
                try:
                    found = dbt.results([case.name for case in cases])
                finally:
                    dbt.close()
        for case in cases:
            yield _outcome(case, found.get(case.name))


class _Dbt:
    """dbt in this process, on the databases of a test."""

    def __init__(self, folder: Path, sample: SampleProject, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        options = sample.databases.options(Request().options_in(sample))
        # Nothing on the screen, nothing in a log that dbt would leave open.
        self._shared = ["--project-dir", str(folder), "--log-level", "none"]
        self._shared += ["--log-level-file", "none", "--no-use-colors"]
        self._shared += ["--target", options.target] if options.target else []
        warehouses = sample_warehouses(sample, options).values()
        self._warehouse: SampleWarehouse = next(iter(warehouses))
        self._manifest: Any = None
        say("dbt reads the project")
        self._manifest = self._invoke("parse").result

    def results(self, names: Sequence[str]) -> dict[str, Any]:
        """Run unit tests by name; gives dbt's results."""
        tests = [t for t in self._manifest.unit_tests.values() if t.name in names]
        parents = self._ancestors(tests)
        self._sources(parents)
        self._build(parents)
        if not tests:
            return {}
        self._say(f"dbt runs {len(tests)} unit test{'' if len(tests) == 1 else 's'}")
        selected = ["--select", *(f"{test.name},test_type:unit" for test in tests)]
        done = self._invoke("test", *selected, fails=True)
        return {result.node.name: result for result in done.result.results}

    # -- what they need ----------------------------------------------------------------------

    def _ancestors(self, tests: Sequence[Any]) -> dict[str, Any]:
        """Everything above the tested models, each after what it depends on."""
        found: dict[str, Any] = {}

        def visit(unique_id: str) -> None:
            node = self._manifest.nodes.get(unique_id) or self._manifest.sources.get(unique_id)
            if node is None or unique_id in found:
                return
            for parent in getattr(getattr(node, "depends_on", None), "nodes", ()):
                visit(parent)
            found[unique_id] = node

        for test in tests:
            tested = self._manifest.nodes.get(next(iter(test.depends_on.nodes), ""))
            for parent in tested.depends_on.nodes if tested is not None else ():
                visit(parent)
            if tested is not None and any(str(g.input).strip() == "this" for g in test.given):
                visit(tested.unique_id)
        return found

    def _sources(self, parents: Mapping[str, Any]) -> None:
        """Make each source an empty table: of the columns that its YAML or any test says."""
        for node in parents.values():
            if node.resource_type == "source":
                columns = {c.name: c.data_type for c in node.columns.values() if c.data_type}
                given = self._given(("source", node.source_name, node.name))
                self._stand_in(node.database, node.schema, node.identifier, columns, given)

    def _given(self, call: tuple[str, ...]) -> list[Any]:
        """What all unit tests of the project give for a source or a model."""
        given = (each for test in self._manifest.unit_tests.values() for each in test.given)
        return [each for each in given if _names(each.input) in (call, (call[0], *call[2:]))]

    def _stand_in(
        self,
        database: str | None,
        schema: str,
        name: str,
        columns: Mapping[str, str],
        given: Sequence[Any],
    ) -> None:
        dataset = Dataset(database, schema, name)
        rows: list[dict[str, Any]] = [
            dict(row) for each in given if isinstance(each.rows, list) for row in each.rows
        ]
        seen = {key for row in rows for key in row} - set(columns)
        samples = [{key: row.get(key) for key in seen} for row in rows] if seen else []
        with suppress(UsageError):  # dbt says what it lacks, where it does lack it
            if samples:
                self._warehouse.put(dataset, samples)
                self._warehouse.execute(f"delete from {_quoted(dataset)}")
                for column, kind in columns.items():
                    self._warehouse.execute(
                        f'alter table {_quoted(dataset)} add column "{column}" {kind}'
                    )
            elif columns:
                self._warehouse.put(dataset, {"rows": [], "types": dict(columns)})

    def _build(self, parents: Mapping[str, Any]) -> None:
        """Let dbt make what the tests read: seeds as they are, models without rows."""
        seeds = [n.name for n in parents.values() if n.resource_type == "seed"]
        if seeds:
            self._say(f"dbt loads {len(seeds)} seed{'' if len(seeds) == 1 else 's'}")
            self._invoke("seed", "--select", *seeds, fails=True)
        models = [n for n in parents.values() if n.resource_type in ("model", "snapshot")]
        if not models:
            return
        self._say(f"dbt makes {len(models)} table{'' if len(models) == 1 else 's'} without rows")
        done = self._invoke(
            "build", "--empty", "--select", *(n.name for n in models),
            "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", fails=True,
        )  # fmt: skip
        made = {r.node.unique_id for r in done.result.results if str(r.status) == "success"}
        for node in models:
            if node.unique_id not in made and node.config.materialized != "ephemeral":
                columns = {c.name: c.data_type for c in node.columns.values() if c.data_type}
                given = self._given(("ref", node.package_name, node.name))
                self._stand_in(node.database, node.schema, node.alias, columns, given)

    def _invoke(self, *words: str, fails: bool = False) -> Any:
        """Run one dbt command here.

        Args:
            words: The command.
            fails: Whether nodes may fail; what hinders dbt itself is an error all the same.
        """
        from dbt.cli.main import dbtRunner

        done = dbtRunner(manifest=self._manifest).invoke([*words, *self._shared])
        if done.exception is not None or (not done.success and not fails):
            reason = str(done.exception or "dbt failed").strip()
            raise UsageError(
                f"dbt {words[0]} cannot run: {reason}",
                where=str(self._folder),
                fix=f"look at: dbt {words[0]} --project-dir {self._folder}",
            )
        return done

    def close(self) -> None:
        """Let go of the database file."""
        from dbt.adapters.factory import cleanup_connections, reset_adapters

        cleanup_connections()
        reset_adapters()
        with suppress(ImportError):
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager

            DuckDBConnectionManager.close_all_connections()


def _outcome(case: Case, result: Any) -> Outcome:
    if result is None:
        message = "dbt does not know this unit test: it is disabled, or its model is"
        return Outcome(case, Ending.SKIPPED, message=message)
    ending = _ENDINGS.get(str(result.status), Ending.ERROR)
    message = "" if ending is Ending.PASSED else readable(result.message or str(result.status))
    return Outcome(case, ending, float(result.execution_time), message)


def _cases(path: Path, root: Path) -> Iterator[Case]:
    """The unit tests that a YAML file has; dbt says what is wrong with one that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        if not _STARTS.search(text):
            return
        document = yaml.compose(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    for key, value in document.value if isinstance(document, yaml.MappingNode) else ():
        if key.value != "unit_tests" or not isinstance(value, yaml.SequenceNode):
            continue
        for item in value.value:
            said = {k.value: v.value for k, v in item.value if isinstance(v, yaml.ScalarNode)}
            if "name" in said:
                file = str(path.relative_to(root))
                line = item.start_mark.line + 1
                yield Case("dbt", said["name"], file, line, said.get("model", ""))


def _names(call: Any) -> tuple[str, ...]:
    found = _CALL.match(str(call))
    if found is None:
        return (str(call),)
    return (found[1], *(part.strip().strip("'\"") for part in found[2].split(",")))


def _quoted(dataset: Dataset) -> str:
    parts = (dataset.catalog, dataset.schema, dataset.name)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts if part)
