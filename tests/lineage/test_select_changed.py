"""``changed:REF``: which tasks a changed file is laid to, and when all of them are selected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.selection.modules import concerns_building
from orchestrator.lineage.selection.select import select
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph

FLOW = "@task\ndef load():\n    return 1\n\nwith Flow('nightly') as nightly:\n    load()\n"


def _reads(*names: str) -> tuple[Access, ...]:
    place = Evidence(Source.SQL, "")
    return tuple(Access(Dataset.parse(name, Namespace()), place) for name in names)


def _dbt(key: str, kind: str = "model", **more: object) -> DbtFacts:
    name = key.rpartition(".")[2]
    return DbtFacts(key, name, kind, fqn=("p", name), package="p", **more)  # type: ignore[arg-type]


TASKS: list[TaskFacts] = [
    TaskFacts("load", "load", path="flows/nightly.py"),
    TaskFacts("helped", "helped", path="lib/steps.py"),
    TaskFacts("fetch", "fetch", "shell", path="flows/nightly.py"),
    _dbt("seed.p.rates", "seed", path="seeds/rates.csv"),
    _dbt("model.p.stg", path="models/stg.sql", parents=("source.p.raw.flights",),
         patch_path="models/schema.yml", sources=frozenset({"raw.flights"}),
         reads=_reads("raw.flights")),
    _dbt("model.p.fct", path="models/fct.sql", parents=("model.p.stg", "model.p.eph"),
         macro_files=frozenset({"macros/cents.sql"}), reads=_reads("gone")),
    _dbt("test.p.not_null", "test", path="models/schema.yml", parents=("model.p.stg",)),
    TaskFacts("daily", "daily", "sql", path="sql/daily.sql", reads=_reads("main.fct")),
]  # fmt: skip
MARKS = [
    _dbt("source.p.raw.flights", "source", path="models/sources.yml",
         sources=frozenset({"raw.flights"})),
    _dbt("model.p.eph", path="models/eph.sql", config={"materialized": "ephemeral"}),
    _dbt("exposure.p.board", "exposure", path="models/board.yml"),
]  # fmt: skip
EDGES = [
    ("model.p.stg", "model.p.fct"), ("model.p.fct", "daily"), ("model.p.stg", "test.p.not_null"),
]  # fmt: skip
ALL = " ".join(task.name for task in TASKS)


@dataclass
class Fake:
    """Changes as a test says them: file, letter, text before, text now."""

    said: dict[str, tuple[str, str | None, str | None]]
    imports: dict[str, set[str]] = field(default_factory=dict)
    modules: Collection[str] = ("flows/nightly.py", "flows/other.py")

    @property
    def files(self) -> dict[str, str]:
        return {file: letter for file, (letter, _, _) in self.said.items()}

    def before(self, file: str) -> str | None:
        return self.said[file][1] if file in self.said else FLOW

    def now(self, file: str) -> str | None:
        return self.said[file][2] if file in self.said else FLOW

    def importers(self, file: str) -> set[str]:
        return self.imports.get(file, set())


def _chosen(changes: Fake, *include: str, exclude: tuple[str, ...] = ()) -> str:
    found = select(
        TASKS, Graph((t.key for t in TASKS), EDGES), include or ("changed:main",), exclude,
        landmarks=MARKS, changes=lambda ref: changes, flow_files={"flows/nightly.py"},
    )  # fmt: skip
    return " ".join(key.rpartition(".")[2] for key in found)


def _edited(file: str, before: str | None = "a", now: str | None = "b") -> Fake:
    letter = "A" if before is None else "D" if now is None else "M"
    return Fake({file: (letter, before, now)})


YML = "models:\n  - name: {}\n"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (Fake({}), ""),
        (_edited("sql/daily.sql"), "daily"),
        (_edited("models/fct.sql"), "fct"),
        (_edited("models/stg.sql"), "stg not_null"),  # the test follows, as with any selection
        (_edited("seeds/rates.csv"), "rates"),
        (_edited("models/schema.yml", YML.format("stg"), YML.format("stg")), "stg not_null"),
        (_edited("macros/cents.sql", "{% macro cents() %}", "{% macro cents(x) %}"), "fct"),
        # A source or an ephemeral model does not run: who is made with it changed.
        (_edited("models/sources.yml", "sources: []", "sources: []"), "stg not_null"),
        (_edited("models/eph.sql"), "fct"),
        (_edited("models/board.yml", "exposures: []", "exposures: []"), ""),
        # What a yml file said before counts: a model whose entry was taken out is another now.
        (_edited("models/old.yml", YML.format("fct"), None), "fct"),
        (_edited("models/old.yml", YML.format("fct"), YML.format("x")), "fct"),
        (_edited("models/old.yml", YML.format("nobody"), None), ""),
        # Deleted: who reads it is selected, where that can be known.
        (_edited("models/gone.sql", "select 1", None), "fct"),
        (_edited("seeds/gone.csv", "1", None), "fct"),
        (_edited("sql/x.sql", "create table Gone as select 1", None), "fct"),
        (_edited("models/unread.sql", "select 1", None), ""),
        (_edited("macros/old.sql", "{% macro old() %}", None), ""),
        # Nobody reads these.
        (_edited("README.md"), ""),
        (_edited(".github/workflows/ci.yml"), ""),
        (_edited("/elsewhere/in/the/repository.sql"), ""),
        (_edited("flows/other.py"), ""),
        (_edited("tests/test_flows.py"), ""),
        # Scripts: what may run any file is selected.
        (_edited("sql/adhoc.sql"), "load helped fetch"),
        (_edited("bin/load.sh"), "load helped fetch"),
        (_edited("bin/load.py", "x = 1", "x = 2"), "load helped fetch"),
    ],
    ids=lambda value: ", ".join(value.files) if isinstance(value, Fake) else "",
)
def test_a_file_is_laid_to_its_tasks(changes: Fake, expected: str) -> None:
    assert _chosen(changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        _edited("dbt_project.yml", "name: p", "name: p\nvars: {}"),
        _edited("packages.yml", "packages: []", "packages: [{local: x}]"),
        _edited("profiles.yml", "p: {}", "p: {target: x}"),
        _edited("orchestrator.toml"),
        _edited("orchestrator.toml", "a", None),
        _edited("data/rates.parquet"),
        _edited("models/broken.yml", "models: [", "models:\n  - name: a"),
        _edited("flows/nightly.py", FLOW, FLOW.replace("load()\n", "load(2)\n")),
        _edited("flows/nightly.py", FLOW, FLOW + "x = 1\n"),
        # Macros that dbt calls by itself, and one that nobody is seen to call.
        _edited("macros/names.sql", "", "{% macro generate_schema_name(a, b) %}"),
        _edited("macros/names.sql", "{% macro generate_schema_name(a, b) %}", None),
        _edited("macros/m.sql", "", "{%- materialization mine, default %}"),
        _edited("macros/d.sql", "", "{% macro duckdb__concat(a) %}"),
        _edited("macros/unseen.sql", "", "{% macro unseen() %}"),
    ],
    ids=lambda value: ", ".join(value.files),
)
def test_what_may_concern_each_task_selects_all(changes: Fake) -> None:
    assert _chosen(changes) == ALL


def test_a_changed_task_function_is_its_module_s_tasks() -> None:
    assert _chosen(_edited("flows/nightly.py", FLOW, FLOW.replace("return 1", "return 2"))) == (
        "load fetch"
    )
    assert _chosen(_edited("flows/nightly.py", FLOW, "# told\n" + FLOW)) == "load fetch"


def test_a_helper_is_laid_to_the_modules_that_import_it() -> None:
    helper = _edited("lib/steps.py", "def f():\n  return 1", "def f():\n  return 2")
    helper.imports = {"lib/steps.py": {"flows/nightly.py", "tests/test_steps.py"}}
    assert _chosen(helper) == "load helped fetch"
    builds = _edited("lib/steps.py", "def load():\n  return 1", "def load():\n  return 2")
    builds.imports = helper.imports  # the flow's own lines call a function of that name
    assert _chosen(builds) == ALL
    of_other = _edited("lib/other.py", "a = 1", "a = 2")
    of_other.imports = {"lib/other.py": {"flows/other.py"}}
    assert _chosen(of_other) == ""


def test_it_composes_with_the_operators() -> None:
    changes = _edited("models/fct.sql")
    assert _chosen(changes, "changed:origin/main+") == "fct daily"
    assert _chosen(changes, "+changed:main") == "stg fct not_null"
    assert _chosen(changes, "1+changed:HEAD~1+1") == "stg fct not_null daily"
    assert _chosen(changes, "@changed:v1") == "stg fct not_null daily"
    assert _chosen(changes, "changed:main+,resource_type:sql") == "daily"
    assert _chosen(changes, "changed:main", "rates") == "rates fct"
    assert _chosen(changes, "resource_type:model", exclude=("changed:main",)) == "stg not_null"


def test_nothing_changed_is_no_error_but_a_misspelt_name_beside_it_is() -> None:
    nothing = Fake({})
    assert _chosen(nothing, "+changed:main+") == ""
    assert _chosen(nothing, "daily", exclude=("changed:main",)) == "daily"
    with pytest.raises(SelectionError, match="'dayly' matches no task"):
        _chosen(nothing, "changed:main,dayly")
    with pytest.raises(SelectionError, match="'dayly' matches no task"):
        _chosen(nothing, "changed:main dayly")


def test_where_git_cannot_be_asked_it_says_so() -> None:
    with pytest.raises(SelectionError, match="asks git") as refused:
        select(TASKS, Graph(t.key for t in TASKS), ["changed:main"])
    assert "--select changed:REF" in (refused.value.fix or "")


@pytest.mark.parametrize(
    ("before", "now", "builders", "expected"),
    [
        ("x = 1", "x = 1  # told", [], False),
        ("x = 1", "x = 2", [], True),
        ("a = 1\nb = 2", "b = 2\na = 1", [], True),
        (None, "x = 1", [], True),
        ("x = (", "x = 1", [], True),
        ("def f(): return 1", "def f(): return 2", [], False),
        ("def f(): return 1", "def f(): return 2", ["from m import f\nx = f()"], True),
        ("def f(): return 1\nx = f()", "def f(): return 2\nx = f()", [], True),
        ("@t.task\ndef f(): return 1\nf()", "@t.task\ndef f(): return 2\nf()", [], False),
        ("@cache\ndef f(): return 1\nf()", "@cache\ndef f(): return 2\nf()", [], True),
        ("def d(g): return g\n@d\ndef f(): pass", "def d(g): pass\n@d\ndef f(): pass", [], True),
        ("class A: x = 1", "class A: x = 2", [], True),
    ],
)
def test_what_only_runs_with_tasks_is_told_from_what_builds_flows(
    before: str | None, now: str, builders: list[str], expected: bool
) -> None:
    assert concerns_building(before, now, builders) is expected
