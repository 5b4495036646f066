import { expect, it } from "vitest";

import { barAt, seriesOf } from "./bars";

it("has a series for each tone that occurs", () => {
  const bars = [
    { run: "a", at: null, value: 1, state: "Success" },
    { run: "b", at: null, value: 2, state: "Failed" },
    { run: "c", at: null, value: null, state: "TimedOut" },
    { run: "d", at: null, value: 4, state: "Cached" },
  ];
  expect(seriesOf(bars)).toEqual({
    tones: ["success", "failed"],
    data: [
      [0, 1, 2, 3],
      [1, null, null, 4],
      [null, 2, null, null],
    ],
  });
});

it("finds the bar below the pointer", () => {
  expect([barAt(0, 4), barAt(0.49, 4), barAt(1, 4), barAt(0.5, 0)]).toEqual([0, 1, 3, 0]);
});
