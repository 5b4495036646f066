import { expect, test } from "vitest";
import { arrange } from "./arrange";
import { layoutKey } from "./layout";

const box = (key: string) => ({ key, width: 200, height: 40 });

test("dagre and our own layers both lead every edge to the right", () => {
  for (const count of [30, 600]) {
    const nodes = Array.from({ length: count }, (_, i) => box(`n${i}`));
    const edges = nodes.slice(1).map((node, i) => [`n${Math.floor(i / 2)}`, node.key] as const);
    const at = arrange({ nodes, edges });
    for (const [from, to] of edges) expect(at[from]![0]).toBeLessThan(at[to]![0]);
  }
});

test("names of object parts are only names, and edges to nowhere are left out", () => {
  const at = arrange({
    nodes: ["__proto__", "constructor"].map(box),
    edges: [
      ["__proto__", "constructor"],
      ["x", "constructor"],
    ],
  });
  expect(Object.keys(at)).toEqual(["__proto__", "constructor"]);
});

test("nothing to lay out is laid out", () => {
  expect(arrange({ nodes: [], edges: [] })).toEqual({});
});

test("a layout is known by its nodes, their sizes and its edges", () => {
  const nodes = [box("a"), box("b")];
  const one = layoutKey(nodes, [["a", "b"]]);
  expect(layoutKey(nodes, [["a", "b"]])).toBe(one);
  expect(layoutKey(nodes, [["b", "a"]])).not.toBe(one);
  expect(layoutKey([box("a"), { ...box("b"), height: 80 }], [["a", "b"]])).not.toBe(one);
});
