import { describe, expect, it } from "vitest";

import { heightOf, placeOf, rowsAround, TALLEST, topOf } from "./anchor";

/** Where the top of the list is drawn, with rows of one height. */
function offset(top: number, count: number, rowHeight: number, height: number): number {
  const place = placeOf(top, count * rowHeight, height, count);
  return (place.row + place.into) * rowHeight - place.at;
}

describe("placeOf", () => {
  it("is plain scrolling where all rows have one height", () => {
    for (const top of [0, 7, 333.5, 1999, 19_400]) {
      expect(offset(top, 1000, 20, 600)).toBeCloseTo(top, 6);
    }
  });

  it("draws the first row at the top and the last at the bottom, whatever the heights", () => {
    expect(placeOf(0, 20_000, 600, 1000)).toEqual({ row: 0, into: 0, at: 0 });
    const end = placeOf(19_400, 20_000, 600, 1000);
    expect(end).toEqual({ row: 999, into: 1, at: 600 });
  });

  it("holds for a list without rows, and one that needs no scrolling", () => {
    expect(placeOf(0, 0, 600, 0)).toEqual({ row: 0, into: 0, at: 0 });
    expect(placeOf(5, 100, 600, 5)).toEqual({ row: 0, into: 0, at: 0 });
  });
});

describe("topOf", () => {
  it("brings any row of a million into the window", () => {
    const count = 1_000_000;
    const total = heightOf(count, 20);
    expect(total).toBe(TALLEST);
    for (const row of [0, 1, 499_999, 777_777, 999_999]) {
      const place = placeOf(topOf(row, total, 600, count), total, 600, count);
      expect(place.row).toBe(row);
    }
  });
});

describe("rowsAround", () => {
  it("covers the window above and below the anchor", () => {
    expect(rowsAround({ row: 500, into: 0, at: 300 }, 600, 1000, 20)).toEqual([477, 524]);
    expect(rowsAround({ row: 0, into: 0, at: 0 }, 600, 10, 20)).toEqual([0, 10]);
  });
});
