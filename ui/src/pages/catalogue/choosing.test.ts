import { describe, expect, it } from "vitest";

import type { DatasetRow } from "../../api/types";
import { choiceOf, chosen, counted, freshOf, testedOf } from "./choosing";

const row = (name: string, more: Partial<DatasetRow> = {}): DatasetRow => ({
  name,
  description: null,
  layer: null,
  kind: "table",
  columns: 0,
  built: null,
  rows: null,
  fresh: null,
  tests: { passed: 0, failed: 0, unknown: 0 },
  readers: 0,
  writers: 0,
  ...more,
});

const ROWS = [
  row("db.raw.flights", { layer: "raw", fresh: { at: null, age_seconds: 9, ok: false } }),
  row("db.marts.daily", {
    layer: "marts",
    description: "Flights per day",
    tests: { passed: 1, failed: 1, unknown: 0 },
    fresh: { at: null, age_seconds: 9, ok: true },
  }),
  row("reports/daily.html", { kind: "file" }),
];
const names = (text: string) =>
  chosen(ROWS, choiceOf(Object.fromEntries(new URLSearchParams(text)))).map((r) => r.name);

describe("the catalogue", () => {
  it("finds all words in name or description, whatever their case", () => {
    expect(names("search=FLIGHTS")).toEqual(["db.raw.flights", "db.marts.daily"]);
    expect(names("search=flights+day")).toEqual(["db.marts.daily"]);
    expect(names("search=nothing")).toEqual([]);
  });

  it("narrows by layer, kind, freshness and tests, all at once", () => {
    expect(names("layer=raw")).toEqual(["db.raw.flights"]);
    expect(names("kind=file")).toEqual(["reports/daily.html"]);
    expect(names("fresh=stale")).toEqual(["db.raw.flights"]);
    expect(names("tests=failing")).toEqual(["db.marts.daily"]);
    expect(names("tests=failing&layer=raw")).toEqual([]);
    expect(names("")).toHaveLength(3);
  });

  it("takes a list of layers from the address", () => {
    expect(chosen(ROWS, choiceOf({ layer: ["raw", "marts"] }))).toHaveLength(2);
  });

  it("says of tests what is known", () => {
    expect(testedOf(row("a"))).toBe("none");
    expect(testedOf(row("a", { tests: { passed: 2, failed: 0, unknown: 1 } }))).toBe("unknown");
    expect(testedOf(row("a", { tests: { passed: 2, failed: 0, unknown: 0 } }))).toBe("passing");
    expect(freshOf(row("a"))).toBe("unknown");
  });

  it("counts what occurs", () => {
    expect(counted(["b", "a", null, "b"])).toEqual([
      ["b", 2],
      ["a", 1],
    ]);
  });
});
