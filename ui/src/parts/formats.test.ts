import { expect, test } from "vitest";

import { countText, distanceText, durationText, localText, numberText, utcText } from "./formats";

test.each([
  [0, "0.00 s"],
  [0.04, "0.04 s"],
  [0.42, "0.4 s"],
  [9.94, "9.9 s"],
  [9.96, "10 s"],
  [59.6, "1 min 00 s"],
  [200, "3 min 20 s"],
  [3599.7, "1 h 00 min"],
  [7500, "2 h 05 min"],
  [270_000, "3 d 3 h"],
  [null, "–"],
  [-3, "0.00 s"],
])("%s seconds are %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test("instants read in UTC, and in the clock of whoever looks", () => {
  expect(utcText("2026-11-21T21:50:04.123Z")).toBe("2026-11-21 21:50:04 UTC");
  const at = new Date(2026, 10, 21, 9, 5, 7);
  expect(localText(at.toISOString(), at)).toBe("09:05");
  expect(localText(at.toISOString(), at, true)).toBe("09:05:07");
  expect(localText(at.toISOString(), new Date(2026, 10, 22))).toBe("21 Nov 09:05");
  expect(localText(at.toISOString(), new Date(2027, 1, 1))).toBe("21 Nov 2026 09:05");
});

test.each([
  [0, "just now"],
  [30, "in 30 s"],
  [-240, "4 min ago"],
  [10_800, "in 3 h"],
  [-172_800, "2 d ago"],
])("%s seconds from now is %s", (seconds, text) => {
  const now = new Date("2026-11-21T12:00:00Z");
  expect(distanceText(new Date(now.getTime() + seconds * 1000).toISOString(), now)).toBe(text);
});

test("counts agree with their nouns", () => {
  expect([countText(1, "task"), countText(0, "task"), countText(1200, "entry", "entries")]).toEqual(
    ["1 task", "0 tasks", "1,200 entries"],
  );
  expect(numberText(null)).toBe("–");
});
