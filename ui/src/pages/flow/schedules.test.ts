import { describe, expect, it } from "vitest";

import { draftOf, freeName, previewOf, problemsOf, type Draft } from "./schedules";

const CLOCK = {
  clock: "cron",
  timezone: "America/New_York",
  gap: "skip",
  overlap: "both",
  start_date: null,
  end_date: null,
  parameters: { month: 1 },
  labels: [],
  expression: "30 1 * * *",
  rule: "auto",
  day_or: null,
};
const KEPT = {
  name: "night",
  clocks: [CLOCK],
  filters: [],
  or_filters: [],
  not_filters: [],
  adjustments: [],
};
const DRAFT: Draft = {
  name: "night",
  cron: "30 1 * * *",
  timezone: "America/New_York",
  gap: "skip",
  overlap: "both",
  parameters: { month: 1 },
};

describe("draftOf", () => {
  it("reads a schedule of one cron clock", () => {
    expect(draftOf(KEPT)).toEqual(DRAFT);
  });

  it.each([
    ["an interval", { ...KEPT, clocks: [{ clock: "interval" }] }],
    ["two clocks", { ...KEPT, clocks: [CLOCK, CLOCK] }],
    ["a filter", { ...KEPT, filters: [{ kind: "is_weekday" }] }],
    ["an end", { ...KEPT, clocks: [{ ...CLOCK, end_date: "2027-01-01" }] }],
    ["labels", { ...KEPT, clocks: [{ ...CLOCK, labels: ["gpu"] }] }],
    ["nothing", {}],
  ])("leaves %s alone", (_, kept) => {
    expect(draftOf(kept)).toBeNull();
  });
});

it("finds a free name", () => {
  expect(freeName([])).toBe("main");
  expect(freeName([{ ...DRAFT, name: "main" }])).toBe("main-2");
});

it("complains of names that are missing or twice there", () => {
  expect(problemsOf([DRAFT, { ...DRAFT, name: " night" }, { ...DRAFT, name: " " }])).toEqual({
    1: "Another schedule has this name.",
    2: "It needs a name.",
  });
});

it("previews what can be previewed", () => {
  expect(previewOf({ ...DRAFT, cron: " " })).toBeNull();
  expect(previewOf(DRAFT)).toEqual({
    cron: "30 1 * * *",
    timezone: "America/New_York",
    gap: "skip",
    overlap: "both",
  });
});
