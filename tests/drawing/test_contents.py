"""What is said of boxes and lines, and how large graphs are folded."""

from __future__ import annotations

from orchestrator.drawing.contents import Contents, contents, gravest
from orchestrator.drawing.folding import LARGE, LINES, folded
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.graph import Graph
from orchestrator.model.state import State, StateType

ORDERS = Dataset(None, "raw", "orders")
READ = Evidence(Source.SQL, "reads raw.orders", file="sql/daily.sql", line=14)
BEFORE = Evidence(Source.ORDER, "set_upstream")


def edge(up: str, down: str, *evidence: Evidence, dataset: Dataset | None = None) -> Edge:
    return Edge(up, down, evidence or (BEFORE,), dataset)


def of(
    facts: list[TaskFacts], edges: list[Edge], states: dict[str, State] | None = None
) -> Contents:
    graph = Graph((f.key for f in facts), ((e.upstream, e.downstream) for e in edges))
    known = {(e.upstream, e.downstream): e for e in edges}
    return contents("shop", {f.key: f for f in facts}, graph, known, states=states)


def model(key: str, folder: str = "models/marts") -> TaskFacts:
    return TaskFacts(key, key, "model", path=f"{folder}/{key}.sql")


def test_a_box_says_where_its_task_comes_from_and_what_it_touches() -> None:
    daily = TaskFacts(
        "daily", "daily", "sql", reads=(Access(ORDERS, READ),), path="sql/daily.sql",
        tags=frozenset({"night", "core"}), lineage_unknown="line 3 cannot be read",
    )  # fmt: skip
    [box] = of([daily], [], {"daily": State(StateType.FAILED, "no such table")}).boxes
    assert box.words == (
        "daily (sql)",
        "Failed: no such table",
        "sql/daily.sql",
        "tags: core, night",
        "reads raw.orders",
        "lineage unknown: line 3 cannot be read",
    )
    assert box.state is StateType.FAILED


def test_a_line_says_its_evidence() -> None:
    found = of([model("a"), model("b")], [edge("a", "b", READ, dataset=ORDERS)])
    [line] = found.lines
    assert line.words == ("a → b by raw.orders", "sql/daily.sql:14 reads raw.orders")
    assert not line.order


def test_order_alone_is_told_apart() -> None:
    [line] = of([model("a"), model("b")], [edge("a", "b")]).lines
    assert line.order


def test_order_that_follows_is_left_out_and_reading_is_not() -> None:
    keys = [model(key) for key in "abc"]
    chain = [edge("a", "b", READ), edge("b", "c", READ)]
    ordered = folded(of(keys, [*chain, edge("a", "c")]))
    assert {(e.upstream, e.downstream) for e in ordered.lines} == {("a", "b"), ("b", "c")}
    read = folded(of(keys, [*chain, edge("a", "c", READ, dataset=ORDERS)]))
    assert len(read.lines) == 3


def test_few_tests_are_drawn_and_many_are_counted_in_what_they_test() -> None:
    test = [TaskFacts(f"t{n}", f"t{n}", "test") for n in range(70)]
    hook = TaskFacts("on-run-start", "on-run-start", "operation")
    tested = [edge("b", t.key, READ) for t in test] + [edge("a", "t0", READ)]
    order = [edge("on-run-start", "a"), edge("t0", "c"), edge("a", "b", READ), edge("b", "c", READ)]
    few = folded(of([model("a"), model("b"), test[1]], [edge("a", "b"), edge("b", "t1")]))
    assert [box.key for box in few.boxes] == ["a", "b", "t1"]

    states = {"b": State(StateType.SUCCESS), "t5": State(StateType.FAILED)}
    many = folded(of([hook, *map(model, "abc"), *test], [*tested, *order], states))
    assert [box.key for box in many.boxes] == ["a", "b", "c"]
    assert many.boxes[1].aside == "70 tests"
    assert many.boxes[1].state is StateType.FAILED
    assert many.boxes[1].words[-1] == "70 tests: 1 Failed"
    assert many.notes == ("70 tests: shown in the box of what they test", "1 hook: not shown")


def test_above_the_most_boxes_folders_are_drawn() -> None:
    staging = [model(f"s{n}", "models/staging") for n in range(200)]
    marts = [model(f"m{n}", "models/marts") for n in range(200)]
    alone = TaskFacts("load", "load", "python", path="flows/shop.py")
    edges = [edge("load", "s0")] + [edge(f"s{n}", f"m{n}", READ) for n in range(200)]
    states = {"m3": State(StateType.FAILED), "m4": State(StateType.SUCCESS)}
    found = folded(of([alone, *staging, *marts], edges, states))
    assert [(b.label, b.kind, b.aside) for b in found.boxes] == [
        ("load", "python", ""),
        ("models/staging", "folder", "200 tasks"),
        ("models/marts", "folder", "200 tasks"),
    ]
    assert found.boxes[2].state is StateType.FAILED
    assert [line.words[:2] for line in found.lines] == [
        ("flows → models/staging", "1 edge"),
        ("models/staging → models/marts", "200 edges"),
    ]
    assert found.notes == ("401 tasks: drawn by folder",)


def test_many_folders_become_their_parents() -> None:
    found = folded(of([model(f"m{n}", f"models/part{n % 4}/{n}") for n in range(400)], []))
    assert {box.label for box in found.boxes} == {f"models/part{n}" for n in range(4)}


def test_more_folders_than_can_be_drawn_are_counted() -> None:
    found = folded(of([model(f"m{n}", f"top{n}") for n in range(LARGE + 5)], []))
    assert len(found.boxes) == LARGE
    assert found.notes[-1] == "5 folders: not shown"


def test_lines_are_bounded() -> None:
    keys = [model(f"m{n}") for n in range(120)]
    edges = [edge(f"m{a}", f"m{b}", READ, dataset=ORDERS) for b in range(120) for a in range(b)]
    found = folded(of(keys, edges))
    assert len(found.lines) == LINES
    assert found.notes == (f"{len(edges) - LINES:,} lines: not shown",)


def test_the_gravest_state_stands_for_many() -> None:
    assert gravest([StateType.SUCCESS, StateType.RUNNING]) is StateType.RUNNING
    assert gravest([StateType.SUCCESS, StateType.CACHED]) is StateType.SUCCESS
    assert gravest([None]) is None


def test_every_state_has_a_gravity() -> None:
    assert all(gravest([state]) is state for state in StateType)
