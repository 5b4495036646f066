import { describe, expect, test } from "vitest";

import type { Run } from "../../api/types";
import { filtersOf, matches, queryOf } from "./filters";
import { runsOf, withRun, type Pages } from "./pages";

const run = (id: string, created: string, state = "Success", flow = "nightly"): Run =>
  ({ run_id: id, created, state, flow }) as Run;

const pages = (next: string | null, ...lists: Run[][]): Pages => ({
  pages: lists.map((runs) => ({ runs, next })),
  pageParams: lists.map(() => null),
});

const ids = (found: Pages): string[] => runsOf(found).map((each) => each.run_id);

describe("filters", () => {
  test("one state or several, from the address", () => {
    expect(filtersOf({ state: "Failed" }).states).toEqual(["Failed"]);
    expect(filtersOf({ state: ["Failed", "Running"] }).states).toEqual(["Failed", "Running"]);
    expect(filtersOf({}).states).toEqual([]);
  });

  test("days are whole, and end after their last moment", () => {
    const filters = filtersOf({ since: "2026-11-20", until: "2026-11-20" });
    const asked = queryOf(filters);
    expect(Date.parse(asked.until as string) - Date.parse(asked.since as string)).toBe(86_400_000);
    expect(matches(run("a", asked.since as string), filters)).toBe(true);
    expect(matches(run("a", asked.until as string), filters)).toBe(false);
  });

  test("what is no day asks for nothing", () => {
    expect(queryOf(filtersOf({ since: "yesterday" })).since).toBeUndefined();
  });

  test("a run belongs where its flow and state do", () => {
    const filters = filtersOf({ flow: "nightly", state: "Failed" });
    expect(matches(run("a", "2026-11-20T00:00:00Z", "Failed"), filters)).toBe(true);
    expect(matches(run("a", "2026-11-20T00:00:00Z", "Running"), filters)).toBe(false);
    expect(matches(run("a", "2026-11-20T00:00:00Z", "Failed", "hourly"), filters)).toBe(false);
  });
});

describe("runs that change", () => {
  const old = run("old", "2026-11-20T01:00:00Z");
  const mid = run("mid", "2026-11-20T02:00:00Z", "Running");
  const two = pages("cursor", [mid], [old]);

  test("stand where they stood", () => {
    const changed = withRun(two, { ...old, state: "Failed" }, true);
    expect(ids(changed)).toEqual(["mid", "old"]);
    expect(runsOf(changed)[1]?.state).toBe("Failed");
  });

  test("leave when they no longer belong", () => {
    expect(ids(withRun(two, { ...mid, state: "Success" }, false))).toEqual(["old"]);
  });

  test("come to the top when they are new", () => {
    const fresh = run("new", "2026-11-20T03:00:00Z");
    expect(ids(withRun(two, fresh, true))).toEqual(["new", "mid", "old"]);
    expect(ids(withRun(two, fresh, false))).toEqual(["mid", "old"]);
    expect(ids(withRun(pages(null, []), fresh, true))).toEqual(["new"]);
  });

  test("older than the first page are left to theirs", () => {
    expect(ids(withRun(two, run("ancient", "2020-01-01T00:00:00Z"), true))).toEqual(["mid", "old"]);
  });

  test("are shown once when pages overlap", () => {
    expect(ids(pages("cursor", [mid, old], [old]))).toEqual(["mid", "old"]);
  });
});
