import { afterEach, expect, test, vi } from "vitest";
import { isWhole, moved, share, stepFor, ticks, zoomed } from "./scale";

const HOUR = 3_600_000;

afterEach(() => vi.unstubAllEnvs());

test("zooming keeps what is under the pointer where it is", () => {
  const range = zoomed([0, 1000], [0, 1000], 0.5, 250);
  expect(range).toEqual([125, 625]);
  expect(share(250, range)).toBe(0.25);
});

test("nothing outside of the run is shown, and nothing shorter than can be told apart", () => {
  expect(zoomed([400, 600], [0, 1000], 100, 500)).toEqual([0, 1000]);
  expect(moved([0, 100], [0, 1000], -3)).toEqual([0, 100]);
  expect(moved([0, 100], [0, 1000], 50)).toEqual([900, 1000]);
  const [from, to] = zoomed([0, 60], [0, 1000], 0.001, 30);
  expect(to - from).toBe(50);
  expect(isWhole([0, 1000], [0, 1000])).toBe(true);
});

test("ticks are round and far enough apart", () => {
  expect(stepFor([0, HOUR], 1000)).toBe(10 * 60_000);
  expect(stepFor([0, 1000], 1000)).toBe(100);
  const found = ticks([1_000, 61_000], 700);
  expect(found.map((tick) => tick.at)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
});

test("hours are those of the wall: a night of 25 hours has its six-hour ticks at 0, 6, 12, 18", () => {
  vi.stubEnv("TZ", "Europe/Berlin");
  // 25 October 2026: 03:00 CEST becomes 02:00 CET. The day is from 22:00 UTC to 23:00 UTC.
  const from = Date.UTC(2026, 9, 24, 22);
  const found = ticks([from, from + 25 * HOUR], 500);
  expect(found.map((tick) => (tick.at - from) / HOUR)).toEqual([0, 7, 13, 19, 25]);
  expect(found.map((tick) => tick.label)).toEqual(["00:00", "06:00", "12:00", "18:00", "26 Oct"]);
});

test("in a night of 23 hours no tick is lost or doubled", () => {
  vi.stubEnv("TZ", "Europe/Berlin");
  const from = Date.UTC(2026, 2, 28, 23);
  const found = ticks([from, from + 6 * HOUR], 800).map((tick) => tick.at);
  expect(new Set(found).size).toBe(found.length);
  expect([...found].sort((a, b) => a - b)).toEqual(found);
});
