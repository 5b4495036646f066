"""Derivation: datasets become edges with their evidence, or an error that draws the trouble."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from dbt_oracle import Shop
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import (
    CycleError,
    DroppedDatasetError,
    FlowError,
    GraphError,
    UnorderedWritersError,
)
from orchestrator.lineage.dbt.manifest import facts
from orchestrator.lineage.derivation.derive import Derived, derive, explain_edge, reason, restrict
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import TaskFacts

_SPACE = Namespace("duckdb", "db", "s")


def _task(
    key: str,
    *,
    reads: Sequence[str | Dataset] = (),
    writes: Sequence[str | Dataset] = (),
    drops: Sequence[str | Dataset] = (),
    after: Sequence[str] = (),
    kind: str = "sql",
) -> TaskFacts:
    """A task in sql/KEY.sql that reads on line 3, writes on line 1 and drops on line 9."""
    return TaskFacts(
        key,
        key,
        kind,
        reads=_accesses(key, "reads", 3, reads),
        writes=_accesses(key, "writes", 1, writes),
        drops=_accesses(key, "drops", 9, drops),
        upstream=tuple((up, Evidence(Source.ORDER, f"upstream_tasks {up}")) for up in after),
        path=f"sql/{key}.sql",
    )


def _accesses(key: str, verb: str, line: int, names: Sequence[str | Dataset]) -> tuple[Access, ...]:
    datasets = [n if isinstance(n, Dataset) else Dataset.parse(n, _SPACE) for n in names]
    file = f"sql/{key}.sql"
    return tuple(Access(d, Evidence(Source.SQL, f"{verb} {d}", file, line)) for d in datasets)


def _edges(*tasks: TaskFacts) -> set[tuple[str, str]]:
    derived = derive(tasks)
    assert set(derived.edges) == set(derived.graph.edges())
    return set(derived.edges)


# -- edges -----------------------------------------------------------------------------------------


def test_who_writes_comes_before_who_reads() -> None:
    derived = derive([_task("b", reads=["t"]), _task("a", writes=["t"])])
    assert list(derived.graph.order()) == ["a", "b"]
    edge = derived.edges["a", "b"]
    assert edge.dataset == Dataset("db", "s", "t")
    assert [str(e) for e in edge.evidence] == [
        "sql/b.sql:3 reads db.s.t",
        "sql/a.sql:1 writes db.s.t",
    ]
    assert reason(edge) == "sql/b.sql:3 reads db.s.t, written by a (sql/a.sql:1)"


def test_one_edge_holds_all_evidence_once() -> None:
    derived = derive(
        [_task("a", writes=["t", "u"]), _task("b", reads=["t", "u", "t"], after=["a", "a"])]
    )
    edge = derived.edges["a", "b"]
    assert len(edge.evidence) == 5  # the order, and two ends for each of two tables
    assert reason(edge) == "sql/b.sql:3 reads db.s.t, written by a (sql/a.sql:1)"


def test_edges_are_a_mapping_like_any_other() -> None:
    derived = derive([_task("a", writes=["t"]), _task("b", reads=["t"]), _task("c", after=["b"])])
    assert len(derived.edges) == 2
    assert list(derived.edges) == [("b", "c"), ("a", "b")]
    assert ("a", "c") not in derived.edges
    assert derived.edges.get(("a", "c")) is None
    assert derived.edges == {pair: derived.edges[pair] for pair in derived.edges}
    with pytest.raises(KeyError):
        derived.edges["a", "c"]


def test_what_nobody_writes_comes_from_outside() -> None:
    assert _edges(_task("a", reads=["t"]), _task("b", reads=["t"])) == set()


def test_reading_what_it_writes_itself_is_no_edge() -> None:
    assert _edges(_task("a", reads=["t"], writes=["t"])) == set()


def test_a_name_without_catalog_is_the_one_table_written() -> None:
    short = Dataset(None, "s", "t")
    bare = Dataset(None, None, "t")
    assert _edges(_task("a", writes=["t"]), _task("b", reads=[short, bare])) == {("a", "b")}
    assert _edges(_task("a", writes=[short]), _task("b", reads=["t"])) == {("a", "b")}
    assert _edges(_task("a", writes=[bare]), _task("b", reads=[short])) == {("a", "b")}


def test_other_parts_must_be_the_same() -> None:
    other = Dataset(None, "other", "t")
    assert _edges(_task("a", writes=["t"]), _task("b", reads=[other])) == set()


def test_a_short_name_that_fits_two_tables_is_no_guess() -> None:
    tasks = [
        _task("a", writes=["one.t"]),
        _task("b", writes=["two.t"]),
        _task("c", reads=[Dataset(None, None, "t")]),
    ]
    with pytest.raises(GraphError) as caught:
        derive(tasks)
    text = str(caught.value)
    assert "db.one.t, written by a (sql/a.sql:1)" in text
    assert "db.two.t, written by b (sql/b.sql:1)" in text
    assert "sql/c.sql:3" in text
    assert "schema and catalog" in text


def test_a_short_written_name_that_fits_two_tables_is_no_guess() -> None:
    short = Dataset(None, None, "t")
    with pytest.raises(GraphError, match="t could be any of 2 tables"):
        derive(
            [_task("a", writes=["one.t"]), _task("b", writes=["two.t"]), _task("c", writes=[short])]
        )
    with pytest.raises(GraphError, match="t could be any of 2 tables"):
        derive([_task("a", writes=[short]), _task("b", reads=["one.t", "two.t"])])


def test_a_short_and_a_full_name_are_two_writers_of_one_table() -> None:
    with pytest.raises(UnorderedWritersError):
        derive([_task("a", writes=["t"]), _task("b", writes=[Dataset(None, "s", "t")])])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("out/x.csv", "out/x.csv"),
        ("./out/x.csv", "out/x.csv"),
        ("out/x.csv", "out/*.csv"),
        ("out/deep/x.csv", "out/**/*.csv"),
        ("out/x.csv", "out/**/*.csv"),
        ("out/parts", "out/parts/*.parquet"),
        ("out/parts", "out/parts/day=1/x.parquet"),
        ("out/x.csv", "out/"),
        ("s3://bucket/x.csv", "s3://bucket/x.csv"),
        ("s3://bucket/a/x.csv", "s3://bucket/a/*.csv"),
        ("@stage/x/y.csv", "@stage/x"),
        ("@stage", "@stage/x/y.csv"),
    ],
)
def test_files_stages_and_patterns_match(written: str, read: str) -> None:
    assert _edges(_task("a", writes=[written]), _task("b", reads=[read])) == {("a", "b")}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("out/x.csv", "out/y.csv"),
        ("out/x.csv", "out/*.json"),
        ("out/deep/x.csv", "out/*.csv"),
        ("output/x.csv", "out/"),
        ("out/x.csv", "out/x.csv.gz"),
        ("@stage/x", "@other/x"),
    ],
)
def test_other_files_do_not_match(written: str, read: str) -> None:
    assert _edges(_task("a", writes=[written]), _task("b", reads=[read])) == set()


def test_a_pattern_waits_for_all_files_below_it() -> None:
    tasks = [_task("a", writes=["out/a.csv"]), _task("b", writes=["out/b.csv"])]
    assert _edges(*tasks, _task("c", reads=["out/*.csv"])) == {("a", "c"), ("b", "c")}


# -- several writers -------------------------------------------------------------------------------


def test_two_writers_without_order_are_drawn() -> None:
    with pytest.raises(UnorderedWritersError) as caught:
        derive([_task("a", writes=["t"]), _task("b", writes=["t"]), _task("c", reads=["t"])])
    assert str(caught.value) == (
        "a and b both write db.s.t, and nothing says which comes first\n"
        "  where: a  sql/a.sql:1 writes db.s.t ──┐\n"
        "                                        ├──> db.s.t\n"
        "         b  sql/b.sql:1 writes db.s.t ──┘\n"
        "  fix:   one of:\n"
        "         - order them: upstream_tasks=[a] on b, or the other way round\n"
        "         - write the table in one task\n"
        "         - write two tables"
    )


def test_a_reader_waits_for_all_ordered_writers() -> None:
    tasks = [_task("a", writes=["t"]), _task("b", writes=["t"], after=["a"])]
    assert _edges(*tasks, _task("c", reads=["t"])) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_writers_may_be_ordered_by_another_table() -> None:
    first = _task("a", writes=["t", "u"])
    second = _task("b", reads=["u"], writes=["t"])
    assert ("b", "c") in _edges(second, first, _task("c", reads=["t"]))


def test_writers_may_be_ordered_by_the_readers_of_another_shared_table() -> None:
    tasks = [
        _task("a", writes=["t", "u"]),
        _task("b", writes=["u"], after=["a"]),
        _task("c", reads=["u"], writes=["t"]),  # after b, which is after a: so t is ordered too
    ]
    assert ("c", "d") in _edges(*reversed(tasks), _task("d", reads=["t"]))


def test_who_changes_a_table_comes_after_who_makes_it() -> None:
    maker, changer = _task("a", writes=["t"]), _task("b", reads=["t"], writes=["t"])
    assert _edges(changer, maker, _task("c", reads=["t"])) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_two_that_change_a_table_need_an_order() -> None:
    change = {"reads": ["t"], "writes": ["t"]}
    with pytest.raises(UnorderedWritersError, match="b and c both write"):
        derive([_task("a", writes=["t"]), _task("b", **change), _task("c", **change)])


def test_a_reader_may_sit_between_two_writers() -> None:
    tasks = [
        _task("a", writes=["t"]),
        _task("between", reads=["t"], writes=["u"]),
        _task("b", reads=["u"], writes=["t"]),
        _task("c", reads=["t"]),
    ]
    tasks[2] = _task("b", reads=["u"], writes=["t"], after=["a"])
    edges = _edges(*tasks)
    assert ("a", "between") in edges
    assert ("b", "between") not in edges
    assert {("a", "c"), ("b", "c")} <= edges


def test_a_reader_before_every_writer_is_a_circle() -> None:
    reader = _task("r", reads=["t"])
    with pytest.raises(CycleError):
        derive([reader, _task("a", writes=["t"], after=["r"])])
    with pytest.raises(CycleError):
        derive(
            [reader, _task("a", writes=["t"], after=["r"]), _task("b", writes=["t"], after=["a"])]
        )


# -- drops -----------------------------------------------------------------------------------------


def test_a_reader_of_what_another_drops_needs_an_order() -> None:
    with pytest.raises(DroppedDatasetError) as caught:
        derive([_task("r", reads=["t"]), _task("d", drops=["t"])])
    text = str(caught.value)
    assert "r reads db.s.t, which d drops" in text
    assert "sql/r.sql:3" in text
    assert "sql/d.sql:9" in text
    assert "upstream_tasks=[r] on d" in text


def test_dropping_after_the_reader_is_fine() -> None:
    write, read = _task("a", writes=["t"]), _task("r", reads=["t"])
    assert ("a", "r") in _edges(write, read, _task("d", drops=["t"], after=["r"]))


def test_reading_after_it_is_written_again_is_fine() -> None:
    drop, write = _task("d", drops=["t"]), _task("a", writes=["t"], after=["d"])
    assert ("a", "r") in _edges(drop, write, _task("r", reads=["t"]))


def test_reading_after_the_drop_is_not() -> None:
    with pytest.raises(DroppedDatasetError):
        derive([_task("d", drops=["t"]), _task("r", reads=["t"], after=["d"])])


def test_a_writer_and_a_dropper_need_an_order() -> None:
    with pytest.raises(DroppedDatasetError, match=r"a writes db\.s\.t, which d drops"):
        derive([_task("a", writes=["t"]), _task("d", drops=["t"])])
    assert _edges(_task("a", writes=["t"]), _task("d", drops=["t"], after=["a"])) == {("a", "d")}


def test_a_task_may_drop_what_it_reads() -> None:
    assert _edges(_task("a", writes=["t"]), _task("b", reads=["t"], drops=["t"])) == {("a", "b")}


# -- circles ---------------------------------------------------------------------------------------


def test_the_shortest_circle_is_drawn_with_its_reasons() -> None:
    tasks = [
        _task("a", reads=["tc", "tb"], writes=["ta"]),
        _task("b", reads=["ta"], writes=["tb"]),
        _task("c", reads=["tb"], writes=["tc"]),
        _task("after", reads=["tc"]),
        _task("before", writes=["t"]),
    ]
    with pytest.raises(CycleError) as caught:
        derive(tasks)
    assert str(caught.value) == (
        "2 tasks wait for one another in a circle\n"
        "  where: a → b\n"
        "             because  sql/b.sql:3 reads db.s.ta, written by a (sql/a.sql:1)\n"
        "         b → a\n"
        "             because  sql/a.sql:3 reads db.s.tb, written by b (sql/b.sql:1)\n"
        "  fix:   take one step away: read another table there, or move that statement into a "
        "task of its own"
    )


def test_a_circle_of_three() -> None:
    tasks = [_task(key, reads=[f"t{up}"], writes=[f"t{key}"]) for up, key in ("ca", "ab", "bc")]
    with pytest.raises(CycleError, match="3 tasks wait"):
        derive(tasks)


def test_waiting_for_itself() -> None:
    with pytest.raises(CycleError, match="a waits for itself"):
        derive([_task("a", after=["a"])])


def test_an_upstream_that_is_not_there() -> None:
    with pytest.raises(GraphError, match="b waits for gone, which is no task of this flow"):
        derive([_task("b", after=["gone"])])


def test_two_tasks_of_one_key() -> None:
    with pytest.raises(FlowError, match="two tasks have the key 'a'"):
        derive([_task("a"), _task("a", reads=["t"])])


# -- tests guard tasks of every kind ---------------------------------------------------------------


def test_a_sql_task_waits_for_the_tests_of_what_it_reads() -> None:
    model = _task("m", writes=["t"], kind="model")
    check = _task("check", after=["m"], kind="test")
    report = _task("report", reads=["t"])
    last = _task("last", after=["report"])
    derived = derive([model, check, report, last])
    assert ("check", "report") in derived.edges
    assert ("check", "last") not in derived.edges  # it comes after the report anyway
    assert derived.edges["check", "report"].evidence[0].node == "check"


def test_a_test_of_two_tables_guards_who_comes_after_both() -> None:
    tasks = [_task("m", writes=["t"], kind="model"), _task("n", writes=["u"], kind="model")]
    check = _task("check", after=["m", "n"], kind="test")
    one = _task("one", reads=["t"])
    both = _task("both", reads=["t", "u"], kind="python")
    edges = _edges(*tasks, check, one, both)
    assert ("check", "both") in edges
    assert ("check", "one") not in edges


def test_a_test_of_a_source_that_comes_from_outside_guards_its_readers() -> None:
    check = _task("check", reads=["raw.x"], kind="test")
    assert ("check", "a") in _edges(check, _task("a", reads=["raw.x"]))


def test_a_test_never_guards_what_it_tests() -> None:
    check = _task("check", reads=["t"], kind="test")
    assert _edges(check, _task("a", reads=["t"], writes=["t"])) == {("a", "check")}


# -- with dbt --------------------------------------------------------------------------------------


def test_seeds_that_write_the_tables_of_sources_come_first(shop: Shop) -> None:
    derived = derive(facts(shop.manifest))
    edge = derived.edges["seed.shop.raw_customers", "model.shop.stg_customers"]
    assert reason(edge) == (
        "models/staging/stg_customers.sql:3 reads source raw.raw_customers, "
        "written by seed.shop.raw_customers (seeds/raw_customers.csv)"
    )


def test_sql_and_python_between_dbt_models(shop: Shop) -> None:
    """facts → sql/crm.sql → source crm.contacts → stg_contacts, which dbt knows nothing of."""
    found: list[TaskFacts] = [f for f in facts(shop.manifest) if f.name != "orders"]
    kept = {f.key for f in found}
    found = list(facts(shop.manifest, selected=kept))
    space = Namespace("duckdb", "shop", "main")
    sql = TaskFacts(
        "crm",
        "crm",
        "sql",
        reads=(Access(Dataset.parse("countries_clean", space), Evidence(Source.SQL, "reads")),),
        writes=(Access(Dataset.parse("crm.contacts", space), Evidence(Source.SQL, "writes")),),
    )
    python = TaskFacts(
        "clean",
        "clean",
        reads=(Access(Dataset.parse("main_raw.countries", space), Evidence(Source.DECLARED, "r")),),
        writes=(Access(Dataset.parse("countries_clean", space), Evidence(Source.DECLARED, "w")),),
    )
    derived = derive([sql, *found, python])
    path = ["seed.shop.countries", "clean", "crm", "model.shop.stg_contacts"]
    assert derived.graph.path(path[0], path[-1]) == path
    edges = explain_edge(derived, path[0], path[-1])
    assert [(e.upstream, e.downstream) for e in edges] == list(pairwise(path))


def test_two_builds_of_one_project_are_ordered_by_the_tables_between_them(shop: Shop) -> None:
    staging = {"model.shop.stg_customers", "model.shop.stg_contacts", "seed.shop.countries"}
    marts = {"model.shop.contacts", "snapshot.shop.snap"}
    derived = derive(
        [*facts(shop.manifest, selected=marts), *facts(shop.manifest, selected=staging)]
    )
    assert set(derived.edges) == {
        ("model.shop.stg_contacts", "model.shop.contacts"),
        ("seed.shop.countries", "model.shop.contacts"),
    }
    assert reason(derived.edges["seed.shop.countries", "model.shop.contacts"]) == (
        "models/marts/contacts.sql:1 reads countries, "
        "written by seed.shop.countries (seeds/countries.csv)"
    )


# -- explain and restrict --------------------------------------------------------------------------


def _chain() -> Derived:
    return derive(
        [_task("a", writes=["t"]), _task("b", reads=["t"], writes=["u"]), _task("c", reads=["u"])]
    )


def test_explain_gives_the_edge_or_the_path_or_nothing() -> None:
    derived = _chain()
    assert [e.dataset.name for e in explain_edge(derived, "a", "b") if e.dataset] == ["t"]
    assert [e.downstream for e in explain_edge(derived, "a", "c")] == ["b", "c"]
    assert explain_edge(derived, "c", "a") == ()
    assert explain_edge(derived, "a", "gone") == ()


def test_restrict_keeps_the_order_through_what_is_left_out() -> None:
    part = restrict(_chain(), ["a", "c", "gone"])
    assert list(part.graph) == ["a", "c"]
    assert [str(e) for e in part.edges["a", "c"].evidence] == [
        "sql/c.sql:3 reads db.s.u",
        "sql/b.sql:1 writes db.s.u",
        "through b, which this run leaves out",
        "sql/b.sql:3 reads db.s.t",
        "sql/a.sql:1 writes db.s.t",
    ]


@st.composite
def _flows(draw: st.DrawFn) -> list[TaskFacts]:
    """Tasks t0, t1, …: each writes its own table and reads some of those before it."""
    count = draw(st.integers(1, 12))
    tasks = []
    for index in range(count):
        earlier = st.integers(0, max(index - 1, 0))
        read = draw(st.sets(earlier, max_size=3)) if index else set()
        named = draw(st.sets(earlier, max_size=1)) if index else set()
        names = [Dataset(draw(st.sampled_from(["db", None])), "s", f"x{i}") for i in sorted(read)]
        after = [f"t{i}" for i in named]
        tasks.append(_task(f"t{index}", reads=names, writes=[f"x{index}"], after=after))
    return draw(st.permutations(tasks))


@given(_flows())
def test_every_writer_comes_before_its_readers(tasks: list[TaskFacts]) -> None:
    derived = derive(tasks)
    order = {key: index for index, key in enumerate(derived.graph.order())}
    assert len(order) == len(tasks)
    writers = {access.dataset.name: task.key for task in tasks for access in task.writes}
    pairs = {(writers[a.dataset.name], t.key) for t in tasks for a in t.reads}
    pairs |= {(up, task.key) for task in tasks for up, _ in task.upstream}
    assert set(derived.edges) == pairs
    assert all(order[before] < order[after] for before, after in pairs)


@given(_flows(), st.sets(st.integers(0, 11)))
def test_a_part_has_the_order_of_the_whole(tasks: list[TaskFacts], chosen: set[int]) -> None:
    derived = derive(tasks)
    part = restrict(derived, [f"t{index}" for index in chosen])
    kept = set(part.graph)
    assert set(part.edges) == set(part.graph.edges())
    for key in kept:
        assert part.graph.descendants(key) == derived.graph.descendants(key) & kept
