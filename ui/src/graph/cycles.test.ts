import { expect, test } from "vitest";
import { components, withoutCycles, type Pair } from "./cycles";

test("a cycle is broken where it closes", () => {
  expect(
    withoutCycles(
      ["a", "b", "c"],
      [
        ["a", "b"],
        ["b", "c"],
        ["c", "a"],
        ["a", "a"],
      ],
    ),
  ).toEqual([
    ["a", "b"],
    ["b", "c"],
  ]);
});

test("with a rank, the edge that leads back in rank is the one to go", () => {
  const edges: Pair[] = [
    ["marts", "staging"],
    ["staging", "marts"],
    ["marts", "reports"],
  ];
  const rank = new Map([
    ["staging", 1],
    ["marts", 2],
    ["reports", 0],
  ]);
  expect(withoutCycles(["marts", "staging", "reports"], edges, rank)).toEqual([
    ["marts", "reports"],
    ["staging", "marts"],
  ]);
});

test("keys on a common cycle share a component, others do not", () => {
  const found = components(
    ["a", "b", "c", "d"],
    [
      ["a", "b"],
      ["b", "a"],
      ["b", "c"],
      ["c", "d"],
      ["d", "c"],
    ],
  );
  expect(found.get("a")).toBe(found.get("b"));
  expect(found.get("c")).toBe(found.get("d"));
  expect(found.get("a")).not.toBe(found.get("c"));
});

test("a chain of fifty thousand does not overflow", () => {
  const keys = Array.from({ length: 50_000 }, (_, i) => `n${i}`);
  const edges = keys.slice(1).map((key, i): Pair => [keys[i]!, key]);
  expect(withoutCycles(keys, edges)).toHaveLength(49_999);
});
