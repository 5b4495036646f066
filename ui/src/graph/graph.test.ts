import { expect, test } from "vitest";
import { bestGrouping, drawn, groupKey, groupsOf } from "./grouping";
import { elementsByParent, parentOf } from "./mapped";
import { GraphIndex, shownName, type GraphEdge, type GraphNode } from "./model";
import { inOrder, step } from "./navigate";
import { Pairs } from "./pairs";
import { criticalPath, neighbourhood } from "./reach";
import { found, hitAt, nextHit } from "./search";
import { countStates, shownState, weighed, worst } from "./states";

const node = (key: string, folder: string, more: Partial<GraphNode> = {}): GraphNode => ({
  key,
  name: key,
  folder,
  ...more,
});
const edge = (upstream: string, downstream: string): GraphEdge => ({ upstream, downstream });

const NODES = [
  node("a", "raw"),
  node("b", "raw"),
  node("c", "marts"),
  node("d", "marts"),
  node("e", "alone"),
];
const EDGES = [edge("a", "c"), edge("b", "c"), edge("c", "d"), edge("d", "e")];
const INDEX = new GraphIndex(
  NODES.map((each) => each.key),
  EDGES,
);

test("folded groups stand for their members, and edges between groups are drawn once", () => {
  const all = drawn(NODES, EDGES, "folder", new Set());
  expect(all.nodes.map((each) => each.name)).toEqual(["marts", "raw", "e"]);
  expect(all.edges).toHaveLength(2);
  expect(all.standIn.get("a")).toBe(groupKey("folder", "raw"));
});

test("an open group shows its members", () => {
  const half = drawn(NODES, EDGES, "folder", new Set([groupKey("folder", "marts")]));
  expect(half.nodes.map((each) => each.name)).toEqual(["raw", "c", "d", "e"]);
  expect(
    half.edges.map((each) => [half.standIn.get(each.upstream) ?? each.upstream, each.downstream]),
  ).toEqual([
    [groupKey("folder", "raw"), "c"],
    ["c", "d"],
    ["d", "e"],
  ]);
});

test("nodes without a folder form a group of their own", () => {
  expect([...groupsOf([node("x", ""), node("y", "  ")], "folder").values()][0]?.name).toBe(
    "no folder",
  );
});

test("small graphs are not folded; large ones by what tells most apart", () => {
  expect(bestGrouping(NODES, EDGES)).toBe("none");
  const many = Array.from({ length: 400 }, (_, i) =>
    node(`n${i}`, `f${i % 20}`, { layer: i < 399 ? "staging" : "marts" }),
  );
  expect(bestGrouping(many, [])).toBe("folder");
});

test("a grouping that makes cycles of the graph is not chosen", () => {
  const many = Array.from({ length: 400 }, (_, i) =>
    node(`n${i}`, `f${i % 20}`, { layer: `l${Math.floor(i / 80)}` }),
  );
  const chain = many.slice(1).map((each, i) => edge(many[i]!.key, each.key));
  expect(bestGrouping(many, chain)).toBe("layer");
});

test("neighbours are counted in steps", () => {
  expect(neighbourhood(INDEX, { key: "c", up: 1, down: 1 })).toEqual(new Set(["c", "a", "b", "d"]));
  expect(neighbourhood(INDEX, { key: "c", up: 0, down: null })).toEqual(new Set(["c", "d", "e"]));
});

test("the critical path goes back along whoever finished last", () => {
  const at = (seconds: number) => ({ finished: new Date(seconds * 1000).toISOString() });
  const times: Record<string, { finished: string }> = {
    a: at(10),
    b: at(20),
    c: at(30),
    d: at(40),
  };
  expect(criticalPath(INDEX, (key) => times[key])).toEqual(["b", "c", "d"]);
  expect(criticalPath(INDEX, () => undefined)).toEqual([]);
});

test("an edge to nowhere or to itself is no edge", () => {
  const index = new GraphIndex(["a"], [edge("a", "a"), edge("a", "gone")]);
  expect(index.downstream("a")).toEqual([]);
});

test("elements belong to the outermost task that is known", () => {
  const known = new Set(["load", "load[1]"]);
  expect(parentOf("load[1][2]", (key) => known.has(key))).toBe("load");
  expect(parentOf("other[1]", (key) => known.has(key))).toBe(null);
  expect(elementsByParent(["load", "load[0]", "load[1]", "x[0]"]).get("load")).toEqual([
    "load[0]",
    "load[1]",
  ]);
});

test("every word of a search must occur, whatever its case; no search is not an empty one", () => {
  expect(found(NODES, "MARTS d")).toEqual(new Set(["d"]));
  expect(found(NODES, "nothing like it")).toEqual(new Set());
  expect(found(NODES, "  ")).toBe(null);
});

test("arrows move along edges, and within a column", () => {
  const at = { a: [0, 0], b: [0, 100], c: [300, 40], d: [600, 0], e: [900, 0] } as const;
  expect(step(INDEX, at, "a", "ArrowRight")).toBe("c");
  expect(step(INDEX, at, "c", "ArrowLeft")).toBe("a");
  expect(step(INDEX, at, "a", "ArrowDown")).toBe("b");
  expect(step(INDEX, at, "e", "ArrowRight")).toBe("e");
  expect(step(INDEX, at, null, "ArrowRight")).toBe("a");
});

test("what is found is gone to as one reads, round and round", () => {
  const at = { a: [100, 0], b: [0, 50], c: [0, 10], d: [100, 90] } as const;
  const hits = inOrder(["a", "b", "c"], at as never);
  expect(hits).toEqual(["c", "b", "a"]);
  expect([1, 2, 3, 4, -1, -3, -4].map((hit) => hitAt(hits, hit)).join("")).toBe("cbacaca");
  expect([nextHit(0, 1), nextHit(1, -1), nextHit(-1, 1), nextHit(2, 1)]).toEqual([1, -1, 1, 3]);
});

test("the worst state is the one a group shows", () => {
  const counts = countStates(["Success", "Failed", "Success", "Running"]);
  expect(worst(counts)).toBe("Failed");
  expect(weighed(counts)).toEqual([
    ["Failed", 1],
    ["Running", 1],
    ["Success", 2],
  ]);
  expect(shownState("Success", "warn")).toBe("Warned");
});

test("a name nobody can see is replaced", () => {
  expect(shownName(" \u200b ", "model.a")).toBe("model.a");
  expect(shownName("", " ")).toBe("(no name)");
  expect(shownName("<script>", "k")).toBe("<script>");
});

test("a pair is new once, whichever characters its keys have", () => {
  const seen = new Pairs();
  expect(seen.add("a", "b")).toBe(true);
  expect(seen.add("a", "b")).toBe(false);
  expect(seen.add("b", "a")).toBe(true);
  expect(seen.add("__proto__", "b")).toBe(true);
});
