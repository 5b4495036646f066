import { expect, test } from "vitest";
import type { Pair } from "./cycles";
import { columnsOf, layered, spread } from "./layered";

const box = (key: string) => ({ key, width: 200, height: 40 });

function random(count: number): { keys: string[]; edges: Pair[] } {
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 16807) % 2147483647) % below;
  const keys = Array.from({ length: count }, (_, i) => `n${i}`);
  const edges = keys.slice(1).map((key, i): Pair => [`n${next(i + 1)}`, key]);
  return { keys, edges };
}

test("every edge leads to the right", () => {
  const { keys, edges } = random(400);
  const at = layered(keys.map(box), edges);
  for (const [from, to] of edges) expect(at[from]![0]).toBeLessThan(at[to]![0]);
});

test("no two nodes overlap", () => {
  const { keys, edges } = random(300);
  const at = layered(keys.map(box), edges);
  const columns = new Map<number, number[]>();
  for (const [x, y] of Object.values(at)) columns.set(x, [...(columns.get(x) ?? []), y]);
  for (const rows of columns.values()) {
    rows.sort((a, b) => a - b);
    rows.slice(1).forEach((y, i) => expect(y - rows[i]!).toBeGreaterThanOrEqual(54));
  }
});

test("a cycle is broken, not followed", () => {
  expect(
    Object.keys(
      layered(["a", "b"].map(box), [
        ["a", "b"],
        ["b", "a"],
      ]),
    ),
  ).toEqual(["a", "b"]);
});

test("a source that is read late stands beside its reader", () => {
  const column = columnsOf(
    ["a", "b", "c", "late"],
    [
      ["a", "b"],
      ["b", "c"],
      ["late", "c"],
    ],
  );
  expect(column.get("late")).toBe(1);
});

test("rows keep their order and distance, and are else where they want to be", () => {
  expect(spread([0, 100, 300], [0, 50, 50])).toEqual([0, 100, 300]);
  expect(spread([0, 0], [0, 50])).toEqual([-25, 25]);
  expect(spread([100, 0], [0, 10])).toEqual([45, 55]);
});

test("a thousand nodes side by side become a block, not a thread", () => {
  const keys = Array.from({ length: 1000 }, (_, i) => `n${i}`);
  const at = layered(keys.map(box), []);
  const xs = new Set(Object.values(at).map(([x]) => x));
  expect(xs.size).toBeGreaterThan(10);
});

test("names that mean something to objects are only names", () => {
  const at = layered(["constructor", "toString"].map(box), [["constructor", "toString"]]);
  expect(at["constructor"]![0]).toBeLessThan(at["toString"]![0]);
});
