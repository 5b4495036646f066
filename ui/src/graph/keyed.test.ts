import { expect, test, vi } from "vitest";
import { countsOf, newBoard } from "./board";
import { Keyed } from "./keyed";

test("only those who asked for a key hear of it, and once for several", () => {
  const store = new Keyed<number>();
  const [a, both, all] = [vi.fn(), vi.fn(), vi.fn()];
  store.listen(["a"], a);
  store.listen(["b", "c"], both);
  store.listen(null, all);
  store.set([
    ["b", 1],
    ["c", 2],
  ]);
  expect([a, both, all].map((each) => each.mock.calls.length)).toEqual([0, 1, 1]);
});

test("a value that is the same is no change", () => {
  const board = newBoard([["a", { state: "Running", counts: { Success: 1 } }]]);
  const told = vi.fn();
  board.listen(["a"], told);
  board.set([["a", { state: "Running", counts: { Success: 1 } }]]);
  expect(told).not.toHaveBeenCalled();
  board.set([["a", { state: "Running", counts: { Success: 2 } }]]);
  expect(told).toHaveBeenCalledTimes(1);
});

test("who stops listening hears nothing, and keys that are gone are told of", () => {
  const store = new Keyed<number>();
  const [gone, stays] = [vi.fn(), vi.fn()];
  store.set([["a", 1]]);
  store.listen(["a"], gone)();
  store.listen(["a"], stays);
  store.keep(new Set(["b"]));
  expect(gone).not.toHaveBeenCalled();
  expect(stays).toHaveBeenCalledTimes(1);
  expect(store.get("a")).toBe(undefined);
});

test("counts are of the tasks something is known of", () => {
  const board = newBoard([
    ["a", { state: "Success" }],
    ["b", { state: "Failed" }],
  ]);
  expect(countsOf(board, ["a", "b", "unknown"])).toEqual({ Success: 1, Failed: 1 });
});
