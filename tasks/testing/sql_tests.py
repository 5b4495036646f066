"""SQL tests: given tables, a SQL file, and the rows it should make of them, written in YAML."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.model.dataset import Dataset, DatasetKind, Namespace
from orchestrator.model.facts import TaskFacts
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import Parameter
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.nearest import did_you_mean, near_to
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.testing.comparing import compare
from orchestrator.testing.loading import rows_of
from orchestrator.testing.running import run_flow
from orchestrator.testing.sandbox import SampleProject
from orchestrator.testing.suite import Case, Ending, Outcome, Wanted, files_below
from orchestrator.testing.warehouse import SampleWarehouse
from tasks.sql.folder import SqlFolder
from tasks.sql.task import SqlTask
from tasks.sql.text import SqlText
from tasks.testing.dbt_names import DbtNames
from tasks.testing.sql_reading import Given, SqlTest, read_tests

#: The table of a SELECT that says of none.
_RESULT = "result_of_the_test"
_TASK = "tested"


class SqlTests:
    """The SQL tests of a project.

    Args:
        project: The project.
    """

    title = "SQL tests"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._tests: dict[Case, SqlTest] = {}
        self._names = DbtNames(project)

    def collect(self, wanted: Wanted) -> tuple[list[Case], list[Outcome]]:
        """Find the tests; a file that cannot be read is an error by itself."""
        broken: list[Outcome] = []
        root = self._project.root
        for path in files_below(root, ".yml", ".yaml"):
            file = str(path.relative_to(root))
            try:
                found = read_tests(path.read_text(encoding="utf-8"), file)
            except (OrchestratorError, OSError, UnicodeDecodeError) as error:
                case = Case("sql", "(the file)", file)
                if Wanted(wanted.paths, wanted.expression).takes(case, root):
                    broken.append(Outcome(case, Ending.ERROR, message=str(error)))
                continue
            self._tests |= {test.case: test for test in found}
        return [case for case in self._tests if wanted.takes(case, root)], broken

    def run(self, cases: Sequence[Case], say: Callable[[str], None]) -> Iterator[Outcome]:
        """Run them, one after the other, each on a database of its own."""
        told: set[str] = set()
        for case in cases:
            began = time.monotonic()
            try:
                message, notes = run_sql_test(self._project, self._tests[case], self._names)
                ending = Ending.FAILED if message else Ending.PASSED
            except OrchestratorError as error:
                message, notes, ending = str(error), (), Ending.ERROR
            for note in notes:
                if note not in told:
                    told.add(note)
                    say(note)
            yield Outcome(case, ending, time.monotonic() - began, message)


def run_sql_test(
    project: Project, test: SqlTest, names: DbtNames | None = None
) -> tuple[str, tuple[str, ...]]:
    """Run one test.

    Args:
        project: The project.
        test: The test.
        names: What dbt calls its tables, where it has been asked already.

    Returns:
        What differs, empty if nothing does; and what to know of how it ran.

    Raises:
        UsageError: It gives too little, or its SQL cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="orchestrator-test-") as folder:
        sample = SampleProject(project, Path(folder))
        named = _Named(test, names or DbtNames(project))
        task = _task_of(project, test, named)
        options = RunOptions(vars=json.dumps(test.overrides.get("vars") or {}, default=str))
        planning = sample.planning(Request(options=options).options_in(sample))
        with sample.surroundings(), sample.secrets():
            named.space = planning.warehouse(task.warehouse).namespace
            facts = task.planned(planning)
        _refuse_calls(test, named.missing)
        target = _target(test, facts, planning, task)
        also = _also_called(test, facts, planning, task, named)
        warehouse = SampleWarehouse(planning.warehouse(task.warehouse), _folders(project, test))
        for given in test.given:
            name = str(target) if given.names == ("this",) else given.table
            for each in (name, *also.get(given.names, ())):
                warehouse.load(each, given.rows)
        with Flow(_TASK) as flow:
            task()
            for name, value in (test.overrides.get("parameters") or {}).items():
                flow.add_task(Parameter(str(name), default=value))
        done = run_flow(
            flow, project=project, folder=Path(folder), options=options,
            now=test.overrides.get("now"), timezone=str(test.overrides.get("timezone", "UTC")),
        )  # fmt: skip
        if not done.succeeded:
            raise UsageError(f"{test.case.of} failed: {done.messages[_TASK]}", where=test.case.of)
        return _difference(test, warehouse, target, project), done.notes


class _Tested(SqlTask):
    """A SQL file as a test runs it: what a check or a bare SELECT gives becomes a table."""

    as_table = False

    def planned(self, planning: Planning) -> TaskFacts:
        """Its facts; a file that writes nothing is read as a SELECT."""
        found = self.facts(_TASK, planning)
        if any(access.dataset.kind is DatasetKind.TABLE for access in found.writes):
            return found
        self.as_table = True
        return self.facts(_TASK, planning)

    def _text(self, planning: Planning) -> SqlText:
        text = super()._text(planning)
        said = {k: v for k, v in text.said.items() if k not in ("name", "check", "severity")}
        if self.as_table:
            said |= {"materialized": "table", "table": _RESULT}
        return SqlText(text.script, said)


def _task_of(project: Project, test: SqlTest, named: _Named) -> _Tested:
    """The task that runs the file in a flow, as a test runs it; else a plain one."""
    file = project.root / test.case.of
    if not file.is_file():
        known = [str(p.relative_to(project.root)) for p in files_below(project.root, ".sql")]
        raise UsageError(
            f"there is no file {test.case.of!r}",
            where=test.case.place,
            fix=did_you_mean(test.case.of, known, "sql: is relative to the project"),
        )
    given = _lent(project, file)
    return _Tested(path=test.case.of, name=_TASK, resolve_ref=named, **given)


def _lent(project: Project, file: Path) -> dict[str, Any]:
    """What the task that runs a file in a flow says of it, or else the folder that it is in."""
    tasks = [task for flow in project.readable_flows()[0].values() for task in flow]
    for task in tasks:
        if isinstance(task, SqlTask) and task.path and project.root / task.path == file:
            return {
                "warehouse": task.warehouse, "materialized": task.materialized,
                "table": task.table, "unique_key": task.unique_key, "params": task.params,
            }  # fmt: skip
    for task in tasks:
        if isinstance(task, SqlFolder) and (project.root / task.path) in file.parents:
            return {"warehouse": task.warehouse, "materialized": task.materialized}
    return {}


class _Named:
    """What ``ref`` and ``source`` stand for in a test: the given table, by this name or by another.

    Args:
        test: The test.
        names: What dbt calls its tables.

    Attributes:
        space: How the file's warehouse reads names.
        missing: Calls that the test gives no table for.
    """

    space: Namespace

    def __init__(self, test: SqlTest, names: DbtNames) -> None:
        self._given, self.names = test.given, names
        self.missing: list[tuple[str, ...]] = []

    def __call__(self, call: tuple[str, ...]) -> str:
        short = (call[0], call[-1]) if call[0] == "ref" else call
        same = [given for given in self._given if given.names == short]
        found = next(iter(same or filter(partial(self._meant, short), self._given)), None)
        if found is None:
            self.missing.append(short)
        return found.table if found else call[-1]

    def _meant(self, call: tuple[str, ...], given: Given) -> bool:
        plain = not given.is_call and given.names != ("this",)
        return plain and self.names.mean(call, Dataset.parse(given.table, self.space))


def _refuse_calls(test: SqlTest, missing: Sequence[tuple[str, ...]]) -> None:
    for call in missing:
        said = f"{call[0]}({', '.join(repr(name) for name in call[1:])})"
        raise _not_given(test, said, test.case.place)


def _not_given(test: SqlTest, name: str, where: str) -> UsageError:
    near = near_to(name, [given.written for given in test.given], likeness=0.75)
    add = f"add to given in {test.case.place}: - input: {name}"
    return UsageError(
        f"{test.case.of} reads {name}, which the test does not give",
        where=where,
        fix=f"{add}; or is it meant by {near}, which it gives?" if near else add,
    )


def _target(test: SqlTest, facts: TaskFacts, planning: Planning, task: SqlTask) -> Dataset:
    """The table whose rows are compared."""
    tables = [a.dataset for a in facts.writes if a.dataset.kind is DatasetKind.TABLE]
    said = test.expect.get("table")
    if said is None and len(tables) == 1:
        return tables[0]
    space = planning.warehouse(task.warehouse).namespace
    wanted = Dataset.parse(str(said), space) if said is not None else None
    found = next((each for each in tables if each == wanted), None)
    if found is not None:
        return found
    known = ", ".join(map(str, tables))
    what = "writes several tables" if wanted is None else f"does not write {said}"
    raise UsageError(
        f"{test.case.of} {what}", where=test.case.place, fix=f"say expect: table: one of {known}"
    )


def _also_called(
    test: SqlTest, facts: TaskFacts, planning: Planning, task: SqlTask, named: _Named
) -> dict[tuple[str, ...], list[str]]:
    """By given ``ref`` or ``source``, the names by which the file itself reads that table.

    Raises:
        UsageError: It reads a table that the test does not give by any name.
    """
    warehouse = planning.warehouse(task.warehouse)
    there = {Dataset.parse(g.table, named.space) for g in test.given if g.names != ("this",)}
    there |= set(getattr(warehouse, "stands_for", {})) | {a.dataset for a in facts.writes}
    found: dict[tuple[str, ...], list[str]] = {}
    for access in facts.reads:
        if access.dataset.kind is not DatasetKind.TABLE or access.dataset in there:
            continue
        calls = [given.names for given in test.given if given.is_call]
        call = next((call for call in calls if named.names.mean(call, access.dataset)), None)
        if call is None:
            table, place = access.dataset, access.evidence
            name = ".".join(part for part in (table.schema, table.name) if part)
            at = f"{place.file}:{place.line}" if place.file and place.line else test.case.place
            raise _not_given(test, name, at)
        found.setdefault(call, []).append(str(access.dataset))
    return found


def _difference(test: SqlTest, of: SampleWarehouse, target: Dataset, project: Project) -> str:
    said = {k: v for k, v in test.expect.items() if k not in ("table", "ordered")}
    expected = rows_of(_plain(said), "the expected rows", _folders(project, test))
    ordered = bool(test.expect.get("ordered"))
    found = compare(expected, of.table(str(target)), ordered=ordered)
    if not found:
        return ""
    name = "the result" if target.name == _RESULT else str(target)
    lines = [] if found.columns or found.order else found.lines()
    return "\n  ".join([f"{name} is not as expected: {found.summary()}", *lines])


def _plain(said: Mapping[str, Any]) -> Any:
    """Rows as they stand, where nothing else is said of them."""
    return said["rows"] or [] if set(said) == {"rows"} else said


def _folders(project: Project, test: SqlTest) -> tuple[Path, ...]:
    here = (project.root / test.case.file).parent
    return (here, here / "fixtures", project.root)
