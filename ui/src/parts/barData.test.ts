import { expect, test } from "vitest";

import { DURATION, ROWS, seriesOf, wordsOf, type Bar } from "./barData";

const bar = (value: number | null, state = "Success"): Bar => ({
  key: "a",
  value,
  state,
  at: null,
  to: "/",
});

test("bars are told in words", () => {
  expect(wordsOf([])).toBe("No run has ended yet.");
  expect(wordsOf([bar(42)])).toBe("Last 42 s.");
  expect(wordsOf([bar(30), bar(50, "Failed"), bar(40), bar(null, "Running")])).toBe(
    "Last 40 s, typically 40 s; 1 of 4 failed.",
  );
  expect(wordsOf([bar(1000), bar(2000)], ROWS.words)).toBe("Last 2,000, typically 2,000.");
});

test("there is a series for each tone that occurs", () => {
  const bars = [bar(1), bar(2, "Failed"), bar(null, "TimedOut"), bar(4, "Cached")];
  expect(seriesOf(bars)).toEqual({
    tones: ["success", "failed"],
    data: [
      [0, 1, 2, 3],
      [1, null, null, 4],
      [null, 2, null, null],
    ],
  });
});

test("an axis reads as durations, and no row is halved", () => {
  expect([0, 0.05, 20, 300, 7200].map(DURATION.tick)).toEqual([
    "0",
    "0.05 s",
    "20 s",
    "5 min",
    "2 h",
  ]);
  expect([0, 0.5, 1, 2500].map(ROWS.tick)).toEqual(["0", "", "1", "2,500"]);
});
