import { describe, expect, test } from "vitest";

import type { ComparedTask, Comparison, Run, Side } from "../../api/types";
import { changeText, findingsOf, ratioText, summaryOf } from "./findings";

const side = (seconds: number, state = "Success"): Side => ({ state, seconds, rows: 1, sql: null });

const task = (a: Side | null, b: Side | null, more: Partial<ComparedTask> = {}): ComparedTask => ({
  key: "model.shop.orders",
  name: "orders",
  a,
  b,
  seconds_ratio: null,
  rows_change: null,
  sql_changed: null,
  sql_diff: null,
  ...more,
});

const comparison = (a: number | null, b: number | null, tasks: ComparedTask[]): Comparison => ({
  a: { seconds: a } as Run,
  b: { seconds: b } as Run,
  tasks,
});

describe("a task", () => {
  test("is slower or faster by a fifth and half a second", () => {
    expect(findingsOf(task(side(1), side(2)))).toEqual(["slower"]);
    expect(findingsOf(task(side(2), side(1)))).toEqual(["faster"]);
    expect(findingsOf(task(side(0.1), side(0.3)))).toEqual([]);
    expect(findingsOf(task(side(100), side(110)))).toEqual([]);
  });

  test("that was cached ended as one that succeeded", () => {
    expect(findingsOf(task(side(1), side(1, "Cached")))).toEqual([]);
    expect(findingsOf(task(side(1), side(1, "Failed")))).toEqual(["state"]);
  });

  test("may be in one run only", () => {
    expect(findingsOf(task(null, side(1)))).toEqual(["only"]);
  });

  test("may have other SQL and other rows", () => {
    expect(findingsOf(task(side(1), side(1), { sql_changed: true, rows_change: -2 }))).toEqual([
      "sql",
      "rows",
    ]);
  });
});

describe("two runs", () => {
  test("that are alike are said to be", () => {
    expect(summaryOf(comparison(10, 10.1, [task(side(1), side(1))]))).toBe(
      "Both took as long. No task differs.",
    );
  });

  test("that differ are told apart", () => {
    const tasks = [task(side(1), side(4), { sql_changed: true }), task(side(1), null)];
    expect(summaryOf(comparison(10, 13, tasks))).toBe(
      "The second took 3.0 s longer. 1 task changed SQL, 1 task slower, 1 task in one run only.",
    );
  });

  test("of which one has not ended are not compared by time", () => {
    expect(summaryOf(comparison(10, null, []))).toBe("No task differs.");
  });
});

test("numbers carry their sign", () => {
  expect([changeText(1204), changeText(-3), changeText(0), changeText(null)]).toEqual([
    "+1,204",
    "−3",
    "0",
    "–",
  ]);
  expect([ratioText(1.52), ratioText(12.4), ratioText(0.04), ratioText(null)]).toEqual([
    "×1.5",
    "×12",
    "×0.04",
    "–",
  ]);
});
