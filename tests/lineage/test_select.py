"""Selection over tasks of every kind, and its errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import SelectionError
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.selection.select import IndirectSelection, select
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph

_WHY = Evidence(Source.ORDER, "")


def _flow() -> tuple[list[TaskFacts], Graph]:
    """load_flights → stg (dbt, tested) → sql/daily.sql → report → publish, and cleanup alone."""
    stg = DbtFacts(
        "model.p.stg",
        "stg",
        "model",
        path="models/stg.sql",
        fqn=("p", "staging", "stg"),
        package="p",
        config={"materialized": "view"},
        parents=("source.p.raw.flights",),
        sources=frozenset({"raw.flights"}),
    )
    check = DbtFacts("test.p.check", "check", "test", fqn=("p", "check"), parents=(stg.key,))
    tasks = [
        TaskFacts("load_flights", "load_flights", tags=frozenset({"load", "nightly"})),
        stg,
        check,
        TaskFacts("daily", "daily", "sql", path="sql/daily.sql", tags=frozenset({"nightly"})),
        TaskFacts("report", "report", path="flows/nightly.py", config={"owner": "core"}),
        TaskFacts("publish", "publish", "shell", upstream=(("test.p.check", _WHY),)),
        TaskFacts("cleanup", "cleanup", "sql", path="sql/weekly/cleanup.sql", fqn=("cleanup",)),
    ]
    graph = Graph(
        (task.key for task in tasks),
        [
            ("load_flights", "model.p.stg"),
            ("model.p.stg", "test.p.check"),
            ("model.p.stg", "daily"),
            ("test.p.check", "daily"),  # a guard
            ("daily", "report"),
            ("report", "publish"),
            ("test.p.check", "publish"),
        ],
    )
    return tasks, graph


def _chosen(*include: str, exclude: tuple[str, ...] = ()) -> list[str]:
    tasks, graph = _flow()
    return [k.rpartition(".")[2] for k in select(tasks, graph, list(include), list(exclude))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("load_flights", "load_flights"),
        ("load_*", "load_flights"),
        ("daily", "daily"),
        ("sql/daily.sql", "daily"),
        ("daily.sql", "daily"),
        ("path:sql", "daily cleanup"),
        ("path:sql/", "daily cleanup"),
        ("path:./sql/*.sql", "daily"),
        ("path:sql/**/*.sql", "daily cleanup"),
        ("file:daily", "daily"),
        ("tag:nightly", "load_flights daily"),
        ("tag:night*", "load_flights daily"),
        ("tag:nightly,resource_type:sql", "daily"),
        ("tag:nightly report", "load_flights daily report"),
        ("resource_type:sql", "daily cleanup"),
        ("resource_type:shell", "publish"),
        ("resource_type:python", "load_flights report"),
        ("config.owner:core", "report"),
        ("package:p", "stg check"),
        ("model.p.stg", "stg check"),
        ("+daily", "load_flights stg check daily"),
        ("1+daily", "stg check daily"),
        ("daily+", "daily report publish"),
        ("daily+1", "daily report"),
        ("1+report+1", "daily report publish"),
        ("load_flights+", "load_flights stg check daily report publish"),
        ("@report", "load_flights stg check daily report publish"),
        ("source:raw+1", "stg check"),
        ("source:raw.flights+", "stg check daily report publish"),
        ("source:p.raw.flights+2", "stg check daily"),
        ("check", "check"),
        ("check+", "check publish"),  # publish names the test; daily only is guarded by it
        ("*", "load_flights stg check daily report publish cleanup"),
    ],
)
def test_every_kind_of_task_can_be_selected(text: str, expected: str) -> None:
    assert " ".join(_chosen(text)) == expected


def test_no_selector_is_everything_less_what_is_excluded() -> None:
    assert len(_chosen()) == 7
    assert _chosen(exclude=("tag:nightly+",)) == ["cleanup"]
    assert _chosen("+daily", exclude=("stg",)) == ["load_flights", "daily"]
    assert _chosen("daily", exclude=("daily",)) == []


def test_selectors_may_stand_apart_or_in_one_text() -> None:
    assert _chosen("daily  report") == _chosen("daily", "report") == ["daily", "report"]


def test_hooks_before_and_after_everything_are_no_step() -> None:
    tasks, graph = _flow()
    hooks = [TaskFacts(f"hook{n}", f"hook{n}", "operation") for n in (1, 2)]
    edges = [("hook1", task.key) for task in tasks] + [(task.key, "hook2") for task in tasks]
    graph = Graph([*graph, "hook1", "hook2"], [*graph.edges(), *edges])
    assert select([*tasks, *hooks], graph, ["@cleanup"]) == ["cleanup"]
    assert select([*tasks, *hooks], graph, ["hook1"]) == ["hook1"]


def test_no_tasks_at_all() -> None:
    assert select([], Graph(), []) == []


def test_a_name_that_is_not_there_offers_the_nearest() -> None:
    with pytest.raises(SelectionError) as caught:
        _chosen("dayly")
    assert str(caught.value) == (
        "'dayly' matches no task\n"
        "  where: looked at the name or dotted path of names of 2 Python tasks, 2 SQL files, "
        "1 model, 1 test, 1 shell, 1 source\n"
        "  fix:   did you mean daily?"
    )
    assert caught.value.exit_code == 2


def test_an_excluded_name_that_is_not_there_is_an_error_too() -> None:
    with pytest.raises(SelectionError, match=r"'\+dayly' matches no task"):
        _chosen("daily", exclude=("+dayly",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zzz", "there are check, cleanup, daily"),
        ("sql/dayli.sql", "did you mean sql/daily.sql"),
        ("tag:nihgtly", "did you mean nightly"),
        (
            "tag:nightly,tag:load,daily",
            "tag:nightly matches 2, tag:load matches 1, daily matches 1",
        ),
        ("resource_type:sqll", "did you mean sql"),
        ("group:none", "nothing here has one"),
        ("tga:x", "did you mean tag:x"),
        ("qq:x", "known methods: fqn, path"),
        ("config:x", "config.KEY:VALUE"),
        ("tag.x:y", "cannot be read"),
        ("@daily+", "both @ and a \\+ behind"),
        ("tag:", "names nothing"),
        ("+", "names nothing"),
        ("daily,", "'daily,' names nothing"),
        ("test_type:data2", "use one of generic, schema, data"),
        ("version:newest", "use one of latest"),
        ("source:a.b.c.d", "too many parts"),
        ("state:modified", "DbtBuild"),
        ("result:error", "orchestrator runs retry"),
        ("source_status:fresher+", "source_status: in 'source_status:fresher\\+'"),
    ],
)
def test_errors_say_what_and_what_next(text: str, said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        _chosen(text)


def test_the_mode_must_be_known() -> None:
    tasks, graph = _flow()
    with pytest.raises(SelectionError, match="eager, cautious, buildable, empty"):
        select(tasks, graph, ["daily"], indirect="greedy")


def test_modes_of_indirect_selection() -> None:
    tasks, graph = _flow()
    eager = select(tasks, graph, ["stg"])
    assert eager == ["model.p.stg", "test.p.check"]
    assert select(tasks, graph, ["stg"], indirect=IndirectSelection.EMPTY) == ["model.p.stg"]
    assert select(tasks, graph, ["stg"], indirect="cautious") == eager


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[list[TaskFacts], Graph]:
    count = draw(st.integers(1, 10))
    pairs = [(f"t{a}", f"t{b}") for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []
    keys = [f"t{index}" for index in range(count)]
    return [TaskFacts(key, key) for key in keys], Graph(keys, edges)


@given(_graphs(), st.integers(0, 9), st.integers(0, 4))
def test_plus_and_at_are_ancestors_and_descendants(
    flow: tuple[list[TaskFacts], Graph], number: int, depth: int
) -> None:
    tasks, graph = flow
    key = tasks[number % len(tasks)].key
    own = {key}
    assert set(select(tasks, graph, [f"+{key}"])) == own | graph.ancestors(key)
    assert set(select(tasks, graph, [f"{key}+"])) == own | graph.descendants(key)
    near = own | graph.ancestors(key, depth=depth)
    assert set(select(tasks, graph, [f"{depth}+{key}"])) == near
    family = own | graph.descendants(key)
    assert set(select(tasks, graph, [f"@{key}"])) == family | graph.ancestors(*family)


@given(_graphs(), st.integers(0, 9), st.integers(0, 9))
def test_space_joins_comma_narrows_exclude_takes_away(
    flow: tuple[list[TaskFacts], Graph], first: int, second: int
) -> None:
    tasks, graph = flow
    one, two = (tasks[number % len(tasks)].key for number in (first, second))
    above, below = {one} | graph.ancestors(one), {two} | graph.descendants(two)
    assert set(select(tasks, graph, [f"+{one} {two}+"])) == above | below
    assert set(select(tasks, graph, [f"+{one}"], [f"{two}+"])) == above - below
    if above & below:
        assert set(select(tasks, graph, [f"+{one},{two}+"])) == above & below
    else:
        with pytest.raises(SelectionError, match="nothing is in all parts"):
            select(tasks, graph, [f"+{one},{two}+"])
