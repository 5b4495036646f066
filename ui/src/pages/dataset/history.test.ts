import { describe, expect, it } from "vitest";

import { changeText, dots, steps } from "./history";

const build = (day: number, rows: number | null) => ({
  at: `2026-11-${String(day).padStart(2, "0")}T03:00:00Z`,
  rows,
  seconds: 1,
  run_id: `run${day}`,
});

describe("the history of rows", () => {
  it("is newest first, and says what changed", () => {
    const found = steps([build(3, 120), build(1, 100), build(2, null), build(4, 120)]);
    expect(found.map(({ run_id, change }) => [run_id, change])).toEqual([
      ["run4", 0],
      ["run3", 20],
      ["run2", null],
      ["run1", null],
    ]);
  });

  it("says changes in words", () => {
    expect([changeText(1204), changeText(-3), changeText(0), changeText(null)]).toEqual([
      "+1,204",
      "−3",
      "the same",
      "–",
    ]);
  });

  it("draws dots from the oldest to the newest, from nothing to the most", () => {
    const found = dots([build(2, 100), build(1, 50), build(3, null)], 200, 100);
    expect(found.map(({ x, y }) => [x, y])).toEqual([
      [0, 50],
      [200, 0],
    ]);
    expect(dots([build(1, 0)], 200, 100)[0]).toMatchObject({ x: 100, y: 100 });
    expect(dots([], 200, 100)).toEqual([]);
  });
});
